//! What an org is like from its start.

use std::{io, sync::Arc, time::Duration};

use crate::{
    handle::MockOrg,
    limits::{Endpoint, Limits},
    org::Org,
    server::Server,
    state::{Shared, State},
    user::MockUser,
};

/// How to set an org up, from [`MockOrg::builder`].
///
/// Unless told otherwise: Identity Engine, 600 requests in 60 seconds, 75
/// requests at once, every origin trusted, answers without delay.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it is started"]
pub struct MockOrgBuilder {
    limits: Limits,
    classic_engine: bool,
    trusted_origins: Option<Vec<String>>,
    latency: Duration,
}

impl MockOrgBuilder {
    /// How many requests are let in, in a window of that length, the token
    /// endpoint's aside.
    pub fn rate_limit(mut self, requests: u32, window: Duration) -> Self {
        self.limits.set_rate(Endpoint::Api, requests, window);
        self
    }

    /// How many requests may be under way at once.
    pub fn concurrency_limit(mut self, requests: usize) -> Self {
        self.limits.concurrency = requests;
        self
    }

    /// Whether the org runs Classic Engine: its session cookie is `sid`, and
    /// `forgetDevices` is off unless given.
    pub fn classic_engine(mut self, classic: bool) -> Self {
        self.classic_engine = classic;
        self
    }

    /// The origins whose pages may end sessions, like `https://app.example.com`.
    /// A request with another `Origin` is refused (403, `E0000006`) and says
    /// nothing that lets a browser show it to the page; one without the header
    /// is not.
    pub fn trusted_origins<I>(mut self, origins: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.trusted_origins = Some(origins.into_iter().map(Into::into).collect());
        self
    }

    /// How long the org takes to answer, see [`MockOrg::set_latency`].
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Starts to listen on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// When the system gives no port.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with I/O and time enabled.
    pub async fn start(self) -> io::Result<MockOrg> {
        let mut org = Org::default();
        org.classic_engine = self.classic_engine;
        org.trusted_origins = self.trusted_origins;
        org.add_user(MockUser::new(MockOrg::ADMIN_ID), Vec::new());
        let mut state = State::new(org, self.limits);
        state.latency = self.latency;
        let shared = Arc::new(Shared::new(state));
        let server = Server::start(Arc::clone(&shared)).await?;
        let org = MockOrg::new(shared, server);
        org.shared.lock().org.url = org.url();
        Ok(org)
    }
}
