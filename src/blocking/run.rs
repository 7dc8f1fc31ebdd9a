//! A bulk run as an iterator.

use std::thread;

use super::Worker;
use crate::{Error, Report, Run as AsyncRun, RunHandle, UserOutcome};

/// A run that has begun: an iterator of one outcome for each user, in the order in which
/// they are known.
///
/// It makes progress only while `next` is called, and buffers nothing. [`RunHandle::cancel`],
/// perhaps from another thread, ends it in order. Dropping it abandons requests in
/// flight, and their effect is unknown; a journal shows which they were.
///
/// A run that is moved into a Tokio runtime is cancelled there: requests in flight get
/// their outcome, the rest is [`NotAttempted`](crate::Outcome::NotAttempted), and
/// [`Report::stop_detail`] says why. In a forked process it ends at once.
#[derive(Debug)]
#[must_use = "a run makes progress only while it is iterated over"]
pub struct Run {
    run: AsyncRun,
    worker: Worker,
}

impl Run {
    pub(super) fn new(run: AsyncRun, worker: Worker) -> Self {
        Self { run, worker }
    }

    /// A handle to watch and cancel the run from elsewhere.
    #[must_use]
    pub fn handle(&self) -> RunHandle {
        self.run.handle()
    }

    /// What the run has done so far; final after the iterator's end.
    #[must_use]
    pub fn report(&self) -> Report {
        self.run.report()
    }

    /// Cancels a run that may not continue here; returns its next outcome, waiting for it
    /// on another thread if possible.
    fn settle(&mut self, refused: &Error) -> Option<UserOutcome> {
        self.run.cancel(&refused.to_string());
        if self.worker.is_gone() {
            return None;
        }
        let Self { run, worker } = self;
        thread::scope(|scope| {
            let waiting = thread::Builder::new()
                .spawn_scoped(scope, || worker.block_on(run.next()))
                .ok()?;
            waiting.join().ok()?
        })
    }
}

impl Iterator for Run {
    type Item = UserOutcome;

    fn next(&mut self) -> Option<UserOutcome> {
        match self.worker.check() {
            Ok(()) => self.worker.block_on(self.run.next()),
            Err(refused) => self.settle(&refused),
        }
    }
}
