//! Cross-origin requests (CORS) as Okta lets pages make them: those of trusted
//! origins, with the browser's own cookies.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};

use crate::{
    org::Org,
    response::{Refusal, Response, empty},
};

/// The headers that the mock writes for CORS.
pub(crate) const HEADERS: [HeaderName; 2] = [
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
];

const ALLOWED_HEADERS: &str =
    "Accept, Authorization, Content-Type, X-Okta-User-Agent-Extended, X-Okta-XsrfToken";

/// Whether a browser asks beforehand what a page may send.
pub(crate) fn is_preflight(request: &Request<Bytes>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ORIGIN)
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The response to a preflight; without a word of CORS to an origin that is not
/// trusted, which the browser takes for a no.
pub(crate) fn preflight(org: &Org, request: &Request<Bytes>, request_id: &str) -> Response {
    if trusted_origin(org, request).is_none() {
        return Refusal::no_permission().into_response(request_id);
    }
    let mut response = empty(StatusCode::OK);
    let headers = response.headers_mut();
    let mut say = |name, value| headers.insert(name, HeaderValue::from_static(value));
    say(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        "DELETE, GET, POST, OPTIONS",
    );
    say(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
    say(header::ACCESS_CONTROL_MAX_AGE, "3600");
    allow(org, request, &mut response);
    response
}

/// Lets a page of a trusted origin read the response. No header is exposed, so
/// that it cannot read the rate limit or the request id.
pub(crate) fn allow(org: &Org, request: &Request<Bytes>, response: &mut Response) {
    if !request.uri().path().starts_with("/api/") {
        return;
    }
    let Some(origin) = trusted_origin(org, request) else {
        return;
    };
    let yes = HeaderValue::from_static("true");
    response
        .headers_mut()
        .extend(HEADERS.into_iter().zip([origin, yes]));
    let origin = HeaderValue::from_static("Origin");
    response.headers_mut().append(header::VARY, origin);
}

/// The origin that sent a request, if it said so and is trusted.
fn trusted_origin(org: &Org, request: &Request<Bytes>) -> Option<HeaderValue> {
    let origin = origin(request.headers())?;
    org.trusts(origin).then(|| origin.clone())
}

pub(crate) fn origin(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(header::ORIGIN)
}
