//! End and revoke Okta user sessions.
#[cfg(feature = "mock")]
pub mod mock;
