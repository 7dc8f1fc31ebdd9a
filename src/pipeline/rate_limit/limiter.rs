//! The client-side rate limiter. All calls of a client go through it, so that an exhausted
//! window costs a wait and not a 429, and so that a call has its part of each window also
//! where others use the same limit.
//!
//! # The model
//!
//! The org has a limit of requests per window, which all of its clients share. A window begins
//! with somebody's first request after the one before, and lasts a fixed time. Each response
//! reports the limit, how many requests remain, and when the window ends.
//!
//! **Who may go** (`window.rs`, `usage.rs`). `remaining` is the smallest reading of the window.
//! A request in flight may or may not be counted in it, so it is taken for one that is not. What
//! of the window neither a reading nor a request in flight explains, others have used; their
//! fastest pace in this window and the one before says how many requests they are likely to
//! send while one of ours is in flight. What remains is shared in proportion: with `c` requests
//! of ours in flight at once and `o` of theirs, ours are at most `c / (c + o)` of it. Nothing is
//! assumed about others beyond that; alone, `o` is zero.
//!
//! **When the next window begins** (`timing.rs`, `server_clock.rs`). Three things are known:
//!
//! - the announced end. It is a whole second of the server's clock, which a server rounds up or
//!   down, so the end is up to a second away from it. The `Date` of every response bounds when
//!   the seconds of that clock begin, after a few responses to a round trip;
//! - the beginning of the window: after the last request that was still counted in the one
//!   before, and before the first response with a reading of this one;
//! - the length. Windows last a minute at Okta. It is assumed to be a multiple of ten seconds,
//!   if one fits to both of the above, until a window lasts longer than that.
//!
//! Together they say that the end lies between two moments. If these are close, the next window
//! is tried at the later one, and no request comes too early. If not, others may have used up
//! the next window by then. So if others used part of this window before the first reading, its
//! beginning is estimated from their pace; and if a call that waited for a window found most of
//! it used, the next one is tried in the middle between the two moments. Such a request may come
//! too early and be refused, and then the next one waits for the later moment, or where that was
//! too late before, for the middle of what is left, once. Refused or not, each halves what is
//! unknown.
//!
//! **What is unknown** (`state.rs`). At first, and after the end of each window, one request
//! goes out as a probe, and the others wait up to [`PROBE_TIMEOUT`] for its response.
//!
//! **How many at once** (`concurrency.rs`). Independently of the window, the number of requests
//! in flight has an AIMD limit.
//!
//! **Bulk runs** use at most their [`BulkQuota`] of a window, and single calls go first. Of what
//! others have not used, a run leaves the same part as of a whole window, so that it is never
//! left without anything.
//!
//! **Who waits** (`queue.rs`). A call without a permit waits in a FIFO queue. There is no
//! background task: each waiter sleeps until it may be its turn, and then admits whichever
//! waiter is first in the queue, itself or another. So a waiter that is not polled blocks
//! nobody, and a waiter that cannot go in the next window does not wake up for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use crate::RateLimit;
use crate::time::{Instant, after, race, sleep_until};

mod concurrency;
mod queue;
mod server_clock;
mod state;
mod timing;
mod usage;
mod window;

use queue::{Place, Turn};
use state::{Admission, State};

