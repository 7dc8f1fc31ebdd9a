//! A run: takes ids, keeps a number of users in flight, yields outcomes.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_util::{Stream, stream::FuturesUnordered};

use super::{
    Report, RunHandle, StopReason, UserOutcome,
    queue::{Next, Queue},
    user_task::{Shared, revoke_one},
};
use crate::time::{race, require_runtime, sleep_until};

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
    queue: Queue,
    concurrency: usize,
    shared: Arc<Shared>,
    tasks: FuturesUnordered<UserTask>,
    /// Completes at the deadline or on stop, so that a stalled stream of ids cannot hang
    /// the run.
    stop_signal: Pin<Box<dyn Future<Output = ()> + Send>>,
}

type UserTask = Pin<Box<dyn Future<Output = UserOutcome> + Send>>;

impl Run {
    pub(super) fn new(queue: Queue, concurrency: usize, shared: Arc<Shared>) -> Self {
        let (deadline, run_state) = (shared.deadline, shared.run_state.clone());
        Self {
            queue,
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
        let run_state = self.shared.run_state.clone();
        if let Err(refused) = require_runtime() {
            run_state.stop(StopReason::Cancelled, &refused.to_string());
        }
        // Once no user is left, the deadline no longer matters.
        let users_left = !self.queue.is_empty() || !self.tasks.is_empty();
        if users_left
            && !run_state.is_stopped()
            && self.stop_signal.as_mut().poll(context).is_ready()
        {
            // If it was stopped just now, the earlier reason is kept.
            run_state.stop(StopReason::Deadline, "");
        }
        if !run_state.is_stopped()
            && let Some(refused) = self.begin_users(context)
        {
            return Poll::Ready(Some(refused));
        }
        if let outcome @ Some(_) = ready!(Pin::new(&mut self.tasks).poll_next(context)) {
            return Poll::Ready(outcome);
        }
        // No user is in flight.
        if run_state.is_stopped() {
            if let Some(next) = ready!(self.queue.poll_next(context, &run_state)) {
                return Poll::Ready(Some(self.not_attempted(next)));
            }
        } else if !self.queue.is_empty() {
            return Poll::Pending;
        }
        run_state.finished(self.queue.unmatched_exclusions());
        Poll::Ready(None)
    }

    /// Begins users until enough are in flight or none is ready. An id that is refused
    /// has its outcome at once.
    fn begin_users(&mut self, context: &mut Context<'_>) -> Option<UserOutcome> {
        while self.tasks.len() < self.concurrency && !self.shared.run_state.is_about_to_stop() {
            match self.queue.poll_next(context, &self.shared.run_state) {
                Poll::Ready(Some(Next::User { user, probe })) => {
                    self.shared.run_state.begun();
                    let user_task = revoke_one(self.shared.clone(), user, probe);
                    self.tasks.push(Box::pin(user_task));
                }
                Poll::Ready(Some(refused)) => return Some(self.not_attempted(refused)),
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        None
    }

    /// The outcome of an id that is refused, or left over after a stop.
    fn not_attempted(&self, next: Next) -> UserOutcome {
        let run_state = &self.shared.run_state;
        let outcome = match next {
            Next::User { user, .. } => {
                UserOutcome::not_attempted(user.to_string(), run_state.why_stopped())
            }
            Next::Refused(id, error) => UserOutcome::not_attempted(id, error.to_string()),
        };
        run_state.not_begun(&outcome);
        outcome
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
