//! The mock org, spoken to in plain HTTP: no client of ours takes part.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod auth;
mod contract;
mod control;
mod cors;
mod dpop;
mod effects;
mod faults;
mod http;
mod inputs;
mod limits;
#[cfg(feature = "cli")]
mod program;
mod records;
mod signing;
#[cfg(feature = "tls")]
mod tls;
mod tokens;
