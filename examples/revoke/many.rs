//! A run of many users: plan, confirmation, progress, report.

use std::{
    fs::{self, OpenOptions},
    io::{self, BufRead, IsTerminal, Write},
    path::Path,
    pin::pin,
    process::{self, ExitCode},
    time::{Duration, SystemTime},
};

use indicatif::{ProgressBar, ProgressStyle};
use okta_user_sessions::{Client, Outcome, Plan, Progress, Report, RevokeMany, Run, UserOutcome};
use tokio::{signal::ctrl_c, task::spawn_blocking, time::interval};

use crate::{Arguments, input, support};

const MINUTE: Duration = Duration::from_secs(60);

pub async fn revoke(client: &Client, arguments: &Arguments, file: &Path) -> ExitCode {
    let many = &arguments.many;
    let ids = match input::ids(file) {
        Ok(ids) => ids,
        Err(problem) => return support::refused(problem),
    };
    let exclude = match many.exclude.as_deref().map(input::ids).transpose() {
        Ok(exclude) => exclude.unwrap_or_default(),
        Err(problem) => return support::refused(problem),
    };
    let prepare = || prepare(client, arguments, &ids, &exclude);
    let plan = match prepare().plan().await {
        Ok(plan) => plan,
        Err(error) => return support::refused(error),
    };
    show(&plan, many.share);
    if many.dry_run {
        return ExitCode::SUCCESS;
    }
    if plan.users > 0 && !many.yes && !confirmed(&plan) {
        return support::refused("nothing was sent: not confirmed; answer y, or give --yes");
    }
    let needed = [Some(file), many.exclude.as_deref(), many.journal.as_deref()];
    if let Some(path) = &many.report
        && let Err(problem) = writable(path, needed)
    {
        return support::refused(format_args!("the report {}: {problem}", path.display()));
    }
    let mut run = match prepare().start() {
        Ok(run) => run,
        Err(error) => return support::refused(error),
    };
    let printed = follow(&mut run).await;
    let report = run.report();
    conclude(&report);
    let kept = keep(&report, many.report.as_deref()).await;
    ExitCode::from(match (report.is_complete(), report.requests) {
        (true, _) if printed && kept => 0,
        (false, 0) => support::NOTHING_SENT,
        _ => support::NOT_DONE,
    })
}

/// Checks that the report can be written, and overwrites none of the run's own files.
fn writable(report: &Path, needed: [Option<&Path>; 3]) -> Result<(), String> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(report)
        .map_err(|error| error.to_string())?;
    for other in needed.into_iter().flatten() {
        let other = if other.as_os_str() == "-" {
            Path::new("/dev/stdin")
        } else {
            other
        };
        if is_same_file(report, other) {
            return Err("the run needs this file for something else; name another file".into());
        }
    }
    Ok(())
}

/// Whether both are the same file, even by different names and links.
#[cfg(unix)]
fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let identity = |path| {
        let file = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some((file.dev(), file.ino()))
    };
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

#[cfg(not(unix))]
fn is_same_file(one: &Path, other: &Path) -> bool {
    let real = |path| fs::canonicalize(path).ok();
    real(one).is_some_and(|one| real(other) == Some(one))
}

fn prepare(
    client: &Client,
    arguments: &Arguments,
    ids: &[String],
    exclude: &[String],
) -> RevokeMany {
    let many = &arguments.many;
    let mut run = client
        .revoke_many(ids.to_vec())
        .options(arguments.options.0.clone())
        .exclude(exclude.iter().cloned())
        .share(many.share)
        .concurrency(many.concurrency);
    if let Some(limit) = many.deadline {
        run = run.deadline(limit);
    }
    if let Some(journal) = &many.journal {
        run = run.journal(journal);
    }
    run
}

fn show(plan: &Plan, share: f64) {
    support::say(format_args!(
        "{} users to revoke in {}",
        plan.users, plan.org
    ));
    for (count, what) in [
        (plan.duplicates, "ids given more than once, sent once"),
        (plan.excluded, "ids excluded"),
    ] {
        if count > 0 {
            support::say(format_args!("{count} {what}"));
        }
    }
    for id in &plan.unmatched_exclusions {
        support::say(format_args!(
            "warning: the exclusion {id:?} matches none of the ids"
        ));
    }
    for (_, error) in &plan.refused {
        support::say(format_args!("refused, not sent: {error}"));
    }
    if let Some(since) = &plan.resumed_from {
        let before = plan.already_revoked;
        support::say(format_args!(
            "resumes the run of {}: {before} users were revoked then and are skipped",
            humantime::format_rfc3339_millis(*since)
        ));
    }
    let expected = shortest(plan.users, 600, share);
    support::say(format_args!(
        "the rate limit is known after the first response; at 600 requests a minute the run takes {} or more",
        humantime::format_duration(expected)
    ));
}

/// The shortest time that a run can take if the org allows `limit` requests a minute.
fn shortest(users: u64, limit: u64, share: f64) -> Duration {
    // The cast saturates, so a float out of range is harmless.
    let each = ((limit as f64 * share) as u64).max(1);
    let waits = users.div_ceil(each).saturating_sub(1);
    MINUTE.saturating_mul(u32::try_from(waits).unwrap_or(u32::MAX))
}

