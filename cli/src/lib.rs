//! The program `okta-sessions`, as a library for its own tests only.

mod documents;
mod end;
mod exit;
mod flags;
mod follow;
mod formula;
mod input;
mod journals;
mod options;
mod output;
mod revoke;
mod settings;
mod signals;

use std::process::ExitCode;

use clap::FromArgMatches;
use exit::Exit;
use options::{Arguments, Command};
use output::say;

/// The command line, from which help, man page and completions are made.
#[must_use]
pub fn command() -> clap::Command {
    options::command()
}

/// Does what the command line says.
pub async fn run() -> ExitCode {
    let matches = command().get_matches();
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    settings::print_warnings();
    let result = match arguments.command {
        Command::Revoke(arguments) => revoke::revoke(&arguments).await,
        Command::End(arguments) => end::end(arguments).await,
        Command::Config(arguments) => settings::explain(&arguments),
        Command::Journal(arguments) => journals::explain(&arguments.file),
        Command::Completions(arguments) => documents::completions(arguments.shell),
        Command::Man(arguments) => documents::man_page(arguments.command.as_deref()),
    };
    let exit = result.unwrap_or_else(|refused| {
        say(format_args!("error: {refused}"));
        Exit::NothingSent
    });
    exit.into()
}
