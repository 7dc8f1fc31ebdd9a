//! The progress of a run: a bar on a terminal, a line now and then elsewhere.

use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant, SystemTime},
};

use indicatif::{ProgressBar, ProgressStyle};
use okta_user_sessions::Progress;

use super::{count, say};

const BETWEEN_LINES: Duration = Duration::from_secs(5);

pub struct Screen {
    bar: Option<ProgressBar>,
    quiet: bool,
    last_line: Instant,
}

impl Screen {
    pub fn new(quiet: bool) -> Self {
        let bar = (!quiet && io::stderr().is_terminal()).then(|| {
            // The message is cut where the terminal ends: a bar that wraps leaves pieces.
            let style = ProgressStyle::with_template("{bar:20} {pos}/{len} {wide_msg}");
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self {
            bar,
            quiet,
            last_line: Instant::now(),
        }
    }

    /// Prints something else without leaving pieces of the bar behind.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    pub fn show(&mut self, progress: &Progress) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(progress.total.unwrap_or_default());
                bar.set_position(tried(progress));
                bar.set_message(state(progress));
            }
            None if !self.quiet && self.last_line.elapsed() >= BETWEEN_LINES => {
                self.last_line = Instant::now();
                say(format_args!(
                    "{} done, {}",
                    tried(progress),
                    state(progress)
                ));
            }
            None => {}
        }
    }

    /// Takes the bar away. What it said is in the summary.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Users that are done, without those whom a run that stopped did not try.
fn tried(progress: &Progress) -> u64 {
    let counts = &progress.counts;
    counts.done().saturating_sub(counts.not_attempted)
}

fn state(progress: &Progress) -> String {
    let mut parts = Vec::new();
    if progress.stopped.is_some() {
        parts.push(format!("stopping, {} in flight", progress.in_flight));
    } else if let Some(waiting) = &progress.waiting {
        let wait = match left(waiting.until) {
            Some(left) => format!("waiting {left}: {}", waiting.reason),
            None => format!("waiting: {}", waiting.reason),
        };
        parts.push(wait);
    } else {
        parts.push(format!("{} in flight", progress.in_flight));
    }
    if progress.counts.not_revoked() > 0 && progress.stopped.is_none() {
        parts.push(format!(
            "{} not revoked",
            count(progress.counts.not_revoked(), "user")
        ));
    }
    if let Some(left) = progress.expected_end.and_then(left) {
        parts.push(format!("at least {left} to go"));
    }
    parts.join(", ")
}

/// The whole seconds until then, unless there are none.
fn left(time: SystemTime) -> Option<humantime::FormattedDuration> {
    let left = time.duration_since(SystemTime::now()).ok()?.as_secs();
    (left > 0).then(|| humantime::format_duration(Duration::from_secs(left)))
}
