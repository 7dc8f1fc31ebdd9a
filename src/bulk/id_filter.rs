//! Decides which of the given ids are users to revoke: each once, and in the given order.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use super::exclusions::{Exclusions, Match};
use crate::{Error, UserId};

/// The verdict on an id.
pub(super) enum IdStatus {
    User(UserId),
    Refused(String, Error),
    Duplicate,
    Excluded,
    AlreadyRevoked,
}

/// Checks each given id against the exclusions, the ids before it and the journal.
pub(super) struct IdFilter {
    seen: FingerprintSet,
    already_revoked: FingerprintSet,
    exclusions: Exclusions,
}

impl IdFilter {
    pub(super) fn new(exclusions: Exclusions, already_revoked: FingerprintSet) -> Self {
        Self {
            seen: FingerprintSet::default(),
            already_revoked,
            exclusions,
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
        if !self.seen.insert(&id) {
            IdStatus::Duplicate
        } else if self.already_revoked.contains(&id) {
            IdStatus::AlreadyRevoked
        } else {
            IdStatus::User(user)
        }
    }

    pub(super) fn unmatched_exclusions(&self) -> Vec<String> {
        self.exclusions.unmatched()
    }
}

/// A set of ids, stored as 128 bits of their keyed hash, which takes less memory than the
/// ids. The chance that two of a million ids have the same hash is 1 in 10^26; such a
/// false duplicate would leave a user signed in.
#[derive(Default)]
pub(super) struct FingerprintSet {
    keys: (RandomState, RandomState),
    fingerprints: HashSet<(u64, u64)>,
}

impl FingerprintSet {
    pub(super) fn insert(&mut self, id: &str) -> bool {
        self.fingerprints.insert(self.fingerprint(id))
    }

    /// Removes an id; true if it was in the set.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        self.fingerprints.remove(&self.fingerprint(id))
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.fingerprints.contains(&self.fingerprint(id))
    }

    fn fingerprint(&self, id: &str) -> (u64, u64) {
        (self.keys.0.hash_one(id), self.keys.1.hash_one(id))
    }
}
