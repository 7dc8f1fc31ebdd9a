//! The gate that all calls of a client go through, so that a spent window costs
//! a wait and not a 429.
//!
//! What is known is the [`Window`]: how many requests the current one has left,
//! by the smallest reading so far. A call passes while that is more than what
//! is in flight: a request in flight may or may not be counted in the reading
//! already. In a window of which nothing is known, one call goes ahead and the
//! others wait for what its answer says, for about a second.
//!
//! A bulk run takes no more of a window than its [`BulkQuota`]; single calls go
//! before it.
//!
//! Whoever cannot pass waits in line. There is no background task: each waiter
//! sleeps until something can have changed and then lets in whoever is first in
//! line, itself or not, so a waiter that its owner does not poll holds up nobody.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::pipeline::rate_limit::RateLimit;
use crate::time::{Instant, after, race, sleep_until};

mod state;

use state::{Admission, State};

/// How long calls wait for an answer that would tell more.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// How much of each window the calls of bulk runs may spend together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BulkQuota {
    /// The part of the limit, above 0 and at most 1.
    pub(crate) share: f64,
    /// How many of a window's requests are left to others; unless given, a
    /// tenth of the limit, and none if the share is the whole.
    pub(crate) reserve: Option<u64>,
}

impl BulkQuota {
    /// The most that may be spent of a window with this limit; one at least, or
    /// nothing would ever be learned.
    fn of(self, limit: u64) -> u64 {
        // Exact up to 2^53; a float beyond the range becomes the nearest end.
        ((limit as f64 * self.share) as u64).max(1)
    }

    fn reserve(self, limit: u64) -> u64 {
        let unless_given = if self.share < 1.0 { limit / 10 } else { 0 };
        self.reserve.unwrap_or(unless_given)
    }
}

/// The gate; clones share it.
#[derive(Clone, Default)]
pub(crate) struct RateLimiter(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Tells every waiter that a window is spent, and until when.
    spent: Notify,
}

/// Why a call may not permit: its deadline comes first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DeadlineExceeded {
    /// The time from now to the end of the spent window; `None` if the deadline
    /// came while the call waited for answers to others.
    pub(crate) wait: Option<Duration>,
}

/// A permit for one request. Dropping it records that no response arrived.
#[must_use]
pub(crate) struct Permit {
    limiter: RateLimiter,
    sent: Instant,
    ended: bool,
}

impl RateLimiter {
    /// Waits for the right to send one request, first come, first served.
    ///
    /// Fails at once when the window is known to be spent until after the
    /// deadline. Calls `on_wait` before it waits for a window's end, and again
    /// for each further window. Only a bulk run's call has an allowance.
    pub(crate) async fn acquire(
        &self,
        deadline: Instant,
        allowance: Option<BulkQuota>,
        on_wait: impl Fn(Duration),
    ) -> Result<Permit, DeadlineExceeded> {
        let mut ticket = None;
        let mut told = None;
        loop {
            // Listens before looking, so that no news falls in between.
            let news = self.0.spent.notified();
            let now = Instant::now();
            if now >= deadline {
                return Err(DeadlineExceeded { wait: None });
            }
            let (entered, admission) = self.update(now, |state| {
                let admission = state.admission(now, allowance);
                match (&ticket, admission) {
                    (None, Admission::Granted) if state.nobody_before(allowance) => {
                        return (Some(self.enter(state, now, allowance)), admission);
                    }
                    (None, _) => ticket = Some(state.join_line(allowance)),
                    (Some(_), _) => {}
                }
                (None, admission)
            });
            if let Some(permit) = entered {
                return Ok(permit);
            }
            let look_again = match admission {
                // The line has moved; this call's own turn may have come.
                Admission::Granted => after(now, PROBE_TIMEOUT),
                Admission::RetryAt(time) => time,
                Admission::WindowExhausted(end) => {
                    let wait = end.saturating_duration_since(now);
                    if end >= deadline {
                        return Err(DeadlineExceeded { wait: Some(wait) });
                    }
                    if told.replace(end) != Some(end) {
                        on_wait(wait);
                    }
                    end
                }
            };
            let change = race(news, sleep_until(look_again.min(deadline)));
            if let Some(turn) = &mut ticket {
                match race(turn, change).await {
                    Ok(Ok(permit)) => return Ok(permit),
                    // Its other half is dropped only after this one; if that
                    // were wrong, the call would queue again.
                    Ok(Err(_)) => ticket = None,
                    Err(_) => {}
                }
            }
        }
    }

    /// The latest reading.
    pub(crate) fn snapshot(&self) -> Option<RateLimit> {
        self.update(Instant::now(), |state| state.latest.clone())
    }

    /// How long so many calls take at least, as far as is known.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn forecast(&self, calls: u64, allowance: BulkQuota) -> Option<Duration> {
        let now = Instant::now();
        self.update(now, |state| state.forecast(calls, allowance, now))
    }

    /// The only way to the state. Lets in whoever may pass after the change,
    /// and wakes nobody while the lock is held.
    fn update<R>(&self, now: Instant, change: impl FnOnce(&mut State) -> R) -> R {
        let mut admitted = Vec::new();
        let (result, news) = {
            // A panic cannot have left the state half changed: none of the code
            // under the lock panics.
            let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.forget_past(now);
            let before = state.spent();
            let result = change(&mut state);
            while let Some((ticket, allowance)) = state.next_in_line(now) {
                admitted.push((ticket, self.enter(&mut state, now, allowance)));
            }
            let spent = state.spent();
            (result, spent != [None; 2] && spent != before)
        };
        for (ticket, permit) in admitted {
            // A waiter that has just left sends its pass back here, to be
            // dropped, which lets in the next.
            drop(ticket.send(permit));
        }
        if news {
            self.0.spent.notify_waiters();
        }
        result
    }

    fn enter(&self, state: &mut State, now: Instant, allowance: Option<BulkQuota>) -> Permit {
        state.enter(now, allowance);
        Permit {
            limiter: self.clone(),
            sent: now,
            ended: false,
        }
    }
}

impl Permit {
    /// Gives the pass back with what the answer said: its status, and the
    /// reading in its headers, if there was one.
    pub(crate) fn answered(mut self, status: u16, reading: Option<&RateLimit>) {
        self.end(status == 429, reading);
    }

    fn end(&mut self, refused: bool, reading: Option<&RateLimit>) {
        self.ended = true;
        let now = Instant::now();
        self.limiter.update(now, |state| {
            state.learn(refused, reading, self.sent, now);
            state.leave(now);
        });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.ended {
            self.end(false, None);
        }
    }
}

#[cfg(test)]
mod tests;
