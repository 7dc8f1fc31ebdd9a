//! What the gate knows, and what follows from it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Allowance, PATIENCE, Pass};
use crate::rate_limit::{MARGIN, RateLimit};
use crate::time::{Instant, after};

/// How long a whole window's worth of requests may go without any answer before
/// it is taken to hang.
pub(super) const STANDSTILL: Duration = Duration::from_secs(10);

/// How long nobody passes after a refusal for too many requests at once.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// How many requests may be in flight at once, to begin with: a little below
/// 35, the smallest concurrency limit that Okta publishes.
pub(super) const WIDTH: u64 = 32;

/// Waited beyond the end of a short window that this client began itself.
const SHORT_MARGIN: Duration = Duration::from_millis(50);

/// From this length on, [`MARGIN`] is too small a part of a window to risk a
/// refusal for it.
const LONG_WINDOW: Duration = Duration::from_secs(30);

/// Whether the next call may pass.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Go,
    /// Not now. An answer may change that, and time will, then at the latest.
    Until(Instant),
    /// Not before the window's end.
    Spent(Instant),
}

pub(super) struct State {
    window: Window,
    /// The reading that `window` is known by, or the one before was.
    pub(super) latest: Option<RateLimit>,
    pub(super) in_flight: u64,
    /// How many calls with an allowance passed in this window.
    allowed: u64,
    /// How many may be in flight at once.
    width: u64,
    /// Answers that came since `width` last grew, while it was made use of.
    well: u64,
    /// When Okta last refused a request for too many at once.
    narrowed: Option<Instant>,
    /// When a request last set out or ended.
    stirred: Option<Instant>,
    /// The longest that a window was seen to last.
    length: Duration,
    /// Whether a window lasted longer than its short margin allowed for.
    careful: bool,
    pub(super) single: VecDeque<Ticket>,
    /// The calls of bulk runs, behind all others.
    pub(super) bulk: VecDeque<(Ticket, Allowance)>,
}

type Ticket = oneshot::Sender<Pass>;

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
            allowed: 0,
            width: WIDTH,
            well: 0,
            narrowed: None,
            stirred: None,
            length: Duration::ZERO,
            careful: false,
            single: VecDeque::new(),
            bulk: VecDeque::new(),
        }
    }
}

impl State {
    pub(super) fn verdict(&self, now: Instant, allowance: Option<Allowance>) -> Verdict {
        if let Some(end) = self.spent_until(allowance) {
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
            Window::Known { remaining, end }
                if self.in_flight >= remaining.saturating_sub(self.reserve(allowance)) =>
            {
                Verdict::Until(end)
            }
            Window::Unknown { trust, asked } if self.in_flight >= trust => {
                // After a second, as many as the last window had; more only if
                // those have come to a standstill.
                let limit = self.most(allowance).unwrap_or(u64::MAX);
                let full = ahead(self.stirred, STANDSTILL).filter(|_| self.in_flight >= limit);
                ahead(asked, PATIENCE)
                    .or(full)
                    .map_or(Verdict::Go, Verdict::Until)
            }
            _ => Verdict::Go,
        }
    }

    /// Until when the window is spent: for single calls, and for those of the
    /// bulk run whose turn is next.
    pub(super) fn spent(&self) -> [Option<Instant>; 2] {
        let next = self.bulk.front().map(|&(_, allowance)| allowance);
        [None, next].map(|allowance| self.spent_until(allowance))
    }

    fn spent_until(&self, allowance: Option<Allowance>) -> Option<Instant> {
        let Window::Known { remaining, end } = self.window else {
            return None;
        };
        let shared_out = allowance.is_some() && Some(self.allowed) >= self.most(allowance);
        (remaining <= self.reserve(allowance) || shared_out).then_some(end)
    }

    /// How many requests of a window are for such calls, if that is known.
    fn most(&self, allowance: Option<Allowance>) -> Option<u64> {
        let limit = self.latest.as_ref()?.limit();
        Some(allowance.map_or(limit, |allowance| allowance.of(limit)))
    }

    /// How many requests of a window such calls leave to others.
    fn reserve(&self, allowance: Option<Allowance>) -> u64 {
        let limit = self.latest.as_ref().map_or(0, RateLimit::limit);
        allowance.map_or(0, |allowance| allowance.reserve(limit))
    }

