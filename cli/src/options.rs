//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use okta_user_sessions::options::{EndUserSessionsOptions, RevokeUserSessionsOptions};

use crate::{exit, flags::Flags};

/// Cut off Okta users: revoke their sessions, one account or thousands.
///
/// A user counts as revoked only if Okta confirmed it. Revoking ends identity-provider
/// sessions. Sessions that web and native apps keep for themselves go on until they next
/// check with Okta, the users' API tokens keep working, and the users can sign in again:
/// to keep them out, suspend or deactivate them first.
#[derive(Debug, Parser)]
#[command(name = "okta-sessions", version, after_help = SETTINGS)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Revoke all identity-provider sessions of users
    ///
    /// Give the users' ids, or a list with --file. The tool shows what it is about to do and
    /// asks first, unless it is about one user whose id was typed.
    #[command(after_help = exit::HELP, override_usage = REVOKE_USAGE)]
    Revoke(Box<RevokeArguments>),
    /// End the sessions of the user whose session cookie is given
    ///
    /// By Okta's default, the session with this cookie stays.
    #[command(after_help = exit::HELP)]
    End(EndArguments),
    /// Show the settings that apply and where they come from, without secrets
    Config(SettingsArguments),
    /// Say in words what a run's journal says, and who was not revoked
    Journal(JournalArguments),
    /// Print the completions of a shell
    Completions(CompletionsArguments),
    /// Print the manual page, or that of a command
    Man(ManArguments),
}

#[derive(Args, Debug)]
pub struct RevokeArguments {
    /// The users' ids or logins, like 00ub0oNGTSWTBKOLGLNR or ada@acme.com
    #[arg(value_name = "USER_ID", required_unless_present_any = ["file", "resume"])]
    pub users: Vec<String>,

    #[command(flatten)]
    pub options: Flags<RevokeUserSessionsOptions>,

    /// Show what would be done, and send nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask for confirmation
    #[arg(long)]
    pub yes: bool,

    #[command(flatten)]
    pub list: ListArguments,

    #[command(flatten)]
    pub journal: JournalChoice,

    #[command(flatten)]
    pub pace: Pace,

    #[command(flatten)]
    pub output: OutputArguments,

    #[command(flatten)]
    pub settings: SettingsArguments,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Who")]
pub struct ListArguments {
    /// A list of users; - is standard input. CSV, TSV, JSON, or one id a line; Okta's
    /// exports and this tool's reports as they are
    #[arg(long, value_hint = ValueHint::FilePath, conflicts_with = "users")]
    pub file: Option<PathBuf>,

    /// The column of the list that has the ids, by its name or its number from 1
    #[arg(long, requires = "file")]
    pub column: Option<String>,

    /// A list of users not to revoke, such as break-glass accounts and yourself
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub exclude: Option<PathBuf>,

    /// Continue even if an excluded user is not among the users. A login does not
    /// exclude the id of the same user
    #[arg(long, requires = "exclude")]
    pub allow_unmatched_exclusions: bool,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Journal")]
pub struct JournalChoice {
    /// Record requests and responses in this file: the same command with the same file
    /// resumes the run. Without this, a run of several users has a journal in the user's
    /// state folder
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub journal: Option<PathBuf>,

    /// Keep no journal: a run that is cut off cannot be resumed
    #[arg(long, conflicts_with = "journal")]
    pub no_journal: bool,

    /// Resume the newest run of this org in the state folder that is not finished, with
    /// its users, exclusions and options
    #[arg(long, conflicts_with_all = ["users", "file", "exclude", "journal", "no_journal"])]
    pub resume: bool,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Pace")]
pub struct Pace {
    /// The part of the org's rate limit to use, above 0 and at most 1
    #[arg(long, default_value_t = 0.5, value_parser = share)]
    pub share: f64,

    /// How many users are in flight at once
    #[arg(long, default_value_t = 32)]
    pub concurrency: usize,

    /// How long the run may take, like 30m. Users who are not done by then are reported
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub deadline: Option<Duration>,

    /// Try every user, however many are refused or get no response. Without this, the run
    /// stops when nobody can be revoked
    #[arg(long)]
    pub keep_going: bool,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
        _ => Err("must be above 0 and at most 1, like 0.5".into()),
    }
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
pub struct OutputArguments {
    /// What is printed to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub output: Format,

    /// Write a report: .html for people, .csv of the users not revoked, otherwise JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub report: Option<PathBuf>,

