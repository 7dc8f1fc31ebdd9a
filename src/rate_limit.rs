//! What a response says about the rate limit.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One reading of the rate limit: what the headers of one response said.
///
/// The times are the server's, whose clock may differ from the local one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct RateLimit {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    /// Seconds since 1970, UTC.
    pub(crate) reset: Option<u64>,
    /// Seconds since 1970, UTC.
    pub(crate) date: Option<u64>,
    #[serde(skip)]
    pub(crate) until_reset: Option<Duration>,
}

impl RateLimit {
    /// Requests allowed per window.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Requests left in the window when the response was written.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// When the window ends, by the server's clock; `None` if the response did not say.
    /// Compare it with the server's clock only, or use
    /// [`until_reset`](Self::until_reset).
    pub fn reset(&self) -> Option<SystemTime> {
        UNIX_EPOCH.checked_add(Duration::from_secs(self.reset?))
    }

    /// The time from when the response was written to the end of the window, in whole
    /// seconds, by the server's own clock. If the server sent no `Date`, by the local
    /// clock when the response arrived.
    ///
    /// `None` if the response has no reset, or an implausible one: more than five
    /// seconds in the past or more than six hours ahead.
    pub fn until_reset(&self) -> Option<Duration> {
        self.until_reset
    }

    /// Whether the response is about the limit on *concurrent* requests, which Okta
    /// reports with a limit and a remaining of zero. Its reset means nothing.
    pub(crate) fn is_concurrency(&self) -> bool {
        self.limit == 0 && self.remaining == 0
    }

    /// Whether the response was written after the other one, if both have a `Date`.
    pub(crate) fn is_later_than(&self, other: &RateLimit) -> bool {
        // Not by arrival, because responses can arrive out of order.
        matches!((self.date, other.date), (Some(date), Some(other)) if date > other)
    }
}
