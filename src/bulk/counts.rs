//! How many users had which outcome.

use serde::Serialize;

use super::Outcome;

/// How many users had which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Counts {
    /// Okta responded with 204 in this run.
    pub revoked: u64,
    /// The org has no such user.
    pub not_found: u64,
    /// Okta refused with 403: the credential lacks the permission for this user.
    pub forbidden: u64,
    /// Okta refused the request for another reason.
    pub rejected: u64,
    /// The request was sent, and no trustworthy response came.
    pub unknown: u64,
    /// Nothing was sent, for example because the id was refused.
    pub not_attempted: u64,
    /// Skipped: the journal says that an earlier part of the run revoked them.
    pub already_revoked: u64,
    /// Ids given more than once, beyond the first.
    pub duplicates: u64,
    /// Skipped: excluded by the caller.
    pub excluded: u64,
}

impl Counts {
    /// Users with an outcome other than revoked.
    #[must_use]
    pub fn not_revoked(&self) -> u64 {
        [
            self.not_found,
            self.forbidden,
            self.rejected,
            self.unknown,
            self.not_attempted,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }

    /// Ids that need no more work, whatever their outcome.
    #[must_use]
    pub fn done(&self) -> u64 {
        [
            self.revoked,
            self.already_revoked,
            self.duplicates,
            self.excluded,
        ]
        .into_iter()
        .fold(self.not_revoked(), u64::saturating_add)
    }

    pub(super) fn of(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::Revoked => self.revoked,
            Outcome::NotFound => self.not_found,
            Outcome::Forbidden => self.forbidden,
            Outcome::Rejected => self.rejected,
            Outcome::Unknown => self.unknown,
            Outcome::NotAttempted => self.not_attempted,
        }
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Revoked => &mut self.revoked,
            Outcome::NotFound => &mut self.not_found,
            Outcome::Forbidden => &mut self.forbidden,
            Outcome::Rejected => &mut self.rejected,
            Outcome::Unknown => &mut self.unknown,
            Outcome::NotAttempted => &mut self.not_attempted,
        };
        *count = count.saturating_add(1);
    }
}
