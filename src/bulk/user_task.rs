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
    shown, timestamp,
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
const MAINTENANCE_PAUSE: Duration = Duration::from_secs(30);

/// How long an org may stay in read-only mode before the run stops.
const LONGEST_MAINTENANCE: Duration = Duration::from_secs(60 * 60);

/// How often a user is tried again whose call ended in 429s, each time after the
/// retries of one call.
const ROUNDS: u32 = 20;

/// How long a line may take to reach the disk once the run is stopped, by its
/// deadline for example.
const LAST_LINES: Duration = Duration::from_millis(500);

/// Between such rounds, in case no header says how long to wait.
const ROUND_PAUSE: Duration = Duration::from_secs(1);

/// What all users of a run share.
pub(super) struct Shared {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) journal: Option<Journal>,
    pub(super) run_state: Arc<RunState>,
    pub(super) observer: WaitObserver,
    pub(super) allowance: BulkQuota,
    pub(super) deadline: Instant,
    pub(super) options: RevokeUserSessionsOptions,
    pub(super) maintenance: Maintenance,
}

/// What is known of the org's read-only mode.
#[derive(Default)]
pub(super) struct Maintenance {
    /// When it was first and last met, if it is not known to be over.
    met: Mutex<Option<(Instant, Instant)>>,
    /// One asks whether it is over, the others wait for what it learns.
    turn: sync::Mutex<()>,
}

impl Maintenance {
    fn met(&self) -> MutexGuard<'_, Option<(Instant, Instant)>> {
        // No code under the lock panics.
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long it has lasted.
    fn meet(&self, now: Instant) -> Duration {
        let mut met = self.met();
        let first = met.map_or(now, |(first, _)| first);
        *met = Some((first, now));
        now.saturating_duration_since(first)
    }
}

/// Carries one user's call out. It ends soon after the run is stopped: what is
/// in the air settles, and nothing is sent any more.
pub(super) async fn revoke_one(shared: Arc<Shared>, user: UserId) -> UserOutcome {
    let user_task = UserTask {
        shared: &shared,
        user: &user,
        state: Mutex::default(),
    };
    let result = user_task.until_stopped().await;
    let state = mem::take(&mut *user_task.state());
    if let Some(journal) = &shared.journal
        && state.was_held_up_by_the_disk()
    {
        let error = journal.hangs();
        shared
            .run_state
            .stop(StopReason::Journal, &error.to_string());
    }
    let mut outcome = match (result, &state.last_error) {
        (Some(result), _) => UserOutcome::answered(user.to_string(), &result),
        (None, Some(error)) => UserOutcome::answered(user.to_string(), &Err(error.clone())),
        (None, None) => {
            UserOutcome::not_attempted(user.to_string(), shared.run_state.why_stopped())
        }
    };
    outcome.attempts = state.sent;
    if let Some((begun, start)) = state.started {
        let ended = state.ended.unwrap_or_else(Instant::now);
        let took = ended.saturating_duration_since(start);
        outcome.started = Some(shown(begun));
        outcome.ended = begun.checked_add(took).map(shown);
        outcome.took_ms = Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    }
    if let Some(journal) = &shared.journal
        && let Err(error) = record_outcome(&shared, journal, &state, &outcome).await
    {
        shared
            .run_state
            .stop(StopReason::Journal, &error.to_string());
    }
    shared.run_state.ended(&outcome);
    outcome
}

/// Writes what became of a user, and waits until it is on disk: if the run is
/// stopped, no longer than [`LAST_LINES`].
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
        // Nothing is lost with this line.
        return Ok(());
    }
    let now = Instant::now();
    let too_late = async {
        shared.run_state.stopped().await;
        sleep_until(after(now, LAST_LINES)).await;
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
    /// Since when the journal has the line that the request is about to be sent.
    journalled: Option<Instant>,
    /// Whether that line is known to be on disk.
    on_disk: bool,
    /// Whether a request is under way.
    in_the_air: bool,
    sent: u32,
    started: Option<(SystemTime, Instant)>,
    /// When the last attempt began.
    set_out: Option<Instant>,
    ended: Option<Instant>,
    /// Of the last attempt, if it failed; its effect is that of all attempts.
    last_error: Option<Error>,
}

impl State {
    /// Whether the run was stopped while the user waited for the disk, and not just
    /// then: that is why nothing was sent.
    fn was_held_up_by_the_disk(&self) -> bool {
        let waited = |since: Instant| Instant::now().saturating_duration_since(since);
        !self.on_disk
            && self
                .journalled
                .is_some_and(|since| waited(since) >= LAST_LINES)
    }
}

