//! What a run has done so far, why it waits, and why it stops.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, SystemTime},
};

use tokio::sync::{Notify, watch};

use super::{
    Counts, Outcome, Progress, Report, StopReason, UserOutcome, WaitSummary, Waiting,
    failures::Failures, report::Facts,
};
use crate::{
    Error, WaitEvent, WaitReason,
    pipeline::{Pipeline, rate_limit::BulkQuota},
    time::Instant,
};

/// Wait events whose window ends differ by no more than this are of the same window.
const WINDOW_DEDUP: Duration = Duration::from_millis(500);

/// What all users of a run update, and its handles read.
pub(super) struct RunState {
    pipeline: Arc<Pipeline>,
    quota: BulkQuota,
    facts: Facts,
    total: Option<u64>,
    concurrency: u64,
    keep_going: bool,
    state: Mutex<State>,
    changes: watch::Sender<Lifecycle>,
    stopped: AtomicBool,
    stop_signal: Notify,
}

/// Whether a run may still change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Lifecycle {
    Running,
    Finished,
    /// It was dropped before it finished.
    Dropped,
}

#[derive(Default)]
struct State {
    counts: Counts,
    users_in_flight: u64,
    requests_in_flight: u64,
    requests: u64,
    /// The number of attempts that ended, and the sum of their durations.
    attempts_ended: u32,
    attempts_took: Duration,
    rate_limited: u64,
    waiting: Option<Waiting>,
    waits: Vec<WaitSummary>,
    window_end: Option<Instant>,
    slowest: Vec<UserOutcome>,
    not_revoked: Vec<UserOutcome>,
    unmatched_exclusions: Vec<String>,
    stopped: Option<(StopReason, String)>,
    failures: Failures,
}

