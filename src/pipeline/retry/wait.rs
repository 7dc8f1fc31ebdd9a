//! How long to wait before a retry.

use std::time::Duration;

use super::{RetryPolicy, WaitReason};
use crate::pipeline::rate_limit::{LONGEST, MARGIN};

/// The maximum backoff after a 429 for too many concurrent requests. The limit frees up
/// within moments, as requests in flight complete.
const CONCURRENCY_BACKOFF_CAP: Duration = Duration::from_secs(2);

/// The maximum jitter added to a wait that the server asked for, so that not all waiters
/// come back at the same instant.
const JITTER: Duration = Duration::from_secs(1);

/// The minimum wait after a 429 for an exhausted window. Whatever the server says (a
/// reset that has passed, say), a request that comes sooner is refused again and counts
/// against the org.
pub(super) const MIN_WAIT_AFTER_429: Duration = Duration::from_secs(1);

/// The wait before retry number `retry` (1 is the first); `random` is in
/// `0.0..1.0`.
///
/// A wait that the server asked for takes precedence and is not capped, so that the
/// deadline check can report its length; an implausible one is ignored. Otherwise the
/// backoff is exponential and capped, with full jitter, and comes on top of
/// [`MIN_WAIT_AFTER_429`] where the window is exhausted.
pub(super) fn before_retry(
    policy: &RetryPolicy,
    reason: WaitReason,
    requested: Option<Duration>,
    retry: u32,
    random: f64,
) -> Duration {
    let longest = Duration::from_secs(LONGEST).saturating_add(MARGIN);
    let is_plausible = |wait: &Duration| !wait.is_zero() && *wait <= longest;
    let doublings = 2_u32.saturating_pow(retry.saturating_sub(1));
    let backoff = policy.backoff_base().saturating_mul(doublings);
    let backoff = backoff.min(policy.backoff_cap());
    let minimum = match reason {
        WaitReason::RateLimited => MIN_WAIT_AFTER_429,
        _ => Duration::ZERO,
    };
    match requested.filter(is_plausible) {
        _ if reason == WaitReason::ConcurrencyLimited => {
            // At least half the backoff: the requests in flight need a moment to complete.
            let half = backoff.min(CONCURRENCY_BACKOFF_CAP) / 2;
            half.saturating_add(part(half, random))
        }
        Some(wait) => {
            let wait = wait.max(minimum);
            wait.saturating_add(part(JITTER.min(wait / 10), random))
        }
        None => minimum.saturating_add(part(backoff, random)),
    }
}

/// A fraction of a duration; all of it if `fraction` is not between 0 and 1.
fn part(whole: Duration, fraction: f64) -> Duration {
    let part = Duration::try_from_secs_f64(whole.as_secs_f64() * fraction);
    part.unwrap_or(whole).min(whole)
}
