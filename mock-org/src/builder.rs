//! What an org is like from its start.

use std::{io, net::Ipv4Addr, sync::Arc, time::Duration};

use tokio::net::TcpListener;

use crate::{
    handle::MockOrg,
    limits::{Endpoint, Limits},
    org::Org,
    server,
    state::{Shared, State},
    user::MockUser,
};

/// How to set an org up, from [`MockOrg::builder`].
///
/// Unless told otherwise: Identity Engine, 600 requests in 60 seconds, 75
/// requests at once, every origin trusted, responses without delay.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it is started"]
pub struct MockOrgBuilder {
    limits: Limits,
    classic_engine: bool,
    trusted_origins: Option<Vec<String>>,
    latency: Duration,
    port: u16,
    seed: Option<u64>,
    #[cfg(feature = "tls")]
    tls: bool,
}

/// Starting.
impl MockOrg {
    /// Starts an org as [`MockOrgBuilder`] describes it without any setting.
    ///
    /// # Errors
    ///
    /// When the system gives no port.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with I/O and time enabled.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// An org with other limits or another engine.
    pub fn builder() -> MockOrgBuilder {
        MockOrgBuilder::default()
    }
}

impl MockOrgBuilder {
    /// How many requests are let in, in a window of that length, see
    /// [`MockOrg::set_rate_limit`].
    pub fn rate_limit(mut self, requests: u32, window: Duration) -> Self {
        self.limits.set_rate(Endpoint::Api, requests, window);
        self
    }

    /// How many requests may be in flight at once.
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

    /// How long the org takes to respond, see [`MockOrg::set_latency`].
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// The port to listen on, instead of a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Makes tokens, cookies and ids the same in each org with that seed, if they
    /// are asked for in the same order.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Whether the org speaks TLS, with a certificate that is made at the start.
    /// Clients must trust [`MockOrg::ca_certificate`].
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        self
    }

    /// Starts to listen on 127.0.0.1.
    ///
    /// # Errors
    ///
    /// When the system does not give the port, or no certificate can be made.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with I/O and time enabled.
    pub async fn start(self) -> io::Result<MockOrg> {
        let mut org = Org::default();
        org.classic_engine = self.classic_engine;
        org.trusted_origins = self.trusted_origins;
        org.add_user(MockUser::new(MockOrg::ADMIN_ID), Vec::new());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        let address = listener.local_addr()?;
        #[cfg(feature = "tls")]
        let tls = if self.tls {
            let (tls, certificate) = crate::tls::acceptor()?;
            org.ca_certificate = Some(certificate);
            Some(tls)
        } else {
            None
        };
        #[cfg(not(feature = "tls"))]
        let tls: Option<server::NoTls> = None;
        let scheme = if tls.is_some() { "https" } else { "http" };
        org.url = format!("{scheme}://{address}");

        let mut state = State::new(org, self.limits, self.seed);
        state.latency = self.latency;
        let org = MockOrg::new(Arc::new(Shared::new(state)));
        let server = tokio::spawn(server::accept(listener, org.clone(), tls));
        Ok(org.keep_running(server))
    }
}
