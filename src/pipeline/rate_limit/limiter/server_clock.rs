//! The server's clock, as far as the `Date` headers of its responses tell.

use std::time::Duration;

use crate::time::{Instant, after, before};

/// A moment that is only known to lie between two others, by the local clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) earliest: Instant,
    pub(super) latest: Instant,
}

impl Span {
    pub(super) fn length(self) -> Duration {
        self.latest.saturating_duration_since(self.earliest)
    }

    pub(super) fn later_by(self, time: Duration) -> Span {
        Span {
            earliest: after(self.earliest, time),
            latest: after(self.latest, time),
        }
    }

    /// What both allow; `None` if they contradict each other.
    pub(super) fn intersection(self, other: Span) -> Option<Span> {
        let both = Span {
            earliest: self.earliest.max(other.earliest),
            latest: self.latest.min(other.latest),
        };
        (both.earliest <= both.latest).then_some(both)
    }
}

/// When the seconds of the server's clock begin.
///
/// A `Date` is the server's clock cut to a second. It was read after the request left and
/// before the response arrived, so its second had begun by the arrival, and the next one
/// had not begun when the request left. Each response can only tighten these two bounds;
/// after a few they are a round trip apart.
#[derive(Default)]
pub(super) struct ServerClock {
    bounds: Option<Bounds>,
}

#[derive(Clone, Copy)]
struct Bounds {
    /// This second of the server's clock had not begun before this moment.
    not_before: (u64, Instant),
    /// This second had begun by this moment.
    begun_by: (u64, Instant),
}

impl ServerClock {
    /// Learns from the `Date` of the response to a request that left at `sent`.
    ///
    /// If it contradicts what was known, one of the clocks has jumped, or there are several
    /// servers whose clocks differ. Then only the new response counts.
    pub(super) fn observe(&mut self, date: u64, sent: Instant, received: Instant) {
        let new = Bounds {
            not_before: (date.saturating_add(1), sent),
            begun_by: (date, received),
        };
        let tighter = self.bounds.map(|old| Bounds {
            not_before: tighter(old.not_before, new.not_before, |old, new| new > old),
            begun_by: tighter(old.begun_by, new.begun_by, |old, new| new < old),
        });
        self.bounds = tighter.filter(Bounds::are_possible).or(Some(new));
    }

    /// When a second begins; `None` before the first `Date`.
    pub(super) fn beginning_of(&self, second: u64) -> Option<Span> {
        self.bounds.map(|bounds| bounds.beginning_of(second))
    }
}

impl Bounds {
    fn beginning_of(&self, second: u64) -> Span {
        Span {
            earliest: shift(self.not_before, second),
            latest: shift(self.begun_by, second),
        }
    }

    fn are_possible(&self) -> bool {
        let second = self.not_before.0.max(self.begun_by.0);
        let Span { earliest, latest } = self.beginning_of(second);
        earliest <= latest
    }
}

/// The old bound, or the new one if it is tighter.
fn tighter(
    old: (u64, Instant),
    new: (u64, Instant),
    is_tighter: impl Fn(Instant, Instant) -> bool,
) -> (u64, Instant) {
    let second = old.0.max(new.0);
    if is_tighter(shift(old, second), shift(new, second)) {
        new
    } else {
        old
    }
}

/// A bound on the beginning of one second, as a bound on that of another.
fn shift((from, moment): (u64, Instant), to: u64) -> Instant {
    match to.checked_sub(from) {
        Some(later) => after(moment, Duration::from_secs(later)),
        None => before(moment, Duration::from_secs(from.saturating_sub(to))),
    }
}