/// How long calls wait for a response that may admit them, before one goes ahead without
/// it.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// A wait that becomes longer by no more is not announced again.
const ANNOUNCED: Duration = Duration::from_secs(1);

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
pub(crate) struct RateLimiter(Arc<Mutex<State>>);

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
    /// deadline. Calls `on_wait` before it waits for another window, and again if the wait
    /// turns out to be longer. `quota` is `None` for a single call.
    pub(crate) async fn acquire(
        &self,
        deadline: Instant,
        quota: Option<BulkQuota>,
        on_wait: impl Fn(Duration),
    ) -> Result<Permit, DeadlineExceeded> {
        let mut waiting = None;
        let mut announced: Option<Instant> = None;
        loop {
            let now = Instant::now();
            if now >= deadline {
                return Err(DeadlineExceeded { wait: None });
            }
            let place = waiting.as_ref().map(|waiting: &Waiting| waiting.place);
            let looks_at = match self.look(now, deadline, quota, place) {
                Look::Admitted(permit) => return Ok(permit),
                Look::TooLate { wait } => return Err(DeadlineExceeded { wait: Some(wait) }),
                Look::Queued {
                    looks_at,
                    is_exhausted,
                    new,
                } => {
                    if let Some((place, turn)) = new {
                        waiting = Some(Waiting {
                            limiter: self.clone(),
                            place,
                            turn,
                        });
                    }
                    let expected = announced.map(|until| after(until, ANNOUNCED));
                    if is_exhausted && Some(looks_at) > expected {
                        announced = Some(looks_at);
                        on_wait(looks_at.saturating_duration_since(now));
                    }
                    looks_at
                }
            };
            if let Some(Waiting { turn, .. }) = &mut waiting {
                let change = race(turn.wake.notified(), sleep_until(looks_at.min(deadline)));
                match race(&mut turn.permit, change).await {
                    Ok(Ok(permit)) => return Ok(permit),
                    // A waiter that is still there keeps its place. If it did not, the call
                    // would queue again.
                    Ok(Err(_)) => waiting = None,
                    Err(_) => {}
                }
            }
        }
    }

    /// Lets a call look whether it can go. If it cannot, it has a place in the queue.
    fn look(
        &self,
        now: Instant,
        deadline: Instant,
        quota: Option<BulkQuota>,
        place: Option<Place>,
    ) -> Look {
        self.update(now, |state| {
            let admission = state.admission(now, quota);
            if let Admission::WindowExhausted(next) = admission
                && next >= deadline
            {
                let wait = next.saturating_duration_since(now);
                return Look::TooLate { wait };
            }
            if place.is_none()
                && admission == Admission::Granted
                && state.queue.nobody_before(quota)
            {
                return Look::Admitted(self.admit(state, now, quota));
            }
            let mut new = None;
            let place = place.unwrap_or_else(|| {
                let (place, turn) = state.queue.push(quota, deadline, now);
                new = Some((place, turn));
                place
            });
            let looks_at = state.looks_at(now, admission, place);
            if let Some(waiter) = state.queue.get_mut(place) {
                waiter.looks_at = looks_at;
            }
            Look::Queued {
                looks_at,
                is_exhausted: matches!(admission, Admission::WindowExhausted(_)),
                new,
            }
        })
    }

    /// The latest reading of the rate limit.
    pub(crate) fn snapshot(&self) -> Option<RateLimit> {
        self.update(Instant::now(), |state| state.latest.clone())
    }

    /// The minimum time that this number of calls takes, as far as is known.
    #[cfg_attr(
        target_arch = "wasm32",
        expect(dead_code, reason = "there are no bulk runs in a browser")
    )]
    pub(crate) fn forecast(&self, calls: u64, quota: BulkQuota) -> Option<Duration> {
        let now = Instant::now();
        self.update(now, |state| state.forecast(calls, quota, now))
    }

    /// The only access to the state. After the change it admits the waiters that can be
    /// admitted, and wakes those that have to look, when the lock is released.
    fn update<R>(&self, now: Instant, change: impl FnOnce(&mut State) -> R) -> R {
        let (result, effects) = {
            // A panic cannot have left the state half changed: none of the code
            // under the lock panics.
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.expire_window(now);
            let was_exhausted = state.is_exhausted();
            let result = change(&mut state);
            (result, self.settle(&mut state, was_exhausted, now))
        };
        effects.perform();
        result
    }

    /// Admits the waiters that can be admitted after a change.
    fn settle(&self, state: &mut State, was_exhausted: [bool; 2], now: Instant) -> Effects {
        let mut admitted = Vec::new();
        while let Some((place, quota)) = state.next_admissible(now)
            && let Some(turn) = state.queue.remove(place)
        {
            admitted.push((turn, self.admit(state, now, quota)));
        }
        Effects {
            admitted,
            to_wake: state.to_wake(was_exhausted, now),
        }
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

/// What a change leads to, once the lock is released.
struct Effects {
    admitted: Vec<(oneshot::Sender<Permit>, Permit)>,
    to_wake: Vec<Arc<Notify>>,
}

impl Effects {
    fn perform(self) {
        for (turn, permit) in self.admitted {
            // If the waiter has just been cancelled, its permit comes back here and is
            // dropped, which admits the next one.
            drop(turn.send(permit));
        }
        for waiter in self.to_wake {
            waiter.notify_one();
        }
    }
}

/// What a call sees that looks whether it can go.
enum Look {
    Admitted(Permit),
    /// The next window begins after the deadline.
    TooLate {
        wait: Duration,
    },
    Queued {
        looks_at: Instant,
        is_exhausted: bool,
        /// Its place, if it had none before.
        new: Option<(Place, Turn)>,
    },
}

/// A place in the queue. Dropping it gives it up.
struct Waiting {
    limiter: RateLimiter,
    place: Place,
    turn: Turn,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.turn.permit.is_terminated() {
            // It has received its permit, and its place has gone.
            return;
        }
        let place = self.place;
        self.limiter
            .update(Instant::now(), |state| drop(state.queue.remove(place)));
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
