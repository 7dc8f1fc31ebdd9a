//! The same operations without `async`, for scripts and threads.
//!
//! Builders, options, retries, deadlines, the rate limiter, receipts and errors are those
//! of the crate's root. `send()` takes the place of `.await`, and a run is an iterator.
//!
//! ```
//! use okta_user_sessions::{Credentials, Outcome, blocking::Client};
//!
//! # use okta_mock_org::{MockOrg, MockUser};
//! # let runtime = tokio::runtime::Runtime::new()?;
//! # let org = runtime.block_on(MockOrg::start())?;
//! # org.add_user(MockUser::new("00uAda").sessions(2));
//! # org.add_user(MockUser::new("00uBob").sessions(1));
//! # let (url, token) = (org.url(), org.issue_api_token());
//! let okta = Client::builder(url) // https://acme.okta.com
//!     .credentials(Credentials::api_token(token))
//! #     .allow_loopback_http(true)
//!     .build()?;
//! let receipt = okta.revoke_user_sessions("00uAda").oauth_tokens(true).send()?;
//! println!("revoked, request {:?}", receipt.request_id());
//!
//! let mut run = okta.revoke_many(["00uAda", "00uBob"]).start()?;
//! for user in &mut run {
//!     println!("{} {}", user.outcome, user.user);
//! #   assert_eq!(user.outcome, Outcome::Revoked);
//! }
//! println!("{}", run.report().summary());
//! # assert!(run.report().is_complete());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A client has one thread, which its clones share. It drives the connections, so a
//! connection that Okta closes between two calls is not used for the next one. Each call
//! runs on its caller's thread, and calls of several threads run concurrently. The thread
//! ends with the last clone.
//!
//! # Not inside a runtime
//!
//! Inside a Tokio runtime, a blocking call would block everything else on its thread. So
//! it is refused there ([`ErrorKind::InvalidInput`], nothing sent), also in
//! `spawn_blocking`: use `Handle::block_on` with the async [`Client`](crate::Client)
//! there. A client may be dropped anywhere.
//!
//! The thread does not exist in a forked process, so calls are refused there as well: make
//! clients after the fork.
//!
//! [`ErrorKind::InvalidInput`]: crate::ErrorKind::InvalidInput

use std::sync::Arc;

#[cfg(feature = "config")]
use crate::Config;
use crate::{
    ClientBuilder, Credentials, Error, RateLimit, SessionCredentials, UserId, bulk,
    pipeline::Pipeline,
};

mod calls;
mod many;
mod run;
mod worker;

pub use calls::{EndUserSessions, RevokeUserSessions};
pub use many::RevokeMany;
pub use run::Run;
use worker::Worker;

/// [`Client`](crate::Client) without `async`.
///
/// Cheap to clone; all clones share connections, rate-limit knowledge and one
/// thread.
#[derive(Clone, Debug)]
pub struct Client {
    pipeline: Arc<Pipeline>,
    worker: Worker,
}

impl Client {
    /// As [`Client::builder`](crate::Client::builder).
    pub fn builder(org_url: impl Into<String>) -> ClientBuilder<Self> {
        ClientBuilder::new(org_url.into())
    }

    /// As [`Client::from_config`](crate::Client::from_config).
    ///
    /// # Errors
    ///
    /// As there; also inside a Tokio runtime.
    #[cfg(feature = "config")]
    pub fn from_config(config: &Config) -> Result<Self, Error> {
        Self::builder_from_config(config)?.build()
    }

    /// As [`Client::builder_from_config`](crate::Client::builder_from_config).
    ///
    /// # Errors
    ///
    /// As there.
    #[cfg(feature = "config")]
    pub fn builder_from_config(config: &Config) -> Result<ClientBuilder<Self>, Error> {
        let (builder, credentials) = config.admin(Self::builder)?;
        Ok(builder.credentials(credentials))
    }

