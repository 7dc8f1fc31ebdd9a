//! The transport in a browser: `fetch`, which makes the connections and sets the
//! `User-Agent`. reqwest is not used for sending, because in browsers it follows redirects,
//! accepts a response that a service worker fabricated, and reads bodies of any length.

use js_sys::{Array, Function, JsString, Promise, Reflect, Uint8Array, global};
use reqwest::{
    Request, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, ReadableStreamReadResult,
    RequestCredentials, RequestInit, RequestRedirect, ResponseType,
};

use super::MAX_BODY;
use crate::{Effect, Error, ErrorKind, faults::Faults, org_url::OrgUrl, pipeline::response::Body};

pub(super) const REDIRECTED: &str = "the response came from another address, because a service worker of this page redirected the request";

/// Sends the requests. reqwest's client only builds them.
#[derive(Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
}

impl Http {
    /// For building requests.
    pub(crate) fn client(&self) -> reqwest::Client {
        self.client.clone()
    }

    /// The browser manages its own connections.
    pub(super) fn pool(&self) -> &Self {
        self
    }

    pub(super) fn timed_out(&self) -> Error {
        super::timed_out()
    }

    /// The browser checks the framing itself.
    pub(super) fn check_framing(&self, _: &Response) -> fn() -> bool {
        || true
    }

    /// Dropping the future aborts the request.
    pub(super) async fn execute(&self, request: Request) -> Result<Response, Error> {
        let abort = AbortOnDrop::new().map_err(|_| unsendable())?;
        let promise = fetch(&request, &abort).map_err(|_| unsendable())?;
        let fetched = JsFuture::from(promise).await;
        let fetched: web_sys::Response = fetched
            .and_then(JsCast::dyn_into)
            .map_err(|error| unreadable(&error))?;
        Response::new(fetched, abort)
    }
}

/// A browser has no settings.
#[derive(Default)]
pub(crate) struct Connection {}

impl Connection {
    pub(crate) fn http(self, _: &OrgUrl, _: &mut Faults) -> Option<Http> {
        let client = reqwest::Client::new();
        Some(Http { client })
    }
}

fn fetch(request: &Request, abort: &AbortOnDrop) -> Result<Promise, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in request.headers() {
        let value = value.to_str().map_err(|_| JsValue::NULL)?;
        headers.append(name.as_str(), value)?;
    }
    let init = RequestInit::new();
    init.set_method(request.method().as_str());
    init.set_headers(&headers);
    if let Some(body) = request.body().and_then(reqwest::Body::as_bytes) {
        init.set_body(&Uint8Array::from(body));
    }
    // Without a token, the org's cookies authenticate the call, which the page itself
    // cannot read.
    init.set_credentials(if request.headers().contains_key(AUTHORIZATION) {
        RequestCredentials::Omit
    } else {
        RequestCredentials::Include
    });
    // Cookies and tokens must not follow a redirect, and the page it leads to must not be
    // mistaken for Okta's response.
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(&abort.0.signal()));
    let request = web_sys::Request::new_with_str_and_init(request.url().as_str(), &init)?;
    // The global object of a page and of a worker have different types.
    let fetch: Function = Reflect::get(&global(), &JsString::from("fetch"))?.dyn_into()?;
    fetch.call1(&global(), &request)?.dyn_into()
}

/// Aborts the request when it is dropped.
struct AbortOnDrop(AbortController);

