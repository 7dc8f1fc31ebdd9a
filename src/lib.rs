// The README's links lead to files on GitHub, and to the guide here: the first
// definition of a link's label counts.
#![doc = "[bulk]: guide::bulk"]
#![doc = "[configuration]: guide::configuration"]
#![doc = "[errors]: guide::errors_and_retries"]
#![doc = "[tracing]: guide::tracing"]
#![doc = "[browser]: guide::browser"]
#![doc = "[testing]: guide::testing"]
#![doc = "[security]: guide::security"]
#![doc = ""]
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

#[cfg(all(feature = "blocking", not(target_arch = "wasm32")))]
pub mod blocking;
mod builder;
#[cfg(not(target_arch = "wasm32"))]
mod bulk;
mod calls;
mod client;
#[cfg(all(feature = "config", not(target_arch = "wasm32")))]
mod config;
mod error;
pub mod error_code;
mod faults;
mod generated;
pub mod guide;
mod operation;
mod org_url;
mod pipeline;
mod rate_limit;
mod receipt;
mod session_client;
#[cfg(not(target_arch = "wasm32"))]
mod session_clients;
mod shown;
mod time;
mod trace;
#[cfg(not(target_arch = "wasm32"))]
mod trusted_file;
mod user_id;

pub use builder::ClientBuilder;
#[cfg(not(target_arch = "wasm32"))]
pub use bulk::{
    Counts, Outcome, Plan, Progress, Report, RevokeMany, Run, RunHandle, StopReason, UserOutcome,
    WaitSummary, Waiting,
};
pub use calls::{EndUserSessions, OperationFuture, RevokeUserSessions};
pub use client::Client;
#[cfg(all(feature = "config", not(target_arch = "wasm32")))]
pub use config::{AuthorizationMode, Config, ConfigSources};
pub use error::{Effect, Error, ErrorKind};
pub use generated::options;
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
pub use pipeline::auth::{Algorithm, KeyError, PrivateKey, SignFuture, Signer};
pub use pipeline::auth::{Credentials, SessionCredentials};
pub use pipeline::retry::{RetryPolicy, WaitEvent, WaitReason};
#[cfg(not(target_arch = "wasm32"))]
pub use pipeline::transport::Proxy;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use pipeline::transport::fuzzing;
pub use rate_limit::RateLimit;
pub use receipt::Receipt;
pub use secrecy::SecretString;
pub use session_client::SessionClient;
#[cfg(not(target_arch = "wasm32"))]
pub use session_clients::SessionClients;
pub use user_id::UserId;

#[cfg(doctest)]
#[doc = include_str!("must_not_compile.md")]
struct MustNotCompile;
