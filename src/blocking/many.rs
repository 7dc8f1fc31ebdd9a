//! Revoking many users, as a blocking run.

use std::{path::PathBuf, time::Duration};

use super::{Run, Worker};
use crate::{Error, Plan, bulk, generated::revoke_user_sessions_setters};

/// [`RevokeMany`](crate::RevokeMany) without `async`, made by
/// [`Client::revoke_many`](super::Client::revoke_many).
#[derive(Debug)]
#[must_use = "nothing is sent before the run is started and iterated over"]
pub struct RevokeMany {
    many: bulk::RevokeMany,
    worker: Worker,
}

revoke_user_sessions_setters!(RevokeMany: many.revocation);

impl RevokeMany {
    pub(super) fn new(many: bulk::RevokeMany, worker: Worker) -> Self {
        Self { many, worker }
    }

    /// As [`RevokeMany::exclude`](crate::RevokeMany::exclude).
    pub fn exclude<I>(self, ids: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        self.with(|many| many.exclude(ids))
    }

    /// As [`RevokeMany::share`](crate::RevokeMany::share).
    pub fn share(self, share: f64) -> Self {
        self.with(|many| many.share(share))
    }

    /// As [`RevokeMany::reserve`](crate::RevokeMany::reserve).
    pub fn reserve(self, requests: u64) -> Self {
        self.with(|many| many.reserve(requests))
    }

    /// As [`RevokeMany::concurrency`](crate::RevokeMany::concurrency).
    pub fn concurrency(self, users: usize) -> Self {
        self.with(|many| many.concurrency(users))
    }

    /// As [`RevokeMany::deadline`](crate::RevokeMany::deadline).
    pub fn deadline(self, limit: Duration) -> Self {
        self.with(|many| many.deadline(limit))
    }

    /// As [`RevokeMany::keep_going`](crate::RevokeMany::keep_going).
    pub fn keep_going(self, keep_going: bool) -> Self {
        self.with(|many| many.keep_going(keep_going))
    }

    /// As [`RevokeMany::journal`](crate::RevokeMany::journal).
    pub fn journal(self, path: impl Into<PathBuf>) -> Self {
        self.with(|many| many.journal(path))
    }

    /// Reports what a run would do, and sends nothing. Consumes the ids.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), except that a journal in use is read.
    pub fn plan(self) -> Result<Plan, Error> {
        self.worker.wait_for(self.many.plan())?
    }

    /// Begins the run, which makes progress while it is iterated over.
    ///
    /// # Errors
    ///
    /// As for the async run; also inside a Tokio runtime.
    pub fn start(self) -> Result<Run, Error> {
        self.worker.check()?;
        Ok(Run::new(self.many.start()?, self.worker))
    }

    fn with(self, set: impl FnOnce(bulk::RevokeMany) -> bulk::RevokeMany) -> Self {
        Self {
            many: set(self.many),
            worker: self.worker,
        }
    }
}
