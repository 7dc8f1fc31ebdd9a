//! The client-side rate limiter. All calls of a client go through it, so that an
//! exhausted window costs a wait and not a 429.
//!
//! It is a fixed-window limiter that learns the window from the server. Its state is
//! the current [`Window`] with the smallest `remaining` reported so far. A call gets a
//! [`Permit`] while `remaining` exceeds the number of requests in flight; a request in
//! flight may or may not be counted in the reading already, so it is assumed not to be.
//! When nothing is known about the window, one request goes out as a probe, and the
//! others wait up to [`PROBE_TIMEOUT`] for its response.
//!
//! Independently of the window, the number of requests in flight has an AIMD limit: a
//! 429 for too many concurrent requests halves it, and as many responses at the limit
//! as the limit is high raise it by one.
//!
//! Bulk runs use at most their [`BulkQuota`] of a window, and single calls go first.
//!
//! A call without a permit waits in a FIFO queue. There is no background task: each
//! waiter sleeps until the state may have changed, and then admits whichever waiter is
//! first in the queue, itself or another. So a waiter that is not polled blocks nobody.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::RateLimit;
use crate::time::{Instant, after, race, sleep_until};

mod state;

use state::{Admission, State};

/// How long calls wait for a response that may admit them, before one goes ahead without
/// it.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// How much of each window the calls of all bulk runs may use together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BulkQuota {
    /// The fraction of the limit, above 0 and at most 1.
    pub(crate) share: f64,
    /// How many requests of a window are left to others. Defaults to a tenth of the
    /// limit, or to none if the share is 1.
    pub(crate) reserve: Option<u64>,
}

impl BulkQuota {
    /// The maximum number of requests in a window with this limit. At least one, because
    /// nothing would ever be learned otherwise.
    fn of(self, limit: u64) -> u64 {
        // Exact up to 2^53; `as` saturates beyond the range of u64.
        ((limit as f64 * self.share) as u64).max(1)
    }

    fn reserve(self, limit: u64) -> u64 {
        let default = if self.share < 1.0 { limit / 10 } else { 0 };
        self.reserve.unwrap_or(default)
    }
}

/// The rate limiter; clones share it.
#[derive(Clone, Default)]
pub(crate) struct RateLimiter(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Wakes every waiter when a window turns out to be exhausted, or for longer.
    exhausted: Notify,
}

/// A permit cannot be granted before the call's deadline.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DeadlineExceeded {
    /// The time from now to the end of the exhausted window; `None` if the deadline
    /// passed while the call was queued.
    pub(crate) wait: Option<Duration>,
}

/// A permit for one request. Dropping it records that no response arrived.
#[must_use]
pub(crate) struct Permit {
    limiter: RateLimiter,
    admitted_at: Instant,
    completed: bool,
}

impl RateLimiter {
    /// Waits for a permit to send one request, first come, first served.
    ///
    /// Fails immediately if the window is known to be exhausted until after the
    /// deadline. Calls `on_wait` before it waits for the end of a window, once per
    /// window. `quota` is `None` for a single call.
    pub(crate) async fn acquire(
        &self,
        deadline: Instant,
        quota: Option<BulkQuota>,
        on_wait: impl Fn(Duration),
    ) -> Result<Permit, DeadlineExceeded> {
        let mut ticket = None;
        let mut announced_end = None;
        loop {
            // Subscribe before reading the state, so that no notification is missed.
            let exhausted = self.0.exhausted.notified();
            let now = Instant::now();
            if now >= deadline {
                return Err(DeadlineExceeded { wait: None });
            }
            let (admitted, admission) = self.update(now, |state| {
                let admission = state.admission(now, quota);
                match (&ticket, admission) {
                    (None, Admission::Granted) if state.nobody_queued_before(quota) => {
                        return (Some(self.admit(state, now, quota)), admission);
                    }
                    (None, _) => ticket = Some(state.enqueue(quota)),
                    (Some(_), _) => {}
                }
                (None, admission)
            });
            if let Some(permit) = admitted {
                return Ok(permit);
            }
            let recheck_at = match admission {
                // The queue has moved; this call may have been admitted meanwhile.
                Admission::Granted => after(now, PROBE_TIMEOUT),
                Admission::RetryAt(time) => time,
                Admission::WindowExhausted(end) => {
                    let wait = end.saturating_duration_since(now);
                    if end >= deadline {
                        return Err(DeadlineExceeded { wait: Some(wait) });
                    }
                    if announced_end.replace(end) != Some(end) {
                        on_wait(wait);
                    }
                    end
                }
            };
            let change = race(exhausted, sleep_until(recheck_at.min(deadline)));
            if let Some(turn) = &mut ticket {
                match race(turn, change).await {
                    Ok(Ok(permit)) => return Ok(permit),
                    // The state never drops the ticket of a waiter that is still
                    // there. If it did, the call would queue again.
                    Ok(Err(_)) => ticket = None,
                    Err(_) => {}
                }
            }
        }
    }

    /// The latest reading of the rate limit.
    pub(crate) fn snapshot(&self) -> Option<RateLimit> {
        self.update(Instant::now(), |state| state.latest.clone())
    }

    /// The minimum time that this number of calls takes, as far as is known.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn forecast(&self, calls: u64, quota: BulkQuota) -> Option<Duration> {
        let now = Instant::now();
        self.update(now, |state| state.forecast(calls, quota, now))
    }

    /// The only access to the state. After the change it admits the waiters that can be
    /// admitted, and wakes them when the lock is released.
    fn update<R>(&self, now: Instant, change: impl FnOnce(&mut State) -> R) -> R {
        let mut admitted = Vec::new();
        let (result, newly_exhausted) = {
            // A panic cannot have left the state half changed: none of the code
            // under the lock panics.
            let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.expire_window(now);
            let before = state.exhausted();
            let result = change(&mut state);
            while let Some((ticket, quota)) = state.next_waiter(now) {
                admitted.push((ticket, self.admit(&mut state, now, quota)));
            }
            let exhausted = state.exhausted();
            (result, exhausted != [None; 2] && exhausted != before)
        };
        for (ticket, permit) in admitted {
            // If the waiter has just been cancelled, its permit comes back here and is
            // dropped, which admits the next one.
            drop(ticket.send(permit));
        }
        if newly_exhausted {
            self.0.exhausted.notify_waiters();
        }
        result
    }

    fn admit(&self, state: &mut State, now: Instant, quota: Option<BulkQuota>) -> Permit {
        state.admit(now, quota);
        Permit {
            limiter: self.clone(),
            admitted_at: now,
            completed: false,
        }
    }
}

impl Permit {
    /// Returns the permit with what the response said: its status, and the rate limit
    /// in its headers, if any.
    pub(crate) fn complete(mut self, status: u16, reading: Option<&RateLimit>) {
        self.release(status == 429, reading);
    }

    fn release(&mut self, refused: bool, reading: Option<&RateLimit>) {
        self.completed = true;
        let now = Instant::now();
        self.limiter.update(now, |state| {
            state.learn(refused, reading, self.admitted_at, now);
            state.release(now);
        });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.completed {
            self.release(false, None);
        }
    }
}

#[cfg(test)]
mod tests;
