//! The administrator's client.

use std::sync::Arc;

#[cfg(all(feature = "config", not(target_arch = "wasm32")))]
use crate::Config;
#[cfg(not(target_arch = "wasm32"))]
use crate::RevokeMany;
use crate::{
    Error, RateLimit, UserId,
    builder::ClientBuilder,
    calls::RevokeUserSessions,
    pipeline::{Pipeline, auth::Credentials},
};

/// Revokes the sessions of others, as an administrator or a service.
///
/// Cheap to clone; all clones share connections and rate-limit knowledge, so
/// create one per org and keep it.
///
/// Calls are awaited in a Tokio runtime with timers and I/O, such as `#[tokio::main]`
/// provides. Anywhere else they return an error of the kind
/// [`InvalidInput`](crate::ErrorKind::InvalidInput), and nothing is sent. In a browser no
/// runtime is needed.
///
/// ```no_run
/// use okta_user_sessions::{Client, Credentials};
///
/// # async fn f(token: String) -> Result<(), okta_user_sessions::Error> {
/// let okta = Client::builder("https://acme.okta.com")
///     .credentials(Credentials::api_token(token))
///     .build()?;
/// let receipt = okta.revoke_user_sessions("00ub0oNGTSWTBKOLGLNR").oauth_tokens(true).await?;
/// println!("done, request {:?}", receipt.request_id());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    pipeline: Arc<Pipeline>,
}

impl Client {
    /// Returns a builder for a client of the org at `org_url`, like
    /// `https://acme.okta.com`.
    pub fn builder(org_url: impl Into<String>) -> ClientBuilder<Self> {
        ClientBuilder::new(org_url.into())
    }

    /// Makes a client from the configuration.
    ///
    /// ```no_run
    /// use okta_user_sessions::{Client, Config};
    ///
    /// # fn f() -> Result<(), okta_user_sessions::Error> {
    /// let okta = Client::from_config(&Config::load()?)?;
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
        let (builder, credentials) = config.admin(Self::builder)?;
        Ok(builder.credentials(credentials))
    }

    /// Revokes every identity-provider session of a user
    /// (`DELETE /api/v1/users/{userId}/sessions`).
    ///
    /// It does not end sessions that web or native apps keep themselves, and the
    /// user's API tokens keep working. Repeating it is safe.
    ///
    /// # Errors
    ///
    /// An id that [`UserId::new`] refuses is an error when the call is awaited,
    /// and nothing is sent. For other errors see [`ErrorKind`](crate::ErrorKind).
    pub fn revoke_user_sessions<U>(&self, user: U) -> RevokeUserSessions
    where
        U: TryInto<UserId>,
        U::Error: Into<Error>,
    {
        RevokeUserSessions::new(self.pipeline.clone(), user.try_into().map_err(Into::into))
    }

    /// Revokes many users, in the order given, at a share of the org's rate limit and
    /// with one outcome each. Ids are read as they are needed.
    ///
    /// Each id takes about 40 bytes of memory until the end, to detect duplicates. Absent
    /// on `wasm32`.
    ///
    /// ```no_run
    /// # use okta_user_sessions::{Client, Outcome};
    /// # async fn f(okta: Client, ids: Vec<String>) -> Result<(), okta_user_sessions::Error> {
    /// let mut run = okta.revoke_many(ids).oauth_tokens(true).journal("incident.jsonl").start()?;
    /// while let Some(user) = run.next().await {
    ///     if user.outcome != Outcome::Revoked {
    ///         println!("{} {}: {:?}", user.outcome, user.user, user.reason);
    ///     }
    /// }
    /// println!("{}", run.report().summary());
    /// # Ok(()) }
    /// ```
    #[cfg(not(target_arch = "wasm32"))]
    pub fn revoke_many<I>(&self, ids: I) -> RevokeMany
    where
        I: IntoIterator<Item: Into<String>, IntoIter: Send + 'static>,
    {
        RevokeMany::new(self.pipeline.clone(), ids)
    }

    /// [`revoke_many`](Self::revoke_many), for ids that arrive one by one.
    ///
    /// When the run stops, at its deadline for example, it no longer waits for the stream, but
    /// still gives an outcome to each id that is ready. A stream that always has another one
    /// ready keeps it from ending.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn revoke_stream<S>(&self, ids: S) -> RevokeMany
    where
        S: futures_util::Stream<Item: Into<String>> + Send + 'static,
    {
        RevokeMany::from_stream(self.pipeline.clone(), ids)
    }

    /// The latest known state of the rate limit, from the responses to this client and
    /// its clones; `None` before the first response, and if Okta does not say.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.pipeline.limiter.snapshot()
    }
}

impl ClientBuilder<Client> {
    /// Sets the caller's credentials. Required.
    pub fn credentials(self, credentials: Credentials) -> Self {
        self.auth(credentials.faults(), |shared| credentials.into_auth(shared))
    }

    /// Builds the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the URL is
    /// malformed, not https, a placeholder, or the admin console's; if credentials are
    /// missing or malformed; if a header is invalid; if a proxy is malformed, including
    /// `HTTPS_PROXY` or `ALL_PROXY` where they apply; and if the build has no TLS.
    pub fn build(self) -> Result<Client, Error> {
        let pipeline = Arc::new(self.pipeline()?);
        Ok(Client { pipeline })
    }
}
