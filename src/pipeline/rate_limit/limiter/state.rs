//! The state of the rate limiter, and the decisions that follow from it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::concurrency::ConcurrencyLimit;
use super::queue::{Place, Queue};
use super::server_clock::ServerClock;
use super::timing::WindowLength;
use super::window::{Observation, Window};
use super::{BulkQuota, PROBE_TIMEOUT};
use crate::RateLimit;
use crate::time::{Instant, after};

/// How long a whole window's worth of requests may go without any response before they
/// count as stalled.
const STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How many waiters look at the same time whether a request hangs.
const LOOK_TOGETHER: u64 = 64;

/// Whether the next call can have a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Granted,
    /// Not now. A response may change that; otherwise, try again at this time.
    RetryAt(Instant),
    /// Not before the next window, which is taken to begin at this time.
    WindowExhausted(Instant),
}

#[derive(Default)]
pub(super) struct State {
    /// The latest window, also after its end.
    window: Option<Window>,
    /// While the current window is unknown: at first, and after the end of each.
    probing: Option<Probing>,
    /// The reading with the least left of `window`.
    pub(super) latest: Option<RateLimit>,
    clock: ServerClock,
    length: WindowLength,
    pub(super) concurrency: ConcurrencyLimit,
    pub(super) in_flight: u64,
    /// When a request was last admitted or completed.
    last_activity: Option<Instant>,
    /// The smoothed time from admission to response.
    response_time: Duration,
    /// The longest window seen so far.
    longest_window: Duration,
    pub(super) queue: Queue,
}

/// How the current window is found out.
struct Probing {
    since: Instant,
    /// How many requests may be in flight: one more than belong to the window before, and
    /// one more for each response without a reading, so that an org that sends no rate-limit
    /// headers is soon not limited at all.
    allowed: u64,
    /// When the first request was admitted whose response may describe the window.
    sent_at: Option<Instant>,
    /// How many requests of bulk runs were admitted.
    bulk_admitted: u64,
}

impl State {
    pub(super) fn admission(&self, now: Instant, quota: Option<BulkQuota>) -> Admission {
        if let Some(next) = self.exhausted_until(quota) {
            return Admission::WindowExhausted(next);
        }
        if let Some(end) = self.concurrency.cooldown(now) {
            return Admission::RetryAt(end);
        }
        let unless_past = |start: Option<Instant>, wait| {
            start
                .map(|start| after(start, wait))
                .filter(|&end| now < end)
        };
        // Each request that hangs delays the others for PROBE_TIMEOUT, not for ever.
        let probe_end = unless_past(self.last_activity, PROBE_TIMEOUT);
        if let Some(end) = probe_end.filter(|_| self.in_flight >= self.concurrency.limit) {
            return Admission::RetryAt(end);
        }
        match (&self.window, &self.probing) {
            (Some(window), None) => {
                let concurrency = self.concurrency.limit;
                let max = window.max_in_flight(quota, concurrency, self.response_time);
                if self.in_flight < max {
                    return Admission::Granted;
                }
                // What is only left to others is not kept for them by a request that hangs.
                let is_left = self.in_flight < window.left(quota);
                match probe_end.filter(|_| is_left) {
                    None if is_left => Admission::Granted,
                    Some(end) => Admission::RetryAt(end.min(window.next_at)),
                    None => Admission::RetryAt(window.next_at),
                }
            }
            (window, Some(probing)) if self.in_flight >= probing.allowed => {
                // After PROBE_TIMEOUT, as many as the last window had; more only if
                // those have stalled.
                let limit = window.as_ref().map(|window| requests_of(window, quota));
                let stalled = unless_past(self.last_activity, STALL_TIMEOUT)
                    .filter(|_| self.in_flight >= limit.unwrap_or(u64::MAX));
                unless_past(probing.sent_at, PROBE_TIMEOUT)
                    .or(stalled)
                    .map_or(Admission::Granted, Admission::RetryAt)
            }
            // Before the first call, the first probe.
            _ => Admission::Granted,
        }
    }

