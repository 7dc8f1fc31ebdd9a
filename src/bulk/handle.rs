//! Watching and cancelling a run from elsewhere.

use std::sync::Arc;

use tokio::sync::watch;

use super::{
    Progress, StopReason,
    run_state::{Lifecycle, RunState},
};

/// Watches and cancels a run from elsewhere. Clones are handles of the same run.
#[derive(Clone, Debug)]
pub struct RunHandle {
    run_state: Arc<RunState>,
    changes: watch::Receiver<Lifecycle>,
}

impl RunHandle {
    pub(super) fn new(run_state: Arc<RunState>) -> Self {
        let changes = run_state.subscribe();
        Self { run_state, changes }
    }

    /// Stops the run: requests in flight are waited for, nothing more is sent, and the
    /// rest is reported [`NotAttempted`](super::Outcome::NotAttempted).
    pub fn cancel(&self) {
        self.run_state.stop(StopReason::Cancelled, "");
    }

    /// The run's progress so far.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.run_state.progress()
    }

    /// Waits until the run's progress has changed since this was last called; changes in
    /// between are reported once. `None` after the last change: the run has finished, or
    /// was dropped.
    pub async fn changed(&mut self) -> Option<Progress> {
        // The run state held here owns the sender, so the channel is never closed.
        let fresh = self.changes.has_changed().unwrap_or_default();
        if !fresh && *self.changes.borrow() != Lifecycle::Running {
            return None;
        }
        self.changes.changed().await.ok()?;
        Some(self.run_state.progress())
    }
}
