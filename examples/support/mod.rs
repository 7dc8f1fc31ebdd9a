//! What the command-line examples share: where settings come from, and what is
//! printed.

#![allow(dead_code, reason = "each example uses a part of it")]

use std::{fmt::Display, process::ExitCode};

use okta_user_sessions::{Effect, Error, ErrorKind, Receipt, WaitEvent};

pub const SETTINGS: &str = "\
Settings, what comes later wins:
  1. ~/.okta/okta.yaml
  2. okta.yaml, .okta.yaml or .okta/okta.yaml, the nearest from here upward
  3. the environment:
  OKTA_CLIENT_ORGURL                     https://acme.okta.com
  OKTA_CLIENT_TOKEN                      an API token (revoke)
  OKTA_CLIENT_ACCESSTOKEN                or an OAuth 2.0 access token
  OKTA_CLIENT_CLIENTID                   or a service app, with its
  OKTA_CLIENT_PRIVATEKEY                 key: PEM, a JWK or a file's path,
  OKTA_CLIENT_PRIVATEKEYID               the key's id, and
  OKTA_CLIENT_SCOPES                     scopes; okta.users.manage unless set
  OKTA_CLIENT_AUTHORIZATIONMODE          SSWS, Bearer or PrivateKey, if several
                                         of them are set
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

/// Says on standard error what a call waits for.
pub fn say_wait(event: &WaitEvent) {
    eprintln!(
        "waiting {:.1} s: {}",
        event.wait.as_secs_f64(),
        event.reason
    );
}

/// Says on standard error why nothing was sent.
pub fn refused(reason: impl Display) -> ExitCode {
    eprintln!("error: {reason}");
    ExitCode::from(NOTHING_SENT)
}

/// Prints how one call ended, the result on standard output and what to do
/// about it on standard error. Returns the exit status.
pub fn print(done: &str, subject: &str, result: &Result<Receipt, Error>) -> u8 {
    let request = |id: Option<&str>| id.map_or(String::new(), |id| format!(", request id {id}"));
    match result {
        Ok(receipt) => {
            let again = match receipt.attempts() {
                1 => String::new(),
                attempts => format!(", {attempts} attempts"),
            };
            println!(
                "{done} {subject} (status {}{again}{})",
                receipt.status(),
                request(receipt.request_id())
            );
            0
        }
        Err(error) => {
            let word = match error.effect() {
                Effect::None => "failed",
                _ => "unknown",
            };
            let status = error
                .status()
                .map_or(String::new(), |status| format!(", status {status}"));
            println!(
                "{word} {subject} ({:?}{status}{})",
                error.kind(),
                request(error.request_id())
            );
            eprintln!("{subject}: {error}");
            match error.kind() {
                ErrorKind::InvalidInput => NOTHING_SENT,
                _ => NOT_DONE,
            }
        }
    }
}
