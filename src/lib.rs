//! End and revoke Okta user sessions.
#![forbid(unsafe_code)]

pub mod auth;
#[cfg(feature = "mock")]
pub mod mock;
