//! What users and Okta observe, over real HTTP on loopback against the mock org. One test
//! binary, with a module per subject.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot continue should fail"
)]
#![cfg_attr(
    not(all(feature = "service-app", feature = "http2", feature = "rustls")),
    allow(
        dead_code,
        unused_imports,
        reason = "what needs a feature is left out without it"
    )
)]

mod blocking;
mod bulk;
mod calls;
#[cfg(all(feature = "service-app", any(feature = "rustls", feature = "ring")))]
mod causes;
#[cfg(feature = "service-app")]
mod config;
mod connections;
mod contract;
#[cfg(feature = "http2")]
mod dead_connections;
mod faults;
mod hostile_responses;
mod ids;
#[cfg(feature = "service-app")]
mod misplaced;
mod proxies;
mod retries;
mod runtimes;
mod secrets;
#[cfg(feature = "service-app")]
mod service_app;
mod session_clients;
mod settings;
#[cfg(feature = "service-app")]
mod soak;
mod specification;
mod support;
mod tls;
mod traces;