    /// Print every user, and the causes of an error
    #[arg(short, long)]
    pub verbose: bool,

    /// Print only users who were not revoked, and errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: users who were not revoked; all with --verbose, or if it is only one
    Text,
    /// Every user as a line of JSON
    Json,
    /// Every user as a row
    Csv,
}

#[derive(Args, Debug)]
pub struct EndArguments {
    #[command(flatten)]
    pub options: Flags<EndUserSessionsOptions>,

    /// A Trusted Origin of the org, if it requires one in addition to the cookie
    #[arg(long, value_name = "URL")]
    pub origin: Option<String>,

    /// Print the causes of an error
    #[arg(short, long)]
    pub verbose: bool,

    #[command(flatten)]
    pub settings: SettingsArguments,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Settings")]
pub struct SettingsArguments {
    /// Read the settings from this file and the environment only
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Read the settings from the environment only
    #[arg(long, conflicts_with = "config")]
    pub no_config: bool,
}

#[derive(Args, Debug)]
pub struct JournalArguments {
    /// The journal
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
}

#[derive(Args, Debug)]
pub struct CompletionsArguments {
    pub shell: Shell,
}

#[derive(Args, Debug)]
pub struct ManArguments {
    /// The command, like revoke
    pub command: Option<String>,
}

const REVOKE_USAGE: &str = "\
okta-sessions revoke [OPTIONS] USER_ID...
       okta-sessions revoke [OPTIONS] --file FILE
       okta-sessions revoke [OPTIONS] --resume";

const SETTINGS: &str = "\
Settings; later sources override earlier ones:
  1. ~/.okta/okta.yaml
  2. okta.yaml, .okta.yaml or .okta/okta.yaml, the nearest from here upward
  3. the environment:
  OKTA_CLIENT_ORGURL                     https://acme.okta.com
  OKTA_CLIENT_TOKEN                      an API token (revoke)
  OKTA_CLIENT_ACCESSTOKEN                or an OAuth 2.0 access token
  OKTA_CLIENT_CLIENTID                   or a service app (revoke): its client id,
  OKTA_CLIENT_PRIVATEKEY                 private key (PEM, JWK or a file's path),
  OKTA_CLIENT_PRIVATEKEYID               key id, if it is not in the JWK, and
  OKTA_CLIENT_SCOPES                     scopes; okta.users.manage if not set
  OKTA_CLIENT_AUTHORIZATIONMODE          SSWS, Bearer or PrivateKey, if several
                                         of these are set
  OKTA_SESSION_COOKIE                    \"idx=...\" or \"sid=...\" (end)
  OKTA_CLIENT_RATELIMIT_MAXRETRIES       retries of a call; 0: one send
  OKTA_CLIENT_CONNECTIONTIMEOUT          limit of connecting, in seconds
  OKTA_CLIENT_REQUESTTIMEOUT             limit of a whole call, in seconds
  OKTA_CLIENT_PROXY_HOST, _PORT, _USERNAME, _PASSWORD
  OKTA_CLIENT_CACERTIFICATES             a PEM file of authorities to trust
  OKTA_CLIENT_CLIENTCERTIFICATE          a PEM file of certificate and key
  OKTA_TESTING_TESTINGDISABLEHTTPSCHECK  true: allow http to this machine
The files hold the same keys, like okta.client.orgUrl. `okta-sessions config` shows
which apply, and where they come from.";

pub fn command() -> clap::Command {
    Arguments::command()
}

impl RevokeArguments {
    /// Refuses what clap accepts, but would not do what it looks like.
    pub fn check(&self) -> Result<(), String> {
        // It may come after --, or have a dash that a word processor inserted.
        let dashes = [
            '-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2015}', '\u{2212}',
        ];
        if let Some(id) = self.users.iter().find(|id| id.starts_with(dashes)) {
            return Err(format!(
                "{id:?} is among the ids but looks like an option; type options with two hyphens, before any --"
            ));
        }
        if let Some(id) = self.users.iter().find(|id| self.options.is_value(id)) {
            return Err(format!(
                "{id:?} is among the ids but looks like the value of an option; write it with an equals sign, like --oauth-tokens={id}"
            ));
        }
        if self.dry_run && self.output.report.is_some() {
            return Err("--report has nothing to record with --dry-run; leave one out".into());
        }
        if self.journal.resume && self.options != Flags::default() {
            return Err(
                "--resume continues with the options of the run; leave the others out".into(),
            );
        }
        Ok(())
    }
}