impl AbortOnDrop {
    fn new() -> Result<Self, JsValue> {
        AbortController::new().map(Self)
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A response whose head has arrived.
pub(super) struct Response {
    fetched: web_sys::Response,
    url: Url,
    status: StatusCode,
    headers: HeaderMap,
    /// Whether it came from another origin and allows the page's origin.
    passed_cors: bool,
    _abort: AbortOnDrop,
}

impl Response {
    fn new(fetched: web_sys::Response, abort: AbortOnDrop) -> Result<Self, Error> {
        if fetched.type_() == ResponseType::Opaqueredirect {
            return Err(unexpected(
                "the server redirects, which Okta does not do here; check the org URL",
            ));
        }
        let malformed = || unexpected("the response has no status or no address");
        let url = Url::parse(&fetched.url()).map_err(|_| malformed())?;
        let passed_cors = fetched.type_() == ResponseType::Cors;
        if !passed_cors && is_of_other_origin(&url) {
            return Err(unexpected(
                "the response is not the org's, but was fabricated by a service worker of this page; the worker must not handle requests to the org",
            ));
        }
        Ok(Self {
            url,
            status: StatusCode::from_u16(fetched.status()).map_err(|_| malformed())?,
            headers: headers(&fetched),
            passed_cors,
            fetched,
            _abort: abort,
        })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }
}

/// The headers that the browser exposes to the page.
fn headers(fetched: &web_sys::Response) -> HeaderMap {
    let pair = |entry: JsValue| {
        let entry: Array = entry.dyn_into().ok()?;
        let name = entry.get(0).as_string()?.parse::<HeaderName>().ok()?;
        let value = entry.get(1).as_string()?.parse::<HeaderValue>().ok()?;
        Some((name, value))
    };
    let entries = fetched.headers().entries();
    entries
        .into_iter()
        .filter_map(|entry| pair(entry.ok()?))
        .collect()
}

/// Across origins the browser hides most headers, but it also withholds every response that
/// does not allow this origin to use its cookies or the token. So the response is the
/// org's, and its head, with the status, is complete.
pub(super) fn allowed_by_cors(response: &Response) -> bool {
    response.passed_cors
}

pub(super) async fn read(response: Response, headers: &HeaderMap) -> Body {
    let has_end = response.passed_cors || headers.contains_key(CONTENT_LENGTH);
    match read_chunks(&response.fetched).await {
        Ok(Some(body)) if has_end => Body::Whole(body),
        Ok(Some(body)) => Body::MayBeCut(body),
        Ok(None) => Body::TooLong,
        Err(error) => Body::Cut(
            Error::new(
                ErrorKind::ConnectionLost,
                Effect::Unknown,
                "the connection ended before the whole response arrived",
            )
            .with_source(text(&error)),
        ),
    }
}

/// `None` if the body is longer than any of Okta's.
async fn read_chunks(fetched: &web_sys::Response) -> Result<Option<Vec<u8>>, JsValue> {
    let mut body = Vec::new();
    let Some(stream) = fetched.body() else {
        return Ok(Some(body));
    };
    let reader = ReadableStreamDefaultReader::new(&stream)?;
    loop {
        let read = JsFuture::from(reader.read()).await?;
        let read: ReadableStreamReadResult = read.unchecked_into();
        if read.get_done() == Some(true) {
            return Ok(Some(body));
        }
        let chunk: Uint8Array = read.get_value().dyn_into()?;
        if body.len().saturating_add(chunk.length() as usize) > MAX_BODY {
            return Ok(None);
        }
        body.extend(chunk.to_vec());
    }
}

fn unexpected(message: &str) -> Error {
    Error::new(ErrorKind::UnexpectedResponse, Effect::Unknown, message)
}

/// The error of a request that `fetch` did not accept.
fn unsendable() -> Error {
    Error::invalid(
        "the request could not be built, or there is no fetch here: this build runs in browsers",
    )
}

fn unreadable(error: &JsValue) -> Error {
    let origin = page_origin().map_or_else(String::new, |origin| format!(", {origin},"));
    Error::new(
        ErrorKind::Unreadable,
        Effect::Unknown,
        format!(
            "the browser returned no readable response and does not say why: either this device is offline or the org cannot be reached, or the org does not allow the origin of this page{origin} with CORS in its Trusted Origins (Admin Console, Security > API > Trusted Origins), or the page's own Content-Security-Policy does not allow the org"
        ),
    )
    .with_source(text(error))
}

/// The browser's own error message, like "Failed to fetch".
fn text(error: &JsValue) -> String {
    let error = error.dyn_ref::<js_sys::Error>();
    error.map_or_else(String::new, |error| error.message().into())
}

fn is_of_other_origin(url: &Url) -> bool {
    page_origin().is_some_and(|page| page != url.origin().ascii_serialization())
}

/// The origin of the page or worker; `None` outside of a browser.
fn page_origin() -> Option<String> {
    let origin = Reflect::get(&global(), &JsString::from("origin")).ok()?;
    origin.as_string()
}
