//! What a run has done, and what to do next.

use okta_user_sessions::{Outcome, Report, StopReason};

use super::{outcomes, say};

pub fn conclude(report: &Report, repeat_failures: bool) {
    if repeat_failures {
        let failures = || {
            let users = report.not_revoked.iter();
            users.filter(|user| !outcomes::is_untried(user))
        };
        if failures().next().is_some() {
            say("\nnot revoked:");
        }
        for user in failures() {
            say(format_args!("  {}", outcomes::line(user)));
        }
    }
    say(counts(report));
    if let Some(reason) = report.stopped {
        let detail = report.stop_detail.as_deref();
        let detail = detail.map_or(String::new(), |detail| format!(": {detail}"));
        say(format_args!("stopped early: {reason}{detail}"));
        if matches!(reason, StopReason::Forbidden | StopReason::Unavailable) {
            say("resuming tries the users first who were not tried; --keep-going tries everybody");
        }
    }
}

/// What revoking does not do.
pub fn caveats(report: &Report) {
    for text in &report.caveats {
        say(format_args!("note: {text}"));
    }
}

/// The counts in words, like `revoked 1998, not found 2`.
pub fn counts(report: &Report) -> String {
    let counts = &report.counts;
    let mut parts = vec![format!("{} {}", Outcome::Revoked, counts.revoked)];
    for (name, number) in [
        ("revoked before", counts.already_revoked),
        ("not found", counts.not_found),
        ("forbidden", counts.forbidden),
        ("rejected", counts.rejected),
        ("unknown", counts.unknown),
        ("not attempted", counts.not_attempted),
        ("excluded", counts.excluded),
    ] {
        if number > 0 {
            parts.push(format!("{name} {number}"));
        }
    }
    parts.join(", ")
}
