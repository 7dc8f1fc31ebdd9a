//! What is about to be done.

use std::{io, io::BufRead, io::IsTerminal, io::Write, time::Duration};

use okta_user_sessions::{AuthorizationMode, Plan, options::RevokeUserSessionsOptions};
use serde_json::Value;

use super::{count, say};

/// Okta's limit for an org that nobody raised, in requests a minute.
const USUAL_LIMIT: u64 = 600;

/// What the plan of the library does not know.
pub struct Facts<'a> {
    pub mode: Option<AuthorizationMode>,
    pub options: &'a RevokeUserSessionsOptions,
    pub journal: String,
    pub share: f64,
}

pub fn show(plan: &Plan, facts: &Facts) {
    say(format_args!("org         {}", plan.org));
    if let Some(mode) = facts.mode {
        say(format_args!("credential  {}", credential(mode)));
    }
    say(format_args!("users       {}", users(plan)));
    say(format_args!("options     {}", options(facts.options)));
    say(format_args!("journal     {}", facts.journal));
    say(format_args!("time        {}", time(plan, facts.share)));
}

/// What is worth knowing before it is done, even if the plan is not shown.
pub fn warn(plan: &Plan) {
    for (id, error) in &plan.refused {
        say(format_args!("not sent: {:?}: {error}", id));
    }
    for id in &plan.unmatched_exclusions {
        say(format_args!(
            "the exclusion {id:?} matches none of the users"
        ));
    }
}

/// Asks the terminal. Elsewhere nobody can answer.
pub fn confirmed(plan: &Plan) -> bool {
    if !io::stdin().is_terminal() {
        return false;
    }
    let _ = write!(
        io::stderr(),
        "Revoke the sessions of {} in {}? [y/N] ",
        count(plan.users, "user"),
        plan.org
    );
    let mut reply = String::new();
    let read = io::stdin().lock().read_line(&mut reply);
    read.is_ok() && matches!(reply.trim(), "y" | "Y" | "yes")
}

fn credential(mode: AuthorizationMode) -> &'static str {
    match mode {
        AuthorizationMode::Ssws => "an API token",
        AuthorizationMode::Bearer => "an OAuth 2.0 access token",
        AuthorizationMode::PrivateKey => "a service app's private key",
        _ => "as configured",
    }
}

fn users(plan: &Plan) -> String {
    let mut parts = vec![format!("{} to revoke", plan.users)];
    for (number, what) in [
        (plan.already_revoked, "revoked by the run that this resumes"),
        (plan.excluded, "excluded"),
        (plan.duplicates, "given more than once"),
        (
            plan.refused.len() as u64,
            "not sent, because the id is invalid",
        ),
    ] {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    parts.join(", ")
}

/// The options by their names in the specification.
fn options(options: &RevokeUserSessionsOptions) -> String {
    let Ok(Value::Object(options)) = serde_json::to_value(options) else {
        return String::new();
    };
    let shown = options.iter().map(|(name, value)| match value {
        Value::Null => format!("{name}: not set"),
        value => format!("{name}: {value}"),
    });
    shown.collect::<Vec<_>>().join(", ") + " (for what is not set, Okta's default applies)"
}

fn time(plan: &Plan, share: f64) -> String {
    let at_least = |time: Duration| match time.as_secs() {
        0 => "less than a minute".to_owned(),
        seconds => format!(
            "at least {}",
            humantime::format_duration(Duration::from_secs(seconds))
        ),
    };
    match plan.expected {
        Some(expected) => at_least(expected),
        None => format!(
            "{} if the org allows {USUAL_LIMIT} requests a minute, of which {:.0} % are used",
            at_least(shortest(plan.users, share)),
            share * 100.0
        ),
    }
}

fn shortest(users: u64, share: f64) -> Duration {
    // The cast saturates, so a share out of range is harmless.
    let each = ((USUAL_LIMIT as f64 * share) as u64).max(1);
    let waits = users.div_ceil(each).saturating_sub(1);
    Duration::from_secs(waits.saturating_mul(60))
}
