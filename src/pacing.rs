//! The gate that all calls of a client go through, so that a spent window costs
//! a wait and not a 429.
//!
//! What is known is the [`Window`]: how many requests the current one has left,
//! by the smallest reading so far. A call passes while that is more than what
//! is in flight: a request in flight may or may not be counted in the reading
//! already. In a window of which nothing is known, one call goes ahead and the
//! others wait for what its answer says, for about a second.
//!
//! Whoever cannot pass waits in line. There is no background task: each waiter
//! sleeps until something can have changed and then lets in whoever is first in
//! line, itself or not, so a waiter that its owner does not poll holds up nobody.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use crate::rate_limit::{MARGIN, RateLimit};
use crate::time::{Instant, after, race, sleep_until};

/// How long calls wait for an answer that would tell more.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a whole window's worth of requests may go without any answer before
/// it is taken to hang.
const STANDSTILL: Duration = Duration::from_secs(10);

/// How long nobody passes after a refusal for too many requests at once.
const PAUSE: Duration = Duration::from_secs(1);

/// How many requests may be in flight at once, to begin with: a little below
/// 35, the smallest concurrency limit that Okta publishes.
const WIDTH: u64 = 32;

/// The gate; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Tells every waiter that a window is spent, and until when.
    spent: Notify,
}

/// Why a call may not pass: its deadline comes first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WouldWait {
    /// The time from now to the end of the spent window; `None` if the deadline
    /// came while the call waited for answers to others.
    pub(crate) wait: Option<Duration>,
}

/// The right to send one request. Dropping it says that no answer came.
#[must_use]
pub(crate) struct Pass {
    gate: Gate,
    sent: Instant,
    ended: bool,
}

