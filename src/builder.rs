//! One builder for both clients: only the credentials differ.

#[cfg(not(target_arch = "wasm32"))]
use std::time::Duration;
use std::{fmt, marker::PhantomData, sync::Arc};

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderMap,
    HeaderName, HeaderValue, TRANSFER_ENCODING, USER_AGENT,
};

use crate::{
    Error, RetryPolicy, WaitEvent,
    faults::Faults,
    org_url::OrgUrl,
    pipeline::{
        Pipeline,
        auth::{Auth, Shared},
        rate_limit::RateLimiter,
        retry::WaitObserver,
        transport::{Connection, Http},
    },
    shown,
};
#[cfg(not(target_arch = "wasm32"))]
use crate::{Proxy, SecretString};

/// Prepares the credentials, once the client's settings are known.
type MakeAuth = Box<dyn FnOnce(Shared) -> Result<Auth, Error> + Send>;

/// Builds a [`Client`](crate::Client) or a
/// [`SessionClient`](crate::SessionClient).
///
/// It reads no files, and from the environment only the variables that name a proxy. It
/// sends nothing.
#[must_use = "a builder makes a client with build()"]
pub struct ClientBuilder<C> {
    org_url: String,
    /// What is wrong with the credentials, and how to prepare them if nothing is.
    auth: Option<(Faults, MakeAuth)>,
    headers: Vec<(String, String)>,
    connection: Connection,
    allow_loopback_http: bool,
    allow_missing_request_id: bool,
    policy: RetryPolicy,
    observer: Option<WaitObserver>,
    client: PhantomData<fn() -> C>,
}

impl<C> ClientBuilder<C> {
    pub(crate) fn new(org_url: String) -> Self {
        Self {
            org_url,
            auth: None,
            headers: Vec::new(),
            connection: Connection::default(),
            allow_loopback_http: false,
            allow_missing_request_id: false,
            policy: RetryPolicy::default(),
            observer: None,
            client: PhantomData,
        }
    }

    /// Adds a header to every request, such as an XSRF header that the org
    /// requires. Its value is treated as a secret. Headers that this crate sets
    /// itself are refused.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How many times a call is tried, and for how long.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Calls `observer` before each wait, so that a program can report what it is waiting
    /// for. It must not block.
    pub fn on_wait(mut self, observer: impl Fn(&WaitEvent) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Allows an `http` URL whose host is `localhost`, `127.0.0.0/8` or `[::1]`,
    /// to test against a server on this machine. Other hosts stay https only.
    pub fn allow_loopback_http(mut self, allow: bool) -> Self {
        self.allow_loopback_http = allow;
        self
    }

    /// Accepts a success response without `X-Okta-Request-Id`. Default: `false`.
    ///
    /// Okta documents the header as present on every response, so without it
    /// anything in between may have made the response: a proxy, a captive portal.
    /// This is for test servers that do not send it, and for an org behind a front
    /// end that drops it. A response must be complete, empty and of the documented
    /// status either way; the effect of a refusal is known only if it has the
    /// header, Okta's error code or an OAuth challenge.
    pub fn allow_missing_request_id(mut self, allow: bool) -> Self {
        self.allow_missing_request_id = allow;
        self
    }

    pub(crate) fn auth(
        mut self,
        faults: Faults,
        auth: impl FnOnce(Shared) -> Result<Auth, Error> + Send + 'static,
    ) -> Self {
        self.auth = Some((faults, Box::new(auth)));
        self
    }

    /// The error lists everything that is wrong with the settings, not only the first fault.
    pub(crate) fn pipeline(self) -> Result<Pipeline, Error> {
        let mut faults = Faults::default();
        let org = faults.check(OrgUrl::new(&self.org_url, self.allow_loopback_http));
        let auth = match self.auth {
            Some((others, auth)) => {
                faults.extend(others);
                Some(auth)
            }
            None => {
                faults.push(Error::invalid(
                    "the client has no credentials; set them with credentials(..)",
                ));
                None
            }
        };
        let headers = headers(&self.headers, &mut faults);
        let http = http(self.connection, org.as_ref(), &mut faults);
        match (org, auth, http) {
            (Some(org), Some(auth), Some(http)) if faults.is_empty() => {
                let shared = Shared {
                    http,
                    org,
                    policy: self.policy,
                    observer: self.observer,
                };
                Ok(Pipeline {
                    auth: auth(shared.clone())?,
                    shared,
                    headers,
                    limiter: RateLimiter::default(),
                    allow_missing_request_id: self.allow_missing_request_id,
                })
            }
            _ => Err(faults.into_error()),
        }
    }

    /// Reports what is wrong with the connection's settings.
    #[cfg(all(feature = "config", not(target_arch = "wasm32")))]
    pub(crate) fn check_connection(self, faults: &mut Faults) {
        http(self.connection, None, faults);
    }
}

/// If the org URL is invalid, the connection is checked with a placeholder, so that all
/// faults are found.
fn http(connection: Connection, org: Option<&OrgUrl>, faults: &mut Faults) -> Option<Http> {
    match org {
        Some(org) => connection.http(org, faults),
        None => {
            let placeholder = faults.check(OrgUrl::new("https://org.invalid", false))?;
            connection.http(&placeholder, faults)
        }
    }
}

/// Settings of the connections and the `User-Agent`. A browser has its own, so these are
/// absent on wasm32.
#[cfg(not(target_arch = "wasm32"))]
impl<C> ClientBuilder<C> {
    /// Adds the caller's own name and version to the `User-Agent`, like
    /// `offboarding/2.1`.
    pub fn user_agent_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.connection.user_agent_suffix = suffix.into();
        self
    }

