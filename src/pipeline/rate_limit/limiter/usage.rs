//! Who uses a window: this client, and others.

use std::time::Duration;

use crate::time::{Instant, before};

/// Over a shorter time, or half a response, no pace is measured: a few requests would look like
/// a crowd.
const SHORTEST: Duration = Duration::from_millis(5);

/// What is taken of the time that others seem to have used a window before the first reading:
/// a request that comes a little late costs less than one that comes too early.
const CAUTION: f64 = 0.9;

/// What was used of one window, as far as its readings tell.
pub(super) struct Usage {
    /// This client's requests that may have been counted in the window, or may yet be.
    pub(super) admitted: u64,
    /// Those of them that belong to bulk runs.
    pub(super) bulk_admitted: u64,
    /// This client's requests that were surely counted: their responses had a reading of this
    /// window, and were no 429.
    counted: u64,
    /// What others had used at the first reading, at least.
    others_at_first: u64,
    /// What of that they used before this client watched the window: all of it, unless it
    /// waited for the window. It does not show how much they use of a window.
    before_watching: u64,
    first_at: Instant,
    /// When a reading first said that nothing was left.
    exhausted_at: Option<Instant>,
    /// The fastest pace of others so far, in requests per second. It is never too high, since
    /// each of this client's requests in flight is taken for one that was counted.
    peak: f64,
    /// The same of the window before.
    peak_before: f64,
    /// What others used of the window before.
    others_before: u64,
}

impl Usage {
    /// `used` is what the first reading says that all have used, and `refused` whether its
    /// request was a 429, which is not counted. `in_flight` requests of this client were in flight
    /// when it arrived. `was_awaited` if this client waited for the window. `before` is the usage
    /// of the window before, and what all used of it.
    pub(super) fn new(
        used: u64,
        refused: bool,
        was_awaited: bool,
        in_flight: u64,
        bulk_in_flight: u64,
        now: Instant,
        before: Option<(&Usage, u64)>,
    ) -> Self {
        let may_be_counted = in_flight.saturating_sub(refused.into());
        let others_at_first = used.saturating_sub(may_be_counted);
        Usage {
            admitted: in_flight,
            bulk_admitted: bulk_in_flight,
            counted: 0,
            others_at_first,
            before_watching: if was_awaited { 0 } else { others_at_first },
            first_at: now,
            exhausted_at: None,
            peak: 0.0,
            peak_before: before.map_or(0.0, |(before, _)| before.peak),
            others_before: before.map_or(0, |(before, used)| {
                let others = used.saturating_sub(before.counted);
                others.saturating_sub(before.before_watching)
            }),
        }
    }

    /// A request of this client's was admitted; `is_bulk` is 1 if it belongs to a bulk run.
    pub(super) fn admit(&mut self, is_bulk: u64) {
        self.admitted = self.admitted.saturating_add(1);
        self.bulk_admitted = self.bulk_admitted.saturating_add(is_bulk);
    }

    /// Learns from a reading: how much all have used, and whether that is everything.
    pub(super) fn observe(
        &mut self,
        used: u64,
        exhausted: bool,
        refused: bool,
        now: Instant,
        response_time: Duration,
    ) {
        if refused {
            self.admitted = self.admitted.saturating_sub(1);
        } else {
            self.counted = self.counted.saturating_add(1);
        }
        if exhausted && self.exhausted_at.is_none() {
            self.exhausted_at = Some(now);
        }
        let others = self.others_so_far(used);
        let shortest = SHORTEST.max(response_time / 2);
        if let Some(pace) = self.pace(others, now, shortest) {
            self.peak = self.peak.max(pace);
        }
    }

    /// How fast others have used the window since the first reading, per second.
    fn pace(&self, others: u64, until: Instant, shortest: Duration) -> Option<f64> {
        let time = until.saturating_duration_since(self.first_at);
        let more = others.saturating_sub(self.others_at_first);
        (time >= shortest).then(|| more as f64 / time.as_secs_f64())
    }

    /// How many requests others are likely to send in this time, and have sent already without
    /// a reading that counts them: as many again.
    pub(super) fn others_within(&self, time: Duration) -> f64 {
        2.0 * self.peak.max(self.peak_before) * time.as_secs_f64()
    }

    /// What others had used at the first reading, at least.
    pub(super) fn others_at_first(&self) -> u64 {
        self.others_at_first
    }

    /// How many requests of a window others are likely to use.
    pub(super) fn others_per_window(&self, used: u64) -> u64 {
        let watched = self
            .others_so_far(used)
            .saturating_sub(self.before_watching);
        self.others_before.max(watched)
    }

    /// How many requests of this window others have used, at least.
    pub(super) fn others_so_far(&self, used: u64) -> u64 {
        used.saturating_sub(self.admitted)
    }

    /// When the window began, if others used it at an even pace before the first reading, too.
    /// `None` if that cannot be told yet.
    pub(super) fn likely_beginning(&self, used: u64) -> Option<Instant> {
        if self.others_at_first == 0 {
            return Some(self.first_at);
        }
        // Everything was used up by then, so what was not this client's was others'.
        let others = used.saturating_sub(self.counted);
        let pace = self.pace(others, self.exhausted_at?, SHORTEST)?;
        let since = self.others_at_first as f64 / pace * CAUTION;
        let since = Duration::try_from_secs_f64(since).ok()?;
        Some(before(self.first_at, since))
    }
}
