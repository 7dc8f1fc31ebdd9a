//! An org that revokes and remembers nothing. Prints its URL, ends when its
//! standard input does, and then prints how many connections were made.

use std::{
    convert::Infallible,
    env, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::SystemTime,
};

use benches::{FLAKY_USER, runtime};
use http::{Request, Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

const CERTIFICATE: &[u8] = include_bytes!("../../tls/server.pem");

fn main() {
    let kind = env::args().nth(1).expect("http1, tls-http1 or tls-http2");
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        println!("{}", CONNECTIONS.load(Relaxed));
        std::process::exit(0);
    });
    runtime().block_on(serve(&kind));
}

async fn serve(kind: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    let tls = match kind {
        "http1" => None,
        "tls-http1" => Some(acceptor(b"http/1.1")),
        "tls-http2" => Some(acceptor(b"h2")),
        other => panic!("unknown kind {other}"),
    };
    // `localhost` may also be this address, which a client may try first.
    if let Ok(listener) = TcpListener::bind(("::1", port)).await {
        tokio::spawn(accept(listener, tls.clone()));
    }
    let scheme = if tls.is_some() { "https" } else { "http" };
    println!("{scheme}://localhost:{port}");
    accept(listener, tls).await;
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        let (socket, _) = listener.accept().await.expect("a connection");
        CONNECTIONS.fetch_add(1, Relaxed);
        socket.set_nodelay(true).expect("it is a socket");
        tokio::spawn(serve_connection(socket, tls.clone()));
    }
}

async fn serve_connection(socket: TcpStream, tls: Option<TlsAcceptor>) {
    let server = auto::Builder::new(TokioExecutor::new());
    let service = service_fn(answer);
    // A client that disconnects is not an error.
    let _ = match tls {
        None => server.serve_connection(TokioIo::new(socket), service).await,
        Some(tls) => {
            let Ok(socket) = tls.accept(socket).await else {
                return;
            };
            server.serve_connection(TokioIo::new(socket), service).await
        }
    };
}

/// What Okta answers with, its headers included.
async fn answer(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let retried = request.headers().contains_key("x-okta-retry-count");
    let fails = request.uri().path().contains(FLAKY_USER) && !retried;
    let now = SystemTime::now();
    let seconds = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("it is later than 1970")
        .as_secs();
    Ok(Response::builder()
        .status(if fails { 503 } else { 204 })
        .header("date", httpdate::fmt_http_date(now))
        .header("x-okta-request-id", "Zf3xQ0Zb1mQm7kP0cC2n6AAAB0s")
        .header("x-rate-limit-limit", "1000000")
        .header("x-rate-limit-remaining", "999000")
        .header("x-rate-limit-reset", (seconds / 60 * 60 + 60).to_string())
        .header("cache-control", "no-cache, no-store")
        .header("pragma", "no-cache")
        .header("expires", "0")
        .header(
            "strict-transport-security",
            "max-age=315360000; includeSubDomains",
        )
        .header("x-content-type-options", "nosniff")
        .body(String::new())
        .expect("it is well formed"))
}

fn acceptor(protocol: &[u8]) -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(CERTIFICATE)
        .collect::<Result<_, _>>()
        .expect("certificates");
    let key = PrivateKeyDer::from_pem_slice(CERTIFICATE).expect("a key");
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("they belong together");
    config.alpn_protocols = vec![protocol.to_vec()];
    TlsAcceptor::from(Arc::new(config))
}
