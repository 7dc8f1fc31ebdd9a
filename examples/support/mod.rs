//! Shared by the command-line examples: the help on settings, and the output.

#![allow(dead_code, reason = "each example uses a part of it")]

pub mod flags;

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use okta_user_sessions::{Config, Effect, Error, ErrorKind, Receipt, WaitEvent};

pub const SETTINGS: &str = "\
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
  OKTA_SESSION_COOKIE                    \"idx=...\" or \"sid=...\" (end_sessions)
  OKTA_CLIENT_RATELIMIT_MAXRETRIES       retries of a call; 0: one send
  OKTA_CLIENT_CONNECTIONTIMEOUT          limit of connecting, in seconds
  OKTA_CLIENT_REQUESTTIMEOUT             limit of a whole call, in seconds
  OKTA_CLIENT_PROXY_HOST, _PORT, _USERNAME, _PASSWORD
  OKTA_CLIENT_CACERTIFICATES             a PEM file of authorities to trust
  OKTA_CLIENT_CLIENTCERTIFICATE          a PEM file of certificate and key
  OKTA_TESTING_TESTINGDISABLEHTTPSCHECK  true: allow http to this machine
The files hold the same keys, like okta.client.orgUrl; okta.schema.json lists
them. --explain-settings says what counts and where it comes from.

Exit status: 0 all done; 1 something was not done, or is unknown;
2 nothing was sent: bad input or configuration.";

/// Something was not done, or is unknown.
pub const NOT_DONE: u8 = 1;
/// Nothing was sent.
pub const NOTHING_SENT: u8 = 2;

/// Prints to standard error what a call waits for.
pub fn say_wait(event: &WaitEvent) {
    say(format_args!(
        "waiting {:.1} s: {}",
        event.wait.as_secs_f64(),
        event.reason
    ));
}

/// Prints to standard error why nothing was sent.
pub fn refused(reason: impl Display) -> ExitCode {
    say(format_args!("error: {reason}"));
    ExitCode::from(NOTHING_SENT)
}

/// Prints the settings, which sends nothing.
pub fn explain(config: &Config) -> ExitCode {
    match write!(io::stdout(), "{}", config.explain()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refused(format_args!("standard output: {error}")),
    }
}

/// Prints to standard error. If that fails, the program continues.
pub fn say(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints the result of a call to standard output, and what to do about an error to
/// standard error. Returns the exit status, which is not 0 if the result could not be
/// printed.
pub fn print(done: &str, subject: &str, result: &Result<Receipt, Error>) -> u8 {
    let request = |id: Option<&str>| id.map_or(String::new(), |id| format!(", request id {id}"));
    let (line, status) = match result {
        Ok(receipt) => {
            let again = match receipt.attempts() {
                1 => String::new(),
                attempts => format!(", {attempts} attempts"),
            };
            let id = request(receipt.request_id());
            (
                format!("{done} {subject} (status {}{again}{id})", receipt.status()),
                0,
            )
        }
        Err(error) => {
            say(format_args!("{subject}: {error}"));
            let word = match error.effect() {
                Effect::None => "failed",
                _ => "unknown",
            };
            let status = error
                .status()
                .map_or(String::new(), |status| format!(", status {status}"));
            let id = request(error.request_id());
            let exit = match error.kind() {
                ErrorKind::InvalidInput => NOTHING_SENT,
                _ => NOT_DONE,
            };
            (
                format!("{word} {subject} ({:?}{status}{id})", error.kind()),
                exit,
            )
        }
    };
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => status,
        Err(_) => status.max(NOT_DONE),
    }
}
