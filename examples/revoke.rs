//! Revokes the sessions of users, by id: `revoke USER_ID...`
//!
//! `cargo run --example revoke -- --help` says where its settings come from.

mod support;

use std::process::ExitCode;

use clap::Parser;
use okta_user_sessions::{Client, Config, Error, UserId};

/// Revoke every identity-provider session of users.
///
/// Sessions that web and native apps made for themselves go on, and so do the
/// users' own API tokens.
#[derive(Parser)]
#[command(after_help = support::SETTINGS)]
struct Arguments {
    /// The users' ids, like 00ub0oNGTSWTBKOLGLNR
    #[arg(required_unless_present = "explain_settings", value_name = "USER_ID")]
    users: Vec<String>,

    /// Also revoke the refresh and access tokens issued to the users
    #[arg(long, value_name = "true|false")]
    oauth_tokens: Option<bool>,

    /// Also forget the factors remembered for the users' devices
    #[arg(long, value_name = "true|false")]
    forget_devices: Option<bool>,

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
        print!("{}", config.explain());
        return ExitCode::SUCCESS;
    }
    let client = match client(&config) {
        Ok(client) => client,
        Err(error) => return support::refused(error),
    };
    // All ids are looked at before the first is sent.
    let (users, refused): (Vec<_>, Vec<_>) = arguments
        .users
        .into_iter()
        .map(UserId::new)
        .partition(Result::is_ok);
    for error in refused.iter().flat_map(|refused| refused.as_ref().err()) {
        eprintln!("error: {error}");
    }
    if !refused.is_empty() {
        return support::refused("nothing was sent; correct the ids above");
    }

    let mut status = 0;
    for user in users.into_iter().flatten() {
        let mut call = client.revoke_user_sessions(user.clone());
        if let Some(revoke) = arguments.oauth_tokens {
            call = call.oauth_tokens(revoke);
        }
        if let Some(forget) = arguments.forget_devices {
            call = call.forget_devices(forget);
        }
        status = status.max(support::print("revoked", user.as_str(), &call.await));
    }
    ExitCode::from(status)
}

fn client(config: &Config) -> Result<Client, Error> {
    Client::builder_from_config(config)?
        .on_wait(support::say_wait)
        .build()
}
