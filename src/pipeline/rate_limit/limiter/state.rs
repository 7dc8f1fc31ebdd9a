//! What the gate knows, and what follows from it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{BulkQuota, PROBE_TIMEOUT, Permit};
use crate::pipeline::rate_limit::{MARGIN, RateLimit};
use crate::time::{Instant, after};

/// How long a whole window's worth of requests may go without any answer before
/// it is taken to hang.
pub(super) const STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long nobody passes after a refusal for too many requests at once.
pub(super) const CONCURRENCY_COOLDOWN: Duration = Duration::from_secs(1);

/// How many requests may be in flight at once, to begin with: a little below
/// 35, the smallest concurrency limit that Okta publishes.
pub(super) const INITIAL_CONCURRENCY: u64 = 32;

/// Waited beyond the end of a short window that this client began itself.
const SHORT_MARGIN: Duration = Duration::from_millis(50);

/// From this length on, [`MARGIN`] is too small a part of a window to risk a
/// refusal for it.
const LONG_WINDOW: Duration = Duration::from_secs(30);

/// Whether the next call may permit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Granted,
    /// Not now. An answer may change that, and time will, then at the latest.
    RetryAt(Instant),
    /// Not before the window's end.
    WindowExhausted(Instant),
}

pub(super) struct State {
    window: Window,
    /// The reading that `window` is known by, or the one before was.
    pub(super) latest: Option<RateLimit>,
    pub(super) in_flight: u64,
    /// How many calls with an allowance passed in this window.
    bulk_admitted: u64,
    /// How many may be in flight at once.
    concurrency_limit: u64,
    /// Responses at full concurrency since the limit last increased (AIMD).
    successes_at_limit: u64,
    /// When Okta last refused a request for too many at once.
    limit_cut_at: Option<Instant>,
    /// When a request last set out or ended.
    last_activity: Option<Instant>,
    /// The longest that a window was seen to last.
    length: Duration,
    /// Whether a window lasted longer than its short margin allowed for.
    use_full_margin: bool,
    pub(super) single: VecDeque<Ticket>,
    /// The calls of bulk runs, behind all others.
    pub(super) bulk: VecDeque<(Ticket, BulkQuota)>,
}

type Ticket = oneshot::Sender<Permit>;

enum Window {
    /// Nothing is known yet, or the known one is over.
    Unknown {
        /// How many may be in flight all the same: one, and one more for each
        /// that ended and told nothing, so that an org without rate-limit
        /// headers soon goes unhindered.
        probes_allowed: u64,
        /// When the first request set out that may tell more.
        probe_sent_at: Option<Instant>,
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
                probes_allowed: 1,
                probe_sent_at: None,
            },
            latest: None,
            in_flight: 0,
            bulk_admitted: 0,
            concurrency_limit: INITIAL_CONCURRENCY,
            successes_at_limit: 0,
            limit_cut_at: None,
            last_activity: None,
            length: Duration::ZERO,
            use_full_margin: false,
            single: VecDeque::new(),
            bulk: VecDeque::new(),
        }
    }
}

impl State {
    pub(super) fn admission(&self, now: Instant, allowance: Option<BulkQuota>) -> Admission {
        if let Some(end) = self.spent_until(allowance) {
            return Admission::WindowExhausted(end);
        }
        let ahead = |start: Option<Instant>, wait| {
            start
                .map(|start| after(start, wait))
                .filter(|&end| now < end)
        };
        if let Some(end) = ahead(self.limit_cut_at, CONCURRENCY_COOLDOWN) {
            return Admission::RetryAt(end);
        }
        // Requests that hang hold up the others for a second each, not for ever.
        let last_activity = ahead(self.last_activity, PROBE_TIMEOUT);
        if let Some(end) = last_activity.filter(|_| self.in_flight >= self.concurrency_limit) {
            return Admission::RetryAt(end);
        }
        match self.window {
            Window::Known { remaining, end }
                if self.in_flight >= remaining.saturating_sub(self.reserve(allowance)) =>
            {
                Admission::RetryAt(end)
            }
            Window::Unknown {
                probes_allowed,
                probe_sent_at,
            } if self.in_flight >= probes_allowed => {
                // After a second, as many as the last window had; more only if
                // those have come to a standstill.
                let limit = self.quota(allowance).unwrap_or(u64::MAX);
                let full =
                    ahead(self.last_activity, STALL_TIMEOUT).filter(|_| self.in_flight >= limit);
                ahead(probe_sent_at, PROBE_TIMEOUT)
                    .or(full)
                    .map_or(Admission::Granted, Admission::RetryAt)
            }
            _ => Admission::Granted,
        }
    }

    /// Until when the window is spent: for single calls, and for those of the
    /// bulk run whose turn is next.
    pub(super) fn spent(&self) -> [Option<Instant>; 2] {
        let next = self.bulk.front().map(|&(_, allowance)| allowance);
        [None, next].map(|allowance| self.spent_until(allowance))
    }

