//! On a server: TLS, connections, proxies, redirects off; and what a failure of
//! the HTTP client says about the request.

use std::{env::consts, error::Error as StdError, future::poll_fn, io, pin::Pin, time::Duration};

use hyper::body::Body as _;

pub(super) use reqwest::Response;
use reqwest::{
    Request, Version,
    header::{HeaderMap, HeaderValue, USER_AGENT},
};
#[cfg(any(feature = "rustls", feature = "native-tls"))]
use secrecy::ExposeSecret;
use secrecy::SecretString;

use super::{LONGEST_BODY, timed_out};
use crate::{
    Effect, Error, ErrorKind, Proxy,
    answer::{Body, Received},
    id::OrgUrl,
};

/// How long making a connection may take, TLS included, unless set otherwise.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Shorter than servers and load balancers usually keep an idle connection (60 s
/// and more), so that they do not close it under a request.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) const REDIRECTED: &str = "the answer came from another address, over a redirect that the given reqwest::Client followed; build it with redirect(Policy::none())";

/// What sends the requests.
#[derive(Clone)]
pub(crate) struct Http {
    pub(crate) client: reqwest::Client,
    /// Whether the caller brought it. Then it may follow redirects.
    given: bool,
    user_agent: HeaderValue,
}

impl Http {
    pub(super) async fn execute(&self, mut request: Request) -> Result<Response, Error> {
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, self.user_agent.clone());
        self.client.execute(request).await.map_err(|error| {
            let error = failure(error);
            // It may be the target of a redirect that was not reached, after the
            // org had done what it was asked.
            if self.given {
                return error.with_unknown_effect();
            }
            error
        })
    }
}

/// How connections are made, and what says who makes them.
pub(crate) struct Connection {
    pub(crate) user_agent_suffix: String,
    /// The caller's own.
    pub(crate) http_client: Option<reqwest::Client>,
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
            http_client: None,
            connect_timeout: CONNECT_TIMEOUT,
            proxy: None,
            ca_certificates: Vec::new(),
            client_certificate: None,
        }
    }
}

impl Connection {
    /// Nothing is connected yet.
    pub(crate) fn http(self, org: &OrgUrl) -> Result<Http, Error> {
        let user_agent = user_agent(&self.user_agent_suffix)?;
        let given = self.http_client.is_some();
        let client = match self.http_client {
            Some(client) => client,
            None => http_client(org, &self)?,
        };
        Ok(Http {
            client,
            given,
            user_agent,
        })
    }
}

/// `okta-user-sessions-rust/0.1.0 linux/x86_64`, and the caller's own suffix.
fn user_agent(suffix: &str) -> Result<HeaderValue, Error> {
    let own = concat!("okta-user-sessions-rust/", env!("CARGO_PKG_VERSION"));
    let text = format!("{own} {}/{} {}", consts::OS, consts::ARCH, suffix.trim());
    HeaderValue::from_str(text.trim_end()).map_err(|_| {
        Error::invalid(format!(
            "the User-Agent suffix {suffix:?} is refused: it holds a character that no header has"
        ))
    })
}

fn http_client(org: &OrgUrl, connection: &Connection) -> Result<reqwest::Client, Error> {
    if org.is_https() && !cfg!(any(feature = "rustls", feature = "native-tls")) {
        return Err(no_tls());
    }
    let mut builder = reqwest::Client::builder()
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
        .pool_idle_timeout(POOL_IDLE_TIMEOUT);
    // Looked at even where it has no effect, so that a mistake shows.
    let proxy = connection.proxy.as_ref().map(Proxy::build).transpose()?;
    // A proxy cannot reach this machine's loopback.
    if org.is_loopback() {
        builder = builder.no_proxy();
    } else if let Some(proxy) = proxy {
        builder = builder.proxy(proxy);
    }
    for pem in &connection.ca_certificates {
        builder = with_ca_certificates(builder, pem)?;
    }
    if let Some(pem) = &connection.client_certificate {
        builder = with_client_certificate(builder, pem)?;
    }
    builder.build().map_err(|error| {
        Error::invalid("the HTTP client could not be set up").with_source(error.without_url())
    })
}

fn no_tls() -> Error {
    Error::invalid(
        "this build of okta-user-sessions has no TLS; enable its feature `rustls` or `native-tls`, or bring a reqwest::Client that has",
    )
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn with_ca_certificates(
    builder: reqwest::ClientBuilder,
    pem: &str,
) -> Result<reqwest::ClientBuilder, Error> {
    let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .ok_or_else(|| {
            Error::invalid("a CA certificate is refused: it is no PEM (BEGIN CERTIFICATE)")
        })?;
    Ok(builder.tls_certs_merge(certificates))
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn with_client_certificate(
    builder: reqwest::ClientBuilder,
    pem: &SecretString,
) -> Result<reqwest::ClientBuilder, Error> {
    let pem = pem.expose_secret().as_bytes();
    // With both, reqwest connects with native-tls.
    #[cfg(not(feature = "native-tls"))]
    let identity = reqwest::Identity::from_pem(pem);
    #[cfg(feature = "native-tls")]
    let identity = reqwest::Identity::from_pkcs8_pem(pem, pem);
    // The library's own message may quote the key.
    let identity = identity.map_err(|_| {
        Error::invalid(
            "the client certificate is refused: it is no PEM of a certificate and its private key that is not encrypted",
        )
    })?;
    Ok(builder.identity(identity))
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn with_ca_certificates(
    _: reqwest::ClientBuilder,
    _: &str,
) -> Result<reqwest::ClientBuilder, Error> {
    Err(no_tls())
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn with_client_certificate(
    _: reqwest::ClientBuilder,
    _: &SecretString,
) -> Result<reqwest::ClientBuilder, Error> {
    Err(no_tls())
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
            ErrorKind::UnexpectedAnswer,
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
