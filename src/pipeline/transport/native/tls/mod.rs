//! TLS of the connections to an org.
//!
//! With rustls this crate sets TLS up itself, once per set of certificate authorities
//! (`shared.rs`). reqwest does it for each connection pool anew where it uses native-tls, or
//! the caller's own builder, whose TLS settings stay as they are (`per_pool.rs`).

#[cfg(any(feature = "__rustls", feature = "native-tls"))]
mod per_pool;
#[cfg(not(any(feature = "__rustls", feature = "native-tls")))]
#[path = "without_tls.rs"]
mod per_pool;
#[cfg(all(feature = "__rustls", not(feature = "native-tls")))]
mod shared;

#[cfg(not(all(feature = "__rustls", not(feature = "native-tls"))))]
use per_pool as shared;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::{Connection, panic_contains};
use crate::{Error, faults::Faults, org_url::OrgUrl};

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

/// Builds the HTTP client of a connection pool.
pub(super) fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, Error> {
    // reqwest panics if it is to set rustls up and there is no cryptography for it, as with
    // the feature `ring` and a builder of the caller's own. Whether it will cannot be asked.
    match catch_unwind(AssertUnwindSafe(|| builder.build())) {
        Ok(built) => built.map_err(|error| {
            Error::invalid("the HTTP client could not be set up").with_source(error.without_url())
        }),
        Err(panic) if panic_contains(&*panic, "crypto provider") => Err(Error::invalid(
            "the builder of http_client_builder(..) has no cryptography for TLS; install a rustls CryptoProvider in the program, or give the builder a preconfigured TLS back end",
        )),
        Err(panic) => resume_unwind(panic),
    }
}

/// The connection's certificate authorities and its client certificate, as the back end reads
/// them.
#[cfg(any(feature = "__rustls", feature = "native-tls"))]
fn certificates_of<A, I>(
    connection: &Connection,
    faults: &mut Faults,
    authorities_of: fn(&str) -> Result<Vec<A>, Error>,
    identity_of: fn(&secrecy::SecretString) -> Result<I, Error>,
) -> (Vec<A>, Option<I>) {
    let mut authorities = Vec::new();
    for pem in &connection.ca_certificates {
        authorities.extend(faults.check(authorities_of(pem)).unwrap_or_default());
    }
    let identity = connection.client_certificate.as_ref();
    let identity = identity.and_then(|pem| faults.check(identity_of(pem)));
    (authorities, identity)
}

#[cfg(any(feature = "__rustls", feature = "native-tls"))]
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
