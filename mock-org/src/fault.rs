//! What can go wrong between the org and its client.

use std::{collections::VecDeque, fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::{
    response::{Refusal, Response},
    wire::Flow,
};

/// A way to spoil a response, for [`MockOrg::fail_next`](crate::MockOrg::fail_next)
/// and [`MockOrg::fail_next_token`](crate::MockOrg::fail_next_token).
///
/// A fault sits in front of the org: it strikes before anything is
/// authenticated, the operation is not carried out, and the request is not
/// counted by the rate limit. There are two exceptions:
/// [`after_effect`](Self::after_effect) lets the org carry out, log and count
/// the request first, and an [`okta_error`](Self::okta_error) or an
/// [`oauth_error`](Self::oauth_error) comes from Okta, and so is counted.
///
/// Headers and a body that are set apply to whatever HTTP response the fault
/// gives; faults that give none have no use for them.
#[derive(Clone)]
#[must_use = "a fault does nothing until it is queued"]
pub struct Fault {
    source: Source,
    ending: Ending,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Bytes>,
    pub(crate) delay: Duration,
    pub(crate) after_effect: bool,
}

/// Where the response comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// The org, as if there were no fault.
    Genuine,
    /// The org, which says something else than it would.
    Okta(Refusal),
    /// Something in between: no header of Okta's is there.
    Between(StatusCode),
}

/// What becomes of the response on its way.
#[derive(Clone)]
enum Ending {
    Whole,
    Cut(usize),
    Raw(Bytes),
    Reset,
    Hang,
}

impl Fault {
    /// An empty response of something in front of the org, a proxy for example:
    /// without any of Okta's headers.
    ///
    /// # Panics
    ///
    /// When the status is not between 200 and 999.
    #[track_caller]
    pub fn status(status: u16) -> Self {
        Self::new(Source::Between(valid_status(status)), Ending::Whole)
    }

    /// An error of Okta's own with its JSON body and headers. Okta's words go
    /// with the codes that the mock knows.
    ///
    /// # Panics
    ///
    /// When the status is not between 200 and 999.
    #[track_caller]
    pub fn okta_error(status: u16, code: impl Into<String>) -> Self {
        let refusal = Refusal::new(valid_status(status), code);
        Self::new(Source::Okta(refusal), Ending::Whole)
    }

    /// An error of Okta's token endpoint with its JSON body and headers, for
    /// [`MockOrg::fail_next_token`](crate::MockOrg::fail_next_token).
    ///
    /// # Panics
    ///
    /// When the status is not between 200 and 999.
    #[track_caller]
    pub fn oauth_error(status: u16, error: &str, description: &str) -> Self {
        let refusal = Refusal::oauth(valid_status(status), error, description);
        Self::new(Source::Okta(refusal), Ending::Whole)
    }

    /// A 302 to another URL.
    ///
    /// # Panics
    ///
    /// When the URL cannot stand in a header.
    #[track_caller]
    pub fn redirect(to: &str) -> Self {
        Self::new(Source::Between(StatusCode::FOUND), Ending::Whole).header("location", to)
    }

    /// The true response in full, but late. The operation is carried out when
    /// the request arrives.
    pub fn late(delay: Duration) -> Self {
        Self::new(Source::Genuine, Ending::Whole)
            .delay(delay)
            .after_effect(true)
    }

    /// The first bytes of the true response, its head included, then the end of
    /// the connection. With 0 nothing is sent at all. A response that is not
    /// longer gets through in full.
    pub fn cut_after(bytes: usize) -> Self {
        Self::new(Source::Genuine, Ending::Cut(bytes))
    }

    /// Bytes in the place of an HTTP response, then the end of the connection.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Source::Genuine, Ending::Raw(bytes.into().into()))
    }

    /// A connection reset (TCP RST) in the place of a response.
    pub fn reset() -> Self {
        Self::new(Source::Genuine, Ending::Reset)
    }

    /// No response, for as long as the client keeps the connection open.
    pub fn hang() -> Self {
        Self::new(Source::Genuine, Ending::Hang)
    }

    fn new(source: Source, ending: Ending) -> Self {
        Self {
            source,
            ending,
            headers: Vec::new(),
            body: None,
            delay: Duration::ZERO,
            after_effect: false,
        }
    }

    /// The body. HTTP allows none with 204 and 304: it is left out there.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into().into());
        self
    }

    /// A header. It takes the place of the org's own of that name; given
    /// several times, all are sent.
    ///
    /// # Panics
    ///
    /// When the name or the value cannot stand in a header.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let (Ok(header), Ok(value)) = (name.parse(), value.parse()) else {
            panic!("not a header that HTTP can carry: {name}");
        };
        self.headers.push((header, value));
        self
    }

    /// The header `Content-Type`.
    ///
    /// # Panics
    ///
    /// When the value cannot stand in a header.
    #[track_caller]
    pub fn content_type(self, value: &str) -> Self {
        self.header(header::CONTENT_TYPE.as_str(), value)
    }

    /// How long to wait between the arrival of the request and the fault.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Whether the org carries the request out as usual, credentials and
    /// limits included, before its response is spoiled. `false` if not set.
    pub fn after_effect(mut self, carried_out: bool) -> Self {
        self.after_effect = carried_out;
        self
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Puts the headers and the body of the fault into a response.
    pub(crate) fn adorn(&self, response: &mut Response) {
        for (name, _) in &self.headers {
            response.headers_mut().remove(name);
        }
        response.headers_mut().extend(self.headers.iter().cloned());
        if let Some(body) = &self.body {
            response.body_mut().clone_from(body);
        }
    }

    /// Whether an HTTP response is sent, be it in part.
    pub(crate) fn responses(&self) -> bool {
        matches!(self.ending, Ending::Whole | Ending::Cut(_))
    }

    /// What becomes of the response's bytes. None: they are held back for good.
    pub(crate) fn flow(&self) -> Option<Flow> {
        match &self.ending {
            Ending::Whole => Some(Flow::Open),
            Ending::Cut(bytes) => Some(Flow::Cut(*bytes)),
            Ending::Raw(bytes) => Some(Flow::Replaced(bytes.clone())),
            Ending::Reset => Some(Flow::Reset),
            Ending::Hang => None,
        }
    }
}

/// Names no header value and no body: they may hold secrets.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("source", &self.source)
            .field("ending", &self.ending)
            .field("delay", &self.delay)
            .field("after_effect", &self.after_effect)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("Whole"),
            Self::Cut(bytes) => write!(f, "Cut({bytes} bytes)"),
            Self::Raw(bytes) => write!(f, "Raw({} bytes)", bytes.len()),
            Self::Reset => f.write_str("Reset"),
            Self::Hang => f.write_str("Hang"),
        }
    }
}

#[track_caller]
fn valid_status(status: u16) -> StatusCode {
    match StatusCode::from_u16(status) {
        // A 1xx only announces a response.
        Ok(valid) if status >= 200 => valid,
        _ => panic!("not the status of a response: {status}"),
    }
}

/// The faults to come, in order.
#[derive(Debug, Default)]
pub(crate) struct Faults(VecDeque<(usize, Fault)>);

impl Faults {
    pub(crate) fn push(&mut self, times: usize, fault: Fault) {
        if times > 0 {
            self.0.push_back((times, fault));
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn next(&mut self) -> Option<Fault> {
        let (times, fault) = self.0.front_mut()?;
        *times = times.saturating_sub(1);
        if *times > 0 {
            return Some(fault.clone());
        }
        self.0.pop_front().map(|(_, fault)| fault)
    }
}
