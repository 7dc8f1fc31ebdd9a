//! The program `okta-sessions`.

use std::process::ExitCode;

// The thread that prints may be blocked by its output. The other one goes on with the
// connections, so that what arrives meanwhile is not taken for a later response.
#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> ExitCode {
    okta_sessions::run().await
}
