//! Where a run stands, and the handle that watches and cancels it.

use std::{fmt, sync::Arc, time::SystemTime};

use serde::Serialize;
use tokio::sync::watch;

use super::{Counts, RunState};

/// Why a run stopped before every user was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// [`RunHandle::cancel`] was called.
    Cancelled,
    /// The run's deadline passed, or would pass before the next window.
    Deadline,
    /// Okta no longer accepts the credential, or no token could be obtained.
    Unauthorized,
    /// Ten users in a row were refused (403): the credential lacks the permission.
    Forbidden,
    /// The org was in read-only mode for an hour.
    ReadOnly,
    /// Okta does not know the path: the org URL is wrong.
    WrongOrg,
    /// The HTTP proxy does not accept the client's user name and password (407).
    ProxyUnauthorized,
    /// No connection to the org can be secured, for example because its certificate is
    /// not trusted.
    Tls,
    /// Twenty users in a row got no trustworthy response.
    Unavailable,
    /// The journal cannot be written, or its disk hung when the run ended.
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
            StopReason::ProxyUnauthorized => "the proxy does not accept the user name and password",
            StopReason::Tls => "no secure connection to the org can be made",
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
    /// The number of ids, if the iterator knows it.
    pub total: Option<u64>,
    /// The outcomes so far.
    pub counts: Counts,
    /// Users in flight, including those that wait for the rate limiter.
    pub in_flight: u64,
    /// Set while the run continues and no request is in flight.
    pub waiting: Option<Waiting>,
    /// Set once the run stops early.
    pub stopped: Option<StopReason>,
    /// Whether the run has finished.
    pub finished: bool,
    /// The earliest time at which the run can be over, by the local clock, as far as the
    /// rate limit and Okta's response times are known.
    pub expected_end: Option<SystemTime>,
}

/// Watches and cancels a run from elsewhere. Clones are of the same run.
#[derive(Clone, Debug)]
pub struct RunHandle {
    pub(super) run_state: Arc<RunState>,
    pub(super) changes: watch::Receiver<End>,
}

/// Whether there is more to come of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    Open,
    Finished,
    /// It was dropped before it was finished.
    Dropped,
}

impl RunHandle {
    /// Stops the run: requests in flight are waited for, nothing more is sent, and the
    /// rest is reported [`NotAttempted`](super::Outcome::NotAttempted).
    pub fn cancel(&self) {
        self.run_state.stop(StopReason::Cancelled, "");
    }

    /// Where the run stands.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.run_state.progress()
    }

    /// Waits until the run's progress has changed since this was last called; changes in
    /// between are reported once. `None` after the last change: the run is over, or was
    /// dropped.
    pub async fn changed(&mut self) -> Option<Progress> {
        // The tally, held here, has the sender: it cannot be gone.
        let fresh = self.changes.has_changed().unwrap_or_default();
        if !fresh && *self.changes.borrow() != End::Open {
            return None;
        }
        self.changes.changed().await.ok()?;
        Some(self.run_state.progress())
    }
}
