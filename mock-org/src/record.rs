//! What the org received, to be looked at in tests.

use std::{fmt, time::SystemTime};

use bytes::Bytes;
use http::Request;

/// The headers whose values are shown. Any other may carry a secret.
const SHOWN_HEADERS: [&str; 8] = [
    "accept",
    "content-length",
    "content-type",
    "host",
    "origin",
    "user-agent",
    "x-okta-retry-count",
    "x-okta-retry-for",
];

/// A request as it came over the wire, and the response it got.
///
/// Its `Debug` output leaves out the body and the values of headers that may
/// carry secrets.
#[derive(Clone)]
pub struct RecordedRequest {
    method: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    body: Bytes,
    arrived: SystemTime,
    answered: Option<(u16, Option<String>)>,
}

impl RecordedRequest {
    /// `answered`: the status and the request id of the response, unless there
    /// is none.
    pub(crate) fn new(
        request: &Request<Bytes>,
        arrived: SystemTime,
        answered: Option<(u16, Option<String>)>,
    ) -> Self {
        let headers = request.headers().iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        Self {
            method: request.method().as_str().to_owned(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().map(str::to_owned),
            headers: headers.collect(),
            body: request.body().clone(),
            arrived,
            answered,
        }
    }

    /// The method, in capitals as sent.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path as sent: nothing is decoded or normalised.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What follows the `?` as sent, nothing decoded. None without a `?`.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The value of a header, the first if there are several. Case does not
    /// matter in the name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// All headers as pairs of name and value. Names are in lower case;
    /// values of the same name keep their order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The body, empty if there was none.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// When the request was there in full, by the org's clock.
    pub fn arrived(&self) -> SystemTime {
        self.arrived
    }

    /// The status of the response, also when a fault lost the response on its way.
    /// None when a fault put something else in its place, or nothing.
    pub fn status(&self) -> Option<u16> {
        self.answered.as_ref().map(|(status, _)| *status)
    }

    /// The `X-Okta-Request-Id` of the response. None where [`status`](Self::status)
    /// is, and for responses that did not come from Okta.
    pub fn request_id(&self) -> Option<&str> {
        self.answered.as_ref().and_then(|(_, id)| id.as_deref())
    }
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self
            .headers()
            .map(|(name, value)| {
                let shown = SHOWN_HEADERS.contains(&name);
                (name, if shown { value } else { "[hidden]" })
            })
            .collect();
        f.debug_struct("RecordedRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query", &self.query)
            .field("headers", &headers)
            .field("arrived", &self.arrived)
            .field("answered", &self.answered)
            .finish_non_exhaustive()
    }
}