    /// When the next window is tried, if calls with this quota can send nothing before.
    fn exhausted_until(&self, quota: Option<BulkQuota>) -> Option<Instant> {
        let known = self.window.as_ref().filter(|_| self.probing.is_none());
        known
            .filter(|window| window.is_exhausted(quota))
            .map(|window| window.next_at)
    }

    /// Whether the window is exhausted: for single calls, and for the first in the queue.
    pub(super) fn is_exhausted(&self) -> [bool; 2] {
        let first = self.queue.first().and_then(|(_, waiter)| waiter.quota);
        [None, first].map(|quota| self.exhausted_until(quota).is_some())
    }

    /// Begins to probe if the window is over, or if there has been none yet.
    pub(super) fn expire_window(&mut self, now: Instant) {
        let is_over = match &self.window {
            Some(window) => self.probing.is_none() && now >= window.next_at,
            None => self.probing.is_none(),
        };
        if is_over {
            // Requests still in flight belong to the old window, so one more is a probe.
            self.probing = Some(Probing {
                since: now,
                allowed: self.in_flight.saturating_add(1),
                sent_at: None,
                bulk_admitted: 0,
            });
        }
    }

    pub(super) fn admit(&mut self, now: Instant, quota: Option<BulkQuota>) {
        let is_bulk = u64::from(quota.is_some());
        if let Some(probing) = &mut self.probing {
            if probing.sent_at.is_none() || self.in_flight == 0 {
                probing.sent_at = Some(now);
            }
            probing.bulk_admitted = probing.bulk_admitted.saturating_add(is_bulk);
        } else if let Some(window) = &mut self.window {
            window.usage.admit(is_bulk);
        }
        self.in_flight = self.in_flight.saturating_add(1);
        self.last_activity = Some(now);
    }

    pub(super) fn release(&mut self, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.last_activity = Some(now);
    }

