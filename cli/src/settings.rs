//! The settings, and what is wrong with them.

use std::io::{self, Write};

use okta_user_sessions::{Config, ConfigSources, Error};
use tracing_subscriber::filter::LevelFilter;

use crate::{exit::Exit, options::SettingsArguments};

impl SettingsArguments {
    pub fn load(&self) -> Result<Config, Error> {
        let sources = ConfigSources::system()?;
        let sources = match &self.config {
            Some(file) => sources.with_file(file),
            None if self.no_config => sources.without_files(),
            None => sources,
        };
        Config::load_from(&sources)
    }
}

/// Prints the library's warnings, like that of a file that others can change.
pub fn print_warnings() {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        // It would panic where standard error cannot be written.
        .log_internal_errors(false)
        .without_time()
        .init();
}

/// Prints the settings, which sends nothing.
pub fn explain(arguments: &SettingsArguments) -> Result<Exit, String> {
    let config = arguments.load().map_err(|error| error.to_string())?;
    write!(io::stdout(), "{}", config.explain())
        .map_err(|error| format!("standard output: {error}"))?;
    Ok(Exit::Done)
}
