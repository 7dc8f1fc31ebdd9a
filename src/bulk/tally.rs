//! What a run has done so far, why it waits, and why it stops.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use serde::Serialize;
use tokio::sync::watch;

use super::{Outcome, Report, UserOutcome, WaitTally, journal::Header, report::Facts};
use crate::{Error, WaitEvent, call::Layers, pacing::Allowance, time::Instant};

/// So many refusals (403) in a row stop a run: the caller may do this to nobody.
const FORBIDDEN: u32 = 10;

/// So many users in a row without a trustworthy answer stop a run: Okta cannot
/// be reached, or is not well.
const UNAVAILABLE: u32 = 20;

/// Events of the same window differ by less.
const SAME: Duration = Duration::from_millis(500);

/// How many users came to which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Counts {
    /// Okta answered 204 in this run.
    pub revoked: u64,
    /// The org has no such user.
    pub not_found: u64,
    /// The caller may not do this to them.
    pub forbidden: u64,
    /// Refused otherwise.
    pub rejected: u64,
    /// Sent, and no trustworthy answer.
    pub unknown: u64,
    /// Not sent; refused ids among them.
    pub not_attempted: u64,
    /// Skipped: the journal says that an earlier part of the run revoked them.
    pub revoked_before: u64,
    /// Ids given more than once, beyond the first.
    pub duplicates: u64,
    /// Skipped: excluded by the caller.
    pub excluded: u64,
}

impl Counts {
    /// Users that the run has tried and that are not revoked.
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

    /// Ids that need no more work, whatever became of them.
    #[must_use]
    pub fn done(&self) -> u64 {
        [
            self.revoked,
            self.revoked_before,
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

    fn add(&mut self, outcome: Outcome) {
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

/// Why a run stopped before everyone was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// [`RunHandle::cancel`] was called.
    Cancelled,
    /// The run's deadline came, or would come before the next window.
    Deadline,
    /// Okta does not accept the credential any more, or there is none to send.
    Unauthorized,
    /// Ten users in a row were refused (403): the credential lacks the right.
    Forbidden,
    /// The org was in read-only mode for an hour.
    ReadOnly,
    /// Okta does not know the path: the org URL is wrong.
    WrongOrg,
    /// Twenty users in a row got no trustworthy answer.
    Unavailable,
    /// The journal cannot be written.
    Journal,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StopReason::Cancelled => "it was cancelled",
            StopReason::Deadline => "its deadline came",
            StopReason::Unauthorized => "Okta does not accept the credential",
            StopReason::Forbidden => "ten users in a row were refused (403)",
            StopReason::ReadOnly => "the org is in read-only mode",
            StopReason::WrongOrg => "the org URL is wrong",
            StopReason::Unavailable => "twenty users in a row got no trustworthy answer",
            StopReason::Journal => "the journal cannot be written",
        })
    }
}

/// What a run waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Waiting {
    /// Until when, by the local clock.
    pub until: SystemTime,
    /// Why, for a person.
    pub reason: String,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Progress {
    /// How many ids were given, if the iterator says.
    pub total: Option<u64>,
    /// What became of those that are done.
    pub counts: Counts,
    /// Users under way, those that wait for their turn included.
    pub in_flight: u64,
    /// Set while no request is under way and the run goes on.
    pub waiting: Option<Waiting>,
    /// Set once the run stops early.
    pub stopped: Option<StopReason>,
    /// Whether the run came to its end.
    pub finished: bool,
    /// When the run will be over at the earliest, by the local clock, as far as
    /// the rate limit and the time that Okta takes for an answer are known.
    pub expected_end: Option<SystemTime>,
}

/// Watches and cancels a run from elsewhere. Clones are of the same run.
#[derive(Clone, Debug)]
pub struct RunHandle {
    tally: Arc<Tally>,
    changes: watch::Receiver<End>,
}

/// Whether there is more to come of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Open,
    Finished,
    /// It was dropped before it was finished.
    Dropped,
}

impl RunHandle {
    /// Stops the run: requests that are under way are waited for, nothing more is
    /// sent, and the rest is reported [`NotAttempted`](Outcome::NotAttempted).
    pub fn cancel(&self) {
        self.tally.stop(StopReason::Cancelled, "");
    }

    /// Where the run stands.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.tally.progress()
    }

    /// Waits until the run's progress has changed since this was last called;
    /// news that came meanwhile are told once. `None` after the last news: the
    /// run is over, or was dropped.
    pub async fn changed(&mut self) -> Option<Progress> {
        // The tally, held here, has the sender: it cannot be gone.
        let fresh = self.changes.has_changed().unwrap_or_default();
        if !fresh && *self.changes.borrow() != End::Open {
            return None;
        }
        self.changes.changed().await.ok()?;
        Some(self.tally.progress())
    }
}

