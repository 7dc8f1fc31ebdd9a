//! Ending the caller's own sessions.

use std::io::{self, Write};

use okta_user_sessions::{Config, Effect, Error, ErrorKind, Receipt, SessionClient};

use crate::{
    exit::Exit,
    options::EndArguments,
    output::{self, say},
};

pub async fn end(arguments: EndArguments) -> Result<Exit, String> {
    let verbose = arguments.verbose;
    let refused = |error: Error| output::with_causes(&error, verbose);
    let config = arguments.settings.load().map_err(refused)?;
    let client = client(&config, arguments.origin).map_err(refused)?;
    let call = client.end_user_sessions().options(arguments.options.0);
    Ok(print(&call.await, verbose))
}

fn client(config: &Config, origin: Option<String>) -> Result<SessionClient, Error> {
    let mut builder = SessionClient::builder_from_config(config)?.on_wait(|event| {
        say(format_args!(
            "waiting {:.1} s: {}",
            event.wait.as_secs_f64(),
            event.reason
        ));
    });
    if let Some(origin) = origin {
        builder = builder.credentials(config.session_credentials()?.origin(origin));
    }
    builder.build()
}

/// Prints the result to standard output, and what to do about an error to standard error.
fn print(result: &Result<Receipt, Error>, verbose: bool) -> Exit {
    let (word, request_id, exit) = match result {
        Ok(receipt) => ("ended", receipt.request_id(), Exit::Done),
        Err(error) => {
            say(format_args!(
                "error: {}",
                output::with_causes(error, verbose)
            ));
            let word = match error.effect() {
                Effect::None => "not ended",
                _ => "unknown",
            };
            let exit = match error.kind() {
                ErrorKind::InvalidInput => Exit::NothingSent,
                _ => Exit::NotDone,
            };
            (word, error.request_id(), exit)
        }
    };
    let id = request_id.map_or(String::new(), |id| format!(" (request id {id})"));
    match writeln!(io::stdout(), "{word}: own sessions{id}") {
        Ok(()) => exit,
        // Nobody knows of a result that could not be printed.
        Err(_) if exit == Exit::Done => Exit::NotDone,
        Err(_) => exit,
    }
}
