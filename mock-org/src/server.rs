//! The HTTP server: connections in, responses out.

use std::{error::Error, future::pending, sync::Arc, time::Duration};

use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

use crate::{
    control,
    handle::MockOrg,
    response,
    state::Shared,
    wire::{Valve, Wire},
};

#[cfg(not(feature = "tls"))]
pub(crate) use NoTls as Tls;
#[cfg(feature = "tls")]
pub(crate) use tokio_rustls::TlsAcceptor as Tls;

/// More than any request to the org has.
const MAX_BODY: usize = 1024 * 1024;

/// What TLS is without the feature: never there.
#[cfg(not(feature = "tls"))]
#[derive(Clone)]
pub(crate) enum NoTls {}

/// Counts a request as in flight until the response is ready, or given up.
struct InFlight(Arc<Shared>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
    }
}

/// Dropping this drops, and so ends, every connection too.
pub(crate) async fn accept(listener: TcpListener, org: MockOrg, tls: Option<Tls>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                let mut state = org.shared.lock();
                state.connections = state.connections.saturating_add(1);
                drop(state);
                connections.spawn(serve(socket, org.clone(), tls.clone()));
            }
            // Out of file descriptors, mostly: some may soon be free again.
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(socket: TcpStream, org: MockOrg, tls: Option<Tls>) {
    // Without it small responses may wait for the client's acknowledgement; with
    // an error the responses are late, but right.
    let _ = socket.set_nodelay(true);
    let (wire, valve) = match tls {
        None => Wire::new(Box::new(socket)),
        #[cfg(feature = "tls")]
        Some(tls) => match tls.accept(socket).await {
            Ok(stream) => Wire::new(Box::new(stream)),
            Err(_) => return,
        },
        #[cfg(not(feature = "tls"))]
        Some(never) => match never {},
    };
    let service = service_fn(|request| respond(&org, &valve, request));
    // A failure here is the client's going away or a fault: both are wanted.
    let _ = http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(TokioIo::new(wire), service)
        .await;
}

async fn respond(
    org: &MockOrg,
    valve: &Valve,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            valve.open();
            return Ok(response::empty(StatusCode::PAYLOAD_TOO_LARGE).map(Full::new));
        }
        Err(error) => return Err(error),
    };
    let request = Request::from_parts(head, body);
    if let Some(response) = control::respond(org, &request) {
        valve.open();
        return Ok(response.map(Full::new));
    }

    let shared = &org.shared;
    let turn = shared.lock().receive(&request);
    let _in_flight = InFlight(Arc::clone(shared));
    if !turn.delay.is_zero() {
        sleep(turn.delay).await;
    }
    match turn.flow {
        // Set for every response: what the last one left of a cut is void.
        Some(flow) => valve.set(flow),
        None => pending().await,
    }
    let mut response = turn.response;
    if !response.headers().contains_key(header::DATE) {
        let state = shared.lock();
        let date = httpdate::fmt_http_date(state.clock.wall(state.clock.now()));
        drop(state);
        if let Ok(date) = HeaderValue::try_from(date) {
            response.headers_mut().insert(header::DATE, date);
        }
    }
    Ok(response.map(Full::new))
}
