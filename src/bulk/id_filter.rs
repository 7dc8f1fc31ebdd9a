//! Which of the given ids are users to revoke, each once and in their order.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use super::exclusions::{Exclusions, Match};
use crate::{Error, UserId};

/// What one of the given ids turned out to be.
pub(super) enum IdStatus {
    User(UserId),
    Refused(String, Error),
    Duplicate,
    Excluded,
    AlreadyRevoked,
}

/// Sorts the given ids out.
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
        self.exclusions.not_met()
    }
}

/// A set of ids by 128 bits of their keyed hash, which takes less room than the
/// ids do. That two of a million share one has a chance of 1 in 10^26.
#[derive(Default)]
pub(super) struct FingerprintSet {
    keys: (RandomState, RandomState),
    prints: HashSet<(u64, u64)>,
}

impl FingerprintSet {
    pub(super) fn insert(&mut self, id: &str) -> bool {
        self.prints.insert(self.print(id))
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        self.prints.remove(&self.print(id))
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.prints.contains(&self.print(id))
    }

    fn print(&self, id: &str) -> (u64, u64) {
        (self.keys.0.hash_one(id), self.keys.1.hash_one(id))
    }
}