    /// As [`Client::revoke_user_sessions`](crate::Client::revoke_user_sessions), to
    /// be sent by [`send`](RevokeUserSessions::send).
    pub fn revoke_user_sessions<U>(&self, user: U) -> RevokeUserSessions
    where
        U: TryInto<UserId>,
        U::Error: Into<Error>,
    {
        let user = user.try_into().map_err(Into::into);
        let call = crate::calls::RevokeUserSessions::new(self.pipeline.clone(), user);
        RevokeUserSessions::new(call, self.worker.clone())
    }

    /// As [`Client::revoke_many`](crate::Client::revoke_many). The iterator may
    /// block.
    pub fn revoke_many<I>(&self, ids: I) -> RevokeMany
    where
        I: IntoIterator<Item: Into<String>, IntoIter: Send + 'static>,
    {
        let many = bulk::RevokeMany::new(self.pipeline.clone(), ids);
        RevokeMany::new(many, self.worker.clone())
    }

    /// As [`Client::rate_limit`](crate::Client::rate_limit).
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.pipeline.limiter.snapshot()
    }
}

impl ClientBuilder<Client> {
    /// The caller's credentials. Required.
    pub fn credentials(self, credentials: Credentials) -> Self {
        self.auth(credentials.faults(), |shared| credentials.into_auth(shared))
    }

    /// Makes the client and its thread. Nothing is sent.
    ///
    /// # Errors
    ///
    /// As for the async client; also inside a Tokio runtime, and if the system cannot start
    /// a thread.
    pub fn build(self) -> Result<Client, Error> {
        let worker = Worker::start()?;
        let pipeline = Arc::new(self.pipeline()?);
        Ok(Client { pipeline, worker })
    }
}

/// [`SessionClient`](crate::SessionClient) without `async`.
#[derive(Clone, Debug)]
pub struct SessionClient {
    pipeline: Arc<Pipeline>,
    worker: Worker,
}

impl SessionClient {
    /// As [`SessionClient::builder`](crate::SessionClient::builder).
    pub fn builder(org_url: impl Into<String>) -> ClientBuilder<Self> {
        ClientBuilder::new(org_url.into())
    }

    /// As [`SessionClient::from_config`](crate::SessionClient::from_config).
    ///
    /// # Errors
    ///
    /// As there; also inside a Tokio runtime.
    #[cfg(feature = "config")]
    pub fn from_config(config: &Config) -> Result<Self, Error> {
        Self::builder_from_config(config)?.build()
    }

    /// As [`SessionClient::builder_from_config`](crate::SessionClient::builder_from_config).
    ///
    /// # Errors
    ///
    /// As there.
    #[cfg(feature = "config")]
    pub fn builder_from_config(config: &Config) -> Result<ClientBuilder<Self>, Error> {
        let (builder, credentials) = config.session(Self::builder)?;
        Ok(builder.credentials(credentials))
    }

    /// As [`SessionClient::end_user_sessions`](crate::SessionClient::end_user_sessions),
    /// to be sent by [`send`](EndUserSessions::send).
    pub fn end_user_sessions(&self) -> EndUserSessions {
        let call = crate::calls::EndUserSessions::new(self.pipeline.clone());
        EndUserSessions::new(call, self.worker.clone())
    }

    /// As [`SessionClient::rate_limit`](crate::SessionClient::rate_limit).
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.pipeline.limiter.snapshot()
    }
}

impl ClientBuilder<SessionClient> {
    /// The caller's credentials. Required.
    pub fn credentials(self, credentials: SessionCredentials) -> Self {
        self.auth(credentials.faults(), |_| credentials.into_auth())
    }

    /// Makes the client and its thread. Nothing is sent.
    ///
    /// # Errors
    ///
    /// As for the async client; also inside a Tokio runtime, and if the system cannot start
    /// a thread.
    pub fn build(self) -> Result<SessionClient, Error> {
        let worker = Worker::start()?;
        let pipeline = Arc::new(self.pipeline()?);
        Ok(SessionClient { pipeline, worker })
    }
}
