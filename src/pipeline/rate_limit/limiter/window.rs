//! One rate-limit window, as its readings describe it.

use std::time::Duration;

use super::BulkQuota;
use super::server_clock::ServerClock;
use super::timing::{Timing, WindowLength};
use super::usage::Usage;
use crate::RateLimit;
use crate::time::{Instant, after};

/// A request that leaves no later than this after the end of a window waited for it.
const PROMPT: Duration = Duration::from_secs(1);

/// The reading of one response, with the times by the local clock.
pub(super) struct Observation<'a> {
    pub(super) reading: &'a RateLimit,
    pub(super) reset: u64,
    pub(super) until_reset: Duration,
    /// Whether the response was a 429.
    pub(super) refused: bool,
    /// Before the request left.
    pub(super) sent: Instant,
    pub(super) received: Instant,
}

impl Observation<'_> {
    /// What is left of the window. After a 429 it is nothing, whatever the header says.
    pub(super) fn left(&self) -> u64 {
        match self.refused {
            true => 0,
            false => self.reading.remaining,
        }
    }
}

pub(super) struct Window {
    pub(super) limit: u64,
    /// The smallest reading.
    pub(super) remaining: u64,
    pub(super) usage: Usage,
    /// When the next window is taken to have begun.
    pub(super) next_at: Instant,
    timing: Timing,
    /// Whether others had used most of it by the first reading, although that came as soon as the
    /// window before was taken to have ended.
    came_late: bool,
}

impl Window {
    /// From the window's first reading. `in_flight` is the number of this client's requests in
    /// flight when it arrived, and `bulk_in_flight` how many of them belong to bulk runs.
    pub(super) fn new(
        seen: &Observation<'_>,
        in_flight: u64,
        bulk_in_flight: u64,
        before: Option<&Window>,
    ) -> Window {
        let limit = seen.reading.limit;
        let left = seen.left();
        let used = limit.saturating_sub(left);
        let Observation {
            reset,
            until_reset,
            sent,
            received,
            ..
        } = *seen;
        let timing_before = before.map(|before| &before.timing);
        let usage_before = before.map(|before| (&before.usage, before.used()));
        let was_awaited = before
            .is_some_and(|before| before.reset() < reset && sent <= after(before.next_at, PROMPT));
        let usage = Usage::new(
            used,
            seen.refused,
            was_awaited,
            in_flight,
            bulk_in_flight,
            received,
            usage_before,
        );
        Window {
            limit,
            remaining: left,
            came_late: was_awaited && usage.others_at_first() > limit / 2,
            usage,
            next_at: received,
            timing: Timing::new(reset, until_reset, sent, received, timing_before),
        }
    }

    pub(super) fn reset(&self) -> u64 {
        self.timing.reset
    }

    /// How many requests all clients together have used, as far as is known.
    fn used(&self) -> u64 {
        self.limit.saturating_sub(self.remaining)
    }

    /// Learns from a reading of this window, the first one included.
    pub(super) fn observe(&mut self, seen: &Observation<'_>, response_time: Duration) {
        let left = seen.left();
        self.remaining = self.remaining.min(left);
        let is_first = !seen.refused && left.checked_add(1) == Some(self.limit);
        self.timing.observe(seen.sent, seen.received, is_first);
        let used = self.used();
        self.usage
            .observe(used, left == 0, seen.refused, seen.received, response_time);
    }

    /// Learns that the window had not ended when it was taken to have: this request left later,
    /// and was still counted in it.
    pub(super) fn outlast(&mut self, seen: &Observation<'_>, length: &mut WindowLength) {
        self.timing.outlast(seen.sent, seen.received, length);
        self.remaining = seen.left();
    }

    /// Decides anew when the next window is tried.
    pub(super) fn schedule(&mut self, clock: &ServerClock, length: &mut WindowLength) {
        let beginning = self.usage.likely_beginning(self.used());
        self.next_at = self
            .timing
            .next_at(clock, length, beginning, self.came_late);
    }

    /// How many requests may be in flight at once before another call with this quota is
    /// admitted, so that all of them are likely to be accepted: each is taken for one that
    /// `remaining` does not include yet, and others send theirs meanwhile. What is left is
    /// shared with them in proportion to what both send.
    pub(super) fn max_in_flight(
        &self,
        quota: Option<BulkQuota>,
        concurrency: u64,
        response_time: Duration,
    ) -> u64 {
        let left = self.left(quota);
        let others = self.usage.others_within(response_time);
        if others < 1.0 {
            return left;
        }
        let ours = concurrency.min(left) as f64;
        let part = left as f64 * ours / (ours + others);
        (part as u64).max(left.min(1))
    }

    /// How many requests calls with this quota may still send, if others send none.
    pub(super) fn left(&self, quota: Option<BulkQuota>) -> u64 {
        let reserve = quota.map_or(0, |quota| self.reserve(quota));
        self.remaining.saturating_sub(reserve)
    }

    /// Whether calls with this quota can send nothing more in this window.
    pub(super) fn is_exhausted(&self, quota: Option<BulkQuota>) -> bool {
        match quota {
            None => self.remaining == 0,
            Some(quota) => {
                self.usage.bulk_admitted >= quota.of(self.limit)
                    || self.remaining <= self.reserve(quota)
            }
        }
    }

    /// How many of the remaining requests calls with this quota leave to others: of what
    /// others have not used, the same part that they leave of a whole window.
    pub(super) fn reserve(&self, quota: BulkQuota) -> u64 {
        let available = self
            .remaining
            .saturating_add(self.usage.bulk_admitted)
            .min(self.limit);
        let reserve = quota.reserve(self.limit).min(self.limit);
        // Exact up to 2^53; `as` saturates beyond the range of u64.
        (reserve as f64 * available as f64 / self.limit.max(1) as f64) as u64
    }

    /// How many requests calls with this quota can send in this window, and in a whole one, at
    /// the pace of others.
    pub(super) fn available(&self, quota: BulkQuota) -> (u64, u64) {
        let used = self.used();
        let by_others = self.usage.others_per_window(used);
        let whole = self.limit.saturating_sub(by_others);
        let whole = quota.of(self.limit).min(whole).max(1);
        let still_by_others = by_others.saturating_sub(self.usage.others_so_far(used));
        let rest = self.remaining.saturating_sub(self.reserve(quota));
        let now = quota
            .of(self.limit)
            .saturating_sub(self.usage.bulk_admitted)
            .min(rest.saturating_sub(still_by_others));
        (now, whole)
    }
}
