//! An org with a user, clients for it, and a log to inspect.

pub mod http2;

use std::{
    io::Write,
    net::TcpListener,
    sync::{Arc, LazyLock, Mutex},
};

use okta_mock_org::{MockOrg, MockUser};
use okta_user_sessions::{
    Client, ClientBuilder, Credentials, RetryPolicy, SessionClient, SessionCredentials,
};
use tracing_subscriber::{
    fmt::{MakeWriter, format::FmtSpan},
    layer::SubscriberExt,
};

pub const ADA: &str = "00uAda";
pub const KEY: &str = include_str!("keys/p256.jwk");

/// An org with a user who has sessions, tokens and devices.
pub async fn org() -> MockOrg {
    let org = MockOrg::start().await.unwrap();
    add_ada(&org);
    org
}

pub fn add_ada(org: &MockOrg) {
    org.add_user(
        MockUser::new(ADA)
            .login("ada@example.com")
            .sessions(2)
            .refresh_tokens(2)
            .remembered_devices(1),
    );
}

pub fn admin(org: &MockOrg) -> ClientBuilder<Client> {
    Client::builder(org.url())
        .allow_loopback_http(true)
        .credentials(Credentials::api_token(org.issue_api_token()))
}

/// Registers a service app with [`KEY`] at the org, and returns its credentials.
#[cfg(feature = "service-app")]
pub fn service_app(org: &MockOrg) -> Credentials {
    org.add_service_app(okta_mock_org::ServiceApp::new("0oaApp").public_key(KEY));
    let key = okta_user_sessions::PrivateKey::from_jwk(KEY).unwrap();
    Credentials::service_app("0oaApp", key, ["okta.users.manage"])
}

#[cfg(feature = "service-app")]
pub fn automation(org: &MockOrg) -> ClientBuilder<Client> {
    Client::builder(org.url())
        .allow_loopback_http(true)
        .credentials(service_app(org))
}

/// The builder of a program that makes its own. It then also chooses the cryptography of TLS,
/// unless this crate's feature `rustls` brings reqwest's.
pub fn own_builder() -> reqwest::ClientBuilder {
    #[cfg(not(feature = "rustls"))]
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}

/// A client of an org that nobody serves, which sends each call exactly once.
pub fn unreachable() -> Client {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    Client::builder(url)
        .allow_loopback_http(true)
        .credentials(Credentials::api_token("00token"))
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

/// A client that sends each call exactly once.
pub fn once(org: &MockOrg) -> Client {
    admin(org).retry(RetryPolicy::never()).build().unwrap()
}

pub fn user(org: &MockOrg, cookie: &str) -> SessionClient {
    SessionClient::builder(org.url())
        .allow_loopback_http(true)
        .credentials(SessionCredentials::idx(cookie))
        .build()
        .unwrap()
}

/// Whether the org's System Log says that Ada's sessions were cleared.
pub fn was_cleared(org: &MockOrg) -> bool {
    org.log().iter().any(|event| event.user_id == ADA)
}

/// Everything that the tests of this process log from now on. The subscriber is global,
/// because a thread's own subscriber may miss spans while other threads have none.
pub fn log() -> &'static Log {
    static LOG: LazyLock<Log> = LazyLock::new(|| {
        let log = Log::default();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(log.clone())
            .with_ansi(false)
            .with_span_events(FmtSpan::FULL);
        let subscriber = tracing_subscriber::registry()
            .with(layer)
            .with(crate::traces::Recorder);
        tracing::subscriber::set_global_default(subscriber).unwrap();
        // hyper and reqwest log through `log`.
        tracing_log::LogTracer::init().unwrap();
        log
    });
    &LOG
}

/// A writer that keeps the log in memory.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Makes `calls` calls at once, all of which must succeed.
pub async fn all(okta: &Client, calls: usize) {
    let calls: Vec<_> = (0..calls)
        .map(|_| tokio::spawn(okta.revoke_user_sessions(ADA).into_future()))
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
}
