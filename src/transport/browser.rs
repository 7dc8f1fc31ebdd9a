//! In a browser, by `fetch`, which makes the connections, sets the `User-Agent`
//! and follows redirects as it sees fit.

use js_sys::{JsString, Reflect, global};
use reqwest::{
    Request, Response, Url,
    header::{CONTENT_LENGTH, HeaderMap},
};

use super::{LONGEST_BODY, timed_out};
use crate::{
    Effect, Error, ErrorKind,
    answer::{Body, Provenance},
    id::OrgUrl,
};

pub(super) const REDIRECTED: &str = "the answer came from another address, over a redirect, which Okta does not do here; check the org URL";

/// What sends the requests.
#[derive(Clone)]
pub(crate) struct Http {
    pub(crate) client: reqwest::Client,
}

impl Http {
    /// Dropping the future aborts the request.
    pub(super) async fn execute(&self, request: Request) -> Result<Response, Error> {
        self.client.execute(request).await.map_err(failure)
    }
}

/// There is nothing to set.
#[derive(Default)]
pub(crate) struct Connection {}

impl Connection {
    pub(crate) fn http(self, _: &OrgUrl) -> Result<Http, Error> {
        let client = reqwest::Client::new();
        Ok(Http { client })
    }
}

/// Across origins the browser hides most headers, but it also withholds every
/// answer that does not allow this very origin to use its cookies. So the
/// answer is the org's; and as its head came in whole, so did its status.
pub(super) fn provenance(_: &Response, url: &Url, headers: &HeaderMap) -> Provenance {
    let allowed_by_cors =
        page_origin().is_some_and(|page| page != url.origin().ascii_serialization());
    Provenance {
        open_ended: !allowed_by_cors && !headers.contains_key(CONTENT_LENGTH),
        allowed_by_cors,
    }
}

/// The browser bounds the memory, and the time limit the rest.
pub(super) async fn read(response: Response) -> Body {
    match response.bytes().await {
        Ok(body) if body.len() > LONGEST_BODY => Body::TooLong,
        Ok(body) => Body::Whole(body.into()),
        Err(error) => Body::Cut(
            Error::new(
                ErrorKind::ConnectionLost,
                Effect::Unknown,
                "the connection ended before the whole answer was there",
            )
            .with_source(error.without_url()),
        ),
    }
}

fn failure(error: reqwest::Error) -> Error {
    if error.is_builder() {
        return Error::invalid("the request could not be built").with_source(error.without_url());
    }
    if error.is_timeout() {
        return timed_out();
    }
    let origin = page_origin().map_or_else(String::new, |origin| format!(", {origin},"));
    Error::new(
        ErrorKind::Unreadable,
        Effect::Unknown,
        format!(
            "the browser gave no answer to read, and does not say why: either this device is offline or the org cannot be reached, or the org does not allow the origin of this page{origin} with CORS in its Trusted Origins (Admin Console, Security > API > Trusted Origins)"
        ),
    )
    .with_source(error.without_url())
}

/// Of the page, or of the page that a worker belongs to; `None` outside of a
/// browser.
fn page_origin() -> Option<String> {
    let origin = Reflect::get(&global(), &JsString::from("origin")).ok()?;
    origin.as_string()
}
