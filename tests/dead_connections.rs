//! Connections that no longer respond: the next attempt opens another one.

use std::{
    convert::Infallible,
    future::pending,
    pin::Pin,
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    task::{Context, Poll},
    time::Duration,
};

use hyper::{
    Response, StatusCode,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use okta_user_sessions::{Client, ClientBuilder, Credentials, Effect, ErrorKind, RetryPolicy};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, timeout},
};

use crate::support::{ADA, own_builder};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How the first connection fails. All later ones respond.
#[derive(Clone, Copy, Debug)]
enum First {
    /// It is accepted, and nothing more happens.
    Silent,
    /// Its server answers pings, but no request gets a response.
    Hangs,
    /// Its server allows no concurrent streams.
    NoStreams,
    /// It responds until the server is frozen.
    Responds,
}

struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
    /// The most that were open at once.
    peak: Arc<AtomicUsize>,
    frozen: Arc<AtomicBool>,
}

impl Server {
    async fn start(first: First) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            connections: Arc::default(),
            peak: Arc::default(),
            frozen: Arc::default(),
        };
        let (connections, frozen) = (server.connections.clone(), server.frozen.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                match connections.fetch_add(1, SeqCst) {
                    0 => tokio::spawn(serve_first(first, socket, frozen.clone())),
                    _ => tokio::spawn(serve(http2(), socket, false)),
                };
            }
        });
        server
    }

    fn client(&self) -> ClientBuilder<Client> {
        Client::builder(&*self.url)
            .allow_loopback_http(true)
            .credentials(Credentials::api_token("00token"))
            .http_client_builder(|| own_builder().http2_prior_knowledge())
    }

    fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

fn http2() -> http2::Builder<TokioExecutor> {
    http2::Builder::new(TokioExecutor::new())
}

async fn serve_first(first: First, mut socket: TcpStream, frozen: Arc<AtomicBool>) {
    match first {
        First::Silent => {
            let empty_settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
            socket.write_all(&empty_settings).await.unwrap();
            let mut ignored = [0; 1024];
            while socket.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
        }
        First::Hangs => serve(http2(), socket, true).await,
        First::NoStreams => {
            let mut server = http2();
            server.max_concurrent_streams(0);
            serve(server, socket, false).await;
        }
        First::Responds => serve(http2(), Freezable { socket, frozen }, false).await,
    }
}

async fn serve<S>(server: http2::Builder<TokioExecutor>, socket: S, hangs: bool)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(move |_| respond(hangs));
    // The client decides when it ends.
    drop(server.serve_connection(TokioIo::new(socket), service).await);
}

async fn respond(hangs: bool) -> Result<Response<String>, Infallible> {
    if hangs {
        pending::<()>().await;
    }
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert("x-okta-request-id", "req1".parse().unwrap());
    Ok(response)
}

/// A socket that stops reading, as if a firewall in between had dropped the connection.
struct Freezable {
    socket: TcpStream,
    frozen: Arc<AtomicBool>,
}

