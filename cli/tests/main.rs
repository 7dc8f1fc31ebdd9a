//! The program as its users run it, against the mock org over real HTTP.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot continue should fail"
)]

mod documents;
mod interrupted;
mod lists;
mod pairs;
mod resuming;
mod revoke;
mod support;
