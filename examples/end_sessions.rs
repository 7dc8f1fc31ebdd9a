//! Ends the sessions of the user whose session cookie is given.
//!
//! `cargo run --example end_sessions -- --help` says where its settings come
//! from.

mod support;

use std::process::ExitCode;

use clap::Parser;
use okta_user_sessions::{Config, Error, SessionClient, options::EndUserSessionsOptions};
use support::flags::Flags;

/// End the signed-in user's own sessions, by Okta's default all but the one
/// whose cookie is given.
#[derive(Parser)]
#[command(after_help = support::SETTINGS)]
struct Arguments {
    #[command(flatten)]
    options: Flags<EndUserSessionsOptions>,

    /// A Trusted Origin of the org, if it requires one in addition to the cookie
    #[arg(long, value_name = "URL")]
    origin: Option<String>,

    /// Print the settings and where they come from, and send nothing
    #[arg(long)]
    explain_settings: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = match Config::load() {
        Ok(config) => config,
        Err(error) => return support::refused(error),
    };
    if arguments.explain_settings {
        return support::explain(&config);
    }
    let client = match client(&config, arguments.origin) {
        Ok(client) => client,
        Err(error) => return support::refused(error),
    };
    let call = client.end_user_sessions().options(arguments.options.0);
    ExitCode::from(support::print("ended", "own sessions", &call.await))
}

fn client(config: &Config, origin: Option<String>) -> Result<SessionClient, Error> {
    let mut builder = SessionClient::builder_from_config(config)?.on_wait(support::say_wait);
    if let Some(origin) = origin {
        builder = builder.credentials(config.session_credentials()?.origin(origin));
    }
    builder.build()
}