impl AsyncRead for Freezable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.frozen.load(Relaxed) {
            return Poll::Pending;
        }
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for Freezable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_timed_out_is_followed_by_one_over_another_connection() {
    for (first, attempts) in [
        (First::Silent, 2),
        (First::Hangs, 2),
        // The first request is sent before the server's settings arrive, and is refused.
        (First::NoStreams, 3),
    ] {
        let server = Server::start(first).await;
        // Shorter than the time for which an idle connection is kept.
        let policy = RetryPolicy::default().with_attempt_timeout(seconds(5));
        let okta = server.client().retry(policy).build().unwrap();
        let started = Instant::now();
        let receipt = okta.revoke_user_sessions(ADA).await.unwrap();
        assert_eq!(receipt.attempts(), attempts, "{first:?}");
        assert!(receipt.earlier_effect_unknown());
        assert!(started.elapsed() < seconds(8), "{:?}", started.elapsed());
        okta.revoke_user_sessions(ADA).await.unwrap();
        assert_eq!(server.connections(), 2, "{first:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_timed_out_is_followed_by_one_over_another_connection() {
    for first in [First::Silent, First::Hangs] {
        let server = Server::start(first).await;
        let okta = server.client().retry(RetryPolicy::never()).build().unwrap();
        let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.effect()),
            (ErrorKind::TimedOut, Effect::Unknown)
        );
        okta.revoke_user_sessions(ADA).await.unwrap();
        assert_eq!(server.connections(), 2, "{first:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_time_limit_counts_as_well() {
    let server = Server::start(First::Hangs).await;
    let okta = server.client().retry(RetryPolicy::never()).build().unwrap();
    let call = || okta.revoke_user_sessions(ADA).into_future();
    timeout(seconds(3), call()).await.unwrap_err();
    timeout(seconds(3), call()).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_once_keeps_the_connection() {
    let server = Server::start(First::Responds).await;
    let okta = server.client().build().unwrap();
    okta.revoke_user_sessions(ADA).await.unwrap();
    for _ in 0..10 {
        let call = okta.revoke_user_sessions(ADA).into_future();
        drop(timeout(Duration::ZERO, call).await);
        okta.revoke_user_sessions(ADA).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn concurrent_timeouts_open_one_new_connection() {
    let server = Server::start(First::Hangs).await;
    let okta = server.client().build().unwrap();
    crate::support::all(&okta, 64).await;
    assert_eq!(server.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dead_idle_connection_is_noticed_before_it_is_used() {
    let server = Server::start(First::Responds).await;
    let okta = server.client().retry(RetryPolicy::never()).build().unwrap();
    okta.revoke_user_sessions(ADA).await.unwrap();
    server.frozen.store(true, Relaxed);
    sleep(seconds(21)).await;
    okta.revoke_user_sessions(ADA).await.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_of_a_given_builder_counts_as_well() {
    let server = Server::start(First::Hangs).await;
    let okta = server
        .client()
        .http_client_builder(|| {
            let builder = own_builder().http2_prior_knowledge();
            builder.timeout(seconds(3))
        })
        .build()
        .unwrap();
    let receipt = okta.revoke_user_sessions(ADA).await.unwrap();
    assert_eq!(receipt.attempts(), 2);
    assert!(receipt.earlier_effect_unknown());
}

/// A connection is not replaced merely because it was idle between two calls.
#[tokio::test(start_paused = true)]
async fn a_live_idle_connection_is_kept() {
    let server = Server::start(First::Responds).await;
    let okta = server.client().build().unwrap();
    for _ in 0..5 {
        okta.revoke_user_sessions(ADA).await.unwrap();
        sleep(seconds(25)).await;
    }
    assert_eq!(server.connections(), 1);
}

/// A server that does not respond to every twentieth request.
async fn forgetful(http2: bool) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        url: format!("http://{}", listener.local_addr().unwrap()),
        connections: Arc::default(),
        peak: Arc::default(),
        frozen: Arc::default(),
    };
    let (connections, peak) = (server.connections.clone(), server.peak.clone());
    let requests = Arc::new(AtomicUsize::new(0));
    let open = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            connections.fetch_add(1, SeqCst);
            peak.fetch_max(open.fetch_add(1, SeqCst) + 1, SeqCst);
            let (requests, open) = (requests.clone(), open.clone());
            let service = service_fn(move |_| {
                let forgotten = requests.fetch_add(1, SeqCst) % 20 == 19;
                respond(forgotten)
            });
            let socket = TokioIo::new(socket);
            tokio::spawn(async move {
                match http2 {
                    true => drop(self::http2().serve_connection(socket, service).await),
                    false => {
                        let server = http1::Builder::new();
                        drop(server.serve_connection(socket, service).await);
                    }
                }
                open.fetch_sub(1, SeqCst);
            });
        }
    });
    server
}

#[tokio::test(start_paused = true)]
async fn unanswered_requests_do_not_multiply_connections() {
    const AT_ONCE: usize = 64;
    const ROUNDS: usize = 10;
    for http2 in [false, true] {
        let server = forgetful(http2).await;
        let okta = Client::builder(&*server.url)
            .allow_loopback_http(true)
            .credentials(Credentials::api_token("00token"))
            .http_client_builder(move || match http2 {
                true => own_builder().http2_prior_knowledge(),
                false => own_builder(),
            })
            .retry(RetryPolicy::default().with_attempt_timeout(seconds(3)))
            .build()
            .unwrap();
        for _ in 0..ROUNDS {
            crate::support::all(&okta, AT_ONCE).await;
        }
        let peak = server.peak.load(SeqCst);
        assert!(peak <= AT_ONCE, "{peak} at once, HTTP/2: {http2}");
        let connections = server.connections();
        let most = match http2 {
            // One more connection for each round, and for timeouts during retries.
            true => 2 * ROUNDS + 1,
            false => ROUNDS * AT_ONCE,
        };
        assert!(connections <= most, "{connections}, HTTP/2: {http2}");
    }
}

/// As if a firewall in between had dropped them.
#[tokio::test(start_paused = true)]
async fn dead_idle_http1_connections_cost_one_attempt_in_total() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let frozen = Arc::new(AtomicBool::new(false));
    let freezes = frozen.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let frozen = match freezes.load(Relaxed) {
                true => Arc::default(),
                false => freezes.clone(),
            };
            let socket = TokioIo::new(Freezable { socket, frozen });
            let service = service_fn(|_| async {
                sleep(Duration::from_millis(5)).await;
                respond(false).await
            });
            tokio::spawn(http1::Builder::new().serve_connection(socket, service));
        }
    });
    let okta = Client::builder(url)
        .allow_loopback_http(true)
        .credentials(Credentials::api_token("00token"))
        .retry(RetryPolicy::default().with_attempt_timeout(seconds(5)))
        .build()
        .unwrap();
    crate::support::all(&okta, 20).await;
    frozen.store(true, Relaxed);
    let receipt = okta.revoke_user_sessions(ADA).await.unwrap();
    assert_eq!(receipt.attempts(), 2);
}
