//! One user's call within a run.

use std::{
    future::poll_fn,
    mem,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::{Duration, SystemTime},
};

use tokio::sync;

use super::{
    RunState, StopReason, UserOutcome,
    journal::{Journal, Line},
};
use crate::{
    Effect, Error, ErrorKind, Receipt, UserId, WaitReason,
    operation::Operation,
    options::RevokeUserSessionsOptions,
    pipeline::{
        CallHooks, Pipeline,
        rate_limit::BulkQuota,
        response::Response,
        retry::{RetryPolicy, WaitObserver},
    },
    time::{Instant, after, race, sleep_until},
};

/// How often to probe whether read-only mode is over.
const READ_ONLY_PROBE_INTERVAL: Duration = Duration::from_secs(30);

/// How long an org may stay in read-only mode before the run stops.
const READ_ONLY_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// How often a user's call is repeated after it ended in 429s; each call has its own
/// retries.
const RATE_LIMIT_ROUNDS: u32 = 20;

/// How long a journal line may take to reach the disk once the run has stopped, for
/// example at its deadline.
const FINAL_SYNC_TIMEOUT: Duration = Duration::from_millis(500);

/// The pause between such rounds, in case no header says how long to wait.
const ROUND_PAUSE: Duration = Duration::from_secs(1);

/// What all users of a run share.
pub(super) struct Shared {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) journal: Option<Journal>,
    pub(super) run_state: Arc<RunState>,
    pub(super) observer: WaitObserver,
    pub(super) quota: BulkQuota,
    pub(super) deadline: Instant,
    pub(super) options: RevokeUserSessionsOptions,
    pub(super) maintenance: Maintenance,
}

/// What is known about the org's read-only mode.
#[derive(Default)]
pub(super) struct Maintenance {
    /// When it was first and last seen, unless it is known to be over.
    seen: Mutex<Option<(Instant, Instant)>>,
    /// Only the user that holds this probes whether it is over; the others wait.
    probe: sync::Mutex<()>,
}

impl Maintenance {
    fn seen(&self) -> MutexGuard<'_, Option<(Instant, Instant)>> {
        // No code under the lock panics.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that it was seen; returns how long it has lasted.
    fn record(&self, now: Instant) -> Duration {
        let mut seen = self.seen();
        let first = seen.map_or(now, |(first, _)| first);
        *seen = Some((first, now));
        now.saturating_duration_since(first)
    }
}

/// Revokes one user's sessions. It ends soon after the run is stopped: a request in
/// flight is waited for, and nothing more is sent. `probe` is for [`RunState::ended`].
pub(super) async fn revoke_one(shared: Arc<Shared>, user: UserId, probe: bool) -> UserOutcome {
    let user_task = UserTask {
        shared: &shared,
        user: &user,
        state: Mutex::default(),
    };
    let result = user_task.until_stopped().await;
    let state = mem::take(&mut *user_task.state());
    if let Some(journal) = &shared.journal
        && state.was_blocked_by_the_disk()
    {
        let error = journal.hangs();
        shared
            .run_state
            .stop(StopReason::Journal, &error.to_string());
    }
    let mut outcome = match (result, &state.last_error) {
        (Some(result), _) => UserOutcome::from_result(user.to_string(), &result),
        (None, Some(error)) => UserOutcome::from_result(user.to_string(), &Err(error.clone())),
        (None, None) => {
            UserOutcome::not_attempted(user.to_string(), shared.run_state.why_stopped())
        }
    };
    outcome.attempts = state.sent;
    if let Some((begun, start)) = state.started {
        let ended = state.ended.unwrap_or_else(Instant::now);
        let took = ended.saturating_duration_since(start);
        outcome.started = Some(begun);
        outcome.ended = begun.checked_add(took);
        outcome.took = Some(took);
    }
    if let Some(journal) = &shared.journal
        && let Err(error) = record_outcome(&shared, journal, &state, &outcome).await
    {
        shared
            .run_state
            .stop(StopReason::Journal, &error.to_string());
    }
    shared.run_state.ended(&outcome, probe);
    outcome
}