impl Gate {
    /// Waits for the right to send one request, first come, first served.
    ///
    /// Fails at once when the window is known to be spent until after the
    /// deadline. Calls `on_wait` before it waits for a window's end, and again
    /// for each further window.
    pub(crate) async fn pass(
        &self,
        deadline: Instant,
        on_wait: impl Fn(Duration),
    ) -> Result<Pass, WouldWait> {
        let mut ticket = None;
        let mut told = None;
        loop {
            // Listens before looking, so that no news falls in between.
            let news = self.0.spent.notified();
            let now = Instant::now();
            if now >= deadline {
                return Err(WouldWait { wait: None });
            }
            let (entered, verdict) = self.update(now, |state| {
                let verdict = state.verdict(now);
                match (&ticket, verdict) {
                    (None, Verdict::Go) if state.line.is_empty() => {
                        return (Some(self.enter(state, now)), verdict);
                    }
                    (None, _) => ticket = Some(state.join_line()),
                    (Some(_), _) => {}
                }
                (None, verdict)
            });
            if let Some(pass) = entered {
                return Ok(pass);
            }
            let look_again = match verdict {
                // The line has moved; this call's own turn may have come.
                Verdict::Go => after(now, PATIENCE),
                Verdict::Until(time) => time,
                Verdict::Spent(end) => {
                    let wait = end.saturating_duration_since(now);
                    if end >= deadline {
                        return Err(WouldWait { wait: Some(wait) });
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
                    Ok(Ok(pass)) => return Ok(pass),
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

    /// The only way to the state. Lets in whoever may pass after the change,
    /// and wakes nobody while the lock is held.
    fn update<R>(&self, now: Instant, change: impl FnOnce(&mut State) -> R) -> R {
        let mut admitted = Vec::new();
        let (result, news) = {
            // A panic cannot have left the state half changed: none of the code
            // under the lock panics.
            let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.forget_past(now);
            let before = state.spent_until();
            let result = change(&mut state);
            while let Some(ticket) = state.next_in_line(now) {
                admitted.push((ticket, self.enter(&mut state, now)));
            }
            let spent = state.spent_until();
            (result, spent.is_some() && spent != before)
        };
        for (ticket, pass) in admitted {
            // A waiter that has just left sends its pass back here, to be
            // dropped, which lets in the next.
            drop(ticket.send(pass));
        }
        if news {
            self.0.spent.notify_waiters();
        }
        result
    }

    fn enter(&self, state: &mut State, now: Instant) -> Pass {
        state.enter(now);
        Pass {
            gate: self.clone(),
            sent: now,
            ended: false,
        }
    }
}

impl Pass {
    /// Gives the pass back with what the answer said: its status, and the
    /// reading in its headers, if there was one.
    pub(crate) fn answered(mut self, status: u16, reading: Option<&RateLimit>) {
        self.end(status == 429, reading);
    }

    fn end(&mut self, refused: bool, reading: Option<&RateLimit>) {
        self.ended = true;
        let now = Instant::now();
        self.gate.update(now, |state| {
            state.learn(refused, reading, self.sent, now);
            state.leave(now);
        });
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.ended {
            self.end(false, None);
        }
    }
}

/// Whether the next call may pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Go,
    /// Not now. An answer may change that, and time will, then at the latest.
    Until(Instant),
    /// Not before the window's end.
    Spent(Instant),
}

struct State {
    window: Window,
    /// The reading that `window` is known by, or the one before was.
    latest: Option<RateLimit>,
    in_flight: u64,
    /// How many may be in flight at once.
    width: u64,
    /// Answers that came since `width` last grew, while it was made use of.
    well: u64,
    /// When Okta last refused a request for too many at once.
    narrowed: Option<Instant>,
    /// When a request last set out or ended.
    stirred: Option<Instant>,
    line: VecDeque<oneshot::Sender<Pass>>,
}

enum Window {
    /// Nothing is known yet, or the known one is over.
    Unknown {
        /// How many may be in flight all the same: one, and one more for each
        /// that ended and told nothing, so that an org without rate-limit
        /// headers soon goes unhindered.
        trust: u64,
        /// When the first request set out that may tell more.
        asked: Option<Instant>,
    },
    Known {
        remaining: u64,
        /// By the local clock, and never too early.
        end: Instant,
    },
}

impl Default for State {
    fn default() -> Self {
        State {
            window: Window::Unknown {
                trust: 1,
                asked: None,
            },
            latest: None,
            in_flight: 0,
            width: WIDTH,
            well: 0,
            narrowed: None,
            stirred: None,
            line: VecDeque::new(),
        }
    }
}

impl State {
    fn verdict(&self, now: Instant) -> Verdict {
        if let Some(end) = self.spent_until() {
            return Verdict::Spent(end);
        }
        let ahead = |start: Option<Instant>, wait| {
            start
                .map(|start| after(start, wait))
                .filter(|&end| now < end)
        };
        if let Some(end) = ahead(self.narrowed, PAUSE) {
            return Verdict::Until(end);
        }
        // Requests that hang hold up the others for a second each, not for ever.
        let stirred = ahead(self.stirred, PATIENCE);
        if let Some(end) = stirred.filter(|_| self.in_flight >= self.width) {
            return Verdict::Until(end);
        }
        match self.window {
            Window::Known { remaining, end } if self.in_flight >= remaining => Verdict::Until(end),
            Window::Unknown { trust, asked } if self.in_flight >= trust => {
                // After a second, as many as the last window had; more only if
                // those have come to a standstill.
                let limit = self.latest.as_ref().map_or(u64::MAX, RateLimit::limit);
                let full = ahead(self.stirred, STANDSTILL).filter(|_| self.in_flight >= limit);
                ahead(asked, PATIENCE)
                    .or(full)
                    .map_or(Verdict::Go, Verdict::Until)
            }
            _ => Verdict::Go,
        }
    }

    fn spent_until(&self) -> Option<Instant> {
        match self.window {
            Window::Known { remaining: 0, end } => Some(end),
            _ => None,
        }
    }

    fn forget_past(&mut self, now: Instant) {
        if let Window::Known { end, .. } = self.window
            && now >= end
        {
            // Whatever is still in flight asked the old window: one more may go.
            self.window = Window::Unknown {
                trust: self.in_flight.saturating_add(1),
                asked: None,
            };
        }
    }

    fn enter(&mut self, now: Instant) {
        if let Window::Unknown { asked, .. } = &mut self.window
            && (asked.is_none() || self.in_flight == 0)
        {
            *asked = Some(now);
        }
        self.in_flight = self.in_flight.saturating_add(1);
        self.stirred = Some(now);
    }

    fn leave(&mut self, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.stirred = Some(now);
    }

    /// Takes in how a request ended that is still counted as in flight.
    fn learn(&mut self, refused: bool, reading: Option<&RateLimit>, sent: Instant, now: Instant) {
        if refused && reading.is_some_and(RateLimit::is_concurrency) {
            // Once for all that were in flight together.
            if self.narrowed.is_none_or(|narrowed| sent > narrowed) {
                self.width = (self.width.min(self.in_flight) / 2).max(1);
                self.well = 0;
                self.narrowed = Some(now);
            }
            return;
        }
        if !refused && self.in_flight >= self.width {
            self.well = self.well.saturating_add(1);
            if self.well >= self.width {
                self.width = self.width.saturating_add(1);
                self.well = 0;
            }
        }
        match reading.and_then(|reading| Some((reading, reading.until_reset()?))) {
            Some((reading, until_reset)) => self.read(refused, reading, until_reset, now),
            None => {
                if let Window::Unknown { trust, .. } = &mut self.window
                    && !refused
                {
                    *trust = trust.saturating_add(1);
                }
            }
        }
    }

    /// Takes in a reading. Answers overtake each other, so it may be an old one.
    fn read(&mut self, refused: bool, reading: &RateLimit, until_reset: Duration, now: Instant) {
        let left = if refused { 0 } else { reading.remaining() };
        if let (Window::Known { remaining, .. }, Some(latest)) = (&mut self.window, &self.latest) {
            if reading.reset() == latest.reset() {
                if left < *remaining {
                    *remaining = left;
                    self.latest = Some(reading.clone());
                }
                return;
            }
            // An earlier end is an old window's, unless the answer was written
            // later, within its window: then windows have become shorter.
            let shorter = reading.date() > latest.date() && !until_reset.is_zero();
            if reading.reset() < latest.reset() && !shorter {
                return;
            }
        }
        self.latest = Some(reading.clone());
        self.window = Window::Known {
            remaining: left,
            end: after(now, until_reset.saturating_add(MARGIN)),
        };
    }

    fn join_line(&mut self) -> oneshot::Receiver<Pass> {
        if self.line.len() == self.line.capacity() {
            // Rather than grow: many who waited may have left.
            self.line.retain(|ticket| !ticket.is_closed());
        }
        let (ticket, turn) = oneshot::channel();
        self.line.push_back(ticket);
        turn
    }

    /// The first who still waits, if the next may pass.
    fn next_in_line(&mut self, now: Instant) -> Option<oneshot::Sender<Pass>> {
        while !self.line.is_empty() && self.verdict(now) == Verdict::Go {
            let ticket = self.line.pop_front()?;
            if !ticket.is_closed() {
                return Some(ticket);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
