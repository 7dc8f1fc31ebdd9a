//! A run: takes ids, keeps a number of users in flight, yields outcomes.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{Stream, stream::FuturesUnordered};

use super::{
    Ids, Report, RunHandle, StopReason, UserOutcome,
    id_filter::{IdFilter, IdStatus},
    user_task::{Shared, revoke_one},
};
use crate::time::{race, require_runtime, sleep_until};

/// How many ids that need no request are handled before the run yields to other tasks.
const IDS_PER_POLL: usize = 1024;

/// A run that has begun, from [`RevokeMany::start`](super::RevokeMany::start): a
/// stream of one outcome for each user, in the order in which they are known.
///
/// It must be polled in a Tokio runtime with timers and I/O. Polled elsewhere, it stops,
/// and the users that are left are [`NotAttempted`](crate::Outcome::NotAttempted).
///
/// It makes progress only while it is polled, and buffers nothing: a slow consumer makes
/// a slow run. Dropping it abandons requests in flight, and their effect is unknown; a
/// journal shows which they were. To end it in order, call [`RunHandle::cancel`] and keep
/// polling until it yields `None`.
#[must_use = "a run makes progress only while it is polled"]
pub struct Run {
    ids: Ids,
    ids_ended: bool,
    id_filter: IdFilter,
    concurrency: usize,
    shared: Arc<Shared>,
    tasks: FuturesUnordered<UserTask>,
    /// Completes at the deadline or on stop, so that a stalled stream of ids cannot hang
    /// the run.
    stop_signal: Pin<Box<dyn Future<Output = ()> + Send>>,
}

type UserTask = Pin<Box<dyn Future<Output = UserOutcome> + Send>>;

impl Run {
    pub(super) fn new(
        ids: Ids,
        id_filter: IdFilter,
        concurrency: usize,
        shared: Arc<Shared>,
    ) -> Self {
        let (deadline, run_state) = (shared.deadline, shared.run_state.clone());
        Self {
            ids,
            ids_ended: false,
            id_filter,
            concurrency,
            // The timer is created when this is first polled: a run may be started
            // outside of a runtime, where there are no timers.
            stop_signal: Box::pin(async move {
                let _ = race(run_state.stopped(), sleep_until(deadline)).await;
            }),
            shared,
            tasks: FuturesUnordered::new(),
        }
    }

    /// The next outcome; `None` once every user has one.
    pub async fn next(&mut self) -> Option<UserOutcome> {
        poll_fn(|context| self.poll(context)).await
    }

    /// A handle to watch and cancel the run from elsewhere.
    #[must_use]
    pub fn handle(&self) -> RunHandle {
        RunHandle::new(self.shared.run_state.clone())
    }

    /// What the run has done so far; final after it yielded `None`.
    #[must_use]
    pub fn report(&self) -> Report {
        self.shared.run_state.report()
    }

    /// Cancels the run for the given reason.
    #[cfg(feature = "blocking")]
    pub(crate) fn cancel(&self, why: &str) {
        self.shared.run_state.stop(StopReason::Cancelled, why);
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<UserOutcome>> {
        if let Err(refused) = require_runtime() {
            self.shared
                .run_state
                .stop(StopReason::Cancelled, &refused.to_string());
        }
        // Once no user is left, the deadline no longer matters.
        let users_left = !self.ids_ended || !self.tasks.is_empty();
        if users_left
            && !self.shared.run_state.is_stopped()
            && self.stop_signal.as_mut().poll(context).is_ready()
        {
            // If it was stopped just now, the earlier reason is kept.
            self.shared.run_state.stop(StopReason::Deadline, "");
        }
        if !self.shared.run_state.is_stopped()
            && let Some(refused) = self.take_ids(context)
        {
            return Poll::Ready(Some(refused));
        }
        match Pin::new(&mut self.tasks).poll_next(context) {
            Poll::Ready(Some(outcome)) => return Poll::Ready(Some(outcome)),
            Poll::Ready(None) => {}
            Poll::Pending => return Poll::Pending,
        }
        // No user is in flight.
        if self.shared.run_state.is_stopped()
            && !self.ids_ended
            && let rest @ (Poll::Pending | Poll::Ready(Some(_))) = self.skip_rest(context)
        {
            return rest;
        }
        if !self.ids_ended {
            return Poll::Pending;
        }
        self.shared
            .run_state
            .finished(self.id_filter.unmatched_exclusions());
        Poll::Ready(None)
    }

    /// Begins users until enough are in flight or no id is ready. An id that is refused
    /// has its outcome at once.
    fn take_ids(&mut self, context: &mut Context<'_>) -> Option<UserOutcome> {
        for _ in 0..IDS_PER_POLL {
            if self.ids_ended || self.tasks.len() >= self.concurrency {
                return None;
            }
            match self.ids.as_mut().poll_next(context) {
                Poll::Pending => return None,
                Poll::Ready(None) => self.ids_ended = true,
                Poll::Ready(Some(id)) => match self.take(id) {
                    Some(IdStatus::User(user)) => {
                        self.shared.run_state.begun();
                        let user_task = revoke_one(self.shared.clone(), user);
                        self.tasks.push(Box::pin(user_task));
                    }
                    Some(IdStatus::Refused(id, error)) => {
                        let outcome = UserOutcome::not_attempted(id, error.to_string());
                        self.shared.run_state.not_begun(&outcome);
                        return Some(outcome);
                    }
                    _ => {}
                },
            }
        }
        context.waker().wake_by_ref();
        None
    }

    /// Yields the outcomes of the ids that are left after a stop. A stream without an id
    /// ready is not waited for.
    fn skip_rest(&mut self, context: &mut Context<'_>) -> Poll<Option<UserOutcome>> {
        for _ in 0..IDS_PER_POLL {
            let Poll::Ready(Some(id)) = self.ids.as_mut().poll_next(context) else {
                self.ids_ended = true;
                return Poll::Ready(None);
            };
            let outcome = match self.take(id) {
                Some(IdStatus::User(user)) => UserOutcome::not_attempted(
                    user.to_string(),
                    self.shared.run_state.why_stopped(),
                ),
                Some(IdStatus::Refused(id, error)) => {
                    UserOutcome::not_attempted(id, error.to_string())
                }
                _ => continue,
            };
            self.shared.run_state.not_begun(&outcome);
            return Poll::Ready(Some(outcome));
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Filters an id. One that gets no outcome is counted here, and `None` returned.
    fn take(&mut self, id: String) -> Option<IdStatus> {
        let run_state = &self.shared.run_state;
        match self.id_filter.take(id) {
            IdStatus::Duplicate => run_state.skipped(|counts| &mut counts.duplicates),
            IdStatus::Excluded => run_state.skipped(|counts| &mut counts.excluded),
            IdStatus::AlreadyRevoked => run_state.skipped(|counts| &mut counts.already_revoked),
            status @ (IdStatus::User(_) | IdStatus::Refused(..)) => return Some(status),
        }
        None
    }
}

impl Stream for Run {
    type Item = UserOutcome;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<UserOutcome>> {
        self.poll(context)
    }
}

impl Drop for Run {
    /// Lets handles know that nothing more will happen.
    fn drop(&mut self) {
        self.shared.run_state.dropped();
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("progress", &self.shared.run_state.progress())
            .finish_non_exhaustive()
    }
}
