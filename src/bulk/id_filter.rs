//! Decides which of the given ids are users to revoke: each once.

use super::{
    exclusions::{Exclusions, Match},
    fingerprint::{FingerprintSet, Fingerprinter},
};
use crate::{Error, UserId};

/// The verdict on an id.
pub(super) enum IdStatus {
    User(UserId),
    /// An earlier process of the run tried this user, and did not see them revoked.
    TriedBefore(UserId),
    Refused(String, Error),
    Duplicate,
    Excluded,
    AlreadyRevoked,
}

/// What earlier processes of a run did.
#[derive(Default)]
pub(super) struct History {
    pub(super) fingerprinter: Fingerprinter,
    pub(super) revoked: FingerprintSet,
    /// Users for whom a request was about to be sent, and who are not known to be revoked.
    pub(super) tried: FingerprintSet,
}

/// Checks each given id against the exclusions, the ids before it and the journal.
pub(super) struct IdFilter {
    exclusions: Exclusions,
    history: History,
    seen: FingerprintSet,
}

impl IdFilter {
    pub(super) fn new(exclusions: Exclusions, history: History) -> Self {
        Self {
            exclusions,
            history,
            seen: FingerprintSet::default(),
        }
    }

    pub(super) fn take(&mut self, id: String) -> IdStatus {
        let user = match UserId::new(id.as_str()) {
            Ok(user) => user,
            Err(error) => return IdStatus::Refused(id, error),
        };
        match self.exclusions.find(&id) {
            Match::Excluded => return IdStatus::Excluded,
            Match::Perhaps(error) => return IdStatus::Refused(id, error),
            Match::None => {}
        }
        let fingerprint = self.history.fingerprinter.of(&id);
        if !self.seen.insert(fingerprint) {
            IdStatus::Duplicate
        } else if self.history.revoked.contains(&fingerprint) {
            IdStatus::AlreadyRevoked
        } else if self.history.tried.contains(&fingerprint) {
            IdStatus::TriedBefore(user)
        } else {
            IdStatus::User(user)
        }
    }

    pub(super) fn unmatched_exclusions(&self) -> Vec<String> {
        self.exclusions.unmatched()
    }
}
