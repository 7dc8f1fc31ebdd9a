//! Whether the failures of single users are everyone's, so that the run should stop.
//!
//! Some failures say nothing about other users: an administrator of limited rights may not
//! touch certain users, and certain ids may be blocked on their way to Okta. A list often
//! has such users side by side. So failures in a row do not stop a run. They make it
//! *probe*: it tries users from the whole of the rest of the list, and stops if those fail
//! too. One user for whom it works ends that, and those held back meanwhile are next. Users
//! in flight may be such users, so that their outcomes are awaited before the run stops.

use super::{Outcome, StopReason, UserOutcome};
use crate::error_code;

/// Refusals cost Okta little, so that many may be tried.
const REFUSED: Limits = Limits {
    in_order: 100,
    probes: 100,
};

/// Each of these calls has had its retries.
const UNAVAILABLE: Limits = Limits {
    in_order: 20,
    probes: 20,
};

struct Limits {
    /// Failures in a row after which the run probes.
    in_order: u32,
    /// Probes that fail, and then stop the run.
    probes: u32,
}

/// The failures since the last evidence that others can be revoked.
#[derive(Default)]
pub(super) struct Failures {
    /// Refused with 403. One user who was revoked proves for the whole run that the
    /// credential has rights.
    refused: Streak,
    /// Without a trustworthy response. Okta may become unavailable at any time, so each
    /// response of Okta's ends this, and no more.
    unavailable: Streak,
    any_revoked: bool,
}

#[derive(Default)]
struct Streak {
    failures: u32,
    failed_probes: u32,
    /// Why the last of them failed.
    reason: Option<String>,
}

impl Failures {
    pub(super) fn note(&mut self, outcome: &UserOutcome, probe: bool) {
        match outcome.outcome {
            Outcome::Unknown | Outcome::NotAttempted => {
                self.unavailable.add(&UNAVAILABLE, outcome, probe)
            }
            _ => self.unavailable = Streak::default(),
        }
        match outcome.outcome {
            Outcome::Revoked => {
                self.any_revoked = true;
                self.refused = Streak::default();
            }
            Outcome::Forbidden if !self.any_revoked && !is_users_own(outcome) => {
                self.refused.add(&REFUSED, outcome, probe);
            }
            _ => {}
        }
    }

    /// Why the run should stop, unless a user in flight shows that others can be revoked;
    /// and why the last user failed.
    pub(super) fn stop_reason(&self) -> Option<(StopReason, &str)> {
        let (reason, streak) = if self.refused.failed_probes >= REFUSED.probes {
            (StopReason::Forbidden, &self.refused)
        } else if self.unavailable.failed_probes >= UNAVAILABLE.probes {
            (StopReason::Unavailable, &self.unavailable)
        } else {
            return None;
        };
        Some((reason, streak.reason.as_deref().unwrap_or_default()))
    }

    /// While the run probes: the number of probes to spread over the rest of the list.
    pub(super) fn probes(&self) -> Option<u32> {
        if self.unavailable.failures >= UNAVAILABLE.in_order {
            Some(UNAVAILABLE.probes)
        } else if self.refused.failures >= REFUSED.in_order {
            Some(REFUSED.probes)
        } else {
            None
        }
    }
}

impl Streak {
    /// A probe counts as one only after as many failures as make the run probe: the run may
    /// be probing because of the other kind.
    fn add(&mut self, limits: &Limits, outcome: &UserOutcome, probe: bool) {
        if probe && self.failures >= limits.in_order {
            self.failed_probes = self.failed_probes.saturating_add(1);
        }
        self.failures = self.failures.saturating_add(1);
        self.reason.clone_from(&outcome.reason);
    }
}

/// Whether the refusal is about the state of this user, and would be the same for a
/// credential with all rights.
fn is_users_own(outcome: &UserOutcome) -> bool {
    outcome.error_code.as_deref() == Some(error_code::NOT_ALLOWED_IN_STATUS)
}
