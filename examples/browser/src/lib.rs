//! "Sign out everywhere else": the page, compiled to WebAssembly, and the server
//! that shows it with the mock org.

#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(not(target_arch = "wasm32"))]
pub mod server;
