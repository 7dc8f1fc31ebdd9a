//! How many requests may be in flight at once, by AIMD: additive increase, multiplicative
//! decrease.

use std::time::Duration;

use crate::time::{Instant, after};

/// How long no request is admitted after a 429 for too many concurrent requests.
pub(super) const COOLDOWN: Duration = Duration::from_secs(1);

/// The limit at first: a little below 35, the smallest concurrency limit that Okta publishes.
pub(super) const INITIAL: u64 = 32;

pub(super) struct ConcurrencyLimit {
    pub(super) limit: u64,
    /// Responses at full concurrency since the limit last changed.
    successes_at_limit: u64,
    /// When the limit was last cut.
    cut_at: Option<Instant>,
}

impl Default for ConcurrencyLimit {
    fn default() -> Self {
        ConcurrencyLimit {
            limit: INITIAL,
            successes_at_limit: 0,
            cut_at: None,
        }
    }
}

impl ConcurrencyLimit {
    /// The end of the cooldown, if it is not over.
    pub(super) fn cooldown(&self, now: Instant) -> Option<Instant> {
        let end = after(self.cut_at?, COOLDOWN);
        (now < end).then_some(end)
    }

    /// A request succeeded while `in_flight` requests, itself included, were in flight. Once as
    /// many have succeeded at the limit as the limit allows in flight, it rises by one.
    pub(super) fn on_success(&mut self, in_flight: u64) {
        if in_flight < self.limit {
            return;
        }
        self.successes_at_limit = self.successes_at_limit.saturating_add(1);
        if self.successes_at_limit >= self.limit {
            self.limit = self.limit.saturating_add(1);
            self.successes_at_limit = 0;
        }
    }

    /// A request was refused because too many were in flight. Halves the limit, once for all
    /// requests that were in flight together.
    pub(super) fn on_refusal(&mut self, in_flight: u64, admitted_at: Instant, now: Instant) {
        if self.cut_at.is_some_and(|cut_at| admitted_at <= cut_at) {
            return;
        }
        self.limit = (self.limit.min(in_flight) / 2).max(1);
        self.successes_at_limit = 0;
        self.cut_at = Some(now);
    }
}