impl UserTask<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code under the lock panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` if the run was stopped with nothing in the air.
    async fn until_stopped(&self) -> Option<Result<Receipt, Error>> {
        let mut result = pin!(self.attempts());
        let mut stopped = pin!(self.shared.run_state.stopped());
        let mut stopping = false;
        poll_fn(|context| {
            // Before the first poll, nothing may set out after a stop.
            stopping = stopping || stopped.as_mut().poll(context).is_ready();
            if stopping && !self.state().in_the_air {
                return Poll::Ready(None);
            }
            if let Poll::Ready(result) = result.as_mut().poll(context) {
                return Poll::Ready(Some(result));
            }
            if stopping && !self.state().in_the_air {
                return Poll::Ready(None);
            }
            Poll::Pending
        })
        .await
    }

    /// Calls until there is an answer that another call would not change.
    async fn attempts(&self) -> Result<Receipt, Error> {
        let operation = Operation::RevokeUserSessions {
            user_id: self.user.clone(),
            options: self.shared.options.clone(),
        };
        let mut rounds = 0_u32;
        loop {
            let turn = self.maintenance_over().await;
            let result = self.shared.pipeline.call(&operation, self).await;
            let error = match result {
                Ok(receipt) => {
                    *self.shared.maintenance.met() = None;
                    return Ok(receipt);
                }
                Err(error) => self.with_earlier_effect(error),
            };
            match error.kind() {
                ErrorKind::ReadOnly => {
                    let lasted = self.shared.maintenance.meet(Instant::now());
                    if lasted > LONGEST_MAINTENANCE {
                        self.shared
                            .run_state
                            .stop(StopReason::ReadOnly, &error.to_string());
                        return Err(error);
                    }
                }
                ErrorKind::RateLimited if rounds < ROUNDS => {
                    rounds = rounds.saturating_add(1);
                    drop(turn);
                    sleep_until(after(Instant::now(), ROUND_PAUSE)).await;
                }
                kind => {
                    self.stop_for(kind, &error);
                    return Err(error);
                }
            }
        }
    }

    /// Waits while the org is in read-only mode. Whoever is the first to ask
    /// again holds the turn until it knows.
    async fn maintenance_over(&self) -> Option<sync::MutexGuard<'_, ()>> {
        let maintenance = &self.shared.maintenance;
        if maintenance.met().is_none() {
            return None;
        }
        let turn = maintenance.turn.lock().await;
        let (_, last) = (*maintenance.met())?;
        let until = after(last, MAINTENANCE_PAUSE).min(self.shared.deadline);
        self.shared.run_state.paused(until);
        sleep_until(until).await;
        Some(turn)
    }

    /// An earlier call for this user may have had its effect.
    fn with_earlier_effect(&self, error: Error) -> Error {
        match &self.state().last_error {
            Some(earlier) if earlier.effect() == Effect::Unknown => error.with_effect_unknown(),
            _ => error,
        }
    }

    /// What makes all further calls of the run pointless.
    fn stop_for(&self, kind: ErrorKind, error: &Error) {
        // The wait may be the token request's, which has a deadline of its own.
        let next_try = after(Instant::now(), error.wait().unwrap_or_default());
        let past_deadline = next_try >= self.shared.deadline;
        let reason = match kind {
            ErrorKind::Unauthorized | ErrorKind::TokenRefused | ErrorKind::Signing => {
                StopReason::Unauthorized
            }
            ErrorKind::UnknownPath => StopReason::WrongOrg,
            ErrorKind::ProxyUnauthorized => StopReason::ProxyUnauthorized,
            ErrorKind::Tls => StopReason::Tls,
            // Of the runtime, since the ids were checked before.
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
        Some(self.shared.allowance)
    }

    async fn attempt_admitted(&self) -> Result<(), Error> {
        let Some(journal) = &self.shared.journal else {
            return Ok(());
        };
        if self.state().journalled.is_some() {
            return Ok(());
        }
        let line = Line::Sending {
            user: self.user.to_string(),
            at: timestamp(),
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
        if mem::replace(&mut state.in_the_air, true) {
            // A resend within the same attempt.
            return;
        }
        state.set_out = Some(now);
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
        // Else it was not sent: there was no token, or no signature.
        if mem::take(&mut state.in_the_air) {
            let took = state
                .set_out
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

/// Tells the run of waits, and the client's own observer.
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