fn confirmed(plan: &Plan) -> bool {
    if !io::stdin().is_terminal() {
        return false;
    }
    let _ = write!(
        io::stderr(),
        "Revoke the sessions of {} users in {}? [y/N] ",
        plan.users,
        plan.org
    );
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

/// Prints each outcome and the progress. Returns whether everything could be printed:
/// nobody knows of a result that could not.
async fn follow(run: &mut Run) -> bool {
    let handle = run.handle();
    let show = Show::new();
    let mut tick = interval(Duration::from_millis(250));
    // Kept across iterations: a new one would miss a signal from before its first poll.
    let mut interrupt = pin!(ctrl_c());
    let mut cancelled = false;
    let mut printed = true;
    loop {
        tokio::select! {
            outcome = run.next() => match outcome {
                Some(outcome) => printed &= show.outcome(&outcome),
                None => break,
            },
            _ = tick.tick() => show.progress(&handle.progress()),
            signal = &mut interrupt => {
                if signal.is_err() || cancelled {
                    // Requests in flight are in the journal, if there is one.
                    process::exit(support::NOT_DONE.into());
                }
                cancelled = true;
                interrupt.set(ctrl_c());
                handle.cancel();
                show.say("stopping: waiting for requests in flight; press Ctrl-C again to leave at once");
            }
        }
    }
    show.finish(&handle.progress());
    printed
}

/// A bar on a terminal, lines elsewhere.
struct Show {
    bar: Option<ProgressBar>,
    last_line: std::cell::Cell<Option<SystemTime>>,
}

impl Show {
    fn new() -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self {
            bar,
            last_line: None.into(),
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => support::say(text),
        }
    }

    fn outcome(&self, user: &UserOutcome) -> bool {
        let mut facts = Vec::new();
        facts.extend(user.status.map(|status| format!("status {status}")));
        if user.attempts > 1 {
            facts.push(format!("{} attempts", user.attempts));
        }
        facts.extend(
            user.request_id
                .as_deref()
                .map(|id| format!("request id {id}")),
        );
        facts.extend(
            user.reason
                .clone()
                .filter(|_| user.outcome != Outcome::Revoked),
        );
        // The id is as given, and may contain terminal control characters.
        let line = format!(
            "{} {} ({})",
            user.outcome,
            user.user.escape_debug(),
            facts.join(", ")
        );
        let print = || writeln!(io::stdout(), "{line}").is_ok();
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn progress(&self, progress: &Progress) {
        const BETWEEN_LINES: Duration = Duration::from_secs(5);

        match &self.bar {
            Some(bar) => {
                bar.set_length(progress.total.unwrap_or_default());
                bar.set_position(progress.counts.done());
                bar.set_message(state(progress));
            }
            None => {
                let now = SystemTime::now();
                let last = self.last_line.get().unwrap_or(SystemTime::UNIX_EPOCH);
                if now
                    .duration_since(last)
                    .is_ok_and(|since| since >= BETWEEN_LINES)
                {
                    self.last_line.set(Some(now));
                    support::say(format_args!(
                        "{} done, {}",
                        progress.counts.done(),
                        state(progress)
                    ));
                }
            }
        }
    }

    fn finish(&self, progress: &Progress) {
        if let Some(bar) = &self.bar {
            self.progress(progress);
            bar.finish();
        }
    }
}

fn state(progress: &Progress) -> String {
    let seconds_to = |time: SystemTime| {
        let left = time.duration_since(SystemTime::now()).unwrap_or_default();
        humantime::format_duration(Duration::from_secs(left.as_secs()))
    };
    let mut text = format!(
        "{} in flight, {} not revoked",
        progress.in_flight,
        progress.counts.not_revoked()
    );
    if let Some(waiting) = &progress.waiting {
        text += &format!(
            ", waiting {}: {}",
            seconds_to(waiting.until),
            waiting.reason
        );
    }
    if let Some(end) = progress.expected_end {
        text += &format!(", {} or more to go", seconds_to(end));
    }
    text
}

/// Writes the report. Ctrl-C ends this too, since writing to a pipe that nobody reads
/// blocks.
async fn keep(report: &Report, path: Option<&Path>) -> bool {
    let Some(path) = path else {
        return true;
    };
    let csv = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let text = if csv {
        report.to_csv()
    } else {
        report.to_json()
    };
    let file = path.to_owned();
    let written = tokio::select! {
        written = spawn_blocking(move || fs::write(file, text)) => written,
        _ = ctrl_c() => {
            support::say(format_args!("error: the report {} was not written", path.display()));
            process::exit(support::NOT_DONE.into());
        }
    };
    match written.map_err(io::Error::other).flatten() {
        Ok(()) => true,
        Err(error) => {
            support::say(format_args!(
                "error: the report {}: {error}",
                path.display()
            ));
            false
        }
    }
}

fn conclude(report: &Report) {
    support::say(format_args!("{}", report.summary()));
    if let Some(reason) = report.stopped {
        let because = report
            .stop_detail
            .as_deref()
            .map(|text| format!(": {text}"));
        support::say(format_args!(
            "stopped early: {reason}{}",
            because.unwrap_or_default()
        ));
    }
    for text in &report.caveats {
        support::say(format_args!("note: {text}"));
    }
}
