//! The HTTP proxy that a client is told to go through.

use std::fmt;

use reqwest::{NoProxy, Url};
use secrecy::{ExposeSecret, SecretString};

use crate::{Error, shown};

/// An HTTP proxy, for [`ClientBuilder::proxy`](crate::ClientBuilder::proxy).
///
/// ```
/// use okta_user_sessions::{Client, Credentials, Proxy};
///
/// let proxy = Proxy::new("http://proxy.example:8080")
///     .basic_auth("ada", "her password")
///     .no_proxy(["intranet.example", "10.0.0.0/8"]);
/// # #[cfg(any(feature = "rustls", feature = "native-tls"))]
/// let okta = Client::builder("https://acme.okta.com")
///     .credentials(Credentials::api_token("00token"))
///     .proxy(proxy)
///     .build()?;
/// # Ok::<(), okta_user_sessions::Error>(())
/// ```
#[derive(Clone)]
pub struct Proxy {
    url: String,
    login: Option<(String, SecretString)>,
    no_proxy: Vec<String>,
}

impl Proxy {
    /// The proxy at `url`, like `http://proxy.example:8080`. What is sent to
    /// Okta through it is TLS from end to end.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            login: None,
            no_proxy: Vec::new(),
        }
    }

    /// The user name and password that the proxy asks for.
    #[must_use]
    pub fn basic_auth(
        mut self,
        username: impl Into<String>,
        password: impl Into<SecretString>,
    ) -> Self {
        self.login = Some((username.into(), password.into()));
        self
    }

    /// Hosts, domains and networks that are reached without it, as the variable
    /// `NO_PROXY` names them.
    #[must_use]
    pub fn no_proxy<S: Into<String>>(mut self, hosts: impl IntoIterator<Item = S>) -> Self {
        self.no_proxy.extend(hosts.into_iter().map(Into::into));
        self
    }

    pub(crate) fn build(&self) -> Result<reqwest::Proxy, Error> {
        let url = match Url::parse(&self.url) {
            Ok(url) if url.has_host() && matches!(url.scheme(), "http" | "https") => url,
            _ => return Err(self.refused("it must be like http://proxy.example:8080")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                self.refused("it contains a user name or password; set them with basic_auth(..)")
            );
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(self.refused("it contains more than a host and a port"));
        }
        // The library's own message may quote it.
        let mut proxy =
            reqwest::Proxy::all(url).map_err(|_| self.refused("the HTTP client cannot use it"))?;
        if let Some((username, password)) = &self.login {
            proxy = proxy.basic_auth(username, password.expose_secret());
        }
        Ok(proxy.no_proxy(NoProxy::from_string(&self.no_proxy.join(","))))
    }

    /// The URL may hold a password, so it is not shown.
    fn refused(&self, reason: &str) -> Error {
        Error::invalid(format!(
            "the proxy's URL is invalid: {reason} (got {})",
            shown::length(&self.url)
        ))
    }
}

/// The settings may be misplaced secrets, all of them.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").finish_non_exhaustive()
    }
}