/// Writes a user's outcome to the journal, and waits until it is on disk, but no longer
/// than [`FINAL_SYNC_TIMEOUT`] once the run is stopped.
async fn record_outcome(
    shared: &Shared,
    journal: &Journal,
    state: &State,
    outcome: &UserOutcome,
) -> Result<(), Error> {
    if state.journalled.is_none() {
        return Ok(());
    }
    let recorded = journal.record(&Line::Outcome(outcome.clone()))?;
    if state.sent == 0 {
        // Losing this line loses nothing: no request was sent.
        return Ok(());
    }
    let now = Instant::now();
    let too_late = async {
        shared.run_state.stopped().await;
        sleep_until(after(now, FINAL_SYNC_TIMEOUT)).await;
    };
    race(recorded, too_late)
        .await
        .unwrap_or_else(|()| Err(journal.hangs()))
}

struct UserTask<'a> {
    shared: &'a Shared,
    user: &'a UserId,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the line that a request is about to be sent was given to the journal.
    journalled: Option<Instant>,
    /// Whether that line is known to be on disk.
    on_disk: bool,
    /// Whether a request is in flight.
    in_flight: bool,
    sent: u32,
    started: Option<(SystemTime, Instant)>,
    /// When the last attempt was sent.
    attempt_started: Option<Instant>,
    ended: Option<Instant>,
    /// The error of the last attempt that failed. Its effect covers all attempts.
    last_error: Option<Error>,
}

impl State {
    /// Whether nothing was sent because the disk hung: the journal line had been waiting
    /// for a while when the run stopped.
    fn was_blocked_by_the_disk(&self) -> bool {
        let waited = |since: Instant| Instant::now().saturating_duration_since(since);
        !self.on_disk
            && self
                .journalled
                .is_some_and(|since| waited(since) >= FINAL_SYNC_TIMEOUT)
    }
}

