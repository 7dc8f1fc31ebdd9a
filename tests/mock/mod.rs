//! The mock org, spoken to in plain HTTP: no client of ours takes part.

mod auth;
mod contract;
mod cors;
mod dpop;
mod effects;
mod faults;
mod http;
mod inputs;
mod limits;
mod records;
mod signing;
mod tokens;
