//! The outcome of each user, on standard output.

use std::io::{self, Write};

use okta_user_sessions::{Outcome, UserOutcome};

use super::{count, visible};
use crate::{formula::needs_guard, options::Format};

const COLUMNS: &str = "user,outcome,attempts,status,error_code,request_id,reason";

pub struct Outcomes {
    format: Format,
    /// Whether those who were revoked are printed for people too.
    every: bool,
    /// Users whom a run that stopped did not try. For people they are one line.
    untried: u64,
}

impl Outcomes {
    pub fn begin(format: Format, every: bool) -> io::Result<Self> {
        if format == Format::Csv {
            write!(io::stdout(), "{COLUMNS}\r\n")?;
        }
        Ok(Self {
            format,
            every,
            untried: 0,
        })
    }

    pub fn print(&mut self, user: &UserOutcome, stopped: bool) -> io::Result<()> {
        match self.format {
            Format::Text if stopped && is_untried(user) => {
                self.untried += 1;
                Ok(())
            }
            Format::Text if !self.every && user.outcome == Outcome::Revoked => Ok(()),
            Format::Text => writeln!(io::stdout(), "{}", line(user)),
            Format::Json => writeln!(io::stdout(), "{}", serde_json::to_string(user)?),
            Format::Csv => write!(io::stdout(), "{}\r\n", row(user)),
        }
    }

    pub fn end(&self) -> io::Result<()> {
        match self.untried {
            0 => Ok(()),
            untried => writeln!(
                io::stdout(),
                "{} {}: the run stopped before them",
                Outcome::NotAttempted,
                count(untried, "user")
            ),
        }
    }
}

/// Whether nothing was done for the user.
pub fn is_untried(user: &UserOutcome) -> bool {
    user.outcome == Outcome::NotAttempted && user.attempts == 0
}

/// A user for people. What the reason says is not said twice.
pub fn line(user: &UserOutcome) -> String {
    let reason = user.reason.as_deref();
    let reason = reason
        .filter(|_| user.outcome != Outcome::Revoked)
        .unwrap_or_default();
    let status = user.status.map(|status| format!("status {status}"));
    let attempts = (user.attempts > 1).then(|| format!("{} attempts", user.attempts));
    let request_id = user
        .request_id
        .as_ref()
        .map(|id| format!("request id {id}"));
    let facts: Vec<_> = [status, attempts, request_id]
        .into_iter()
        .flatten()
        .filter(|fact| !reason.contains(fact.as_str()))
        .collect();
    let mut line = format!("{} {}", user.outcome, user.user);
    if !facts.is_empty() {
        line += &format!(" ({})", facts.join(", "));
    }
    if !reason.is_empty() {
        line += &format!(": {reason}");
    }
    visible(&line)
}

fn row(user: &UserOutcome) -> String {
    let text = |text: &Option<String>| field(text.as_deref().unwrap_or_default());
    let status = user.status.map(|status| status.to_string());
    [
        field(&user.user),
        user.outcome.to_string(),
        user.attempts.to_string(),
        status.unwrap_or_default(),
        text(&user.error_code),
        text(&user.request_id),
        text(&user.reason),
    ]
    .join(",")
}

/// A CSV field.
fn field(text: &str) -> String {
    let formula = needs_guard(text);
    let guard = if formula { "'" } else { "" };
    if formula || text.contains([',', '"', '\r', '\n']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
