//! What the command-line examples share: settings from the environment, and
//! what they print.

#![allow(dead_code, reason = "each example uses a part of it")]

use std::{
    env,
    fmt::Display,
    fs,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use okta_user_sessions::{
    ClientBuilder, Credentials, Effect, Error, ErrorKind, PrivateKey, Receipt, RetryPolicy,
    SessionCredentials, WaitEvent,
};

pub const SETTINGS: &str = "\
Settings come from the environment:
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
  OKTA_CLIENT_REQUESTTIMEOUT             limit of a whole call, in seconds
  OKTA_TESTING_TESTINGDISABLEHTTPSCHECK  true: allow http to this machine

Exit status: 0 all done; 1 something was not done, or is unknown;
2 nothing was sent: bad input or configuration.";

/// Something was not done, or is unknown.
pub const NOT_DONE: u8 = 1;
/// Nothing was sent.
pub const NOTHING_SENT: u8 = 2;

/// An environment variable; an empty one counts as unset.
pub fn setting(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The org URL, and what both clients take from the environment.
pub fn configure<C>(
    builder: impl FnOnce(String) -> ClientBuilder<C>,
) -> Result<ClientBuilder<C>, String> {
    let url = setting("OKTA_CLIENT_ORGURL")
        .ok_or("OKTA_CLIENT_ORGURL is not set; set it like https://acme.okta.com")?;
    let mut policy = RetryPolicy::default();
    if let Some(retries) = number("OKTA_CLIENT_RATELIMIT_MAXRETRIES", 0, 1000)? {
        policy = policy.with_max_retries(retries);
    }
    // Okta's SDKs read seconds in two languages and milliseconds in a third.
    if let Some(seconds) = number("OKTA_CLIENT_REQUESTTIMEOUT", 1, 999)? {
        policy = policy.with_deadline(Duration::from_secs(seconds.into()));
    }
    Ok(builder(url)
        .allow_loopback_http(flag("OKTA_TESTING_TESTINGDISABLEHTTPSCHECK")?)
        .retry(policy)
        .on_wait(|event: &WaitEvent| {
            say(format_args!(
                "waiting {:.1} s: {}",
                event.wait.as_secs_f64(),
                event.reason
            ));
        }))
}

pub fn credentials() -> Result<Credentials, String> {
    let given = [
        ("SSWS", "OKTA_CLIENT_TOKEN"),
        ("Bearer", "OKTA_CLIENT_ACCESSTOKEN"),
        ("PrivateKey", "OKTA_CLIENT_PRIVATEKEY"),
    ];
    let mode = match setting("OKTA_CLIENT_AUTHORIZATIONMODE") {
        Some(text) => given
            .into_iter()
            .find(|(mode, _)| mode.eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| format!("OKTA_CLIENT_AUTHORIZATIONMODE is {text:?}, which is none of SSWS, Bearer and PrivateKey"))?,
        None => {
            let set: Vec<_> = given.into_iter().filter(|(_, name)| setting(name).is_some()).collect();
            match set[..] {
                [mode] => mode,
                [] => return Err("no credentials are set; set OKTA_CLIENT_TOKEN, OKTA_CLIENT_ACCESSTOKEN, or OKTA_CLIENT_CLIENTID and OKTA_CLIENT_PRIVATEKEY".into()),
                [(_, first), (_, second), ..] => return Err(format!("{first} and {second} are both set; say which counts with OKTA_CLIENT_AUTHORIZATIONMODE")),
            }
        }
    };
    let (mode, name) = mode;
    let secret = setting(name)
        .ok_or_else(|| format!("OKTA_CLIENT_AUTHORIZATIONMODE is {mode}, but {name} is not set"))?;
    match mode {
        "SSWS" => Ok(Credentials::api_token(secret)),
        "Bearer" => Ok(Credentials::access_token(secret)),
        _ => service_app(secret),
    }
}

fn service_app(key: String) -> Result<Credentials, String> {
    let client_id = setting("OKTA_CLIENT_CLIENTID")
        .ok_or("OKTA_CLIENT_PRIVATEKEY is set, but OKTA_CLIENT_CLIENTID is not")?;
    let is_key = key.contains("-----BEGIN") || key.trim_start().starts_with('{');
    let text = match is_key {
        true => key,
        false => fs::read_to_string(key.trim())
            .map_err(|error| format!("OKTA_CLIENT_PRIVATEKEY is neither PEM nor JWK, and as a file's path it cannot be read: {error}"))?,
    };
    let mut key = PrivateKey::from_text(text).map_err(|error| error.to_string())?;
    if let Some(id) = setting("OKTA_CLIENT_PRIVATEKEYID") {
        key = key.with_key_id(id);
    }
    let scopes = setting("OKTA_CLIENT_SCOPES").unwrap_or_default();
    let scopes = scopes.split([',', ' ']).filter(|scope| !scope.is_empty());
    Ok(Credentials::service_app(client_id, key, scopes))
}

pub fn session_credentials() -> Result<SessionCredentials, String> {
    if let Some(cookie) = setting("OKTA_SESSION_COOKIE") {
        let (name, value) = cookie
            .split_once('=')
            .ok_or("OKTA_SESSION_COOKIE has no name; set it like idx=... or sid=...")?;
        return Ok(SessionCredentials::cookie(name.trim(), value.trim()));
    }
    if let Some(token) = setting("OKTA_CLIENT_ACCESSTOKEN") {
        return Ok(SessionCredentials::access_token(token));
    }
    Err("OKTA_SESSION_COOKIE is not set; set it to the user's session cookie, like idx=... (an API token is not allowed for this operation)".into())
}

fn number(name: &str, least: u32, most: u32) -> Result<Option<u32>, String> {
    let Some(text) = setting(name) else {
        return Ok(None);
    };
    match text.trim().parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
        Ok(number) if name.ends_with("TIMEOUT") && number > most => Err(format!(
            "{name} is {text:?}, but it is read in seconds, at most {most}; were milliseconds meant?"
        )),
        _ => Err(format!(
            "{name} is {text:?}, which is no number from {least} to {most}"
        )),
    }
}

fn flag(name: &str) -> Result<bool, String> {
    match setting(name)
        .map(|text| text.trim().to_ascii_lowercase())
        .as_deref()
    {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(text) => Err(format!(
            "{name} is {text:?}, which is neither true nor false"
        )),
    }
}

/// Says on standard error why nothing was sent.
pub fn refused(reason: impl Display) -> ExitCode {
    say(format_args!("error: {reason}"));
    ExitCode::from(NOTHING_SENT)
}

/// Says something on standard error. That nobody reads it changes nothing.
fn say(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints how one call ended, the result on standard output and what to do
/// about it on standard error. Returns the exit status: a result that could not
/// be printed is one that nobody knows.
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
