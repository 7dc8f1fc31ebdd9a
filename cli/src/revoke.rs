//! Revoking users: list, plan, confirmation, run, report.

use std::{
    env, io,
    path::{Path, PathBuf},
    process,
};

use okta_user_sessions::{Client, Config, Error, Outcome, Plan, Report, RevokeMany, UserOutcome};
use tokio::task::spawn_blocking;

use crate::{
    exit::Exit,
    follow::follow,
    input,
    journals::{Folder, Kept, SavedRun},
    options::RevokeArguments,
    output::{self, command_line, html, outcomes::Outcomes, plan, progress::Screen, say, summary},
    signals::Signals,
};

pub async fn revoke(arguments: &RevokeArguments) -> Result<Exit, String> {
    arguments.check()?;
    let refused = |error: Error| output::with_causes(&error, arguments.output.verbose);
    let config = arguments.settings.load().map_err(refused)?;
    let client = Client::from_config(&config).map_err(refused)?;
    let org = org(&client).await.map_err(refused)?;
    let mut job = Job::new(arguments, org)?;
    let plan = job.run(&client, arguments).plan().await.map_err(refused)?;
    job.show(&config, &plan, arguments);
    job.check(&plan, arguments)?;
    if arguments.dry_run {
        return Ok(Exit::Done);
    }
    if job.asks(&plan, arguments) && !plan::confirmed(&plan) {
        return Err("nothing was sent: not confirmed; reply y in a terminal, or give --yes".into());
    }
    if let Some(report) = &arguments.output.report {
        output::report::check(report, &job.own_files(arguments))?;
    }
    job.open_journal()?;
    let mut signals = Signals::listen().map_err(|error| error.to_string())?;
    let mut run = job.run(&client, arguments).start().map_err(refused)?;
    let format = &arguments.output;
    let printer = Outcomes::begin(format.output, format.verbose || job.saved.ids.len() == 1);
    let printer = printer.map_err(|error| format!("standard output: {error}"))?;
    let keep = arguments.output.report.as_deref().is_some_and(is_html);
    let mut screen = Screen::new(format.quiet);
    let followed = follow(&mut run, &mut signals, &mut screen, printer, keep).await;
    let report = run.report();
    job.conclude(&report, plan.refused.len(), arguments);
    let written = write_report(&report, &followed.outcomes, arguments, &mut signals).await;
    Ok(match (report.is_complete(), report.requests) {
        (true, _) if followed.printed && written => Exit::Done,
        (false, 0) => Exit::NothingSent,
        _ => Exit::NotDone,
    })
}

/// What is to be done, wherever it was said.
struct Job {
    saved: SavedRun,
    notes: Vec<String>,
    journal: Journal,
}

enum Journal {
    None,
    Given(PathBuf),
    /// In the state folder, once nothing else can be refused.
    New(Folder),
    Kept(Kept),
}

impl Job {
    fn new(arguments: &RevokeArguments, org: String) -> Result<Self, String> {
        if arguments.journal.resume {
            let (kept, saved) = Folder::of_user()?.newest(&org)?;
            return Ok(Self {
                saved,
                notes: Vec::new(),
                journal: Journal::Kept(kept),
            });
        }
        let list = &arguments.list;
        let mut notes = Vec::new();
        let mut read = |file: &Path, column: Option<&str>| {
            let list = input::read(file, column)?;
            let place = |note: &String| format!("{}: {note}", file.display());
            notes.extend(list.notes.iter().map(place));
            Ok::<_, String>(list.ids)
        };
        let ids = match &list.file {
            Some(file) => read(file, list.column.as_deref())?,
            None => arguments.users.clone(),
        };
        let exclude = match &list.exclude {
            Some(file) => read(file, None)?,
            None => Vec::new(),
        };
        let journal = match &arguments.journal.journal {
            Some(file) => Journal::Given(file.clone()),
            None if arguments.journal.no_journal || ids.len() == 1 => Journal::None,
            None => Journal::New(Folder::of_user()?),
        };
        let saved = SavedRun {
            org,
            options: arguments.options.0.clone(),
            ids,
            exclude,
        };
        Ok(Self {
            saved,
            notes,
            journal,
        })
    }

