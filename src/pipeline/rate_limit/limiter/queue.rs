//! The calls that wait for a permit, in the order in which they get one.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{Notify, oneshot};

use super::{BulkQuota, Permit};
use crate::time::Instant;

/// A place in the queue.
#[derive(Clone, Copy, Debug)]
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

/// Single calls come before those of bulk runs, and both in the order of their arrival.
#[derive(Default)]
pub(super) struct Queue {
    single: Line,
    bulk: Line,
}

/// Waiters with consecutive numbers. Whoever has left leaves a gap, but not at either end.
#[derive(Default)]
struct Line {
    waiters: VecDeque<Option<Waiter>>,
    first_number: u64,
}

impl Queue {
    pub(super) fn push(
        &mut self,
        quota: Option<BulkQuota>,
        deadline: Instant,
        looks_at: Instant,
    ) -> (Place, Turn) {
        let (turn, permit) = oneshot::channel();
        let wake = Arc::new(Notify::new());
        let waiter = Waiter {
            quota,
            deadline,
            looks_at,
            wake: wake.clone(),
            turn,
        };
        let is_bulk = quota.is_some();
        let line = if is_bulk {
            &mut self.bulk
        } else {
            &mut self.single
        };
        let number = line.push(waiter);
        (Place { is_bulk, number }, Turn { permit, wake })
    }

    pub(super) fn remove(&mut self, place: Place) -> Option<oneshot::Sender<Permit>> {
        let line = self.line(place);
        let waiter = line.get(place.number)?.take();
        line.trim();
        waiter.map(|waiter| waiter.turn)
    }

    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut Waiter> {
        self.line(place).get(place.number)?.as_mut()
    }

    pub(super) fn first(&self) -> Option<(Place, &Waiter)> {
        let lines = [(false, &self.single), (true, &self.bulk)];
        lines.into_iter().find_map(|(is_bulk, line)| {
            let waiter = line.waiters.front()?.as_ref()?;
            let number = line.first_number;
            Some((Place { is_bulk, number }, waiter))
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiter> {
        let lines = [&self.single, &self.bulk].into_iter();
        lines.flat_map(|line| line.waiters.iter().flatten())
    }

    /// Whether no waiter goes before a new call.
    pub(super) fn nobody_before(&self, quota: Option<BulkQuota>) -> bool {
        self.single.waiters.is_empty() && (quota.is_none() || self.bulk.waiters.is_empty())
    }

    /// How many waiters go before this one, at most.
    pub(super) fn ahead_of(&self, place: Place) -> u64 {
        let single = u64::try_from(self.single.waiters.len()).unwrap_or(u64::MAX);
        let (line, before) = match place.is_bulk {
            true => (&self.bulk, single),
            false => (&self.single, 0),
        };
        let in_line = place.number.saturating_sub(line.first_number);
        in_line.saturating_add(before)
    }

    fn line(&mut self, place: Place) -> &mut Line {
        match place.is_bulk {
            true => &mut self.bulk,
            false => &mut self.single,
        }
    }
}

impl Line {
    /// Returns the waiter's number.
    fn push(&mut self, waiter: Waiter) -> u64 {
        let length = u64::try_from(self.waiters.len()).unwrap_or(u64::MAX);
        self.waiters.push_back(Some(waiter));
        self.first_number.saturating_add(length)
    }

    fn get(&mut self, number: u64) -> Option<&mut Option<Waiter>> {
        let index = number.checked_sub(self.first_number)?;
        self.waiters.get_mut(usize::try_from(index).ok()?)
    }

    /// Removes the gaps at both ends.
    fn trim(&mut self) {
        while let Some(None) = self.waiters.front() {
            self.waiters.pop_front();
            self.first_number = self.first_number.saturating_add(1);
        }
        while let Some(None) = self.waiters.back() {
            self.waiters.pop_back();
        }
    }
}
