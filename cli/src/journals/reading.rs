//! A journal in words.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::Path,
};

use okta_user_sessions::{Outcome, UserOutcome};
use serde_json::Value;

use crate::{
    exit::Exit,
    output::{count, outcomes, visible},
};

/// What the lines of a journal say about each user, the last one counts.
#[derive(Default)]
struct Contents {
    header: Option<Value>,
    resumed: Vec<String>,
    /// In the order of the alphabet; `None` for a request without an outcome.
    users: BTreeMap<String, Option<UserOutcome>>,
}

pub fn explain(file: &Path) -> Result<Exit, String> {
    let place = |problem: String| format!("{}: {problem}", file.display());
    let journal = File::open(file).map_err(|error| place(error.to_string()))?;
    let contents = read(BufReader::new(journal)).map_err(place)?;
    print(&contents).map_err(|error| format!("standard output: {error}"))?;
    Ok(Exit::Done)
}

fn read(mut journal: impl BufRead) -> Result<Contents, String> {
    let mut contents = Contents::default();
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        journal
            .read_until(b'\n', &mut line)
            .map_err(|error| error.to_string())?;
        // A last line that was cut off says nothing; the library ignores it too.
        if !line.ends_with(b"\n") {
            break;
        }
        let read = contents.add(&line);
        read.ok_or_else(|| format!("line {number} is not a journal entry"))?;
    }
    match contents.header {
        Some(_) => Ok(contents),
        None => {
            Err("it is not a journal: its first line should say which run it belongs to".into())
        }
    }
}

impl Contents {
    fn add(&mut self, line: &[u8]) -> Option<()> {
        let Ok(Value::Object(entry)) = serde_json::from_slice(line) else {
            return None;
        };
        let (kind, value) = entry.into_iter().next()?;
        match kind.as_str() {
            "header" if self.header.is_none() => self.header = Some(value),
            _ if self.header.is_none() => return None,
            "resumed" => self.resumed.push(value.get("at")?.as_str()?.to_owned()),
            "sending" => {
                let user = value.get("user")?.as_str()?.to_owned();
                self.users.insert(user, None);
            }
            "outcome" => {
                let outcome: UserOutcome = serde_json::from_value(value).ok()?;
                self.users.insert(outcome.user.clone(), Some(outcome));
            }
            _ => return None,
        }
        Some(())
    }
}

fn print(contents: &Contents) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if let Some(Value::Object(header)) = &contents.header {
        for (name, value) in header {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            writeln!(out, "{name:16} {}", visible(&text))?;
        }
    }
    for time in &contents.resumed {
        writeln!(out, "{:16} {}", "resumed", visible(time))?;
    }
    let outcomes = || contents.users.values().flatten();
    let revoked = outcomes()
        .filter(|user| user.outcome == Outcome::Revoked)
        .count();
    writeln!(out, "{:16} {}", "revoked", count(revoked as u64, "user"))?;
    let left = contents.users.len() - revoked;
    writeln!(out, "{:16} {}", "not revoked", count(left as u64, "user"))?;
    for (user, outcome) in &contents.users {
        match outcome {
            Some(outcome) if outcome.outcome == Outcome::Revoked => {}
            Some(outcome) => writeln!(out, "  {}", outcomes::line(outcome))?,
            None => writeln!(
                out,
                "  {} {}: a request was about to be sent, and no response is recorded",
                Outcome::Unknown,
                visible(user)
            )?,
        }
    }
    writeln!(
        out,
        "\nUsers whom the run has not tried yet are not in a journal. To continue, run the same \
         command with the same list and --journal, or okta-sessions revoke --resume."
    )
}