    /// Learns from the end of a request, which still counts as in flight.
    pub(super) fn learn<'a>(
        &mut self,
        refused: bool,
        reading: Option<&'a RateLimit>,
        admitted_at: Instant,
        now: Instant,
    ) {
        if refused && reading.is_some_and(RateLimit::is_concurrency) {
            self.concurrency
                .on_refusal(self.in_flight, admitted_at, now);
            return;
        }
        if !refused {
            self.concurrency.on_success(self.in_flight);
        }
        let time = now.saturating_duration_since(admitted_at);
        self.response_time = match self.response_time {
            Duration::ZERO => time,
            smoothed => smoothed.saturating_mul(7).saturating_add(time) / 8,
        };
        let timed = |reading: &'a RateLimit| {
            Some(Observation {
                reading,
                reset: reading.reset?,
                until_reset: reading.until_reset?,
                refused,
                sent: admitted_at,
                received: now,
            })
        };
        match reading.and_then(timed) {
            Some(seen) => self.observe(&seen),
            None => {
                if let Some(probing) = &mut self.probing
                    && !refused
                {
                    probing.allowed = probing.allowed.saturating_add(1);
                }
            }
        }
    }

    /// Learns from a reading, which may be an old one, because responses can arrive out
    /// of order.
    fn observe(&mut self, seen: &Observation<'_>) {
        if let Some(date) = seen.reading.date {
            self.clock.observe(date, seen.sent, seen.received);
        }
        let is_probe = self
            .probing
            .as_ref()
            .is_some_and(|probing| seen.sent >= probing.since);
        match &mut self.window {
            Some(window) if window.reset() == seen.reset => {
                if is_probe {
                    // It was not over after all.
                    window.outlast(seen, &mut self.length);
                    self.probing = None;
                    self.latest = Some(seen.reading.clone());
                } else if seen.left() < window.remaining {
                    self.latest = Some(seen.reading.clone());
                }
                window.observe(seen, self.response_time);
            }
            Some(window) if !is_probe && !is_newer(seen, window, self.latest.as_ref()) => return,
            before => {
                let bulk = match (&self.probing, &*before) {
                    (Some(probing), _) => probing.bulk_admitted,
                    (None, Some(before)) => before.usage.bulk_admitted,
                    (None, None) => 0,
                };
                let bulk = bulk.min(self.in_flight);
                let mut window = Window::new(seen, self.in_flight, bulk, before.as_ref());
                window.observe(seen, self.response_time);
                *before = Some(window);
                self.probing = None;
                self.latest = Some(seen.reading.clone());
                self.longest_window = self.longest_window.max(seen.until_reset);
            }
        }
        if let Some(window) = &mut self.window {
            window.schedule(&self.clock, &mut self.length);
        }
    }

    /// The time that this number of calls takes at least, as far as is known.
    pub(super) fn forecast(&self, calls: u64, quota: BulkQuota, now: Instant) -> Option<Duration> {
        let window = self.window.as_ref()?;
        let (rest, per_window) = window.available(quota);
        let (available, next_at) = match self.probing {
            None => (rest, window.next_at),
            Some(_) => (per_window, after(now, self.longest_window)),
        };
        let later = calls.saturating_sub(available);
        if later == 0 {
            return Some(Duration::ZERO);
        }
        // `per_window` is at least one.
        let full_windows =
            u32::try_from(later.div_ceil(per_window).saturating_sub(1)).unwrap_or(u32::MAX);
        let wait = next_at.saturating_duration_since(now);
        Some(wait.saturating_add(self.longest_window.saturating_mul(full_windows)))
    }

    /// When a waiter looks again. The first ones look as soon as something may have changed,
    /// the others when it may be their turn: it is enough that somebody looks.
    pub(super) fn looks_at(&self, now: Instant, admission: Admission, place: Place) -> Instant {
        let ahead = self.queue.ahead_of(place);
        let later = |times: u64, wait: Duration| {
            wait.saturating_mul(u32::try_from(times).unwrap_or(u32::MAX))
        };
        match admission {
            // The queue has moved; this call may have been admitted meanwhile.
            Admission::Granted => after(now, PROBE_TIMEOUT),
            Admission::RetryAt(time) => after(time, later(ahead / LOOK_TOGETHER, PROBE_TIMEOUT)),
            Admission::WindowExhausted(next) => {
                let per_window = self.window.as_ref().map_or(1, |window| window.limit.max(1));
                after(next, later(ahead / per_window, self.longest_window))
            }
        }
    }

    /// The first waiter, if it can have a permit.
    pub(super) fn next_admissible(&self, now: Instant) -> Option<(Place, Option<BulkQuota>)> {
        let (place, waiter) = self.queue.first()?;
        let is_granted = self.admission(now, waiter.quota) == Admission::Granted;
        is_granted.then_some((place, waiter.quota))
    }

    /// Whom to wake after a change: the first waiter, if it would look too late, and where the
    /// window has become exhausted, all who did not foresee it.
    pub(super) fn to_wake(&self, was_exhausted: [bool; 2], now: Instant) -> Vec<Arc<Notify>> {
        let mut wake = Vec::new();
        let mut classes = was_exhausted.into_iter().zip(self.is_exhausted());
        if classes.any(|(was, is)| is && !was) {
            for waiter in self.queue.iter() {
                if let Some(next) = self.exhausted_until(waiter.quota)
                    && (waiter.looks_at < next || waiter.deadline <= next)
                {
                    wake.push(waiter.wake.clone());
                }
            }
        } else if let Some((_, first)) = self.queue.first() {
            let looks_too_late = match self.admission(now, first.quota) {
                Admission::Granted => true,
                Admission::RetryAt(time) | Admission::WindowExhausted(time) => {
                    first.looks_at > time
                }
            };
            if looks_too_late {
                wake.push(first.wake.clone());
            }
        }
        wake
    }
}

/// Whether a reading belongs to a window after this one.
///
/// An earlier reset belongs to an old window, unless the response was written later and within
/// its window: then windows have become shorter.
fn is_newer(seen: &Observation<'_>, window: &Window, latest: Option<&RateLimit>) -> bool {
    let written_later = latest.is_some_and(|latest| seen.reading.is_later_than(latest));
    seen.reset > window.reset() || (written_later && !seen.until_reset.is_zero())
}

/// How many requests of a window calls with this quota may use.
fn requests_of(window: &Window, quota: Option<BulkQuota>) -> u64 {
    quota.map_or(window.limit, |quota| quota.of(window.limit))
}
