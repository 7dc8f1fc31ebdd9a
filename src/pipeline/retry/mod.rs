//! The retry loop: sends, decides whether to retry, waits.
//!
//! It does no I/O of its own. The caller's `send` builds, signs and sends one
//! attempt; its error says, through [`Failure`], whether it is retryable and how long
//! the server asked to wait.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::time::{self, Instant};

mod event;
mod policy;
mod retryable;
mod wait;

pub(crate) use event::WaitObserver;
pub(crate) use event::announce;
pub use event::{WaitEvent, WaitReason};
pub use policy::RetryPolicy;

/// What the loop needs to know about an error.
pub(crate) trait Failure {
    /// Why the error is retryable; `None` if it is final.
    fn retry(&self) -> Option<WaitReason>;

    /// How long the server asked to wait, if it did (see
    /// [`requested_wait`](crate::pipeline::rate_limit::requested_wait)).
    fn requested_wait(&self) -> Option<Duration>;

    /// Whether the rate limiter knows the window that refused the attempt, and admits no other
    /// before the next one.
    fn limiter_waits(&self) -> bool;

    /// `X-Okta-Request-Id` of the response, if there was one.
    fn request_id(&self) -> Option<&str>;

    /// Whether the attempt may have taken effect nevertheless.
    fn effect_unknown(&self) -> bool;
}

/// One attempt, as passed to `send`.
pub(crate) struct Attempt {
    /// Counts from 1; `X-Okta-Retry-Count` is one less.
    pub(crate) number: u32,
    /// For `X-Okta-Retry-For`: the request id of the call's first failed response.
    #[cfg_attr(
        target_arch = "wasm32",
        expect(dead_code, reason = "CORS does not allow the header")
    )]
    pub(crate) retry_for: Option<Arc<str>>,
    /// When the whole call must end. `send` enforces it, because only `send` knows
    /// whether the request has been sent by then.
    pub(crate) deadline: Instant,
    timeout: Duration,
}

impl Attempt {
    /// When this attempt times out if it starts now. Call it after the rate limiter has
    /// given a permit, so that time in the queue does not count.
    pub(crate) fn ends(&self) -> Instant {
        time::after(Instant::now(), self.timeout).min(self.deadline)
    }
}

/// How a call ended.
pub(crate) struct Outcome<T, E> {
    /// The value, or the last attempt's error and why it was not retried.
    pub(crate) result: Result<T, (E, Ended)>,
    /// How often `send` was called; at least once.
    pub(crate) attempts: u32,
    /// How many failed attempts may have taken effect nevertheless. Above zero, the
    /// call's effect is unknown, however the last attempt ended.
    pub(crate) effects_unknown: u32,
    /// Time spent in this loop's own waits.
    pub(crate) waited: Duration,
}

/// Why a failed call was not retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The error is not retryable.
    Final,
    /// The policy allows no more retries.
    RetriesExhausted,
    /// The wait before the next attempt would have passed the deadline, so it was not
    /// begun.
    DeadlineExceeded {
        /// How long it would have been.
        wait: Duration,
    },
}

/// Calls `send` until it succeeds, fails for good, or the policy or `deadline` forbids
/// another attempt. `random` yields numbers in `0.0..1.0`.
///
/// Dropping the future cancels the call immediately; the loop has no other state.
pub(crate) async fn run<T, E, F, Fut>(
    policy: &RetryPolicy,
    deadline: Instant,
    mut random: impl FnMut() -> f64,
    observer: Option<&WaitObserver>,
    mut send: F,
) -> Outcome<T, E>
where
    E: Failure,
    F: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    let mut attempts = 0_u32;
    let mut effects_unknown = 0_u32;
    let mut waited = Duration::ZERO;
    let mut retry_for: Option<Arc<str>> = None;
    let result = loop {
        attempts = attempts.saturating_add(1);
        let attempt = Attempt {
            number: attempts,
            retry_for: retry_for.clone(),
            deadline,
            timeout: policy.attempt_timeout(),
        };
        let error = match send(attempt).await {
            Ok(value) => break Ok(value),
            Err(error) => error,
        };
        effects_unknown = effects_unknown.saturating_add(error.effect_unknown().into());
        let Some(reason) = error.retry() else {
            break Err((error, Ended::Final));
        };
        if attempts > policy.max_retries() {
            break Err((error, Ended::RetriesExhausted));
        }
        let wait = wait::before_retry(policy, reason, error.requested_wait(), attempts, random());
        let start = Instant::now();
        let until = time::after(start, wait);
        if until >= deadline {
            break Err((error, Ended::DeadlineExceeded { wait }));
        }
        // One place decides when the next request of a known window may go.
        let wait = match error.limiter_waits() {
            true => wait::MIN_WAIT_AFTER_429,
            false => wait,
        };
        let until = time::after(start, wait);
        retry_for = retry_for.or_else(|| error.request_id().map(Arc::from));
        announce(observer, &WaitEvent::new(attempts, reason, wait));
        time::sleep_until(until).await;
        waited = waited.saturating_add(start.elapsed());
    };
    Outcome {
        result,
        attempts,
        effects_unknown,
        waited,
    }
}

#[cfg(test)]
mod tests;