impl RunState {
    pub(super) fn new(
        pipeline: Arc<Pipeline>,
        quota: BulkQuota,
        facts: Facts,
        total: Option<u64>,
        concurrency: usize,
        keep_going: bool,
    ) -> Self {
        Self {
            pipeline,
            quota,
            facts,
            total,
            concurrency: u64::try_from(concurrency).unwrap_or(u64::MAX),
            keep_going,
            state: Mutex::default(),
            changes: watch::Sender::new(Lifecycle::Running),
            stopped: AtomicBool::new(false),
            stop_signal: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code under the lock panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let (result, is_watched) = {
            let mut state = self.state();
            let result = change(&mut state);
            // Under the lock, so that whoever subscribes later also sees the change.
            (result, self.changes.receiver_count() > 0)
        };
        if is_watched {
            self.changes.send_modify(|_| ());
        }
        result
    }

    pub(super) fn finished(&self, unmatched_exclusions: Vec<String>) {
        let mut state = self.state();
        state.unmatched_exclusions = unmatched_exclusions;
        // Under the lock, so that a stop comes before it or has no effect.
        self.end(Lifecycle::Finished);
    }

    pub(super) fn dropped(&self) {
        self.end(Lifecycle::Dropped);
    }

    /// Only the first end counts: a finished run that is dropped stays finished.
    fn end(&self, end: Lifecycle) {
        self.changes.send_if_modified(|lifecycle| {
            let running = *lifecycle == Lifecycle::Running;
            if running {
                *lifecycle = end;
            }
            running
        });
    }

    fn is_finished(&self) -> bool {
        *self.changes.borrow() == Lifecycle::Finished
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Lifecycle> {
        self.changes.subscribe()
    }

    /// Only the first reason counts, and none after the run has finished. The exception
    /// is an incomplete journal: it matters when the run is resumed, and is often noticed
    /// only after a deadline or a cancellation, so it replaces those.
    pub(super) fn stop(&self, reason: StopReason, detail: &str) {
        let finished = self.change(|state| {
            let finished = self.is_finished();
            let takes_effect = match state.stopped {
                None => true,
                Some((StopReason::Deadline | StopReason::Cancelled, _)) => {
                    reason == StopReason::Journal
                }
                Some(_) => false,
            };
            if !finished && takes_effect {
                state.stopped = Some((reason, detail.to_owned()));
            }
            finished
        });
        if finished {
            return;
        }
        self.stopped.store(true, SeqCst);
        self.stop_signal.notify_waiters();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(SeqCst)
    }

    pub(super) async fn stopped(&self) {
        // From here on it is notified, so a stop right after the check is not missed.
        let signal = self.stop_signal.notified();
        if !self.is_stopped() {
            signal.await;
        }
    }

    pub(super) fn why_stopped(&self) -> String {
        match &self.state().stopped {
            Some((reason, _)) => format!("not sent: the run was stopped because {reason}"),
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
        self.change(|state| state.users_in_flight = state.users_in_flight.saturating_add(1));
    }

    pub(super) fn sent(&self) {
        self.change(|state| {
            state.requests = state.requests.saturating_add(1);
            state.requests_in_flight = state.requests_in_flight.saturating_add(1);
        });
    }

    pub(super) fn attempted(&self, error: Option<&Error>, took: Duration) {
        let refused = error.is_some_and(|error| error.status() == Some(429));
        self.change(|state| {
            state.requests_in_flight = state.requests_in_flight.saturating_sub(1);
            state.attempts_ended = state.attempts_ended.saturating_add(1);
            state.attempts_took = state.attempts_took.saturating_add(took);
            state.rate_limited = state.rate_limited.saturating_add(refused.into());
        });
    }

    /// True the first time a window end is seen; all calls of a run wait for the same one.
    pub(super) fn is_new_window(&self, event: &WaitEvent) -> bool {
        let Some(end) = Instant::now().checked_add(event.wait) else {
            return false;
        };
        let mut state = self.state();
        let known = state.window_end.replace(end);
        known.is_none_or(|known| end.saturating_duration_since(known) > WINDOW_DEDUP)
    }

    pub(super) fn waits(&self, event: &WaitEvent) {
        self.wait(event.reason, event.wait);
    }

    /// The org is in read-only mode.
    pub(super) fn paused(&self, until: Instant) {
        let wait = until.saturating_duration_since(Instant::now());
        self.wait(WaitReason::ReadOnly, wait);
    }

    fn wait(&self, reason: WaitReason, wait: Duration) {
        self.change(|state| {
            let until = SystemTime::now()
                .checked_add(wait)
                .unwrap_or(SystemTime::UNIX_EPOCH);
            if state
                .waiting
                .as_ref()
                .is_none_or(|waiting| waiting.until < until)
            {
                state.waiting = Some(Waiting { until, reason });
            }
            match state.waits.iter_mut().find(|waits| waits.reason == reason) {
                Some(waits) => {
                    waits.times = waits.times.saturating_add(1);
                    waits.total = waits.total.saturating_add(wait);
                }
                None => state.waits.push(WaitSummary {
                    reason,
                    times: 1,
                    total: wait,
                }),
            }
        });
    }

    /// Counts a user whose task has ended.
    pub(super) fn ended(&self, outcome: &UserOutcome, probe: bool) {
        let stop = self.change(|state| {
            state.users_in_flight = state.users_in_flight.saturating_sub(1);
            state.add(outcome);
            state.failures.note(outcome, probe);
            if state.users_in_flight > 0 || self.keep_going {
                return None;
            }
            let stop = state.failures.stop_reason();
            stop.map(|(reason, detail)| (reason, detail.to_owned()))
        });
        if let Some((reason, detail)) = stop {
            self.stop(reason, &detail);
        }
    }

    /// While the run probes whether anyone can be revoked: the number of probes to spread
    /// over the rest of the list.
    pub(super) fn probes(&self) -> Option<u32> {
        if self.keep_going || self.is_stopped() {
            return None;
        }
        self.state().failures.probes()
    }

    /// Whether the run begins no further user until those in flight have shown whether it
    /// should stop.
    pub(super) fn is_about_to_stop(&self) -> bool {
        !self.keep_going && self.state().failures.stop_reason().is_some()
    }

    /// Whether this run has revoked a user.
    pub(super) fn any_revoked(&self) -> bool {
        self.state().counts.revoked > 0
    }

    /// Counts a user whose task was never begun.
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
                let forecast = self.pipeline.limiter.forecast(left, self.quota);
                forecast.max(state.expected(left, self.concurrency))
            }
            _ => None,
        };
        Progress {
            total: self.total,
            counts: state.counts,
            in_flight: state.users_in_flight,
            waiting: state
                .waiting
                .clone()
                .filter(|_| state.requests_in_flight == 0 && state.stopped.is_none())
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
        report.stop_detail = state
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
            .unmatched_exclusions
            .clone_from(&state.unmatched_exclusions);
        report
    }
}

impl State {
    /// How long `users` will take if responses take as long as they did so far.
    fn expected(&self, users: u64, concurrency: u64) -> Option<Duration> {
        let each = self.attempts_took.checked_div(self.attempts_ended)?;
        let rounds = u32::try_from(users.div_ceil(concurrency.max(1))).unwrap_or(u32::MAX);
        Some(each.saturating_mul(rounds))
    }

    fn add(&mut self, outcome: &UserOutcome) {
        const SLOWEST: usize = 10;

        self.counts.add(outcome.outcome);
        if outcome.outcome != Outcome::Revoked {
            self.not_revoked.push(outcome.clone());
        }
        let at = self
            .slowest
            .partition_point(|other| other.took >= outcome.took);
        if at < SLOWEST && outcome.took.is_some() {
            self.slowest.insert(at, outcome.clone());
            self.slowest.truncate(SLOWEST);
        }
    }
}

impl fmt::Debug for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunState")
            .field("progress", &self.progress())
            .finish()
    }
}
