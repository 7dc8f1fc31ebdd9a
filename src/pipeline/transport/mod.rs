//! One request out, one bounded answer in. How it is carried differs: on a
//! server over reqwest's own connections, in a browser by `fetch`.

#[cfg(target_arch = "wasm32")]
mod browser;
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
use tracing::Instrument;

use crate::{
    Effect, Error, ErrorKind,
    pipeline::{
        rate_limit::RateLimit,
        response::{
            Body, Response,
            redaction::{self, Secret},
        },
    },
    shown,
    time::{Instant, race, sleep_until},
    trace::{self, RequestInfo},
};

/// Okta's error bodies stay far below this.
const LONGEST_BODY: usize = 64 * 1024;

/// In characters, of what the HTTP library says about a failure.
const LONGEST_SOURCE: usize = 500;

/// Sends a request and reads its answer until `ends`. `secrets` are those of its body;
/// its headers say themselves which of them are.
pub(crate) async fn send(
    http: &Http,
    request: Request,
    mut secrets: Vec<Secret>,
    ends: Instant,
    sending: RequestInfo,
) -> Result<Response, Error> {
    let span = trace::request(&request, &sending);
    secrets.extend(Secret::all(&request));
    // Pinned here, since a future that is handed on is copied.
    let exchanged = pin!(exchange(http, request, secrets, ends));
    let result = exchanged.instrument(span.clone()).await;
    trace::request_ended(&span, &result);
    result
}

async fn exchange(
    http: &Http,
    request: Request,
    secrets: Vec<Secret>,
    ends: Instant,
) -> Result<Response, Error> {
    #[cfg(fuzzing)]
    if let Some(answer) = crate::fuzzing::response(&request) {
        return Ok(answer);
    }
    #[cfg(target_arch = "wasm32")]
    let url = request.url().clone();
    // The text of an HTTP library's error may quote the server, such as the words of
    // a GOAWAY.
    let shown = |error: Error| {
        error.with_source_as_text(|text| {
            shown::cut(redaction::hide_all(&secrets, text), LONGEST_SOURCE)
        })
    };
    let mut limit = pin!(sleep_until(ends));
    let pool = http.pool();
    let mut response = match race(pool.execute(request), limit.as_mut()).await {
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
    let is_in_step = pool.in_step(&response);
    let headers = mem::take(response.headers_mut());
    let allowed_by_cors = platform::allowed_by_cors(&response);
    let body = match race(platform::read(response, &headers), limit).await {
        Ok(Body::Cut(error)) => Body::Cut(shown(error)),
        Ok(body) => body,
        Err(()) => Body::Cut(pool.timed_out()),
    };
    if !is_in_step() {
        return Err(Error::new(
            ErrorKind::ConnectionLost,
            Effect::Unknown,
            "the response may not belong to this request, because it is not clear where an earlier response on the connection ended; check any proxy in between",
        ));
    }
    Ok(Response {
        status,
        rate_limit: RateLimit::from_headers(&headers),
        headers,
        body,
        secrets,
        allowed_by_cors,
    })
}

fn timed_out() -> Error {
    Error::new(
        ErrorKind::TimedOut,
        Effect::Unknown,
        "no answer came within the time limit",
    )
}
