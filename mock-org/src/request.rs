//! Reading requests: path, query, cookies and body.

use bytes::Bytes;
use http::{HeaderMap, Request, header};
use serde_json::Value;

use crate::{percent, response::Refusal};

/// The decoded segments of a path; none for a path that no route can have.
pub(crate) fn segments(path: &str) -> Option<Vec<String>> {
    path.strip_prefix('/')?
        .split('/')
        .map(|segment| {
            let segment = percent::decode(segment);
            // A server takes dot segments out of the path, so that another
            // path is left: encoding them does not help.
            let names_something = !matches!(segment.as_str(), "" | "." | "..");
            names_something.then_some(segment)
        })
        .collect()
}

/// A query parameter that is `true` or `false`, if it is given.
pub(crate) fn query_bool(request: &Request<Bytes>, name: &str) -> Result<Option<bool>, Refusal> {
    let value = query(request, name);
    match value.as_deref() {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(Refusal::invalid(name, "must be true or false")),
    }
}

/// The first query parameter of that name, decoded.
pub(crate) fn query(request: &Request<Bytes>, name: &str) -> Option<String> {
    request
        .uri()
        .query()
        .unwrap_or_default()
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find(|(key, _)| percent::decode(key) == name)
        .map(|(_, value)| percent::decode(value))
}

/// The `keepCurrent` of an optional JSON body, if it is given.
pub(crate) fn keep_current(request: &Request<Bytes>) -> Result<Option<bool>, Refusal> {
    if request.body().is_empty() {
        return Ok(None);
    }
    if !is_media(request.headers(), "application/json") {
        return Err(Refusal::new(http::StatusCode::BAD_REQUEST, "E0000021"));
    }
    let malformed = || Refusal::new(http::StatusCode::BAD_REQUEST, "E0000003");
    let Ok(Value::Object(fields)) = serde_json::from_slice(request.body()) else {
        return Err(malformed());
    };
    match fields.get("keepCurrent") {
        None => Ok(None),
        Some(Value::Bool(keep)) => Ok(Some(*keep)),
        Some(_) => Err(Refusal::invalid("keepCurrent", "must be true or false")),
    }
}

/// Whether a body says how long it is: a length, or chunks up to the last one.
pub(crate) fn has_length(headers: &HeaderMap) -> bool {
    headers.contains_key(header::CONTENT_LENGTH) || headers.contains_key(header::TRANSFER_ENCODING)
}

/// The value of the first cookie of that name.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Whether the body is said to be of that media type.
pub(crate) fn is_media(headers: &HeaderMap, wanted: &str) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media| media.trim().eq_ignore_ascii_case(wanted))
}
