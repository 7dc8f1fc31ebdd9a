//! The report of a run.

use std::{
    fmt::Write,
    time::{Duration, SystemTime},
};

use serde::Serialize;

use super::{
    Counts, Outcome, StopReason, UserOutcome, journal::Header, progress::as_text, timestamp,
};
use crate::{WaitReason, options::RevokeUserSessionsOptions};

/// What revoking does not do, in every report.
const CAVEATS: [&str; 3] = [
    "Revoking ends identity-provider sessions only. Web and native apps keep their own sessions until they next check with Okta.",
    "Refresh and access tokens are revoked only with oauth_tokens. Access tokens that an app validates locally stay valid until they expire in any case.",
    "API tokens of the users keep working, and the users can sign in again: to keep them out, suspend or deactivate them.",
];

/// What a run has done, from [`Run::report`](super::Run::report).
///
/// It lists each user who was not revoked, so its size grows with their number. The
/// outcomes of the others are in the stream of outcomes and the journal.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Report {
    /// The org's URL.
    pub org: String,
    /// The options sent to Okta for each user; null where not set.
    pub options: RevokeUserSessionsOptions,
    /// When this run began.
    #[serde(with = "timestamp")]
    #[cfg_attr(
        feature = "schemars",
        schemars(with = "String", description = "When this run began (RFC 3339, UTC).")
    )]
    pub started: SystemTime,
    /// When this report was made.
    #[serde(with = "timestamp")]
    #[cfg_attr(
        feature = "schemars",
        schemars(
            with = "String",
            description = "When this report was made (RFC 3339, UTC)."
        )
    )]
    pub reported: SystemTime,
    /// When the run that this one resumes began, according to its journal.
    #[serde(with = "timestamp::option")]
    #[cfg_attr(feature = "schemars", schemars(with = "Option<String>"))]
    pub resumed_from: Option<SystemTime>,
    /// Whether the run has finished. An earlier report says nothing about users who are
    /// not done yet.
    pub finished: bool,
    /// Why the run stopped before every user was tried; null if it did not.
    pub stopped: Option<StopReason>,
    /// The error that stopped it, if one did.
    pub stop_detail: Option<String>,
    /// How many users had which outcome.
    pub counts: Counts,
    /// The number of attempts to send a request.
    pub requests: u64,
    /// How many of them got the response 429.
    pub rate_limited: u64,
    /// How often and how long the run waited, by reason.
    pub waits: Vec<WaitSummary>,
    /// The ten users that took the longest from their first request to the last response.
    pub slowest: Vec<UserOutcome>,
    /// Every user with an outcome other than revoked.
    pub not_revoked: Vec<UserOutcome>,
    /// Exclusions that no id matched, once the run has finished.
    pub unmatched_exclusions: Vec<String>,
    /// What revoking does not do.
    pub caveats: Vec<String>,
}

/// How often and how long a run waited for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct WaitSummary {
    /// The reason. In JSON it is text for a person to read.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(
        feature = "schemars",
        schemars(with = "String", description = "The reason, for a person to read.")
    )]
    pub reason: WaitReason,
    /// How often the run waited. All users waiting for the same window count once.
    pub times: u64,
    /// The sum, if no wait was cut short. Users wait at the same time, so it may be more
    /// than the run took.
    #[serde(rename = "total_ms", with = "timestamp::milliseconds")]
    #[cfg_attr(
        feature = "schemars",
        schemars(
            with = "u64",
            description = "The sum in milliseconds, if no wait was cut short. Users wait at the same time, so\nit may be more than the run took."
        )
    )]
    pub total: Duration,
}

/// What is known about a run when it starts.
pub(super) struct Facts {
    pub(super) header: Header,
    pub(super) options: RevokeUserSessionsOptions,
    pub(super) resumed_from: Option<SystemTime>,
}

impl Report {
    pub(super) fn new(facts: &Facts) -> Self {
        let Header { org, started, .. } = facts.header.clone();
        Self {
            org,
            options: facts.options.clone(),
            started,
            reported: SystemTime::now(),
            resumed_from: facts.resumed_from,
            finished: false,
            stopped: None,
            stop_detail: None,
            counts: Counts::default(),
            requests: 0,
            rate_limited: 0,
            waits: Vec::new(),
            slowest: Vec::new(),
            not_revoked: Vec::new(),
            unmatched_exclusions: Vec::new(),
            caveats: CAVEATS.map(str::to_owned).into(),
        }
    }

    /// Whether Okta has confirmed that every user to be revoked is revoked. Never true
    /// before the run has finished.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.finished && self.stopped.is_none() && self.counts.not_revoked() == 0
    }

    /// The report as JSON, indented.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Serializing fails only for maps whose keys are not strings and for writers
        // that fail; the report has neither.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The users who were not revoked, as CSV (RFC 4180) with a header line.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut csv = String::from(
            "user,outcome,attempts,status,error_code,error_id,request_id,started,ended,reason\r\n",
        );
        for user in &self.not_revoked {
            let number = |number: Option<u16>| number.map(|n| n.to_string()).unwrap_or_default();
            let text = |text: &Option<String>| quoted(text.as_deref().unwrap_or_default());
            let time = |time: Option<SystemTime>| {
                time.map_or_else(String::new, |time| timestamp::as_text(time).to_string())
            };
            // Writing to a String does not fail.
            let _ = write!(
                csv,
                "{},{},{},{},{},{},{},{},{},{}\r\n",
                quoted(&user.user),
                user.outcome,
                user.attempts,
                number(user.status),
                text(&user.error_code),
                text(&user.error_id),
                text(&user.request_id),
                time(user.started),
                time(user.ended),
                text(&user.reason),
            );
        }
        csv
    }

    /// One line for a person to read, like `revoked 1998, not_found 2`.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut parts = Vec::new();
        for outcome in Outcome::ALL {
            let count = self.counts.of(outcome);
            if count > 0 || outcome == Outcome::Revoked {
                parts.push(format!("{outcome} {count}"));
            }
        }
        if self.counts.already_revoked > 0 {
            parts.push(format!("already_revoked {}", self.counts.already_revoked));
        }
        parts.join(", ")
    }
}

/// A CSV field. One that a spreadsheet would run as a formula gets a leading `'`; so does one
/// that looks as if it had it, so that it can be taken away again.
fn quoted(field: &str) -> String {
    let unguarded = field.trim_start_matches('\'');
    let formula = unguarded.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if formula { "'" } else { "" };
    if formula || field.contains([',', '"', '\r', '\n']) {
        format!("\"{guard}{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
