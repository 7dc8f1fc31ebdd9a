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
    auth::{Auth, Wire},
    call::Layers,
    id::OrgUrl,
    pacing::Gate,
    retry::WaitObserver,
    transport::Connection,
};
#[cfg(not(target_arch = "wasm32"))]
use crate::{Proxy, SecretString};

/// Makes the credentials ready, once the client's settings are known.
type MakeAuth = Box<dyn FnOnce(Wire) -> Result<Auth, Error> + Send>;

/// Builds a [`Client`](crate::Client) or a
/// [`SessionClient`](crate::SessionClient).
///
/// Nothing is read from files or the environment, and nothing is sent.
#[must_use = "a builder makes a client with build()"]
pub struct ClientBuilder<C> {
    org_url: String,
    auth: Option<MakeAuth>,
    headers: Vec<(String, String)>,
    connection: Connection,
    allow_loopback_http: bool,
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
            policy: RetryPolicy::default(),
            observer: None,
            client: PhantomData,
        }
    }

    /// Adds a header to every request, such as an XSRF header that the org
    /// wants. Its value is treated as a secret. Headers that this crate sets
    /// itself are refused.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How often and how long a call is tried.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Calls `observer` before each wait, so that a program can say what it
    /// waits for. It must not block.
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

    pub(crate) fn auth(
        mut self,
        auth: impl FnOnce(Wire) -> Result<Auth, Error> + Send + 'static,
    ) -> Self {
        self.auth = Some(Box::new(auth));
        self
    }

    pub(crate) fn layers(self) -> Result<Layers, Error> {
        let org = OrgUrl::new(&self.org_url, self.allow_loopback_http)?;
        let Some(auth) = self.auth else {
            return Err(Error::invalid(
                "the client has no credentials; set them with credentials(..)",
            ));
        };
        let headers = headers(&self.headers)?;
        let wire = Wire {
            http: self.connection.http(&org)?,
            org,
            policy: self.policy,
            observer: self.observer,
        };
        Ok(Layers {
            auth: auth(wire.clone())?,
            wire,
            headers,
            gate: Gate::default(),
        })
    }
}

/// Connections and what is said about the caller. A browser has its own, so
/// these are absent on wasm32.
#[cfg(not(target_arch = "wasm32"))]
impl<C> ClientBuilder<C> {
    /// Adds the caller's own name and version to the `User-Agent`, like
    /// `offboarding/2.1`.
    pub fn user_agent_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.connection.user_agent_suffix = suffix.into();
        self
    }

    /// How long making a connection may take, TLS included. 10 s unless set.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connection.connect_timeout = limit;
        self
    }

    /// Goes through this HTTP proxy, token requests included, instead of the one
    /// that the environment (`HTTPS_PROXY`, `NO_PROXY`) or the system names. An
    /// org on this machine is reached without any.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.connection.proxy = Some(proxy);
        self
    }

    /// Trusts these certificate authorities beside the system's: one certificate
    /// or more, as PEM. Can be repeated.
    pub fn ca_certificates(mut self, pem: impl Into<String>) -> Self {
        self.connection.ca_certificates.push(pem.into());
        self
    }

    /// Shows this client certificate to servers that ask for one (mutual TLS):
    /// PEM of the certificate, those that lead to its authority, and the private
    /// key, not encrypted. With `native-tls` the key must be PKCS#8.
    pub fn client_certificate(mut self, pem: impl Into<SecretString>) -> Self {
        self.connection.client_certificate = Some(pem.into());
        self
    }

    /// Sends with this HTTP client instead of an own one.
    ///
    /// This is the one place where `reqwest` shows in this crate's API. Build it
    /// with `redirect(reqwest::redirect::Policy::none())` and
    /// `retry(reqwest::retry::never())`: an answer that came from another
    /// address is an error, and attempts that reqwest makes by itself are not
    /// counted. As it may have followed a redirect, a failure to connect has the
    /// effect [`Unknown`](crate::Effect::Unknown) with it.
    /// [`connect_timeout`](Self::connect_timeout), [`proxy`](Self::proxy) and the
    /// certificates have no effect on it.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.connection.http_client = Some(client);
        self
    }
}

/// Set by this crate, or by what a caller must not bend: the credentials, and
/// the framing of the request.
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

fn headers(given: &[(String, String)]) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let refuse = |reason: &str| {
            Err(Error::invalid(format!(
                "the header {name:?} is refused: {reason}"
            )))
        };
        let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
            return refuse("this is no header's name");
        };
        if OWN_HEADERS.contains(&header) {
            return refuse("this crate sets it; use the builder's other methods");
        }
        let Ok(mut value) = HeaderValue::from_str(value) else {
            return refuse("its value holds a character that no header has");
        };
        value.set_sensitive(true);
        headers.append(header, value);
    }
    Ok(headers)
}

impl<C> fmt::Debug for ClientBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}
