//! Classifies errors of the HTTP client, and says what to do about each.

use std::{error::Error as StdError, io};

use crate::{Effect, Error, ErrorKind, pipeline::transport::timed_out};

/// Classifies an error of the HTTP client.
pub(super) fn failure(error: reqwest::Error) -> Error {
    let (kind, effect, message) = if error.is_builder() {
        (
            ErrorKind::InvalidInput,
            Effect::None,
            "the request could not be built",
        )
    } else if error.is_connect() && proxy_refused(&error) {
        (
            ErrorKind::ProxyUnauthorized,
            Effect::None,
            "the proxy does not accept the user name and password (407); correct them in the proxy setting, or in HTTPS_PROXY or ALL_PROXY if it is not set",
        )
    } else if error.is_connect() && host_not_found(&error) {
        (
            ErrorKind::NotConnected,
            Effect::None,
            "the host name was not found (DNS); check the org URL, the proxy's host if there is a proxy, and the network",
        )
    } else if error.is_connect() && connection_failed(&error) {
        (
            ErrorKind::NotConnected,
            Effect::None,
            "no connection to the org could be made; check the org URL, the network and the proxy",
        )
    } else if error.is_connect() {
        (
            ErrorKind::Tls,
            Effect::None,
            certificate_problem(&error).unwrap_or(
                "no secure connection to the org could be made; check the org URL, the clock, and the certificates of a proxy in between",
            ),
        )
    } else if error.is_timeout() {
        return timed_out().with_source(error.without_url());
    } else if is_malformed(&error) {
        (
            ErrorKind::UnexpectedResponse,
            Effect::Unknown,
            "the response is not valid HTTP; check the org URL and any proxy in between",
        )
    } else {
        (
            ErrorKind::ConnectionLost,
            Effect::Unknown,
            "the connection ended before the whole response arrived",
        )
    };
    Error::new(kind, effect, message).with_source(error.without_url())
}

/// Whether the proxy requires another user name and password. hyper-util's error type is
/// not public, hence the comparison of text.
fn proxy_refused(error: &reqwest::Error) -> bool {
    sources(error).any(|source| source.to_string() == "tunnel error: proxy authorization required")
}

/// hyper-util's error type is not public, hence the comparison of text.
fn host_not_found(error: &reqwest::Error) -> bool {
    sources(error).any(|source| source.to_string().starts_with("dns error"))
}

/// Why the server's certificate was refused, and what to do.
#[cfg(feature = "__rustls")]
fn certificate_problem(error: &reqwest::Error) -> Option<&'static str> {
    use rustls::{CertificateError as Problem, Error::InvalidCertificate};

    let problem = sources(error).find_map(|source| {
        let error = match source.downcast_ref::<io::Error>() {
            Some(error) => innermost(error)?.downcast_ref::<rustls::Error>(),
            None => source.downcast_ref::<rustls::Error>(),
        };
        match error? {
            InvalidCertificate(problem) => Some(problem),
            _ => None,
        }
    })?;
    Some(match problem {
        Problem::UnknownIssuer => {
            "the server's certificate is not of a trusted authority, or the server does not send its intermediate certificate; check the org URL, and if a proxy in between replaces certificates, add its authority (okta.client.caCertificates, ClientBuilder::ca_certificates, or SSL_CERT_FILE)"
        }
        Problem::Expired | Problem::ExpiredContext { .. } => {
            "the server's certificate has expired; check the org URL and this machine's clock"
        }
        Problem::NotValidYet | Problem::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet; check this machine's clock"
        }
        Problem::NotValidForName | Problem::NotValidForNameContext { .. } => {
            "the server's certificate is for another host; check the org URL (okta.client.orgUrl), and any proxy in between"
        }
        Problem::Revoked => {
            "the server's certificate has been revoked; check the org URL and any proxy in between"
        }
        _ => return None,
    })
}

#[cfg(not(feature = "__rustls"))]
fn certificate_problem(_: &reqwest::Error) -> Option<&'static str> {
    None
}

/// What the error wraps, through other I/O errors.
#[cfg(feature = "__rustls")]
fn innermost(error: &io::Error) -> Option<&(dyn StdError + Send + Sync + 'static)> {
    let inner = error.get_ref()?;
    match inner.downcast_ref::<io::Error>() {
        Some(error) => innermost(error),
        None => Some(inner),
    }
}

/// Whether connecting failed below TLS: no address, refused, unreachable, timed out. Such
/// errors are transient; an untrusted certificate is not.
fn connection_failed(error: &reqwest::Error) -> bool {
    error.is_timeout()
        || sources(error).any(|source| match source.downcast_ref::<io::Error>() {
            Some(error) => is_below_tls(error),
            None => {
                let text = source.to_string();
                // A proxy that refuses the tunnel is not a TLS error.
                text.starts_with("dns error") || text.starts_with("tunnel error")
            }
        })
}

/// rustls' errors are `InvalidData` or, as with other TLS libraries, wrapped as `Other`.
fn is_below_tls(error: &io::Error) -> bool {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<io::Error>())
    {
        Some(inner) => is_below_tls(inner),
        None => !matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::Other
        ),
    }
}

fn is_malformed(error: &reqwest::Error) -> bool {
    sources(error).any(|source| {
        source
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_parse)
    })
}

fn sources(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let source = next?;
        next = source.source();
        Some(source)
    })
}
