//! The org's clock: the system's time at the start, moved on by Tokio's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// A century: further on, dates and instants may overflow.
const MAX_ADVANCE: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    /// Whole and broken seconds since 1970 at the start.
    base: Duration,
    skew_seconds: i32,
    /// How far the org is ahead of Tokio's clock, since tests moved it on.
    advanced: Duration,
}

impl Clock {
    /// The present, with which windows and lifetimes are measured.
    pub(crate) fn now(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.advanced).unwrap_or(now)
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        let advanced = self.advanced.saturating_add(by).min(MAX_ADVANCE);
        self.advanced = advanced;
    }

    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
            base: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
            skew_seconds: 0,
            advanced: Duration::ZERO,
        }
    }

    pub(crate) fn set_skew(&mut self, seconds: i32) {
        self.skew_seconds = seconds;
    }

    /// What the org's wall clock shows at an instant, since 1970.
    fn since_epoch(&self, at: Instant) -> Duration {
        let true_time = self
            .base
            .saturating_add(at.saturating_duration_since(self.started));
        let skew = Duration::from_secs(self.skew_seconds.unsigned_abs().into());
        if self.skew_seconds < 0 {
            true_time.saturating_sub(skew)
        } else {
            true_time.saturating_add(skew)
        }
    }

    /// Cut to whole seconds, as Okta's headers are.
    pub(crate) fn epoch_seconds(&self, at: Instant) -> u64 {
        self.since_epoch(at).as_secs()
    }

    pub(crate) fn wall(&self, at: Instant) -> SystemTime {
        UNIX_EPOCH
            .checked_add(self.since_epoch(at))
            .unwrap_or(UNIX_EPOCH)
    }
}
