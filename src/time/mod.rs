//! The clock and the timer: Tokio's, or the browser's. Only this module uses them directly.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(not(target_arch = "wasm32"))]
mod runtime;

#[cfg(target_arch = "wasm32")]
use browser as platform;
#[cfg(not(target_arch = "wasm32"))]
use runtime as platform;

pub(crate) use platform::{Instant, require_runtime, sleep_until, unix_seconds};

/// Thirty years: longer than any intended deadline, and short enough that no platform's
/// clock overflows.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// `start + wait`, for a wait of any length.
pub(crate) fn after(start: Instant, wait: Duration) -> Instant {
    start.checked_add(wait.min(FAR)).unwrap_or(start)
}

/// `end - wait`; just `end` where the platform's clock cannot show so early a moment.
pub(crate) fn before(end: Instant, wait: Duration) -> Instant {
    end.checked_sub(wait).unwrap_or(end)
}

/// The outcome of whichever of two futures ends first: `Ok` for `a`, which is
/// preferred when both are ready, `Err` for `b`.
pub(crate) async fn race<A: Future, B: Future>(a: A, b: B) -> Result<A::Output, B::Output> {
    let (mut a, mut b) = (pin!(a), pin!(b));
    poll_fn(|context| {
        if let Poll::Ready(output) = a.as_mut().poll(context) {
            return Poll::Ready(Ok(output));
        }
        b.as_mut().poll(context).map(Err)
    })
    .await
}
