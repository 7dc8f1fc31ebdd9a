//! When a window began, and when the next one begins.

use std::time::Duration;

use super::server_clock::{ServerClock, Span};
use crate::pipeline::rate_limit::MARGIN;
use crate::time::{Instant, after, before};

/// The announced end of a window is a whole second: the true one is up to this much later, or
/// earlier where the server rounds up.
const ROUNDING: Duration = MARGIN;

/// Windows last a minute at Okta, and a multiple of this anywhere.
const LENGTH_STEP: Duration = Duration::from_secs(10);

/// Where the end of a window is known to this, the next request waits until it has surely
/// passed.
const PRECISE: Duration = Duration::from_millis(100);

/// Where the beginning of a window is known to this, it shows how long windows last.
const SHOWS_LENGTH: Duration = Duration::from_secs(5);

/// How long windows last, as far as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum WindowLength {
    #[default]
    Unknown,
    Known(Duration),
    /// It is no multiple of [`LENGTH_STEP`], so a window's beginning does not show its end.
    Irregular,
}

/// Requests that came before the end of a window.
struct TooEarly {
    times: u32,
    /// When the last of them left, and when its response arrived.
    sent: Instant,
    received: Instant,
}

/// What is known about the boundaries of one window.
pub(super) struct Timing {
    /// The announced end, by the server's clock: seconds since 1970.
    pub(super) reset: u64,
    /// The announced end by the local clock, for a server that sends no `Date`.
    announced: Instant,
    /// It began after this moment; unknown for the first window of all.
    began_after: Option<Instant>,
    /// It had begun by this moment.
    began_by: Instant,
    /// It had not ended at this moment.
    seen_at: Instant,
    /// The same, from the requests that came too early: they were sent because the window was
    /// taken to have ended.
    too_early: Option<TooEarly>,
    /// When it ends.
    end: Span,
}

impl Timing {
    /// From the window's first reading: the response to a request that left at `sent`.
    pub(super) fn new(
        reset: u64,
        until_reset: Duration,
        sent: Instant,
        received: Instant,
        window_before: Option<&Timing>,
    ) -> Timing {
        let follows = window_before.filter(|before| before.reset < reset);
        let announced = after(received, until_reset);
        Timing {
            reset,
            announced,
            began_after: follows.map(|before| before.end.earliest),
            began_by: received,
            seen_at: sent,
            too_early: None,
            end: Span {
                earliest: announced,
                latest: announced,
            },
        }
    }

    /// Learns from another reading of the window; `is_first` if that request began it.
    pub(super) fn observe(&mut self, sent: Instant, received: Instant, is_first: bool) {
        if is_first {
            self.began_after = self.began_after.max(Some(sent));
        }
        self.began_by = self.began_by.min(received);
        self.seen_at = self.seen_at.max(sent);
    }

    /// Learns that the window had not ended, although it was taken to have.
    pub(super) fn outlast(&mut self, sent: Instant, received: Instant, length: &mut WindowLength) {
        if let WindowLength::Known(known) = *length
            && sent >= after(self.began_by, known)
        {
            *length = WindowLength::Irregular;
        }
        let times = self.too_early.as_ref().map_or(0, |before| before.times);
        self.too_early = Some(TooEarly {
            times: times.saturating_add(1),
            sent,
            received,
        });
    }

    /// When the next window is taken to have begun. `likely_beginning` is when this one began,
    /// as far as the pace of others tells; `came_late` if a request that waited for this
    /// one found that others had used most of it.
    pub(super) fn next_at(
        &mut self,
        clock: &ServerClock,
        length: &mut WindowLength,
        likely_beginning: Option<Instant>,
        came_late: bool,
    ) -> Instant {
        let announced = clock.beginning_of(self.reset).unwrap_or(Span {
            earliest: self.announced,
            latest: self.announced,
        });
        let possible = Span {
            earliest: before(announced.earliest, ROUNDING),
            latest: after(announced.latest, ROUNDING),
        };
        self.end = self.end(possible, length);
        let Span { earliest, latest } = self.end;
        let times_too_early = match &self.too_early {
            Some(last) if last.sent >= latest => return after(last.received, MARGIN),
            Some(last) => last.times,
            None => 0,
        };
        // A second chance is taken when the end has surely passed; where that was too late the
        // last time, a third.
        let chances = if came_late { 2 } else { 1 };
        if times_too_early >= chances || self.end.length() <= PRECISE {
            return latest;
        }
        // Others may use up the next window before its beginning is certain. One request that
        // comes too early shows the end more precisely.
        let likely_end = likely_beginning.and_then(|beginning| {
            let beginning = Span {
                earliest: beginning,
                latest: beginning,
            };
            let length = length.of(beginning, possible)?;
            Some(after(beginning.latest, length).clamp(earliest, latest))
        });
        let middle = after(earliest, self.end.length() / 2);
        likely_end.unwrap_or(if came_late { middle } else { latest })
    }

    /// The end, from what the header allows, and from the beginning.
    fn end(&self, possible: Span, length: &mut WindowLength) -> Span {
        let began = Span {
            earliest: self.began_after.unwrap_or(self.began_by),
            latest: self.began_by,
        };
        if self.began_after.is_some()
            && began.length() <= SHOWS_LENGTH
            && let Some(shown) = length.of(began, possible)
        {
            *length = WindowLength::Known(shown);
        }
        let end = match *length {
            WindowLength::Known(length) => Span {
                earliest: match self.began_after {
                    Some(began_after) => after(began_after, length),
                    None => possible.earliest,
                },
                latest: after(self.began_by, length),
            },
            _ => possible,
        };
        let end = end.intersection(possible).unwrap_or(possible);
        Span {
            earliest: end.earliest.max(self.seen_at),
            latest: end.latest.max(self.seen_at),
        }
    }
}

impl WindowLength {
    /// How long a window lasted that began and ended then.
    fn of(self, began: Span, ended: Span) -> Option<Duration> {
        let fits = |length: &Duration| began.later_by(*length).intersection(ended).is_some();
        if let WindowLength::Known(length) = self
            && fits(&length)
        {
            return Some(length);
        }
        if self == WindowLength::Irregular {
            return None;
        }
        let least = ended.earliest.saturating_duration_since(began.latest);
        let seconds = least
            .as_secs()
            .saturating_add((least.subsec_nanos() > 0).into());
        let steps = seconds.div_ceil(LENGTH_STEP.as_secs()).max(1);
        let length = LENGTH_STEP.checked_mul(u32::try_from(steps).ok()?)?;
        fits(&length).then_some(length)
    }
}
