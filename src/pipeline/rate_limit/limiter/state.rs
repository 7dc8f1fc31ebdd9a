//! The state of the rate limiter, and the decisions that follow from it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{BulkQuota, PROBE_TIMEOUT, Permit};
use crate::RateLimit;
use crate::pipeline::rate_limit::MARGIN;
use crate::time::{Instant, after};

/// How long a whole window's worth of requests may go without any response before they
/// count as stalled.
pub(super) const STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long no request is admitted after a 429 for too many concurrent requests.
pub(super) const CONCURRENCY_COOLDOWN: Duration = Duration::from_secs(1);

/// How many requests may be in flight initially: a little below 35, the smallest
/// concurrency limit that Okta publishes.
pub(super) const INITIAL_CONCURRENCY: u64 = 32;

/// Added to the end of a short window whose first request was this client's own, so that
/// its end is known precisely.
const SHORT_MARGIN: Duration = Duration::from_millis(50);

/// In windows of this length and more, [`MARGIN`] costs so little that saving it is not
/// worth the risk of a 429.
const LONG_WINDOW: Duration = Duration::from_secs(30);

/// Whether the next call can have a permit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Granted,
    /// Not now. A response may change that; otherwise, try again at this time.
    RetryAt(Instant),
    /// Not before the end of the window.
    WindowExhausted(Instant),
}

pub(super) struct State {
    window: Window,
    /// The reading that `window` was learned from, or the previous one was.
    pub(super) latest: Option<RateLimit>,
    pub(super) in_flight: u64,
    /// How many calls with a quota were admitted in this window.
    bulk_admitted: u64,
    /// The maximum number of requests in flight (AIMD).
    concurrency_limit: u64,
    /// Responses at full concurrency since the limit last changed (AIMD).
    successes_at_limit: u64,
    /// When `concurrency_limit` was last cut, after a 429 for too many concurrent requests.
    limit_cut_at: Option<Instant>,
    /// When a request was last admitted or completed.
    last_activity: Option<Instant>,
    /// The longest window seen so far.
    longest_window: Duration,
    /// Whether a window outlasted [`SHORT_MARGIN`], so that it is too short here.
    use_full_margin: bool,
    /// Single calls in the queue.
    pub(super) single: VecDeque<Ticket>,
    /// Calls of bulk runs in the queue, behind all single calls.
    pub(super) bulk: VecDeque<(Ticket, BulkQuota)>,
}

type Ticket = oneshot::Sender<Permit>;

enum Window {
    /// Nothing is known yet, or the known one is over.
    Unknown {
        /// How many requests may be in flight nevertheless: one, and one more for each
        /// response without a reading, so that an org that sends no rate-limit headers
        /// is soon not limited at all.
        probes_allowed: u64,
        /// When the first request was admitted whose response may describe the window.
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
            longest_window: Duration::ZERO,
            use_full_margin: false,
            single: VecDeque::new(),
            bulk: VecDeque::new(),
        }
    }
}

impl State {
    pub(super) fn admission(&self, now: Instant, quota: Option<BulkQuota>) -> Admission {
        if let Some(end) = self.exhausted_until(quota) {
            return Admission::WindowExhausted(end);
        }
        let unless_past = |start: Option<Instant>, wait| {
            start
                .map(|start| after(start, wait))
                .filter(|&end| now < end)
        };
        if let Some(end) = unless_past(self.limit_cut_at, CONCURRENCY_COOLDOWN) {
            return Admission::RetryAt(end);
        }
        // Each request that hangs delays the others for PROBE_TIMEOUT, not for ever.
        let probe_end = unless_past(self.last_activity, PROBE_TIMEOUT);
        if let Some(end) = probe_end.filter(|_| self.in_flight >= self.concurrency_limit) {
            return Admission::RetryAt(end);
        }
        match self.window {
            Window::Known { remaining, end }
                if self.in_flight >= remaining.saturating_sub(self.reserve(quota)) =>
            {
                Admission::RetryAt(end)
            }
            Window::Unknown {
                probes_allowed,
                probe_sent_at,
            } if self.in_flight >= probes_allowed => {
                // After PROBE_TIMEOUT, as many as the last window had; more only if
                // those have stalled.
                let limit = self.requests_for(quota).unwrap_or(u64::MAX);
                let stalled = unless_past(self.last_activity, STALL_TIMEOUT)
                    .filter(|_| self.in_flight >= limit);
                unless_past(probe_sent_at, PROBE_TIMEOUT)
                    .or(stalled)
                    .map_or(Admission::Granted, Admission::RetryAt)
            }
            _ => Admission::Granted,
        }
    }

    /// Until when the window is exhausted: for single calls, and for the bulk run that
    /// is first in the queue.
    pub(super) fn exhausted(&self) -> [Option<Instant>; 2] {
        let next = self.bulk.front().map(|&(_, quota)| quota);
        [None, next].map(|quota| self.exhausted_until(quota))
    }

    fn exhausted_until(&self, quota: Option<BulkQuota>) -> Option<Instant> {
        let Window::Known { remaining, end } = self.window else {
            return None;
        };
        let quota_used = quota.is_some() && Some(self.bulk_admitted) >= self.requests_for(quota);
        (remaining <= self.reserve(quota) || quota_used).then_some(end)
    }

    /// How many requests of a window calls with this quota may use, if the limit is known.
    fn requests_for(&self, quota: Option<BulkQuota>) -> Option<u64> {
        let limit = self.latest.as_ref()?.limit();
        Some(quota.map_or(limit, |quota| quota.of(limit)))
    }