    fn run(&self, client: &Client, arguments: &RevokeArguments) -> RevokeMany {
        let pace = &arguments.pace;
        let mut run = client
            .revoke_many(self.saved.ids.clone())
            .options(self.saved.options.clone())
            .exclude(self.saved.exclude.iter().cloned())
            .share(pace.share)
            .concurrency(pace.concurrency)
            .keep_going(pace.keep_going);
        if let Some(limit) = pace.deadline {
            run = run.deadline(limit);
        }
        match &self.journal {
            Journal::Given(file) => run.journal(file),
            Journal::Kept(kept) => run.journal(&kept.journal),
            Journal::None | Journal::New(_) => run,
        }
    }

    fn show(&self, config: &Config, plan: &Plan, arguments: &RevokeArguments) {
        let asks = self.asks(plan, arguments);
        if asks || arguments.dry_run || (self.is_list(arguments) && !arguments.output.quiet) {
            self.notes.iter().for_each(say);
            let facts = plan::Facts {
                mode: config.authorization_mode().ok(),
                options: &self.saved.options,
                journal: self.journal.to_string(),
                share: arguments.pace.share,
            };
            plan::show(plan, &facts);
        }
        plan::warn(plan);
    }

    /// Refuses what is likely a mistake.
    fn check(&self, plan: &Plan, arguments: &RevokeArguments) -> Result<(), String> {
        // A run that is resumed passed this when it began.
        let allowed = arguments.list.allow_unmatched_exclusions || arguments.journal.resume;
        if !plan.unmatched_exclusions.is_empty() && !allowed {
            return Err(
                "nothing was sent: an exclusion matches none of the users, so somebody may not be \
                 protected; correct it, or give --allow-unmatched-exclusions"
                    .into(),
            );
        }
        if !arguments.users.is_empty() && !plan.refused.is_empty() {
            return Err("nothing was sent; correct the ids above".into());
        }
        Ok(())
    }

    /// Typing the id of one user is enough of a confirmation.
    fn asks(&self, plan: &Plan, arguments: &RevokeArguments) -> bool {
        plan.users > 0 && !arguments.yes && !arguments.dry_run && self.is_list(arguments)
    }

    fn is_list(&self, arguments: &RevokeArguments) -> bool {
        arguments.users.len() != 1
    }

    fn open_journal(&mut self) -> Result<(), String> {
        if let Journal::New(folder) = &self.journal {
            self.journal = Journal::Kept(folder.save(&self.saved)?);
        }
        Ok(())
    }

    /// The files that a report must not overwrite.
    fn own_files<'a>(&'a self, arguments: &'a RevokeArguments) -> Vec<&'a Path> {
        let list = &arguments.list;
        let mut files: Vec<&Path> = Vec::new();
        files.extend(list.file.as_deref());
        files.extend(list.exclude.as_deref());
        files.extend(arguments.settings.config.as_deref());
        match &self.journal {
            Journal::Given(file) => files.push(file),
            Journal::Kept(kept) => files.push(&kept.journal),
            Journal::None | Journal::New(_) => {}
        }
        files
    }

    fn conclude(&self, report: &Report, invalid_ids: usize, arguments: &RevokeArguments) {
        let finished = is_finished(report, invalid_ids);
        if let Journal::Kept(kept) = &self.journal
            && finished
            && let Err(error) = kept.finished()
        {
            say(format_args!("warning: {}: {error}", kept.journal.display()));
        }
        if arguments.output.quiet && report.is_complete() {
            return;
        }
        let repeat = arguments.output.verbose && self.saved.ids.len() > 1;
        summary::conclude(report, repeat);
        if report.counts.revoked > 0 && !arguments.output.quiet {
            summary::caveats(report);
        }
        if finished {
            return;
        }
        match &self.journal {
            Journal::Kept(_) => say(format_args!("to resume: {}", resume(arguments))),
            Journal::Given(_) => say(format_args!(
                "to resume, repeat the command{}: {}",
                match &arguments.list.file {
                    Some(file) if file.as_os_str() == "-" => " with the same standard input",
                    _ => "",
                },
                same_command()
            )),
            Journal::None | Journal::New(_) => {
                say("to try again, repeat the command; revoking twice is safe")
            }
        }
    }
}

