//! What the headers of one response say about the rate limit.
//!
//! All arithmetic is in whole seconds of the server's own clock; without a `Date`
//! header, the local clock is used instead.
//! Headers are not trusted: a value that is not a number, or not plausible for a rate
//! limit, is treated as missing.

use std::time::{Duration, UNIX_EPOCH};

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

use crate::{RateLimit, time::unix_seconds};

const LIMIT: HeaderName = HeaderName::from_static("x-rate-limit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-rate-limit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-rate-limit-reset");

/// The longest wait a header may ask for, in seconds: six hours. Okta's windows
/// last a minute; a reset further ahead is a broken clock, not a rate limit.
pub(crate) const LONGEST: u64 = 6 * 60 * 60;

/// How far in the past a reset may lie, in seconds, and still mean "now": a response may
/// be written a moment after the request was counted.
const RESET_TOLERANCE: u64 = 5;

/// Added to every wait for a reset, because both times are truncated to whole seconds.
pub(crate) const MARGIN: Duration = Duration::from_secs(1);

impl RateLimit {
    /// `None` unless the response has both a limit and a remaining.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<RateLimit> {
        let date = server_date(headers);
        let now = date.unwrap_or_else(unix_seconds);
        let reset = reset(headers, now);
        Some(RateLimit {
            limit: numbers(headers, LIMIT).min()?,
            remaining: numbers(headers, REMAINING).min()?,
            reset,
            date,
            until_reset: reset.and_then(|reset| until(reset, now)),
        })
    }
}

/// How long the server asks to wait before a retry: after a 429, until the end of the
/// window plus [`MARGIN`]; otherwise what `Retry-After` says. (Every response has a reset,
/// which alone is not a reason to wait.)
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

/// The smallest of several resets; a plausible one wins over an implausible one.
fn reset(headers: &HeaderMap, now: u64) -> Option<u64> {
    let plausible = |reset| until(reset, now).is_some();
    numbers(headers, RESET).min_by_key(|&reset| (!plausible(reset), reset))
}

fn until(reset: u64, now: u64) -> Option<Duration> {
    let plausible =
        reset.saturating_add(RESET_TOLERANCE) >= now && reset <= now.saturating_add(LONGEST);
    plausible.then(|| Duration::from_secs(reset.saturating_sub(now)))
}

/// When a response was written, by the server's clock: seconds since 1970.
pub(crate) fn server_date(headers: &HeaderMap) -> Option<u64> {
    seconds(headers.get(DATE)?.to_str().ok()?)
}

/// An HTTP date as seconds since 1970.
fn seconds(date: &str) -> Option<u64> {
    let date = httpdate::parse_http_date(date.trim_ascii()).ok()?;
    Some(date.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// Every whole number in a header, which may be repeated or joined with commas.
fn numbers(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = u64> {
    let values = headers.get_all(name).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|value| value.trim_ascii().parse().ok())
}

#[cfg(test)]
mod tests;
