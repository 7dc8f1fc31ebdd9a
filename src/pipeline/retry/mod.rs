//! The retry loop: sends, decides whether to send again, waits.
//!
//! It does no I/O of its own. The caller's `send` builds, signs and sends one
//! attempt; its error says, through [`Failure`], whether another try makes
//! sense and what the server asked for.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::time::{self, Instant};

mod event;
mod policy;
mod wait;

pub(crate) use event::WaitObserver;
pub(crate) use event::announce;
pub use event::{WaitEvent, WaitReason};
pub use policy::RetryPolicy;

/// What the loop needs to know of an error.
pub(crate) trait Failure {
    /// Why another try makes sense; `None` if the error is final.
    fn retry(&self) -> Option<WaitReason>;

    /// How long the server asked to wait, if it did (see
    /// [`requested_wait`](crate::pipeline::rate_limit::requested_wait)).
    fn requested_wait(&self) -> Option<Duration>;

    /// `X-Okta-Request-Id` of the answer, if there was one.
    fn request_id(&self) -> Option<&str>;

    /// Whether the attempt may have had its effect all the same.
    fn may_have_happened(&self) -> bool;
}

/// One try, as handed to `send`.
pub(crate) struct Attempt {
    /// Counts from 1; `X-Okta-Retry-Count` is one less.
    pub(crate) number: u32,
    /// For `X-Okta-Retry-For`: the request id of the call's first failed answer.
    #[cfg_attr(
        target_arch = "wasm32",
        expect(dead_code, reason = "CORS does not allow the header")
    )]
    pub(crate) retry_for: Option<Arc<str>>,
    /// When the whole call ends. `send` keeps to it, since it alone knows
    /// whether the request has left by then.
    pub(crate) deadline: Instant,
    timeout: Duration,
}

impl Attempt {
    /// When this attempt ends if it sets out now. To be asked after the gate,
    /// so that waiting for a window does not use up the time to send.
    pub(crate) fn ends(&self) -> Instant {
        time::after(Instant::now(), self.timeout).min(self.deadline)
    }
}

/// How a call ended.
pub(crate) struct Outcome<T, E> {
    /// The value, or the last attempt's error and why there was no other.
    pub(crate) result: Result<T, (E, Ended)>,
    /// How often `send` was called; at least once.
    pub(crate) attempts: u32,
    /// Failed attempts that may have had their effect all the same. Above zero,
    /// the call's effect is unknown however the last attempt ended.
    pub(crate) may_have_happened: u32,
    /// Time spent in this loop's own waits.
    pub(crate) waited: Duration,
}

/// Why a failed call was not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Another try could not have helped.
    Final,
    /// The policy allows no further retry.
    RetriesSpent,
    /// The wait before the next try would have passed the deadline, so it was
    /// not begun.
    DeadlineExceeded {
        /// How long it would have been.
        wait: Duration,
    },
}

/// Calls `send` until it succeeds, fails for good, or the policy or `deadline`
/// forbids another try. `random` yields numbers in `0.0..1.0`.
///
/// Dropping the future cancels at once; the loop has no other state.
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
    let mut may_have_happened = 0_u32;
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
        may_have_happened = may_have_happened.saturating_add(error.may_have_happened().into());
        let Some(reason) = error.retry() else {
            break Err((error, Ended::Final));
        };
        if attempts > policy.max_retries() {
            break Err((error, Ended::RetriesSpent));
        }
        let wait = wait::before_retry(policy, reason, error.requested_wait(), attempts, random());
        let start = Instant::now();
        let until = time::after(start, wait);
        if until >= deadline {
            break Err((error, Ended::DeadlineExceeded { wait }));
        }
        retry_for = retry_for.or_else(|| error.request_id().map(Arc::from));
        announce(observer, &WaitEvent::new(attempts, reason, wait));
        time::sleep_until(until).await;
        waited = waited.saturating_add(start.elapsed());
    };
    Outcome {
        result,
        attempts,
        may_have_happened,
        waited,
    }
}

#[cfg(test)]
mod tests;