impl std::fmt::Display for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Journal::None => f.write_str("none: a run that is cut off cannot be resumed"),
            Journal::Given(file) => file.display().fmt(f),
            Journal::New(folder) => write!(f, "a new file in {}", folder.path().display()),
            Journal::Kept(kept) => kept.journal.display().fmt(f),
        }
    }
}

/// Whether repeating the run would do nothing new: every user got a response from Okta, or
/// has an id that cannot be sent.
fn is_finished(report: &Report, invalid_ids: usize) -> bool {
    let not_reached = report.counts.not_attempted > invalid_ids as u64;
    let open = not_reached || report.not_revoked.iter().any(may_succeed_later);
    report.finished && report.stopped.is_none() && !open
}

/// Whether what kept the user from being revoked passes.
fn may_succeed_later(user: &UserOutcome) -> bool {
    match user.outcome {
        Outcome::Unknown => true,
        Outcome::Rejected => user.status == Some(429),
        _ => false,
    }
}

/// The org as the library names it.
async fn org(client: &Client) -> Result<String, Error> {
    let nobody = client.revoke_many(Vec::<String>::new());
    Ok(nobody.plan().await?.org)
}

fn resume(arguments: &RevokeArguments) -> String {
    let mut words = vec![
        "okta-sessions".to_owned(),
        "revoke".into(),
        "--resume".into(),
    ];
    if let Some(file) = &arguments.settings.config {
        words.extend(["--config".into(), file.display().to_string()]);
    }
    if arguments.settings.no_config {
        words.push("--no-config".into());
    }
    command_line(words.iter().map(String::as_str))
}

/// The command as it was typed. It holds no secret: no option takes one.
fn same_command() -> String {
    let words: Vec<_> = env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    command_line(words.iter().map(String::as_str))
}

/// Writes the report. A signal ends this too, since writing to a pipe that nobody reads
/// blocks.
async fn write_report(
    report: &Report,
    outcomes: &[UserOutcome],
    arguments: &RevokeArguments,
    signals: &mut Signals,
) -> bool {
    let Some(path) = &arguments.output.report else {
        return true;
    };
    let text = match path.extension() {
        Some(extension) if extension.eq_ignore_ascii_case("csv") => report.to_csv(),
        _ if is_html(path) => html::page(report, outcomes, &same_command()),
        _ => report.to_json(),
    };
    let file = path.clone();
    let written = tokio::select! {
        written = spawn_blocking(move || output::report::write(&file, &text)) => written,
        () = signals.next() => {
            say(format_args!("error: the report {} was not written", path.display()));
            process::exit(Exit::NotDone.status().into());
        }
    };
    match written.map_err(io::Error::other).flatten() {
        Ok(()) => true,
        Err(error) => {
            say(format_args!(
                "error: the report {}: {error}",
                path.display()
            ));
            false
        }
    }
}

fn is_html(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    ["html", "htm"]
        .iter()
        .any(|html| extension.eq_ignore_ascii_case(html))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_refused_by_the_rate_limit_is_left_to_be_resumed() {
        for (outcome, open) in [
            (r#""outcome":"rejected","status":429"#, true),
            (r#""outcome":"rejected","status":400"#, false),
            (r#""outcome":"unknown""#, true),
            (r#""outcome":"forbidden","status":403"#, false),
        ] {
            let user = format!(r#"{{"user":"00u1","attempts":1,{outcome}}}"#);
            let user = serde_json::from_str(&user).unwrap();
            assert_eq!(may_succeed_later(&user), open, "{outcome}");
        }
    }
}
