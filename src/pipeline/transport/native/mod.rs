//! On a server: TLS, connections, proxies, redirects off; and what a failure of
//! the HTTP client says about the request.

pub(crate) mod completeness;
mod pool;
mod proxy;

use std::{
    any::Any,
    env::consts,
    error::Error as StdError,
    future::poll_fn,
    io,
    panic::{AssertUnwindSafe, resume_unwind},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use hyper::body::Body as _;
pub(super) use reqwest::Response;
use reqwest::{
    Request, Version,
    header::{HeaderMap, HeaderValue},
};
#[cfg(any(feature = "rustls", feature = "native-tls"))]
use secrecy::ExposeSecret;
use secrecy::SecretString;

use super::{LONGEST_BODY, timed_out};
use completeness::Received;
use pool::{Pool, WatchConnector};

pub(crate) use pool::Http;
pub use proxy::Proxy;

use crate::{
    Effect, Error, ErrorKind, faults::Faults, org_url::OrgUrl, pipeline::response::Body, shown,
};

/// How long making a connection may take, TLS included, unless set otherwise.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Shorter than servers and load balancers usually keep an idle connection (60 s
/// and more), so that they do not close it under a request.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an HTTP/2 connection may be silent before it is asked for a sign of
/// life, and how long that may take. A connection over which nothing comes any
/// more, be it idle or waiting for a response, is closed after the sum: well
/// before an attempt's usual time limit of 30 s, so that the next attempt of the
/// same call has a new connection, and before an idle one is closed anyway. Not
/// shorter, since a connection that a mobile or overloaded network holds up for
/// some seconds is not dead, and servers close one that asks too often.
///
/// TCP keep-alive, which reqwest switches on (every 15 s, up to three times),
/// notices a host that is gone, but not one that no longer responds.
#[cfg(feature = "http2")]
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
#[cfg(feature = "http2")]
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes what our settings are then applied to.
pub(crate) type MakeBuilder = Arc<dyn Fn() -> reqwest::ClientBuilder + Send + Sync>;

impl Pool {
    pub(super) async fn execute(&self, request: Request) -> Result<Response, Error> {
        // In a runtime without I/O, Tokio panics where a connection is made, and
        // there is no way to ask before.
        let executed = AssertUnwindSafe(self.waiting(self.client.execute(request)));
        match executed.catch_unwind().await {
            Ok(Ok(response)) => Ok(response),
            // The time limit of a caller's own builder, or of keep-alive.
            Ok(Err(error)) if error.is_timeout() && !error.is_connect() => {
                Err(self.timed_out().with_source(error.without_url()))
            }
            Ok(Err(error)) => Err(failure(error)),
            Err(panic) if says(&*panic, "IO is disabled") => Err(Error::invalid(
                "this Tokio runtime has no I/O; build it with Builder::enable_all()",
            )),
            Err(panic) => resume_unwind(panic),
        }
    }
}

fn says(panic: &(dyn Any + Send), words: &str) -> bool {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .is_some_and(|text| text.contains(words))
}

/// How connections are made, and what says who makes them.
pub(crate) struct Connection {
    pub(crate) user_agent_suffix: String,
    /// The caller's own.
    pub(crate) http_client_builder: Option<MakeBuilder>,
    pub(crate) connect_timeout: Duration,
    pub(crate) proxy: Option<Proxy>,
    /// PEM, each of one certificate or more.
    pub(crate) ca_certificates: Vec<String>,
    /// PEM, of a certificate and its private key.
    pub(crate) client_certificate: Option<SecretString>,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            user_agent_suffix: String::new(),
            http_client_builder: None,
            connect_timeout: CONNECT_TIMEOUT,
            proxy: None,
            ca_certificates: Vec::new(),
            client_certificate: None,
        }
    }
}

