//! What users and Okta observe, over real HTTP on loopback against the mock org. One test
//! binary, with a module per subject.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot continue should fail"
)]

mod blocking;
mod bulk;
mod calls;
mod causes;
mod config;
mod connections;
mod contract;
mod dead_connections;
mod faults;
mod hostile_responses;
mod ids;
mod misplaced;
mod proxies;
mod retries;
mod runtimes;
mod secrets;
mod service_app;
mod session_clients;
mod settings;
mod soak;
mod specification;
mod support;
mod tls;
mod traces;
