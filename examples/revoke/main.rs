//! Revokes the sessions of users: `revoke USER_ID...`, or `revoke --file FILE`
//! for many, with a plan, a journal and a report.
//!
//! `cargo run --example revoke -- --help` lists all options.

#[path = "../support/mod.rs"]
mod support;

mod input;
mod many;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, CommandFactory, FromArgMatches, Parser, parser::ValueSource};
use okta_user_sessions::{Client, Config, Error, UserId, options::RevokeUserSessionsOptions};
use support::flags::Flags;

/// Revoke every identity-provider session of users.
///
/// Sessions that web and native apps keep for themselves stay valid, and so do the
/// users' own API tokens.
#[derive(Parser)]
#[command(after_help = support::SETTINGS)]
struct Arguments {
    /// The users' ids, like 00ub0oNGTSWTBKOLGLNR
    #[arg(required_unless_present_any = ["explain_settings", "file"], value_name = "USER_ID")]
    users: Vec<String>,

    #[command(flatten)]
    options: Flags<RevokeUserSessionsOptions>,

    /// Print the settings and where they come from, and send nothing
    #[arg(long)]
    explain_settings: bool,

    #[command(flatten)]
    many: Many,
}

/// For many users. The same command with the same journal resumes a run.
#[derive(Args)]
#[command(next_help_heading = "Many users")]
struct Many {
    /// CSV with a column id or userId, or one id a line; - is standard input
    #[arg(long)]
    file: Option<PathBuf>,

    /// A file of users not to revoke, in the same format
    #[arg(long, value_name = "FILE")]
    exclude: Option<PathBuf>,

    /// Show what would be done, and send nothing
    #[arg(long)]
    dry_run: bool,

    /// The part of the org's rate limit to use, above 0 and at most 1
    #[arg(long, default_value_t = 0.5)]
    share: f64,

    /// How many users are in flight at once
    #[arg(long, default_value_t = 32)]
    concurrency: usize,

    /// How long the run may take, like 30m
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    deadline: Option<Duration>,

    /// Record requests and responses, so that the run can be resumed
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,

    /// Write a report: CSV of the users not revoked if the name ends in .csv, otherwise
    /// JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

impl Arguments {
    /// Refuses options that would have no effect. clap's `requires` does not: it is ignored
    /// if the required option conflicts with another.
    fn check(&self, matches: &clap::ArgMatches) -> Result<(), String> {
        if self.explain_settings {
            return Ok(());
        }
        if self.many.dry_run && self.many.report.is_some() {
            return Err("--report has nothing to record with --dry-run; leave one out".into());
        }
        if self.users.is_empty() {
            return Ok(());
        }
        let for_many = Many::augment_args(clap::Command::new("many"));
        let ignored: Vec<_> = for_many
            .get_arguments()
            .filter(|option| {
                matches.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine)
            })
            .filter_map(|option| Some(format!("--{}", option.get_long()?)))
            .collect();
        if !ignored.is_empty() {
            return Err(format!(
                "nothing was sent: {} cannot be given together with ids; put the ids in a file, \
                 one a line, and name it with --file",
                ignored.join(", ")
            ));
        }
        // It may come after --, or have a dash that a word processor inserted.
        let option = |id: &&String| {
            id.starts_with([
                '-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2015}',
                '\u{2212}',
            ])
        };
        if let Some(id) = self.users.iter().find(option) {
            return Err(format!(
                "nothing was sent: {id:?} is among the ids but looks like an option; type \
                 options with two hyphens, before any --"
            ));
        }
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let matches = Arguments::command().get_matches();
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    if let Err(problem) = arguments.check(&matches) {
        return support::refused(problem);
    }
    let config = match Config::load() {
        Ok(config) => config,
        Err(error) => return support::refused(error),
    };
    if arguments.explain_settings {
        return support::explain(&config);
    }
    // A run of many users reports its waits itself.
    let observed = arguments.many.file.is_none();
    let client = match client(&config, observed) {
        Ok(client) => client,
        Err(error) => return support::refused(error),
    };
    match &arguments.many.file {
        Some(file) => many::revoke(&client, &arguments, file).await,
        None => one_by_one(&client, arguments).await,
    }
}

async fn one_by_one(client: &Client, arguments: Arguments) -> ExitCode {
    // All ids are checked before the first request is sent.
    let (users, refused): (Vec<_>, Vec<_>) = arguments
        .users
        .into_iter()
        .map(UserId::new)
        .partition(Result::is_ok);
    for error in refused.iter().flat_map(|refused| refused.as_ref().err()) {
        support::say(format_args!("error: {error}"));
    }
    if !refused.is_empty() {
        return support::refused("nothing was sent; correct the ids above");
    }

    let mut status = 0;
    for user in users.into_iter().flatten() {
        let call = client.revoke_user_sessions(user.clone());
        let call = call.options(arguments.options.0.clone());
        status = status.max(support::print("revoked", user.as_str(), &call.await));
    }
    ExitCode::from(status)
}

fn client(config: &Config, observed: bool) -> Result<Client, Error> {
    let builder = Client::builder_from_config(config)?;
    let builder = if observed {
        builder.on_wait(support::say_wait)
    } else {
        builder
    };
    builder.build()
}
