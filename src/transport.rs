//! The HTTP client: TLS, time limits, redirects off; one request out, one
//! bounded answer in.

use std::{error::Error as StdError, io, mem, time::Duration};

use reqwest::{
    Request, Response, Version,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};

use crate::{
    Effect, Error, ErrorKind,
    answer::{Answer, Body},
    id::OrgUrl,
    secret::Secret,
    time::{Instant, race, sleep_until},
};

/// How long making a connection may take, TLS included, unless set otherwise.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Shorter than servers and load balancers usually keep an idle connection (60 s
/// and more), so that they do not close it under a request.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Okta's error bodies stay far below this.
const LONGEST_BODY: usize = 64 * 1024;

pub(crate) fn http_client(
    org: &OrgUrl,
    connect_timeout: Duration,
) -> Result<reqwest::Client, Error> {
    if org.is_https() && !cfg!(any(feature = "rustls", feature = "native-tls")) {
        return Err(Error::invalid(
            "this build of okta-user-sessions has no TLS; enable its feature `rustls` or `native-tls`, or bring a reqwest::Client that has",
        ));
    }
    let mut builder = reqwest::Client::builder()
        // A token must not follow a redirect, nor a page pass for an answer.
        .redirect(reqwest::redirect::Policy::none())
        // Attempts are counted by the retry loop alone.
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(connect_timeout)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT);
    // A proxy cannot reach this machine's loopback.
    if org.is_loopback() {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| {
        Error::invalid("the HTTP client could not be set up").with_source(error.without_url())
    })
}

/// What sends the requests.
#[derive(Clone)]
pub(crate) struct Http {
    pub(crate) client: reqwest::Client,
    /// Whether the caller brought it. Then it may follow redirects.
    pub(crate) given: bool,
}

/// Sends a request and reads its answer until `ends`.
pub(crate) async fn send(http: &Http, request: Request, ends: Instant) -> Result<Answer, Error> {
    let url = request.url().clone();
    let secrets = Secret::all(&request);
    let mut response = match race(http.client.execute(request), sleep_until(ends)).await {
        Ok(Ok(response)) => response,
        // It may be the target of a redirect that was not reached, after the
        // org had done what it was asked.
        Ok(Err(error)) if http.given => return Err(failure(error).with_unknown_effect()),
        Ok(Err(error)) => return Err(failure(error)),
        Err(()) => return Err(timed_out()),
    };
    if *response.url() != url {
        return Err(Error::new(
            ErrorKind::UnexpectedAnswer,
            Effect::Unknown,
            "the answer came from another address, over a redirect that the given reqwest::Client followed; build it with redirect(Policy::none())",
        ));
    }
    let framed = response.headers().contains_key(CONTENT_LENGTH)
        || response.headers().contains_key(TRANSFER_ENCODING);
    let open_ended = !framed && response.version() < Version::HTTP_2;
    let body = match race(read(&mut response), sleep_until(ends)).await {
        Ok(body) => body,
        Err(()) => Body::Cut(timed_out()),
    };
    Ok(Answer {
        status: response.status(),
        headers: mem::take(response.headers_mut()),
        body,
        secrets,
        open_ended,
    })
}

async fn read(response: &mut Response) -> Body {
    let mut whole = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if whole.len().saturating_add(chunk.len()) > LONGEST_BODY => {
                return Body::TooLong;
            }
            Ok(Some(chunk)) => whole.extend_from_slice(&chunk),
            Ok(None) => return Body::Whole(whole),
            Err(error) => return Body::Cut(failure(error)),
        }
    }
}

fn timed_out() -> Error {
    Error::new(
        ErrorKind::TimedOut,
        Effect::Unknown,
        "no answer came within the time limit",
    )
}

/// What a failure of the HTTP client says about the request.
fn failure(error: reqwest::Error) -> Error {
    let (kind, effect, message) = if error.is_builder() {
        (
            ErrorKind::InvalidInput,
            Effect::None,
            "the request could not be built",
        )
    } else if error.is_connect() && connection_failed(&error) {
        (
            ErrorKind::NotConnected,
            Effect::None,
            "no connection to the org could be made; check the org URL, the network and the proxy",
        )
    } else if error.is_connect() {
        (
            ErrorKind::Tls,
            Effect::None,
            "no secure connection to the org could be made; check the org URL, the clock, and the certificates of a proxy in between",
        )
    } else if error.is_timeout() {
        (
            ErrorKind::TimedOut,
            Effect::Unknown,
            "no answer came within the time limit",
        )
    } else if is_malformed(&error) {
        (
            ErrorKind::UnexpectedAnswer,
            Effect::Unknown,
            "the answer is no HTTP; check the org URL and what stands between",
        )
    } else {
        (
            ErrorKind::ConnectionLost,
            Effect::Unknown,
            "the connection ended before the whole answer was there",
        )
    };
    Error::new(kind, effect, message).with_source(error.without_url())
}

/// Whether connecting failed below TLS: no address, refused, unreachable, too
/// late. These pass; a certificate that is not trusted does not.
fn connection_failed(error: &reqwest::Error) -> bool {
    error.is_timeout()
        || sources(error).any(|source| match source.downcast_ref::<io::Error>() {
            Some(error) => is_below_tls(error),
            None => {
                let text = source.to_string();
                // A proxy that refuses is no certificate's fault.
                text.starts_with("dns error") || text.starts_with("tunnel error")
            }
        })
}

/// rustls' errors are `InvalidData` or, like those of others, wrapped as `Other`.
fn is_below_tls(error: &io::Error) -> bool {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<io::Error>())
    {
        Some(inner) => is_below_tls(inner),
        None => !matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::Other
        ),
    }
}

fn is_malformed(error: &reqwest::Error) -> bool {
    sources(error).any(|source| {
        source
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_parse)
    })
}

fn sources(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let source = next?;
        next = source.source();
        Some(source)
    })
}
