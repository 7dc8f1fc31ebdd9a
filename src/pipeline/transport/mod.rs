//! Sends one request and reads one response of bounded size: natively with reqwest, in a
//! browser with `fetch`.

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(fuzzing)]
pub mod fuzzing;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod native;

#[cfg(target_arch = "wasm32")]
use browser as platform;
#[cfg(not(target_arch = "wasm32"))]
use native as platform;

#[cfg(not(target_arch = "wasm32"))]
pub use native::Proxy;
pub(crate) use platform::{Connection, Http};

use std::{mem, pin::pin};

use reqwest::Request;
use tracing::{Instrument, Span};

use crate::{
    Effect, Error, ErrorKind,
    pipeline::response::{
        Body, Response,
        redaction::{self, Secret},
    },
    shown,
    time::{Instant, race, sleep_until},
    trace::{self, RequestInfo},
};

/// In bytes. Okta's error bodies are far shorter.
const MAX_BODY: usize = 64 * 1024;

/// In characters, of the HTTP library's error text.
const MAX_SOURCE: usize = 500;

/// Sends a request and reads its response until `ends`. `secrets` are those in the body;
/// secret headers are marked as sensitive.
pub(crate) async fn send(
    http: &Http,
    request: Request,
    mut secrets: Vec<Secret>,
    ends: Instant,
    info: RequestInfo,
) -> Result<Response, Error> {
    let span = trace::request(&request, &info);
    secrets.extend(Secret::all(&request));
    // Pinned here, because passing a future by value copies it.
    let exchanged = pin!(exchange(http, request, secrets, ends));
    let result = exchanged.instrument(span.clone()).await;
    if !span.is_disabled() {
        report(&span, &result);
    }
    result
}

fn report(span: &Span, result: &Result<Response, Error>) {
    match result {
        Ok(response) => {
            let (status, request_id) = (response.status, response.request_id.as_deref());
            let cut = response.cut().map(Error::kind);
            trace::response_received(span, status, request_id, cut);
        }
        Err(error) => trace::request_failed(span, error.kind()),
    }
}

async fn exchange(
    http: &Http,
    request: Request,
    secrets: Vec<Secret>,
    ends: Instant,
) -> Result<Response, Error> {
    #[cfg(fuzzing)]
    if let Some(response) = fuzzing::response(&request) {
        return Ok(response);
    }
    #[cfg(target_arch = "wasm32")]
    let url = request.url().clone();
    // The text of the HTTP library's error may quote the server, such as the debug data
    // of a GOAWAY.
    let shown = |error: Error| {
        error
            .with_source_as_text(|text| shown::cut(redaction::hide_all(&secrets, text), MAX_SOURCE))
    };
    let mut timeout = pin!(sleep_until(ends));
    let pool = http.pool();
    let mut response = match race(pool.execute(request), timeout.as_mut()).await {
        Ok(executed) => executed.map_err(shown)?,
        Err(()) => return Err(pool.timed_out()),
    };
    #[cfg(target_arch = "wasm32")]
    if *response.url() != url {
        return Err(Error::new(
            ErrorKind::UnexpectedResponse,
            Effect::Unknown,
            platform::REDIRECTED,
        ));
    }
    let status = response.status();
    let is_in_sync = pool.check_framing(&response);
    let headers = mem::take(response.headers_mut());
    let allowed_by_cors = platform::allowed_by_cors(&response);
    let body = match race(platform::read(response, &headers), timeout).await {
        Ok(Body::Cut(error)) => Body::Cut(shown(error)),
        Ok(body) => body,
        Err(()) => Body::Cut(pool.timed_out()),
    };
    if !is_in_sync() {
        return Err(Error::new(
            ErrorKind::ConnectionLost,
            Effect::Unknown,
            "the response may not belong to this request, because it is not clear where an earlier response on the connection ended; check any proxy in between",
        ));
    }
    Ok(Response::new(
        status,
        headers,
        body,
        secrets,
        allowed_by_cors,
    ))
}

fn timed_out() -> Error {
    Error::new(
        ErrorKind::TimedOut,
        Effect::Unknown,
        "no response came within the time limit",
    )
}