    pub(super) fn forget_past(&mut self, now: Instant) {
        if let Window::Known { end, .. } = self.window
            && now >= end
        {
            // Whatever is still in flight asked the old window: one more may go.
            self.window = Window::Unknown {
                trust: self.in_flight.saturating_add(1),
                asked: None,
            };
            self.allowed = 0;
        }
    }

    pub(super) fn enter(&mut self, now: Instant, allowance: Option<Allowance>) {
        if let Window::Unknown { asked, .. } = &mut self.window
            && (asked.is_none() || self.in_flight == 0)
        {
            *asked = Some(now);
        }
        self.in_flight = self.in_flight.saturating_add(1);
        self.allowed = self.allowed.saturating_add(allowance.is_some().into());
        self.stirred = Some(now);
    }

    pub(super) fn leave(&mut self, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.stirred = Some(now);
    }

    /// Takes in how a request ended that is still counted as in flight.
    pub(super) fn learn(
        &mut self,
        refused: bool,
        reading: Option<&RateLimit>,
        sent: Instant,
        now: Instant,
    ) {
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
            let shorter = reading.is_later_than(latest) && !until_reset.is_zero();
            if reading.reset() < latest.reset() && !shorter {
                return;
            }
        }
        if let Window::Known { .. } = self.window {
            // It rolled over early; what is in flight may count in either.
            self.allowed = self.allowed.min(self.in_flight);
        } else if refused && self.latest.as_ref().and_then(RateLimit::reset) == reading.reset() {
            self.careful = true;
        }
        let first = !refused && left.checked_add(1) == Some(reading.limit());
        let margin = if first && until_reset < LONG_WINDOW && !self.careful {
            SHORT_MARGIN
        } else {
            MARGIN
        };
        self.length = self.length.max(until_reset);
        self.latest = Some(reading.clone());
        self.window = Window::Known {
            remaining: left,
            end: after(now, until_reset.saturating_add(margin)),
        };
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn forecast(
        &self,
        calls: u64,
        allowance: Allowance,
        now: Instant,
    ) -> Option<Duration> {
        let most = self.most(Some(allowance))?;
        let (free, end) = match self.window {
            Window::Known { remaining, end } => {
                let left = remaining.saturating_sub(self.reserve(Some(allowance)));
                (most.saturating_sub(self.allowed).min(left), end)
            }
            Window::Unknown { .. } => (most, after(now, self.length)),
        };
        let later = calls.saturating_sub(free);
        if later == 0 {
            return Some(Duration::ZERO);
        }
        // `most` is one at least.
        let whole = u32::try_from(later.div_ceil(most).saturating_sub(1)).unwrap_or(u32::MAX);
        let wait = end.saturating_duration_since(now);
        Some(wait.saturating_add(self.length.saturating_mul(whole)))
    }

    /// Whether a call that may pass has nobody to let go first.
    pub(super) fn nobody_before(&self, allowance: Option<Allowance>) -> bool {
        self.single.is_empty() && (allowance.is_none() || self.bulk.is_empty())
    }

    pub(super) fn join_line(&mut self, allowance: Option<Allowance>) -> oneshot::Receiver<Pass> {
        let (ticket, turn) = oneshot::channel();
        // Rather than grow: many who waited may have left.
        match allowance {
            None => {
                if self.single.len() == self.single.capacity() {
                    self.single.retain(|ticket| !ticket.is_closed());
                }
                self.single.push_back(ticket);
            }
            Some(allowance) => {
                if self.bulk.len() == self.bulk.capacity() {
                    self.bulk.retain(|(ticket, _)| !ticket.is_closed());
                }
                self.bulk.push_back((ticket, allowance));
            }
        }
        turn
    }

    /// The first who still waits, if the next may pass.
    pub(super) fn next_in_line(&mut self, now: Instant) -> Option<(Ticket, Option<Allowance>)> {
        while !self.single.is_empty() && self.verdict(now, None) == Verdict::Go {
            let ticket = self.single.pop_front()?;
            if !ticket.is_closed() {
                return Some((ticket, None));
            }
        }
        while let Some(&(_, allowance)) = self.bulk.front()
            && self.single.is_empty()
            && self.verdict(now, Some(allowance)) == Verdict::Go
        {
            let (ticket, _) = self.bulk.pop_front()?;
            if !ticket.is_closed() {
                return Some((ticket, Some(allowance)));
            }
        }
        None
    }
}
