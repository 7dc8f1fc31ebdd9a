//! Which of the given ids are users to revoke, each once and in their order.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use super::exclusions::{Exclusions, Match};
use crate::{Error, UserId};

/// What one of the given ids turned out to be.
pub(super) enum Given {
    User(UserId),
    Refused(String, Error),
    Duplicate,
    Excluded,
    RevokedBefore,
}

/// Sorts the given ids out.
pub(super) struct Intake {
    seen: Prints,
    revoked_before: Prints,
    exclusions: Exclusions,
}

impl Intake {
    pub(super) fn new(exclusions: Exclusions, revoked_before: Prints) -> Self {
        Self {
            seen: Prints::default(),
            revoked_before,
            exclusions,
        }
    }

    pub(super) fn take(&mut self, id: String) -> Given {
        let user = match UserId::new(id.as_str()) {
            Ok(user) => user,
            Err(error) => return Given::Refused(id, error),
        };
        match self.exclusions.find(&id) {
            Match::Excluded => return Given::Excluded,
            Match::Perhaps(error) => return Given::Refused(id, error),
            Match::None => {}
        }
        if !self.seen.insert(&id) {
            Given::Duplicate
        } else if self.revoked_before.contains(&id) {
            Given::RevokedBefore
        } else {
            Given::User(user)
        }
    }

    pub(super) fn exclusions_not_met(&self) -> Vec<String> {
        self.exclusions.not_met()
    }
}

/// A set of ids by 128 bits of their keyed hash, which takes less room than the
/// ids do. That two of a million share one has a chance of 1 in 10^26.
#[derive(Default)]
pub(super) struct Prints {
    keys: (RandomState, RandomState),
    prints: HashSet<(u64, u64)>,
}

impl Prints {
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