    /// How long making a connection may take, including TLS. Default: 10 seconds.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connection.connect_timeout = limit;
        self
    }

    /// Uses this HTTP proxy, also for token requests, instead of the one in the
    /// environment (`HTTPS_PROXY`, `NO_PROXY`) or the system's settings. An org on this
    /// machine is reached directly.
    ///
    /// A malformed variable that would apply to the org is an error when the
    /// client is built. reqwest would ignore it, and connect past the proxy.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.connection.proxy = Some(proxy);
        self
    }

    /// Trusts these certificate authorities in addition to the system's: one or more
    /// certificates, as PEM. Can be repeated.
    pub fn ca_certificates(mut self, pem: impl Into<String>) -> Self {
        self.connection.ca_certificates.push(pem.into());
        self
    }

    /// Presents this client certificate to servers that ask for one (mutual TLS): PEM of
    /// the certificate, its intermediate certificates and the private key, not encrypted.
    /// With `native-tls` the key must be PKCS#8.
    pub fn client_certificate(mut self, pem: impl Into<SecretString>) -> Self {
        self.connection.client_certificate = Some(pem.into());
        self
    }

    /// Uses the HTTP client builder that `make` returns, for settings that this builder
    /// lacks: a local address, a resolver, another TLS implementation.
    ///
    /// `make` is called when the client is built, and again for each connection pool that
    /// replaces one that no longer responds, so it should return the same each time. This
    /// crate's own settings are applied afterwards and take precedence: no redirects, no
    /// retries by reqwest itself, no decompression, the `User-Agent`, the timeouts of
    /// connecting and of idle connections, keep-alive, and, if it is set,
    /// [`proxy`](Self::proxy). A malformed proxy variable (`HTTPS_PROXY`) is not detected
    /// then.
    ///
    /// The builder's TLS settings stay as they are. [`ca_certificates`](Self::ca_certificates)
    /// and [`client_certificate`](Self::client_certificate) are added to them, or refused if
    /// the builder has a preconfigured rustls back end, which cannot take them. reqwest
    /// loads the system's certificates for each connection pool then, and uses the rustls
    /// provider that the program installed, if any. Without this method, the certificates are
    /// loaded once per process.
    ///
    /// This is the one place where `reqwest` shows in this crate's API.
    ///
    /// ```
    /// use std::net::Ipv4Addr;
    ///
    /// use okta_user_sessions::{Client, Credentials};
    ///
    /// # #[cfg(any(feature = "rustls", feature = "native-tls"))]
    /// let okta = Client::builder("https://acme.okta.com")
    ///     .credentials(Credentials::api_token("00token"))
    ///     .http_client_builder(|| {
    ///         reqwest::Client::builder().local_address(Some(Ipv4Addr::UNSPECIFIED.into()))
    ///     })
    ///     .build()?;
    /// # Ok::<(), okta_user_sessions::Error>(())
    /// ```
    pub fn http_client_builder(
        mut self,
        make: impl Fn() -> reqwest::ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.connection.http_client_builder = Some(Arc::new(make));
        self
    }
}

/// Headers that this crate sets itself, or that a caller must not change: the credentials
/// and the framing of the request.
const OWN_HEADERS: [HeaderName; 10] = [
    ACCEPT,
    AUTHORIZATION,
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    COOKIE,
    HOST,
    TRANSFER_ENCODING,
    USER_AGENT,
    HeaderName::from_static("dpop"),
];

fn headers(given: &[(String, String)], faults: &mut Faults) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (number, (name, value)) in (1_u32..).zip(given) {
        let mut refuse = |reason: String| {
            faults.push(Error::invalid(format!(
                "header {number} of those added with header(..) is invalid: {reason}"
            )));
        };
        let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
            refuse(format!(
                "its name is not a valid header name (got {})",
                shown::length(name)
            ));
            continue;
        };
        if OWN_HEADERS.contains(&header) {
            refuse(format!(
                "this crate sets {header} itself; use the builder's other methods"
            ));
            continue;
        }
        let Ok(mut value) = HeaderValue::from_str(value) else {
            refuse(format!(
                "its value contains a character that is not allowed in a header (got {})",
                shown::length(value)
            ));
            continue;
        };
        value.set_sensitive(true);
        headers.append(header, value);
    }
    headers
}

impl<C> fmt::Debug for ClientBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}
