//! A run: takes ids, keeps so many under way, yields outcomes.

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

/// How many ids that need no request are passed over before others have a turn.
const IDS_PER_POLL: usize = 1024;

/// A run that has begun, from [`RevokeMany::start`](super::RevokeMany::start): a
/// stream of one outcome for each user, in the order in which they end.
///
/// It is polled in a Tokio runtime with timers and I/O. Outside of one it is
/// stopped, and whoever is left is
/// [`NotAttempted`](crate::Outcome::NotAttempted).
///
/// It makes progress while it is polled, and buffers nothing: a slow consumer makes a
/// slow run. Dropping it abandons requests in flight, and their effect is unknown; a
/// journal shows which. To end it in order, call [`RunHandle::cancel`] and keep polling
/// until it yields `None`.
#[must_use = "a run goes on while it is polled"]
pub struct Run {
    ids: Ids,
    ids_over: bool,
    id_filter: IdFilter,
    concurrency: usize,
    shared: Arc<Shared>,
    under_way: FuturesUnordered<UserTask>,
    /// Completes at the deadline or on stop, so that a stalled stream of ids cannot hang
    /// the run.
    alarm: Pin<Box<dyn Future<Output = ()> + Send>>,
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
            ids_over: false,
            id_filter,
            concurrency,
            // Made when it is first polled: a run may be started outside of a
            // runtime, where there is no timer.
            alarm: Box::pin(async move {
                let _ = race(run_state.stopped(), sleep_until(deadline)).await;
            }),
            shared,
            under_way: FuturesUnordered::new(),
        }
    }

    /// The next outcome; `None` when everyone has one.
    pub async fn next(&mut self) -> Option<UserOutcome> {
        poll_fn(|context| self.poll(context)).await
    }

    /// To watch and cancel the run from elsewhere.
    #[must_use]
    pub fn handle(&self) -> RunHandle {
        self.shared.run_state.handle()
    }

    /// What the run has done so far; final after it yielded `None`.
    #[must_use]
    pub fn report(&self) -> Report {
        self.shared.run_state.report()
    }

    /// Cancels the run, and says why.
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
        // Once nobody is left, no deadline is missed.
        let left = !self.ids_over || !self.under_way.is_empty();
        if left
            && !self.shared.run_state.is_stopped()
            && self.alarm.as_mut().poll(context).is_ready()
        {
            // If it was stopped just now, that reason counts.
            self.shared.run_state.stop(StopReason::Deadline, "");
        }
        if !self.shared.run_state.is_stopped()
            && let Some(refused) = self.take_ids(context)
        {
            return Poll::Ready(Some(refused));
        }
        match Pin::new(&mut self.under_way).poll_next(context) {
            Poll::Ready(Some(outcome)) => return Poll::Ready(Some(outcome)),
            Poll::Ready(None) => {}
            Poll::Pending => return Poll::Pending,
        }
        // Nothing is under way.
        if self.shared.run_state.is_stopped()
            && !self.ids_over
            && let rest @ (Poll::Pending | Poll::Ready(Some(_))) = self.pass_over(context)
        {
            return rest;
        }
        if !self.ids_over {
            return Poll::Pending;
        }
        self.shared
            .run_state
            .finished(self.id_filter.unmatched_exclusions());
        Poll::Ready(None)
    }

    /// Begins users until enough are under way, or no id is there. An id that is
    /// refused has its outcome at once.
    fn take_ids(&mut self, context: &mut Context<'_>) -> Option<UserOutcome> {
        for _ in 0..IDS_PER_POLL {
            if self.ids_over || self.under_way.len() >= self.concurrency {
                return None;
            }
            match self.ids.as_mut().poll_next(context) {
                Poll::Pending => return None,
                Poll::Ready(None) => self.ids_over = true,
                Poll::Ready(Some(id)) => match self.take(id) {
                    Some(IdStatus::User(user)) => {
                        self.shared.run_state.begun();
                        let user_task = revoke_one(self.shared.clone(), user);
                        self.under_way.push(Box::pin(user_task));
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

    /// The rest, after a stop. A stream that has no id ready is not waited for.
    fn pass_over(&mut self, context: &mut Context<'_>) -> Poll<Option<UserOutcome>> {
        for _ in 0..IDS_PER_POLL {
            let Poll::Ready(Some(id)) = self.ids.as_mut().poll_next(context) else {
                self.ids_over = true;
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

    /// Counts what needs no outcome; `None` for those.
    fn take(&mut self, id: String) -> Option<IdStatus> {
        let run_state = &self.shared.run_state;
        match self.id_filter.take(id) {
            IdStatus::Duplicate => run_state.skipped(|counts| &mut counts.duplicates),
            IdStatus::Excluded => run_state.skipped(|counts| &mut counts.excluded),
            IdStatus::AlreadyRevoked => run_state.skipped(|counts| &mut counts.already_revoked),
            given @ (IdStatus::User(_) | IdStatus::Refused(..)) => return Some(given),
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
    /// Whoever watches is told that nothing more will come.
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
