//! How many connections a client opens for many calls at once.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use hyper::{
    Response,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use okta_user_sessions::{Client, Credentials, RetryPolicy, SessionClients, SessionCredentials};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::{all, http2::acceptor};

const AT_ONCE: usize = 64;

/// reqwest makes a connection for each call that finds none idle, and keeps it if another
/// becomes idle first. So there can be more connections than calls in flight, but their number
/// does not grow with that of the calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_over_http1_reuse_connections() {
    let org = Org::start(None).await;
    let okta = client(&format!("http://127.0.0.1:{}", org.port));
    for _ in 0..20 {
        all(&okta, AT_ONCE).await;
    }
    assert!(org.peak() > 1, "calls ran one after the other");
    let connections = org.connections();
    assert!(connections <= 2 * AT_ONCE, "{connections} connections");
}

#[cfg(feature = "http2")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_over_http2_share_one_connection() {
    let org = Org::start(Some(acceptor())).await;
    let okta = client(&format!("https://127.0.0.1:{}", org.port));
    all(&okta, AT_ONCE).await;
    assert!(org.peak() > 1, "calls ran one after the other");
    assert_eq!(org.connections(), 1);
}

/// Each user's calls, one user after the other and then all at once.
#[cfg(feature = "http2")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_many_users_share_connections() {
    for (org, scheme, at_once) in [
        (Org::start(None).await, "http", 1),
        (Org::start(Some(acceptor())).await, "https", 1),
        (Org::start(Some(acceptor())).await, "https", 20),
    ] {
        let sessions = SessionClients::builder(format!("{scheme}://127.0.0.1:{}", org.port))
            .allow_loopback_http(true)
            .ca_certificates(include_str!("tls/ca.pem"))
            .build()
            .unwrap();
        let users: Vec<_> = (0..20).map(|user| format!("cookie{user}")).collect();
        for users in users.chunks(at_once) {
            let calls: Vec<_> = users
                .iter()
                .map(|cookie| {
                    let me = sessions.client(SessionCredentials::idx(cookie.clone()));
                    tokio::spawn(me.unwrap().end_user_sessions().into_future())
                })
                .collect();
            for call in calls {
                call.await.unwrap().unwrap();
            }
        }
        assert_eq!(org.connections(), 1, "{scheme}, {at_once} at once");
    }
}

fn client(url: &str) -> Client {
    Client::builder(url)
        .allow_loopback_http(true)
        .ca_certificates(include_str!("tls/ca.pem"))
        .credentials(Credentials::api_token("00token"))
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

/// Counts connections, and requests in flight.
struct Org {
    port: u16,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    in_flight: AtomicUsize,
    peak: AtomicUsize,
}

impl Org {
    /// Speaks HTTP/2 over TLS, and HTTP/1.1 without.
    async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let counts = Arc::new(Counts::default());
        let counting = counts.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counting.connections.fetch_add(1, SeqCst);
                let (counting, tls) = (counting.clone(), tls.clone());
                tokio::spawn(async move {
                    let service = service_fn(move |_| counting.clone().respond());
                    match tls {
                        None => {
                            http1::Builder::new()
                                .serve_connection(TokioIo::new(socket), service)
                                .await
                        }
                        Some(tls) => {
                            let socket = tls.accept(socket).await.unwrap();
                            http2::Builder::new(TokioExecutor::new())
                                .serve_connection(TokioIo::new(socket), service)
                                .await
                        }
                    }
                });
            }
        });
        Self { port, counts }
    }

    fn connections(&self) -> usize {
        self.counts.connections.load(SeqCst)
    }

    fn peak(&self) -> usize {
        self.counts.peak.load(SeqCst)
    }
}

impl Counts {
    async fn respond(self: Arc<Self>) -> Result<Response<String>, Infallible> {
        let in_flight = self.in_flight.fetch_add(1, SeqCst) + 1;
        self.peak.fetch_max(in_flight, SeqCst);
        // Long enough for other requests to arrive.
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.in_flight.fetch_sub(1, SeqCst);
        let mut response = Response::new(String::new());
        *response.status_mut() = hyper::StatusCode::NO_CONTENT;
        let id = hyper::header::HeaderValue::from_static("req1");
        response.headers_mut().insert("x-okta-request-id", id);
        Ok(response)
    }
}