pub(super) struct Tally {
    layers: Arc<Layers>,
    allowance: Allowance,
    facts: Facts,
    total: Option<u64>,
    concurrency: u64,
    state: Mutex<State>,
    changes: watch::Sender<End>,
    stop: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    counts: Counts,
    in_flight: u64,
    in_the_air: u64,
    requests: u64,
    /// The attempts that ended, and how long they took together.
    ended: u32,
    took: Duration,
    rate_limited: u64,
    waiting: Option<Waiting>,
    waits: Vec<WaitTally>,
    window_ends: Option<Instant>,
    slowest: Vec<UserOutcome>,
    not_revoked: Vec<UserOutcome>,
    stopped: Option<(StopReason, String)>,
    forbidden_in_a_row: u32,
    unavailable_in_a_row: u32,
}

impl Tally {
    pub(super) fn new(
        layers: Arc<Layers>,
        allowance: Allowance,
        header: Header,
        resumes: Option<String>,
        total: Option<u64>,
        concurrency: usize,
    ) -> Self {
        Self {
            layers,
            allowance,
            facts: Facts { header, resumes },
            total,
            concurrency: u64::try_from(concurrency).unwrap_or(u64::MAX),
            state: Mutex::default(),
            changes: watch::Sender::new(End::Open),
            stop: watch::Sender::new(false),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code under the lock panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let result = change(&mut self.state());
        self.changes.send_modify(|_| ());
        result
    }

    pub(super) fn finished(&self) {
        self.over(End::Finished);
    }

    pub(super) fn dropped(&self) {
        self.over(End::Dropped);
    }

    /// The first end counts.
    fn over(&self, how: End) {
        self.changes.send_if_modified(|end| {
            let open = *end == End::Open;
            if open {
                *end = how;
            }
            open
        });
    }

    fn is_finished(&self) -> bool {
        *self.changes.borrow() == End::Finished
    }

    pub(super) fn handle(self: &Arc<Self>) -> RunHandle {
        RunHandle {
            tally: self.clone(),
            changes: self.changes.subscribe(),
        }
    }

    /// The first reason counts.
    pub(super) fn stop(&self, reason: StopReason, detail: &str) {
        self.change(|state| {
            let stopped = || (reason, detail.to_owned());
            state.stopped.get_or_insert_with(stopped);
        });
        self.stop.send_replace(true);
    }

    pub(super) fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    pub(super) async fn stopped(&self) {
        // Only a dropped sender is an error, and this holds it.
        let _ = self.stop.subscribe().wait_for(|&stop| stop).await;
    }

    pub(super) fn why_stopped(&self) -> String {
        match &self.state().stopped {
            Some((reason, _)) => format!("not sent: the run stopped before, because {reason}"),
            None => "not sent".to_owned(),
        }
    }

    pub(super) fn skipped(&self, count: impl FnOnce(&mut Counts) -> &mut u64) {
        self.change(|state| {
            let count = count(&mut state.counts);
            *count = count.saturating_add(1);
        });
    }

    pub(super) fn begun(&self) {
        self.change(|state| state.in_flight = state.in_flight.saturating_add(1));
    }

    pub(super) fn sent(&self) {
        self.change(|state| {
            state.requests = state.requests.saturating_add(1);
            state.in_the_air = state.in_the_air.saturating_add(1);
        });
    }

    pub(super) fn attempted(&self, error: Option<&Error>, took: Duration) {
        let not_sent = error.is_some_and(Error::was_not_sent);
        let refused = error.is_some_and(|error| error.status() == Some(429));
        self.change(|state| {
            state.in_the_air = state.in_the_air.saturating_sub(1);
            state.ended = state.ended.saturating_add(1);
            state.took = state.took.saturating_add(took);
            state.requests = state.requests.saturating_sub(not_sent.into());
            state.rate_limited = state.rate_limited.saturating_add(refused.into());
        });
    }

    /// Whether the window's end is not known yet to the run, all of whose calls
    /// wait for the same.
    pub(super) fn news(&self, event: &WaitEvent) -> bool {
        let Some(end) = Instant::now().checked_add(event.wait) else {
            return false;
        };
        let mut state = self.state();
        let known = state.window_ends.replace(end);
        known.is_none_or(|known| end.saturating_duration_since(known) > SAME)
    }

    pub(super) fn waits(&self, event: &WaitEvent) {
        self.wait(&event.reason.to_string(), event.wait);
    }

    /// The org is in read-only mode.
    pub(super) fn paused(&self, until: Instant) {
        let wait = until.saturating_duration_since(Instant::now());
        self.wait("the org is in read-only mode", wait);
    }

    fn wait(&self, reason: &str, wait: Duration) {
        self.change(|state| {
            let until = SystemTime::now()
                .checked_add(wait)
                .unwrap_or(SystemTime::UNIX_EPOCH);
            if state
                .waiting
                .as_ref()
                .is_none_or(|waiting| waiting.until < until)
            {
                state.waiting = Some(Waiting {
                    until,
                    reason: reason.to_owned(),
                });
            }
            let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            match state.waits.iter_mut().find(|tally| tally.reason == reason) {
                Some(tally) => {
                    tally.times = tally.times.saturating_add(1);
                    tally.total_ms = tally.total_ms.saturating_add(milliseconds);
                }
                None => state.waits.push(WaitTally {
                    reason: reason.to_owned(),
                    times: 1,
                    total_ms: milliseconds,
                }),
            }
        });
    }

    /// A user that was begun has come to an end.
    pub(super) fn ended(&self, outcome: &UserOutcome) {
        let stop = self.change(|state| {
            state.in_flight = state.in_flight.saturating_sub(1);
            state.note(outcome)
        });
        if let Some(reason) = stop {
            self.stop(reason, outcome.reason.as_deref().unwrap_or_default());
        }
    }

    /// A user that was never begun.
    pub(super) fn not_begun(&self, outcome: &UserOutcome) {
        self.change(|state| {
            state.counts.add(outcome.outcome);
            state.not_revoked.push(outcome.clone());
        });
    }

    pub(super) fn progress(&self) -> Progress {
        let state = self.state();
        let left = self
            .total
            .unwrap_or_default()
            .saturating_sub(state.counts.done());
        let expected = match self.total {
            Some(_) if state.stopped.is_none() => {
                let forecast = self.layers.gate.forecast(left, self.allowance);
                forecast.max(state.pace(left, self.concurrency))
            }
            _ => None,
        };
        Progress {
            total: self.total,
            counts: state.counts,
            in_flight: state.in_flight,
            waiting: state
                .waiting
                .clone()
                .filter(|_| state.in_the_air == 0 && state.stopped.is_none())
                .filter(|waiting| waiting.until > SystemTime::now()),
            stopped: state.stopped.as_ref().map(|(reason, _)| *reason),
            finished: self.is_finished(),
            expected_end: expected.and_then(|expected| SystemTime::now().checked_add(expected)),
        }
    }

    pub(super) fn report(&self) -> Report {
        let state = self.state();
        let mut report = Report::new(&self.facts);
        report.finished = self.is_finished();
        report.stopped = state.stopped.as_ref().map(|(reason, _)| *reason);
        report.stopped_because = state
            .stopped
            .as_ref()
            .map(|(_, detail)| detail.clone())
            .filter(|detail| !detail.is_empty());
        report.counts = state.counts;
        report.requests = state.requests;
        report.rate_limited = state.rate_limited;
        report.waits.clone_from(&state.waits);
        report.slowest.clone_from(&state.slowest);
        report.not_revoked.clone_from(&state.not_revoked);
        report
    }
}

impl State {
    /// How long so many users take, if answers take as long as they did.
    fn pace(&self, users: u64, concurrency: u64) -> Option<Duration> {
        let each = self.took.checked_div(self.ended)?;
        let rounds = u32::try_from(users.div_ceil(concurrency.max(1))).unwrap_or(u32::MAX);
        Some(each.saturating_mul(rounds))
    }