    /// How many requests of a window calls with this quota leave to others.
    fn reserve(&self, quota: Option<BulkQuota>) -> u64 {
        let limit = self.latest.as_ref().map_or(0, RateLimit::limit);
        quota.map_or(0, |quota| quota.reserve(limit))
    }

    pub(super) fn expire_window(&mut self, now: Instant) {
        if let Window::Known { end, .. } = self.window
            && now >= end
        {
            // Requests still in flight belong to the old window, so one more is a probe.
            self.window = Window::Unknown {
                probes_allowed: self.in_flight.saturating_add(1),
                probe_sent_at: None,
            };
            self.bulk_admitted = 0;
        }
    }

    pub(super) fn admit(&mut self, now: Instant, quota: Option<BulkQuota>) {
        if let Window::Unknown { probe_sent_at, .. } = &mut self.window
            && (probe_sent_at.is_none() || self.in_flight == 0)
        {
            *probe_sent_at = Some(now);
        }
        self.in_flight = self.in_flight.saturating_add(1);
        self.bulk_admitted = self.bulk_admitted.saturating_add(quota.is_some().into());
        self.last_activity = Some(now);
    }

    pub(super) fn release(&mut self, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.last_activity = Some(now);
    }

    /// Learns from the end of a request, which still counts as in flight.
    pub(super) fn learn(
        &mut self,
        refused: bool,
        reading: Option<&RateLimit>,
        admitted_at: Instant,
        now: Instant,
    ) {
        if refused && reading.is_some_and(RateLimit::is_concurrency) {
            // Cut once for all requests that were in flight together.
            if self
                .limit_cut_at
                .is_none_or(|limit_cut_at| admitted_at > limit_cut_at)
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
            Some((reading, until_reset)) => self.learn_window(refused, reading, until_reset, now),
            None => {
                if let Window::Unknown { probes_allowed, .. } = &mut self.window
                    && !refused
                {
                    *probes_allowed = probes_allowed.saturating_add(1);
                }
            }
        }
    }

    /// Learns from a reading, which may be an old one, because responses can arrive out
    /// of order.
    fn learn_window(
        &mut self,
        refused: bool,
        reading: &RateLimit,
        until_reset: Duration,
        now: Instant,
    ) {
        let left = if refused { 0 } else { reading.remaining() };
        if let (Window::Known { remaining, .. }, Some(latest)) = (&mut self.window, &self.latest) {
            if reading.reset() == latest.reset() {
                if left < *remaining {
                    *remaining = left;
                    self.latest = Some(reading.clone());
                }
                return;
            }
            // An earlier reset belongs to an old window, unless the response was written
            // later and within its window: then windows have become shorter.
            let shorter = reading.is_later_than(latest) && !until_reset.is_zero();
            if reading.reset() < latest.reset() && !shorter {
                return;
            }
        }
        if let Window::Known { .. } = self.window {
            // The window ended early; requests in flight may count in either window.
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
        self.longest_window = self.longest_window.max(until_reset);
        self.latest = Some(reading.clone());
        self.window = Window::Known {
            remaining: left,
            end: after(now, until_reset.saturating_add(margin)),
        };
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn forecast(&self, calls: u64, quota: BulkQuota, now: Instant) -> Option<Duration> {
        let per_window = self.requests_for(Some(quota))?;
        let (available, end) = match self.window {
            Window::Known { remaining, end } => {
                let left = remaining.saturating_sub(self.reserve(Some(quota)));
                (per_window.saturating_sub(self.bulk_admitted).min(left), end)
            }
            Window::Unknown { .. } => (per_window, after(now, self.longest_window)),
        };
        let later = calls.saturating_sub(available);
        if later == 0 {
            return Some(Duration::ZERO);
        }
        // `per_window` is at least one.
        let full_windows =
            u32::try_from(later.div_ceil(per_window).saturating_sub(1)).unwrap_or(u32::MAX);
        let wait = end.saturating_duration_since(now);
        Some(wait.saturating_add(self.longest_window.saturating_mul(full_windows)))
    }

    /// Whether no queued call goes before a new one with this quota.
    pub(super) fn nobody_queued_before(&self, quota: Option<BulkQuota>) -> bool {
        self.single.is_empty() && (quota.is_none() || self.bulk.is_empty())
    }

    pub(super) fn enqueue(&mut self, quota: Option<BulkQuota>) -> oneshot::Receiver<Permit> {
        let (ticket, turn) = oneshot::channel();
        // Make room before growing: many waiters may have been cancelled.
        match quota {
            None => {
                if self.single.len() == self.single.capacity() {
                    self.single.retain(|ticket| !ticket.is_closed());
                }
                self.single.push_back(ticket);
            }
            Some(quota) => {
                if self.bulk.len() == self.bulk.capacity() {
                    self.bulk.retain(|(ticket, _)| !ticket.is_closed());
                }
                self.bulk.push_back((ticket, quota));
            }
        }
        turn
    }

    /// The first waiter that was not cancelled, if the next call can have a permit.
    pub(super) fn next_waiter(&mut self, now: Instant) -> Option<(Ticket, Option<BulkQuota>)> {
        while !self.single.is_empty() && self.admission(now, None) == Admission::Granted {
            let ticket = self.single.pop_front()?;
            if !ticket.is_closed() {
                return Some((ticket, None));
            }
        }
        while let Some(&(_, quota)) = self.bulk.front()
            && self.single.is_empty()
            && self.admission(now, Some(quota)) == Admission::Granted
        {
            let (ticket, _) = self.bulk.pop_front()?;
            if !ticket.is_closed() {
                return Some((ticket, Some(quota)));
            }
        }
        None
    }
}
