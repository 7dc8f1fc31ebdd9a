//! What the headers of one answer say about the rate limit.
//!
//! All arithmetic is on whole seconds of the server's own clock, as sent; where
//! it sent no `Date`, the local clock stands in for it.
//! Headers are not to be trusted: a value that is no number, or that no rate
//! limit would have, is treated as missing.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

use crate::time::unix_seconds;

const LIMIT: HeaderName = HeaderName::from_static("x-rate-limit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-rate-limit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-rate-limit-reset");

/// The longest wait a header may ask for, in seconds: six hours. Okta's windows
/// last a minute; a reset further ahead is a broken clock, not a rate limit.
pub(crate) const LONGEST: u64 = 6 * 60 * 60;

/// How far in the past a reset may lie, in seconds, and still mean "now": an
/// answer may be written down a moment after it was counted.
const RESET_TOLERANCE: u64 = 5;

/// Added to every wait for a reset: both times are cut to whole seconds.
pub(crate) const MARGIN: Duration = Duration::from_secs(1);

/// One reading of the rate limit: what the headers of one response said.
///
/// The times are the server's, whose clock may differ from the local one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct RateLimit {
    limit: u64,
    remaining: u64,
    /// Seconds since 1970, UTC.
    reset: Option<u64>,
    /// Seconds since 1970, UTC.
    date: Option<u64>,
    /// The date, or the local time where the server sent none.
    #[serde(skip)]
    now: u64,
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

    /// How long the window lasted on from the moment the response was written,
    /// in whole seconds, by the server's own clock. Where the server did not send
    /// the time (`Date`), by the local clock when the response came in.
    ///
    /// `None` if the response has no reset, or an implausible one: more than five
    /// seconds past or more than six hours ahead.
    pub fn until_reset(&self) -> Option<Duration> {
        until(self.reset?, self.now)
    }

    /// Whether the answer speaks of the limit on *concurrent* requests, which
    /// Okta reports as limit and remaining both zero. Its reset means nothing.
    pub(crate) fn is_concurrency(&self) -> bool {
        self.limit == 0 && self.remaining == 0
    }

    /// Whether the response was written after another, as far as both say when.
    pub(crate) fn is_later_than(&self, other: &RateLimit) -> bool {
        // Not by when they came in, as responses overtake each other.
        matches!((self.date, other.date), (Some(date), Some(other)) if date > other)
    }

    /// `None` unless the answer has both a limit and a remaining.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<RateLimit> {
        let date = server_date(headers);
        let now = date.unwrap_or_else(unix_seconds);
        Some(RateLimit {
            limit: numbers(headers, LIMIT).min()?,
            remaining: numbers(headers, REMAINING).min()?,
            reset: reset(headers, now),
            date,
            now,
        })
    }
}

/// How long the server asks to wait before the next try: on a 429 until the
/// window's end plus a second, else (every answer carries a reset, which is no
/// reason to wait) what `Retry-After` says.
pub(crate) fn requested_wait(status: u16, headers: &HeaderMap) -> Option<Duration> {
    let now = server_date(headers).unwrap_or_else(unix_seconds);
    let to_reset = || until(reset(headers, now)?, now)?.checked_add(MARGIN);
    (status == 429)
        .then(to_reset)
        .flatten()
        .or_else(|| retry_after(headers, now))
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: u64) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim_ascii();
    match value.parse() {
        Ok(seconds) => (seconds <= LONGEST).then(|| Duration::from_secs(seconds)),
        Err(_) => until(seconds(value)?, now),
    }
}

/// The smallest of several resets; one that is implausible does not displace
/// one that is not.
fn reset(headers: &HeaderMap, now: u64) -> Option<u64> {
    let plausible = |reset| until(reset, now).is_some();
    numbers(headers, RESET).min_by_key(|&reset| (!plausible(reset), reset))
}

fn until(reset: u64, now: u64) -> Option<Duration> {
    let plausible =
        reset.saturating_add(RESET_TOLERANCE) >= now && reset <= now.saturating_add(LONGEST);
    plausible.then(|| Duration::from_secs(reset.saturating_sub(now)))
}

/// When an answer was written, by the server's clock: seconds since 1970.
pub(crate) fn server_date(headers: &HeaderMap) -> Option<u64> {
    seconds(headers.get(DATE)?.to_str().ok()?)
}

/// An HTTP date as seconds since 1970.
fn seconds(date: &str) -> Option<u64> {
    let date = httpdate::parse_http_date(date.trim_ascii()).ok()?;
    Some(date.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// Every whole number in a header that may be repeated or joined by commas.
fn numbers(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = u64> {
    let values = headers.get_all(name).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|value| value.trim_ascii().parse().ok())
}

#[cfg(test)]
mod tests;
