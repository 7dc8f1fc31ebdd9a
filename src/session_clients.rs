//! Clients of many signed-in users, which share what is not theirs.

use std::sync::Arc;

use crate::{
    Error, RateLimit, SessionClient,
    builder::ClientBuilder,
    faults::Faults,
    pipeline::{
        Pipeline,
        auth::{Auth, SessionCredentials},
    },
};

/// Makes a [`SessionClient`] for each signed-in user of a backend.
///
/// Build it once per org and keep it. Its clients share connections, TLS and the rate
/// limiter, so another one takes about a microsecond and no handshake. What makes up a
/// user stays apart: each request has the credentials of its own client, nothing that the
/// org sets (a cookie) is kept, and a user's credentials are dropped with the last clone of
/// that user's client.
///
/// ```no_run
/// use okta_user_sessions::{Error, SessionClients, SessionCredentials};
///
/// // Once, when the backend starts.
/// fn start() -> Result<SessionClients, Error> {
///     SessionClients::builder("https://login.acme.com").build()
/// }
///
/// // For each request of a signed-in user.
/// async fn sign_out_elsewhere(sessions: &SessionClients, cookie: &str) -> Result<(), Error> {
///     let me = sessions.client(SessionCredentials::idx(cookie))?;
///     me.end_user_sessions().keep_current(true).await?;
///     Ok(())
/// }
/// ```
///
/// The rate limit is the org's, so it is right that all users share one limiter: if one
/// user's call is refused with 429, those of the others wait as well. A backend that lets
/// users repeat the call at will should limit them itself.
///
/// It has no credentials of its own. `examples/axum` is a whole backend with it. Absent on
/// `wasm32`, where the browser has one user.
#[derive(Clone, Debug)]
pub struct SessionClients {
    /// Without credentials; it makes no calls itself.
    shared: Arc<Pipeline>,
}

impl SessionClients {
    /// Returns a builder for the clients of the org at `org_url`: the domain that set the
    /// session cookies. It needs no credentials. What is added with
    /// [`header`](ClientBuilder::header) is sent for every user.
    pub fn builder(org_url: impl Into<String>) -> ClientBuilder<Self> {
        ClientBuilder::new(org_url.into())
    }

    /// Makes the client of the user to whom these credentials belong. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the credentials are
    /// malformed, such as a cookie value with a semicolon.
    pub fn client(&self, credentials: SessionCredentials) -> Result<SessionClient, Error> {
        let auth = credentials.into_auth()?;
        Ok(SessionClient::new(self.shared.with_auth(auth)))
    }

    /// The latest known state of the rate limit, from the responses to all clients made
    /// here; `None` before the first response, and if Okta does not say.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.shared.limiter.snapshot()
    }
}

impl ClientBuilder<SessionClients> {
    /// Builds what the clients share. Nothing is sent.
    ///
    /// # Errors
    ///
    /// As for a [`SessionClient`], but for credentials; also if the builder given to
    /// [`http_client_builder`](Self::http_client_builder) has a cookie store, which would
    /// send the cookies of one user for another.
    pub fn build(self) -> Result<SessionClients, Error> {
        let mut faults = Faults::default();
        if self.has_cookie_store() {
            faults.push(Error::invalid(
                "the builder of http_client_builder(..) has a cookie store, which would send the cookies of one user for another; remove it",
            ));
        }
        let shared = self.auth(faults, |_| Ok(Auth::none())).pipeline()?;
        Ok(SessionClients {
            shared: Arc::new(shared),
        })
    }
}