    fn spent_until(&self, allowance: Option<BulkQuota>) -> Option<Instant> {
        let Window::Known { remaining, end } = self.window else {
            return None;
        };
        let shared_out = allowance.is_some() && Some(self.bulk_admitted) >= self.quota(allowance);
        (remaining <= self.reserve(allowance) || shared_out).then_some(end)
    }

    /// How many requests of a window are for such calls, if that is known.
    fn quota(&self, allowance: Option<BulkQuota>) -> Option<u64> {
        let limit = self.latest.as_ref()?.limit();
        Some(allowance.map_or(limit, |allowance| allowance.of(limit)))
    }

    /// How many requests of a window such calls leave to others.
    fn reserve(&self, allowance: Option<BulkQuota>) -> u64 {
        let limit = self.latest.as_ref().map_or(0, RateLimit::limit);
        allowance.map_or(0, |allowance| allowance.reserve(limit))
    }

    pub(super) fn forget_past(&mut self, now: Instant) {
        if let Window::Known { end, .. } = self.window
            && now >= end
        {
            // Whatever is still in flight asked the old window: one more may go.
            self.window = Window::Unknown {
                probes_allowed: self.in_flight.saturating_add(1),
                probe_sent_at: None,
            };
            self.bulk_admitted = 0;
        }
    }

    pub(super) fn enter(&mut self, now: Instant, allowance: Option<BulkQuota>) {
        if let Window::Unknown { probe_sent_at, .. } = &mut self.window
            && (probe_sent_at.is_none() || self.in_flight == 0)
        {
            *probe_sent_at = Some(now);
        }
        self.in_flight = self.in_flight.saturating_add(1);
        self.bulk_admitted = self
            .bulk_admitted
            .saturating_add(allowance.is_some().into());
        self.last_activity = Some(now);
    }

    pub(super) fn leave(&mut self, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.last_activity = Some(now);
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
            if self
                .limit_cut_at
                .is_none_or(|limit_cut_at| sent > limit_cut_at)
            {
                self.concurrency_limit = (self.concurrency_limit.min(self.in_flight) / 2).max(1);
                self.successes_at_limit = 0;
                self.limit_cut_at = Some(now);
            }
            return;
        }
        if !refused && self.in_flight >= self.concurrency_limit {
            self.successes_at_limit = self.successes_at_limit.saturating_add(1);
            if self.successes_at_limit >= self.concurrency_limit {
                self.concurrency_limit = self.concurrency_limit.saturating_add(1);
                self.successes_at_limit = 0;
            }
        }
        match reading.and_then(|reading| Some((reading, reading.until_reset()?))) {
            Some((reading, until_reset)) => self.read(refused, reading, until_reset, now),
            None => {
                if let Window::Unknown { probes_allowed, .. } = &mut self.window
                    && !refused
                {
                    *probes_allowed = probes_allowed.saturating_add(1);
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
            self.bulk_admitted = self.bulk_admitted.min(self.in_flight);
        } else if refused && self.latest.as_ref().and_then(RateLimit::reset) == reading.reset() {
            self.use_full_margin = true;
        }
        let first = !refused && left.checked_add(1) == Some(reading.limit());
        let margin = if first && until_reset < LONG_WINDOW && !self.use_full_margin {
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
        allowance: BulkQuota,
        now: Instant,
    ) -> Option<Duration> {
        let quota = self.quota(Some(allowance))?;
        let (free, end) = match self.window {
            Window::Known { remaining, end } => {
                let left = remaining.saturating_sub(self.reserve(Some(allowance)));
                (quota.saturating_sub(self.bulk_admitted).min(left), end)
            }
            Window::Unknown { .. } => (quota, after(now, self.length)),
        };
        let later = calls.saturating_sub(free);
        if later == 0 {
            return Some(Duration::ZERO);
        }
        // `most` is one at least.
        let whole = u32::try_from(later.div_ceil(quota).saturating_sub(1)).unwrap_or(u32::MAX);
        let wait = end.saturating_duration_since(now);
        Some(wait.saturating_add(self.length.saturating_mul(whole)))
    }

    /// Whether a call that may pass has nobody to let go first.
    pub(super) fn nobody_before(&self, allowance: Option<BulkQuota>) -> bool {
        self.single.is_empty() && (allowance.is_none() || self.bulk.is_empty())
    }

    pub(super) fn join_line(&mut self, allowance: Option<BulkQuota>) -> oneshot::Receiver<Permit> {
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

    /// The first who still waits, if the next may permit.
    pub(super) fn next_in_line(&mut self, now: Instant) -> Option<(Ticket, Option<BulkQuota>)> {
        while !self.single.is_empty() && self.admission(now, None) == Admission::Granted {
            let ticket = self.single.pop_front()?;
            if !ticket.is_closed() {
                return Some((ticket, None));
            }
        }
        while let Some(&(_, allowance)) = self.bulk.front()
            && self.single.is_empty()
            && self.admission(now, Some(allowance)) == Admission::Granted
        {
            let (ticket, _) = self.bulk.pop_front()?;
            if !ticket.is_closed() {
                return Some((ticket, Some(allowance)));
            }
        }
        None
    }
}
