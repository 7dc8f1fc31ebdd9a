//! TLS of the connections to an org.
//!
//! With rustls this crate sets TLS up itself, once per set of certificate authorities
//! (`shared.rs`). reqwest does it for each connection pool anew where it uses native-tls, or
//! the caller's own builder, whose TLS settings stay as they are (`per_pool.rs`).

#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod per_pool;
#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[path = "without_tls.rs"]
mod per_pool;
#[cfg(all(feature = "rustls", not(feature = "native-tls")))]
mod shared;

#[cfg(not(all(feature = "rustls", not(feature = "native-tls"))))]
use per_pool as shared;

use super::Connection;
use crate::{faults::Faults, org_url::OrgUrl};

/// Gives TLS to the builder of a connection pool.
pub(super) type ApplyTls =
    Box<dyn Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync>;

/// Prepares TLS for all connection pools of a client. The connection's certificates are
/// validated even if the org is reached in clear text.
pub(super) fn prepare(
    connection: &Connection,
    org: &OrgUrl,
    faults: &mut Faults,
) -> Option<ApplyTls> {
    if connection.http_client_builder.is_some() {
        return per_pool::prepare(connection, org, faults);
    }
    shared::prepare(connection, org, faults)
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod refused {
    use secrecy::{ExposeSecret, SecretString};

    use crate::{Error, pipeline::transport::native::certificates, shown};

    pub(super) fn ca_certificate(pem: &str) -> Error {
        let damaged = match certificates::first_damaged(pem) {
            Some(number) => format!("; number {number} is damaged"),
            None => String::new(),
        };
        Error::invalid(format!(
            "a CA certificate must be PEM (BEGIN CERTIFICATE){damaged} (got {})",
            shown::length(pem)
        ))
    }

    /// The library's own message may quote the key, so it is not shown.
    pub(super) fn client_certificate(pem: &SecretString) -> Error {
        Error::invalid(format!(
            "the client certificate must be PEM of a certificate and its private key, not encrypted (got {})",
            shown::length(pem.expose_secret())
        ))
    }
}
