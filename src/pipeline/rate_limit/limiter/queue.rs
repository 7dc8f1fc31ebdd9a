//! The calls that wait for a permit, in the order in which they get one.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Notify, oneshot};

use super::{BulkQuota, Permit};
use crate::time::Instant;

/// A place in the queue. Single calls come before those of bulk runs, and both in the order of
/// their arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    is_bulk: bool,
    number: u64,
}

/// A call that waits.
pub(super) struct Waiter {
    pub(super) quota: Option<BulkQuota>,
    pub(super) deadline: Instant,
    /// When it next looks whether it may go, or has to fail.
    pub(super) looks_at: Instant,
    /// Makes it look at once.
    pub(super) wake: Arc<Notify>,
    turn: oneshot::Sender<Permit>,
}

/// What a waiter waits for.
pub(super) struct Turn {
    pub(super) permit: oneshot::Receiver<Permit>,
    pub(super) wake: Arc<Notify>,
}

#[derive(Default)]
pub(super) struct Queue {
    waiters: BTreeMap<Place, Waiter>,
    next_number: u64,
    /// How many of the waiters are single calls.
    single: u64,
}

impl Queue {
    pub(super) fn push(
        &mut self,
        quota: Option<BulkQuota>,
        deadline: Instant,
        looks_at: Instant,
    ) -> (Place, Turn) {
        let place = Place {
            is_bulk: quota.is_some(),
            number: self.next_number,
        };
        self.next_number = self.next_number.saturating_add(1);
        self.single = self.single.saturating_add((!place.is_bulk).into());
        let (turn, permit) = oneshot::channel();
        let wake = Arc::new(Notify::new());
        let waiter = Waiter {
            quota,
            deadline,
            looks_at,
            turn,
            wake: wake.clone(),
        };
        self.waiters.insert(place, waiter);
        (place, Turn { permit, wake })
    }

    pub(super) fn remove(&mut self, place: Place) -> Option<oneshot::Sender<Permit>> {
        let waiter = self.waiters.remove(&place)?;
        self.single = self.single.saturating_sub((!place.is_bulk).into());
        Some(waiter.turn)
    }

    pub(super) fn first(&self) -> Option<(Place, &Waiter)> {
        let (place, waiter) = self.waiters.first_key_value()?;
        Some((*place, waiter))
    }

    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut Waiter> {
        self.waiters.get_mut(&place)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiter> {
        self.waiters.values()
    }

    /// Whether no waiter goes before a new call.
    pub(super) fn nobody_before(&self, quota: Option<BulkQuota>) -> bool {
        match quota {
            None => self.single == 0,
            Some(_) => self.waiters.is_empty(),
        }
    }

    /// How many waiters go before this one, at most.
    pub(super) fn ahead_of(&self, place: Place) -> u64 {
        let class = Place { number: 0, ..place };
        let first = self.waiters.range(class..).next();
        let first = first.map_or(place.number, |(first, _)| first.number);
        let before = if place.is_bulk { self.single } else { 0 };
        place.number.saturating_sub(first).saturating_add(before)
    }
}
