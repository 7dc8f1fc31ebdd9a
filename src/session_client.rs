//! The signed-in user's client.

use std::sync::Arc;

#[cfg(all(feature = "config", not(target_arch = "wasm32")))]
use crate::Config;
use crate::{
    Error, RateLimit,
    builder::ClientBuilder,
    calls::EndUserSessions,
    pipeline::{Pipeline, auth::SessionCredentials},
};

/// Ends the sessions of the signed-in user, authenticated by one of them.
///
/// A backend that calls for many users makes their clients with
/// [`SessionClients`](crate::SessionClients), which share connections and the rate limiter.
///
/// Calls are awaited in a Tokio runtime with timers and I/O, such as `#[tokio::main]`
/// provides. Anywhere else they return an error of the kind
/// [`InvalidInput`](crate::ErrorKind::InvalidInput), and nothing is sent. In a browser no
/// runtime is needed.
///
/// ```no_run
/// use okta_user_sessions::{SessionClient, SessionCredentials};
///
/// # async fn f(cookie: String) -> Result<(), okta_user_sessions::Error> {
/// let me = SessionClient::builder("https://acme.okta.com")
///     .credentials(SessionCredentials::idx(cookie))
///     .build()?;
/// me.end_user_sessions().keep_current(true).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct SessionClient {
    pipeline: Arc<Pipeline>,
}

impl SessionClient {
    pub(crate) fn new(pipeline: Pipeline) -> Self {
        Self {
            pipeline: Arc::new(pipeline),
        }
    }

    /// Returns a builder for a client of the org at `org_url`: the domain that set the
    /// session cookie.
    pub fn builder(org_url: impl Into<String>) -> ClientBuilder<Self> {
        ClientBuilder::new(org_url.into())
    }

    /// Makes a client from the configuration: `sessionCookie`, otherwise an access token.
    ///
    /// ```no_run
    /// use okta_user_sessions::{Config, SessionClient};
    ///
    /// # fn f() -> Result<(), okta_user_sessions::Error> {
    /// let me = SessionClient::from_config(&Config::load()?)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), naming the setting
    /// and its source, if something is missing or invalid.
    #[cfg(all(feature = "config", not(target_arch = "wasm32")))]
    pub fn from_config(config: &Config) -> Result<Self, Error> {
        Self::builder_from_config(config)?.build()
    }

    /// Returns a builder pre-filled from `config`, to add what a file cannot express: a
    /// header, an observer of waits.
    ///
    /// # Errors
    ///
    /// As [`from_config`](Self::from_config).
    #[cfg(all(feature = "config", not(target_arch = "wasm32")))]
    pub fn builder_from_config(config: &Config) -> Result<ClientBuilder<Self>, Error> {
        let (builder, credentials) = config.session(Self::builder)?;
        Ok(builder.credentials(credentials))
    }

    /// Ends the user's identity-provider sessions
    /// (`POST /api/v1/users/me/lifecycle/delete_sessions`), by Okta's default
    /// all but the calling one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Forbidden`](crate::ErrorKind::Forbidden) when the session is
    /// over; for other errors see [`ErrorKind`](crate::ErrorKind).
    pub fn end_user_sessions(&self) -> EndUserSessions {
        EndUserSessions::new(self.pipeline.clone())
    }

    /// The latest known state of the rate limit, from the responses to this client and
    /// its clones; `None` before the first response, and if Okta does not say.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.pipeline.limiter.snapshot()
    }
}

impl ClientBuilder<SessionClient> {
    /// Sets the caller's credentials. Required.
    pub fn credentials(self, credentials: SessionCredentials) -> Self {
        self.auth(credentials.faults(), |_| credentials.into_auth())
    }

    /// Builds the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the URL is
    /// malformed, not https, a placeholder, or the admin console's; if credentials are
    /// missing or malformed; if a header is invalid; if a proxy is malformed, including
    /// `HTTPS_PROXY` or `ALL_PROXY` where they apply; and if the build has no TLS.
    pub fn build(self) -> Result<SessionClient, Error> {
        Ok(SessionClient::new(self.pipeline()?))
    }
}