impl Connection {
    /// Nothing is connected yet.
    pub(crate) fn http(self, org: &OrgUrl, faults: &mut Faults) -> Option<Http> {
        let user_agent = faults.check(user_agent(&self.user_agent_suffix));
        let has_own_builder = self.http_client_builder.is_some();
        let has_tls = cfg!(any(feature = "rustls", feature = "native-tls"));
        if org.is_https() && !has_tls && !has_own_builder {
            faults.push(no_tls());
            return None;
        }
        // What a builder of the caller's own makes of these is not known.
        if !org.is_loopback() && self.proxy.is_none() && !has_own_builder {
            faults.check(proxy::check_variables(org, |name| std::env::var(name)));
        }
        let org = org.clone();
        Http::new(
            move |watch, faults| http_client(&org, &self, user_agent.as_ref(), watch, faults),
            faults,
        )
    }
}

/// `okta-user-sessions-rust/0.1.0 linux/x86_64`, and the caller's own suffix.
fn user_agent(suffix: &str) -> Result<HeaderValue, Error> {
    let own = concat!("okta-user-sessions-rust/", env!("CARGO_PKG_VERSION"));
    let text = format!("{own} {}/{} {}", consts::OS, consts::ARCH, suffix.trim());
    HeaderValue::from_str(text.trim_end()).map_err(|_| {
        Error::invalid(format!(
            "the User-Agent suffix is invalid: it contains a character that no header has (got {})",
            shown::length(suffix)
        ))
    })
}

fn http_client(
    org: &OrgUrl,
    connection: &Connection,
    user_agent: Option<&HeaderValue>,
    watch: WatchConnector,
    faults: &mut Faults,
) -> Option<reqwest::Client> {
    let mut builder = match &connection.http_client_builder {
        Some(make) => make(),
        None => reqwest::Client::builder(),
    };
    builder = builder
        // A token must not follow a redirect, nor a page pass for an answer.
        .redirect(reqwest::redirect::Policy::none())
        // Attempts are counted by the retry loop alone.
        .retry(reqwest::retry::never())
        .referer(false)
        // Others in a program may switch these features of reqwest on. What it
        // decodes loses its length, and the length tells a cut answer.
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .connect_timeout(connection.connect_timeout)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        // The last, so that it sees connections as they are handed out.
        .connector_layer(watch);
    if let Some(user_agent) = user_agent {
        builder = builder.user_agent(user_agent);
    }
    #[cfg(feature = "http2")]
    {
        builder = builder
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .http2_keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .http2_keep_alive_while_idle(true);
    }
    // Others in a program may switch it on in reqwest.
    #[cfg(not(feature = "http2"))]
    {
        builder = builder.http1_only();
    }
    // Looked at even where it has no effect, so that a mistake shows.
    let proxy = connection
        .proxy
        .as_ref()
        .and_then(|proxy| faults.check(proxy.build()));
    // A proxy cannot reach this machine's loopback.
    if org.is_loopback() {
        builder = builder.no_proxy();
    } else if let Some(proxy) = proxy {
        builder = builder.proxy(proxy);
    }
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    {
        for pem in &connection.ca_certificates {
            if let Some(certificates) = faults.check(ca_certificates(pem)) {
                builder = builder.tls_certs_merge(certificates);
            }
        }
        if let Some(pem) = &connection.client_certificate
            && let Some(identity) = faults.check(client_certificate(pem))
        {
            builder = builder.identity(identity);
        }
    }
    #[cfg(not(any(feature = "rustls", feature = "native-tls")))]
    if !connection.ca_certificates.is_empty() || connection.client_certificate.is_some() {
        faults.push(no_tls());
    }
    if !faults.is_empty() {
        return None;
    }
    faults.check(builder.build().map_err(|error| {
        Error::invalid("the HTTP client could not be set up").with_source(error.without_url())
    }))
}

