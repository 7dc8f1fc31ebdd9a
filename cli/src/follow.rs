//! Drives a run, prints it, and stops it in order on a signal.

use std::{io, process, time::Duration};

use okta_user_sessions::{Run, UserOutcome};
use tokio::time::interval;

use crate::{
    exit::Exit,
    output::{outcomes::Outcomes, progress::Screen, say},
    signals::Signals,
};

/// What became of the run's output.
pub struct Followed {
    /// Whether everything could be printed: nobody knows of a result that could not.
    pub printed: bool,
    /// Every outcome, if they were to be kept.
    pub outcomes: Vec<UserOutcome>,
}

pub async fn follow(
    run: &mut Run,
    signals: &mut Signals,
    screen: &mut Screen,
    mut printer: Outcomes,
    keep: bool,
) -> Followed {
    let handle = run.handle();
    let mut tick = interval(Duration::from_millis(250));
    let mut cancelled = false;
    let mut outcomes = Vec::new();
    let mut printed = Ok(());
    loop {
        tokio::select! {
            outcome = run.next() => {
                let Some(outcome) = outcome else { break };
                let stopped = handle.progress().stopped.is_some();
                let result = screen.suspend(|| printer.print(&outcome, stopped));
                printed = printed.and(result);
                if keep {
                    outcomes.push(outcome);
                }
            }
            _ = tick.tick() => screen.show(&handle.progress()),
            () = signals.next() => {
                if cancelled {
                    // Requests in flight are in the journal, if there is one.
                    process::exit(Exit::NotDone.status().into());
                }
                cancelled = true;
                handle.cancel();
                screen.suspend(|| say(
                    "stopping: waiting for requests in flight; press Ctrl-C again to leave at once",
                ));
            }
        }
    }
    screen.finish();
    let printed: io::Result<()> = printed.and(printer.end());
    Followed {
        printed: printed.is_ok(),
        outcomes,
    }
}
