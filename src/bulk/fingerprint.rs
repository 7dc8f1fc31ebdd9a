//! Sets of ids that take less memory than the ids.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

/// 128 bits of an id's keyed hash. The chance that two of a million ids have the same is 1
/// in 10^26; the second would be taken for the first, and left signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint(u64, u64);

pub(super) type FingerprintSet = HashSet<Fingerprint>;

/// Takes fingerprints, with random keys of its own: only those that one of these took can
/// be compared.
#[derive(Default)]
pub(super) struct Fingerprinter(RandomState, RandomState);

impl Fingerprinter {
    pub(super) fn of(&self, id: &str) -> Fingerprint {
        Fingerprint(self.0.hash_one(id), self.1.hash_one(id))
    }
}
