//! The HTTP server: connections in, answers out.

use std::{
    future::pending,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep},
};

use crate::{
    state::Shared,
    wire::{Valve, Wire},
};

/// A running server. It stops when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    accepting: JoinHandle<()>,
}

/// Counts a request as under way until the answer is ready, or given up.
struct InFlight(Arc<Shared>);

impl Server {
    pub(crate) async fn start(shared: Arc<Shared>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self {
            address: listener.local_addr()?,
            accepting: tokio::spawn(accept(listener, shared)),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
    }
}

/// Dropping this drops, and so ends, every connection too.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                let mut state = shared.lock();
                state.connections = state.connections.saturating_add(1);
                drop(state);
                connections.spawn(converse(socket, Arc::clone(&shared)));
            }
            // Out of file descriptors, mostly: some may soon be free again.
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(socket: TcpStream, shared: Arc<Shared>) {
    // Without it small answers may wait for the client's acknowledgement; with
    // an error the answers are late, but right.
    let _ = socket.set_nodelay(true);
    let (wire, valve) = Wire::new(socket);
    let service = service_fn(|request| answer(&shared, &valve, request));
    // A failure here is the client's going away or a fault: both are wanted.
    let _ = http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(TokioIo::new(wire), service)
        .await;
}

async fn answer(
    shared: &Arc<Shared>,
    valve: &Valve,
    request: Request<Incoming>,
) -> hyper::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let request = Request::from_parts(head, body);

    let turn = shared.lock().receive(&request, Instant::now());
    let _in_flight = InFlight(Arc::clone(shared));
    if !turn.delay.is_zero() {
        sleep(turn.delay).await;
    }
    match turn.flow {
        // Set for every answer: what the last one left of a cut is void.
        Some(flow) => valve.set(flow),
        None => pending().await,
    }
    let mut answer = turn.answer;
    if !answer.headers().contains_key(header::DATE) {
        let date = httpdate::fmt_http_date(shared.lock().clock.wall(Instant::now()));
        if let Ok(date) = HeaderValue::try_from(date) {
            answer.headers_mut().insert(header::DATE, date);
        }
    }
    Ok(answer.map(Full::new))
}