impl UserTask<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code under the lock panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` if the run was stopped with no request in flight.
    async fn until_stopped(&self) -> Option<Result<Receipt, Error>> {
        let mut result = pin!(self.attempts());
        let mut stopped = pin!(self.shared.run_state.stopped());
        let mut stopping = false;
        poll_fn(|context| {
            // Checked before each poll, so that nothing is sent after a stop.
            stopping = stopping || stopped.as_mut().poll(context).is_ready();
            if stopping && !self.state().in_flight {
                return Poll::Ready(None);
            }
            if let Poll::Ready(result) = result.as_mut().poll(context) {
                return Poll::Ready(Some(result));
            }
            if stopping && !self.state().in_flight {
                return Poll::Ready(None);
            }
            Poll::Pending
        })
        .await
    }

    /// Repeats the call until another one would not change the result.
    async fn attempts(&self) -> Result<Receipt, Error> {
        let operation = Operation::RevokeUserSessions {
            user_id: self.user.clone(),
            options: self.shared.options.clone(),
        };
        let mut rounds = 0_u32;
        loop {
            let probe = self.maintenance_over().await;
            let result = self.shared.pipeline.call(&operation, self).await;
            let error = match result {
                Ok(receipt) => {
                    *self.shared.maintenance.seen() = None;
                    return Ok(receipt);
                }
                Err(error) => self.with_earlier_effect(error),
            };
            match error.kind() {
                ErrorKind::ReadOnly => {
                    let lasted = self.shared.maintenance.record(Instant::now());
                    if lasted > READ_ONLY_TIMEOUT {
                        self.shared
                            .run_state
                            .stop(StopReason::ReadOnly, &error.to_string());
                        return Err(error);
                    }
                }
                ErrorKind::RateLimited if rounds < RATE_LIMIT_ROUNDS => {
                    rounds = rounds.saturating_add(1);
                    drop(probe);
                    sleep_until(after(Instant::now(), ROUND_PAUSE)).await;
                }
                kind => {
                    self.stop_for(kind, &error);
                    return Err(error);
                }
            }
        }
    }

    /// Waits while the org is in read-only mode. The first user to try again keeps the
    /// returned guard until its call has ended; the others wait for it.
    async fn maintenance_over(&self) -> Option<sync::MutexGuard<'_, ()>> {
        let maintenance = &self.shared.maintenance;
        if maintenance.seen().is_none() {
            return None;
        }
        let probe = maintenance.probe.lock().await;
        let (_, last) = (*maintenance.seen())?;
        let until = after(last, READ_ONLY_PROBE_INTERVAL).min(self.shared.deadline);
        self.shared.run_state.paused(until);
        sleep_until(until).await;
        Some(probe)
    }

    /// Marks the effect as unknown if an earlier call for this user may have taken effect.
    fn with_earlier_effect(&self, error: Error) -> Error {
        match &self.state().last_error {
            Some(earlier) if earlier.effect() == Effect::Unknown => error.with_effect_unknown(),
            _ => error,
        }
    }

    /// Stops the run after an error that every other user would meet too.
    fn stop_for(&self, kind: ErrorKind, error: &Error) {
        // The wait may be the token request's, which has a deadline of its own.
        let next_try = after(Instant::now(), error.wait().unwrap_or_default());
        let past_deadline = next_try >= self.shared.deadline;
        let reason = match kind {
            ErrorKind::Unauthorized | ErrorKind::TokenRefused | ErrorKind::Signing => {
                StopReason::Unauthorized
            }
            // OAuth's code (RFC 6750): it is about the token, not about the user.
            ErrorKind::Forbidden if error.error_code() == Some("insufficient_scope") => {
                StopReason::Unauthorized
            }
            // The path was right for a user who was revoked, so it is this id's.
            ErrorKind::UnknownPath if self.shared.run_state.any_revoked() => return,
            ErrorKind::UnknownPath => StopReason::WrongOrg,
            ErrorKind::ProxyUnauthorized => StopReason::ProxyUnauthorized,
            ErrorKind::Tls => StopReason::Tls,
            // The ids were checked before, so this is a missing Tokio runtime.
            ErrorKind::InvalidInput => StopReason::Cancelled,
            ErrorKind::DeadlineExceeded => StopReason::Deadline,
            ErrorKind::Journal => StopReason::Journal,
            _ if past_deadline => StopReason::Deadline,
            _ => return,
        };
        self.shared.run_state.stop(reason, &error.to_string());
    }
}

impl CallHooks for UserTask<'_> {
    fn deadline(&self, _: &RetryPolicy) -> Instant {
        self.shared.deadline
    }

    fn observer(&self) -> Option<&WaitObserver> {
        Some(&self.shared.observer)
    }

    fn quota(&self) -> Option<BulkQuota> {
        Some(self.shared.quota)
    }

    async fn before_attempt(&self) -> Result<(), Error> {
        let Some(journal) = &self.shared.journal else {
            return Ok(());
        };
        if self.state().journalled.is_some() {
            return Ok(());
        }
        let line = Line::Sending {
            user: self.user.to_string(),
            at: SystemTime::now(),
        };
        let recorded = journal.record(&line)?;
        self.state().journalled = Some(Instant::now());
        recorded.await?;
        self.state().on_disk = true;
        Ok(())
    }

    fn request_leaving(&self) {
        let now = Instant::now();
        let mut state = self.state();
        if mem::replace(&mut state.in_flight, true) {
            // The request is resent within the same attempt.
            return;
        }
        state.attempt_started = Some(now);
        state.sent = state.sent.saturating_add(1);
        state
            .started
            .get_or_insert_with(|| (SystemTime::now(), now));
        self.shared.run_state.sent();
    }

    fn attempt_finished(&self, result: &Result<Response, Error>) {
        let error = result.as_ref().err();
        let error = error.map(|error| self.with_earlier_effect(error.clone()));
        let now = Instant::now();
        let mut state = self.state();
        // Otherwise nothing was sent: there was no token, or no signature.
        if mem::take(&mut state.in_flight) {
            let took = state
                .attempt_started
                .map(|then| now.saturating_duration_since(then));
            self.shared
                .run_state
                .attempted(error.as_ref(), took.unwrap_or_default());
            state.ended = Some(now);
        }
        if error.is_some() {
            state.last_error = error;
        }
    }
}

/// Passes waits to the run and to the client's own observer.
pub(super) fn observer(run_state: Arc<RunState>, client: Option<WaitObserver>) -> WaitObserver {
    Arc::new(move |event| {
        if event.reason != WaitReason::WindowExhausted || run_state.is_new_window(event) {
            run_state.waits(event);
            if let Some(client) = &client {
                client(event);
            }
        }
    })
}
