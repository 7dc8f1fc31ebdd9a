//! Ends the sessions of the user whose session cookie is given.
//!
//! `cargo run --example end_sessions -- --help` says where its settings come
//! from.

mod support;

use std::process::ExitCode;

use clap::Parser;
use okta_user_sessions::SessionClient;

/// End the signed-in user's own sessions, by Okta's default all but the one
/// whose cookie is given.
#[derive(Parser)]
#[command(after_help = support::SETTINGS)]
struct Arguments {
    /// Whether the session whose cookie is given stays
    #[arg(long, value_name = "true|false")]
    keep_current: Option<bool>,

    /// A Trusted Origin of the org, where it wants one beside the cookie
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let client = match client(arguments.origin) {
        Ok(client) => client,
        Err(reason) => return support::refused(reason),
    };
    let mut call = client.end_user_sessions();
    if let Some(keep) = arguments.keep_current {
        call = call.keep_current(keep);
    }
    ExitCode::from(support::print("ended", "own sessions", &call.await))
}

fn client(origin: Option<String>) -> Result<SessionClient, String> {
    let mut credentials = support::session_credentials()?;
    if let Some(origin) = origin {
        credentials = credentials.origin(origin);
    }
    support::configure(SessionClient::builder)?
        .credentials(credentials)
        .build()
        .map_err(|error| error.to_string())
}