fn no_tls() -> Error {
    Error::invalid(
        "this build of okta-user-sessions has no TLS; enable its feature `rustls` or `native-tls`, or a TLS feature of reqwest and set http_client_builder(..)",
    )
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn ca_certificates(pem: &str) -> Result<Vec<reqwest::Certificate>, Error> {
    reqwest::Certificate::from_pem_bundle(pem.as_bytes())
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .ok_or_else(|| {
            Error::invalid(format!(
                "a CA certificate must be PEM (BEGIN CERTIFICATE) (got {})",
                shown::length(pem)
            ))
        })
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn client_certificate(pem: &SecretString) -> Result<reqwest::Identity, Error> {
    let pem = pem.expose_secret();
    // With both, reqwest connects with native-tls.
    #[cfg(not(feature = "native-tls"))]
    let identity = reqwest::Identity::from_pem(pem.as_bytes());
    #[cfg(feature = "native-tls")]
    let identity = reqwest::Identity::from_pkcs8_pem(pem.as_bytes(), pem.as_bytes());
    // The library's own message may quote the key.
    identity.map_err(|_| {
        Error::invalid(format!(
            "the client certificate must be PEM of a certificate and its private key, not encrypted (got {})",
            shown::length(pem)
        ))
    })
}

/// That is a browser's.
pub(super) fn allowed_by_cors(_: &Response) -> bool {
    false
}

pub(super) async fn read(response: Response, headers: &HeaderMap) -> Body {
    let (status, version) = (response.status(), response.version());
    let mut body = reqwest::Body::from(response);
    // hyper knows the length of a stream without one if it ended with the headers.
    // That is all there is to see of END_STREAM where another crate switches on
    // reqwest's decompression, whose wrapper hides `is_end_stream`.
    let ended_with_headers = body.size_hint().exact() == Some(0);
    let mut whole = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let data = match frame.map(hyper::body::Frame::into_data) {
            Ok(Ok(data)) => data,
            // Trailers say nothing here.
            Ok(Err(_)) => continue,
            Err(error) => return Body::Cut(failure(error)),
        };
        if whole.len().saturating_add(data.len()) > LONGEST_BODY {
            return Body::TooLong;
        }
        whole.extend_from_slice(&data);
    }
    let received = Received {
        version,
        bytes: whole.len(),
        end_of_stream: version >= Version::HTTP_2 && (ended_with_headers || body.is_end_stream()),
    };
    if received.is_complete(status, headers) {
        Body::Whole(whole)
    } else {
        Body::MayBeCut(whole)
    }
}

/// What a failure of the HTTP client says about the request.
fn failure(error: reqwest::Error) -> Error {
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
            "the proxy does not accept the user name and password (407); correct those of the proxy setting, or of HTTPS_PROXY or ALL_PROXY where it is not set",
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
            "no secure connection to the org could be made; check the org URL, the clock, and the certificates of a proxy in between",
        )
    } else if error.is_timeout() {
        return timed_out().with_source(error.without_url());
    } else if is_malformed(&error) {
        (
            ErrorKind::UnexpectedResponse,
            Effect::Unknown,
            "the answer is no HTTP; check the org URL and what stands between",
        )
    } else {
        (
            ErrorKind::ConnectionLost,
            Effect::Unknown,
            "the connection ended before the whole answer was there",
        )
    };
    Error::new(kind, effect, message).with_source(error.without_url())
}

/// Whether the proxy asks for another user name and password. hyper-util does
/// not make the type of this error public.
fn proxy_refused(error: &reqwest::Error) -> bool {
    sources(error).any(|source| source.to_string() == "tunnel error: proxy authorization required")
}

/// Whether connecting failed below TLS: no address, refused, unreachable, too
/// late. These pass; a certificate that is not trusted does not.
fn connection_failed(error: &reqwest::Error) -> bool {
    error.is_timeout()
        || sources(error).any(|source| match source.downcast_ref::<io::Error>() {
            Some(error) => is_below_tls(error),
            None => {
                let text = source.to_string();
                // A proxy that refuses is no certificate's fault.
                text.starts_with("dns error") || text.starts_with("tunnel error")
            }
        })
}

/// rustls' errors are `InvalidData` or, like those of others, wrapped as `Other`.
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
