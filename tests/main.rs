//! Behaviour that a user or Okta would notice: real HTTP over loopback against
//! the mock org. One binary, a module per subject.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod blocking;
mod bulk;
mod calls;
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
mod settings;
mod soak;
mod specification;
mod support;
mod traces;