    /// Why the run should stop, if so.
    fn note(&mut self, outcome: &UserOutcome) -> Option<StopReason> {
        const SLOWEST: usize = 10;

        self.counts.add(outcome.outcome);
        if outcome.outcome != Outcome::Revoked {
            self.not_revoked.push(outcome.clone());
        }
        let at = self
            .slowest
            .partition_point(|other| other.took_ms >= outcome.took_ms);
        if at < SLOWEST && outcome.took_ms.is_some() {
            self.slowest.insert(at, outcome.clone());
            self.slowest.truncate(SLOWEST);
        }
        let in_a_row = |count: u32, more: bool| if more { count.saturating_add(1) } else { 0 };
        let forbidden = outcome.outcome == Outcome::Forbidden;
        self.forbidden_in_a_row = in_a_row(self.forbidden_in_a_row, forbidden);
        let unavailable = matches!(outcome.outcome, Outcome::Unknown | Outcome::NotAttempted);
        self.unavailable_in_a_row = in_a_row(self.unavailable_in_a_row, unavailable);
        if self.forbidden_in_a_row >= FORBIDDEN {
            Some(StopReason::Forbidden)
        } else if self.unavailable_in_a_row >= UNAVAILABLE {
            Some(StopReason::Unavailable)
        } else {
            None
        }
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally")
            .field("progress", &self.progress())
            .finish()
    }
}
