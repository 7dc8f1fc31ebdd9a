//! How long to wait before a retry.

use std::time::Duration;

use super::{RetryPolicy, WaitReason};
use crate::pipeline::rate_limit::LONGEST;

/// The longest backoff from the limit on concurrent requests. It frees up
/// within moments, as requests in flight end.
const CONCURRENCY_BACKOFF_CAP: Duration = Duration::from_secs(2);

/// The most a wait that the server asked for is lengthened, so that many
/// waiters do not come back in one instant.
const JITTER: Duration = Duration::from_secs(1);

/// The shortest wait after a refusal for a spent window. Whatever the server
/// says, such as a reset that has passed, one that comes sooner is refused again
/// and counts against the org.
const LEAST_AFTER_REFUSAL: Duration = Duration::from_secs(1);

/// The wait before retry number `retry` (1 is the first); `random` is in
/// `0.0..1.0`.
///
/// What the server asked for goes first and is not capped, so that the deadline
/// check can say how long it would have been; only a length that no server
/// means is ignored. Else the backoff is exponential, capped and fully random,
/// after a second where the window is spent.
pub(super) fn before_retry(
    policy: &RetryPolicy,
    reason: WaitReason,
    requested: Option<Duration>,
    retry: u32,
    random: f64,
) -> Duration {
    let longest = Duration::from_secs(LONGEST).saturating_add(crate::pipeline::rate_limit::MARGIN);
    let meant = |wait: &Duration| !wait.is_zero() && *wait <= longest;
    let doublings = 2_u32.saturating_pow(retry.saturating_sub(1));
    let backoff = policy.backoff_base().saturating_mul(doublings);
    let backoff = backoff.min(policy.backoff_cap());
    let least = match reason {
        WaitReason::RateLimited => LEAST_AFTER_REFUSAL,
        _ => Duration::ZERO,
    };
    match requested.filter(meant) {
        _ if reason == WaitReason::ConcurrencyLimited => {
            // Never nearly zero: the requests in the way need a moment to end.
            let half = backoff.min(CONCURRENCY_BACKOFF_CAP) / 2;
            half.saturating_add(part(half, random))
        }
        Some(wait) => {
            let wait = wait.max(least);
            wait.saturating_add(part(JITTER.min(wait / 10), random))
        }
        None => least.saturating_add(part(backoff, random)),
    }
}

/// A share of a duration; all of it if `share` is no share.
fn part(whole: Duration, share: f64) -> Duration {
    let part = Duration::try_from_secs_f64(whole.as_secs_f64() * share);
    part.unwrap_or(whole).min(whole)
}
