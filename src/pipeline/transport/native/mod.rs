//! The native transport: TLS, connections and proxies, without redirects.

#[cfg(any(feature = "config", feature = "__rustls", feature = "native-tls"))]
pub(crate) mod certificates;
pub(crate) mod completeness;
mod failure;
pub(crate) mod no_proxy;
mod pool;
mod proxy;
mod tls;

use std::{
    any::Any,
    env::consts,
    future::poll_fn,
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
use secrecy::SecretString;

use super::MAX_BODY;
use completeness::Received;
use failure::failure;
use pool::{Pool, WatchConnector};
use tls::ApplyTls;

pub(crate) use pool::Http;
pub use proxy::Proxy;

use crate::{Error, faults::Faults, org_url::OrgUrl, pipeline::response::Body, shown};

/// The default for how long making a connection may take, including TLS.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Shorter than the idle timeout of most servers and load balancers (60 s and more), so that
/// they do not close a connection just as a request is sent.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an HTTP/2 connection may be silent before a PING is sent, and how long the
/// response to it may take. A dead connection, idle or in use, is closed after the sum of
/// both: well before an attempt's default timeout of 30 s, so that the call's next attempt
/// has a new connection, and before an idle connection is closed anyway. Not shorter,
/// because a mobile or overloaded network may stall for some seconds, and servers close a
/// connection that sends too many PINGs.
///
/// TCP keep-alive, which reqwest enables (every 15 s, up to three times), detects a host
/// that is gone, but not one that no longer responds.
#[cfg(feature = "http2")]
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
#[cfg(feature = "http2")]
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes the builder that this crate's settings are applied to.
pub(crate) type MakeBuilder = Arc<dyn Fn() -> reqwest::ClientBuilder + Send + Sync>;

impl Pool {
    pub(super) async fn execute(&self, request: Request) -> Result<Response, Error> {
        self.close_unsolicited().await;
        // In a runtime without I/O, Tokio panics when a connection is made, and there is no
        // way to check beforehand.
        let executed = AssertUnwindSafe(self.waiting(self.client.execute(request)));
        match executed.catch_unwind().await {
            Ok(Ok(response)) => Ok(response),
            // A timeout of the caller's own builder, or of keep-alive.
            Ok(Err(error)) if error.is_timeout() && !error.is_connect() => {
                Err(self.timed_out().with_source(error.without_url()))
            }
            Ok(Err(error)) => Err(failure(error)),
            Err(panic) if panic_contains(&*panic, "IO is disabled") => Err(Error::invalid(
                "this Tokio runtime has no I/O; build it with Builder::enable_all()",
            )),
            Err(panic) => resume_unwind(panic),
        }
    }
}

fn panic_contains(panic: &(dyn Any + Send), words: &str) -> bool {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .is_some_and(|text| text.contains(words))
}

/// The settings of connections, and the User-Agent.
pub(crate) struct Connection {
    pub(crate) user_agent_suffix: String,
    /// The caller's own.
    pub(crate) http_client_builder: Option<MakeBuilder>,
    pub(crate) connect_timeout: Duration,
    pub(crate) proxy: Option<Proxy>,
    /// PEM, each with one or more certificates.
    pub(crate) ca_certificates: Vec<String>,
    /// PEM of a certificate and its private key.
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
    /// Whether the caller's own builder keeps cookies, which reqwest would add to any later
    /// request that has none. It says so only in its `Debug` output.
    pub(crate) fn has_cookie_store(&self) -> bool {
        let make = self.http_client_builder.as_ref();
        make.is_some_and(|make| format!("{:?}", make()).contains("cookie_store"))
    }

    /// Builds the HTTP client. It makes no connection yet.
    pub(crate) fn http(self, org: &OrgUrl, faults: &mut Faults) -> Option<Http> {
        let user_agent = faults.check(user_agent(&self.user_agent_suffix));
        let has_own_builder = self.http_client_builder.is_some();
        let has_tls = cfg!(any(feature = "__rustls", feature = "native-tls"));
        if org.is_https() && !has_tls && !has_own_builder {
            faults.push(no_tls());
            return None;
        }
        // The caller's own builder may ignore these variables.
        if !org.is_loopback() && self.proxy.is_none() && !has_own_builder {
            faults.check(proxy::check_variables(org, |name| std::env::var(name)));
        }
        // Validated even if it has no effect, so that a mistake is reported.
        let proxy = self.proxy.as_ref();
        let proxy = proxy.and_then(|proxy| faults.check(proxy.build()));
        let is_exception = match &self.proxy {
            Some(proxy) => proxy.has_exception(org),
            None => !has_own_builder && proxy::is_exception_in_environment(org),
        };
        let tls = tls::prepare(&self, org, faults);
        if !faults.is_empty() {
            return None;
        }
        let settings = PoolSettings {
            http_client_builder: self.http_client_builder,
            connect_timeout: self.connect_timeout,
            user_agent,
            // A proxy cannot reach this machine's loopback.
            without_proxy: org.is_loopback() || is_exception,
            proxy,
            apply_tls: tls?,
        };
        faults.check(Http::new(move |watch| settings.client(watch)))
    }
}

/// What each connection pool of a client is made with.
struct PoolSettings {
    http_client_builder: Option<MakeBuilder>,
    connect_timeout: Duration,
    user_agent: Option<HeaderValue>,
    without_proxy: bool,
    proxy: Option<reqwest::Proxy>,
    apply_tls: ApplyTls,
}

/// `okta-user-sessions-rust/0.1.0 linux/x86_64`, and the caller's own suffix.
fn user_agent(suffix: &str) -> Result<HeaderValue, Error> {
    let own = concat!("okta-user-sessions-rust/", env!("CARGO_PKG_VERSION"));
    let text = format!("{own} {}/{} {}", consts::OS, consts::ARCH, suffix.trim());
    HeaderValue::from_str(text.trim_end()).map_err(|_| {
        Error::invalid(format!(
            "the User-Agent suffix is invalid: it contains a character that is not allowed in a header (got {})",
            shown::length(suffix)
        ))
    })
}

impl PoolSettings {
    fn client(&self, watch: WatchConnector) -> Result<reqwest::Client, Error> {
        let mut builder = match &self.http_client_builder {
            Some(make) => make(),
            None => reqwest::Client::builder(),
        };
        builder = builder
            // A token must not follow a redirect, and the page it leads to must not be
            // mistaken for Okta's response.
            .redirect(reqwest::redirect::Policy::none())
            // Only the retry loop retries, so that it can count attempts.
            .retry(reqwest::retry::never())
            .referer(false)
            // Other crates in the program may enable these features of reqwest. A decoded
            // response loses its length, which is needed to detect truncation.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            // Outermost, so that it sees finished connections.
            .connector_layer(watch);
        if let Some(user_agent) = &self.user_agent {
            builder = builder.user_agent(user_agent);
        }
        #[cfg(feature = "http2")]
        {
            builder = builder
                .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
                .http2_keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
                .http2_keep_alive_while_idle(true);
        }
        // Other crates in the program may enable it in reqwest.
        #[cfg(not(feature = "http2"))]
        {
            builder = builder.http1_only();
        }
        if self.without_proxy {
            builder = builder.no_proxy();
        } else if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.clone());
        }
        tls::build((self.apply_tls)(builder))
    }
}

fn no_tls() -> Error {
    Error::invalid(
        "this build of okta-user-sessions has no TLS; enable its feature `rustls`, `ring` or `native-tls`, or a TLS feature of reqwest and set http_client_builder(..)",
    )
}

/// Only browsers have CORS.
pub(super) fn allowed_by_cors(_: &Response) -> bool {
    false
}

pub(super) async fn read(response: Response, headers: &HeaderMap) -> Body {
    let (status, version) = (response.status(), response.version());
    let mut body = reqwest::Body::from(response);
    // If the stream ended with the headers, hyper reports an exact length of 0. That is the
    // only visible trace of END_STREAM if another crate enables reqwest's decompression,
    // whose wrapper hides `is_end_stream`.
    let ended_with_headers = body.size_hint().exact() == Some(0);
    let mut whole = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let data = match frame.map(hyper::body::Frame::into_data) {
            Ok(Ok(data)) => data,
            // Trailers have no meaning here.
            Ok(Err(_)) => continue,
            Err(error) => return Body::Cut(failure(error)),
        };
        if whole.len().saturating_add(data.len()) > MAX_BODY {
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
