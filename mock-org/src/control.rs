//! Control over HTTP: what [`MockOrg`] does for a Rust test, for all others.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Value, json};

use crate::{
    app::{self, ServiceApp},
    fault::Fault,
    handle::MockOrg,
    record::RecordedRequest,
    response::{self, Response},
    time,
    user::{LogEvent, MockUser, UserState},
};

/// A path that Okta does not have.
const ROOT: &str = "/mock";

/// A method of [`MockOrg`] by its name, and its arguments by theirs.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Command {
    IssueApiToken {},
    RevokeApiToken {
        token: String,
    },
    IssueAccessToken {
        scopes: Vec<String>,
    },
    IssueAccessTokenWithoutRole {
        scopes: Vec<String>,
    },
    IssueUserAccessToken {
        user_id: String,
    },
    IssueDpopAccessToken {
        scopes: Vec<String>,
        key: String,
    },
    RevokeAccessToken {
        token: String,
    },
    ExpireTokens {},
    AddServiceApp {
        client_id: String,
        public_keys: Vec<String>,
        #[serde(default)]
        scopes: Option<Vec<String>>,
        #[serde(default)]
        dpop: DpopChoice,
        #[serde(default)]
        token_lifetime: Option<Seconds>,
        #[serde(default)]
        role: Option<bool>,
    },
    TokensIssued {},
    TokenRequests {},
    AddUser {
        user_id: String,
        #[serde(default)]
        login: Option<String>,
        #[serde(default)]
        sessions: u16,
        #[serde(default)]
        refresh_tokens: u16,
        #[serde(default)]
        remembered_devices: u16,
    },
    SignIn {
        user_id: String,
    },
    SignInUrl {
        cookie: String,
        redirect_url: String,
    },
    IsSignedIn {
        cookie: String,
    },
    DeactivateUser {
        user_id: String,
    },
    User {
        user_id: String,
    },
    Log {},
    FailNext {
        #[serde(default = "once")]
        times: usize,
        fault: FaultSpec,
    },
    FailNextToken {
        #[serde(default = "once")]
        times: usize,
        fault: FaultSpec,
    },
    ClearFaults {},
    SetLatency {
        latency: Seconds,
    },
    SetTokenLatency {
        latency: Seconds,
    },
    SetReadOnly {
        read_only: bool,
    },
    SetRateLimit {
        requests: u32,
        window: Seconds,
    },
    SetTokenRateLimit {
        requests: u32,
        window: Seconds,
    },
    SetConcurrencyLimit {
        requests: usize,
    },
    Spend {
        requests: u32,
    },
    HideRateLimitHeaders {
        hide: bool,
    },
    SetClockSkew {
        seconds: i32,
    },
    Advance {
        by: Seconds,
    },
    RotateDpopNonce {},
    AnnounceDpopNonce {},
    DemandResourceNonce {
        demand: bool,
    },
    SetDpopRefusalStatus {
        status: u16,
    },
    Requests {},
    ClearRequests {},
    Connections {},
    PeakInFlight {},
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DpopChoice {
    #[default]
    Required,
    Optional,
    Off,
}

/// A [`Fault`]: exactly one of its constructors, and what its methods set.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FaultSpec {
    status: Option<u16>,
    okta_error: Option<OktaError>,
    oauth_error: Option<OAuthError>,
    redirect: Option<String>,
    late: Option<Seconds>,
    cut_after: Option<usize>,
    raw: Option<String>,
    reset: Option<bool>,
    hang: Option<bool>,

    body: Option<String>,
    headers: Vec<(String, String)>,
    delay: Option<Seconds>,
    after_effect: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OktaError {
    status: u16,
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OAuthError {
    status: u16,
    error: String,
    description: String,
}

/// A time span in seconds, whole or not.
#[derive(Clone, Copy)]
struct Seconds(Duration);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds)
            .map(Self)
            .map_err(|_| D::Error::custom("a time span must be a number of seconds, 0 or more"))
    }
}

fn once() -> usize {
    1
}

/// The response to a request for control, if it is one. It is neither recorded nor
/// counted, and neither limits nor faults apply to it.
pub(crate) fn respond(org: &MockOrg, request: &Request<Bytes>) -> Option<Response> {
    let rest = request.uri().path().strip_prefix(ROOT)?;
    let verb = match rest.strip_prefix('/') {
        Some(verb) => verb,
        None if rest.is_empty() => "",
        None => return None,
    };
    if verb.is_empty() {
        return Some(response::json(&json!({
            "name": "okta-mock-org",
            "version": env!("CARGO_PKG_VERSION"),
            "url": org.url(),
        })));
    }
    if request.method() != Method::POST {
        return Some(failed(StatusCode::METHOD_NOT_ALLOWED, "send a POST"));
    }
    let outcome = read(verb, request.body()).and_then(|command| carry_out(org, command));
    Some(match outcome {
        Ok(result) => response::json(&result),
        Err(error) => failed(StatusCode::BAD_REQUEST, &error),
    })
}

fn failed(status: StatusCode, error: &str) -> Response {
    let mut response = response::json(&json!({ "error": error }));
    *response.status_mut() = status;
    response
}

fn read(verb: &str, body: &[u8]) -> Result<Command, String> {
    let arguments = match body.trim_ascii() {
        [] => json!({}),
        text => serde_json::from_slice(text)
            .map_err(|error| format!("the body must be a JSON object: {error}"))?,
    };
    if !arguments.is_object() {
        return Err("the body must be a JSON object".to_owned());
    }
    serde_json::from_value(json!({ verb: arguments })).map_err(|error| error.to_string())
}

fn carry_out(org: &MockOrg, command: Command) -> Result<Value, String> {
    let done = || json!({});
    Ok(match command {
        Command::IssueApiToken {} => json!({ "token": org.issue_api_token() }),
        Command::RevokeApiToken { token } => {
            org.revoke_api_token(&token);
            done()
        }
        Command::IssueAccessToken { scopes } => {
            json!({ "token": org.issue_access_token(&borrowed(&scopes)) })
        }
        Command::IssueAccessTokenWithoutRole { scopes } => {
            json!({ "token": org.issue_access_token_without_role(&borrowed(&scopes)) })
        }
        Command::IssueUserAccessToken { user_id } => {
            json!({ "token": org.issue_user_access_token(&user_id) })
        }
        Command::IssueDpopAccessToken { scopes, key } => {
            // Checked first: a Rust test that gives a wrong key panics.
            app::read_key(&key).map_err(|error| error.to_string())?;
            json!({ "token": org.issue_dpop_access_token(&borrowed(&scopes), &key) })
        }
        Command::RevokeAccessToken { token } => {
            org.revoke_access_token(&token);
            done()
        }
        Command::ExpireTokens {} => {
            org.expire_tokens();
            done()
        }
        Command::AddServiceApp {
            client_id,
            public_keys,
            scopes,
            dpop,
            token_lifetime,
            role,
        } => {
            let mut app = ServiceApp::new(client_id).role(role.unwrap_or(true));
            for key in public_keys {
                app = app
                    .try_public_key(&key)
                    .map_err(|error| error.to_string())?;
            }
            if let Some(scopes) = scopes {
                app = app.scopes(scopes);
            }
            if let Some(Seconds(lifetime)) = token_lifetime {
                app = app.token_lifetime(lifetime);
            }
            org.add_service_app(match dpop {
                DpopChoice::Required => app.dpop(true),
                DpopChoice::Optional => app.optional_dpop(),
                DpopChoice::Off => app.dpop(false),
            });
            done()
        }
        Command::TokensIssued {} => json!({ "count": org.tokens_issued() }),
        Command::TokenRequests {} => json!({ "count": org.token_requests() }),
        Command::AddUser {
            user_id,
            login,
            sessions,
            refresh_tokens,
            remembered_devices,
        } => {
            let mut user = MockUser::new(user_id)
                .sessions(sessions.into())
                .refresh_tokens(refresh_tokens.into())
                .remembered_devices(remembered_devices.into());
            if let Some(login) = login {
                user = user.login(login);
            }
            org.add_user(user);
            done()
        }
        Command::SignIn { user_id } => json!({ "cookie": org.sign_in(&user_id) }),
        Command::SignInUrl {
            cookie,
            redirect_url,
        } => json!({ "url": org.sign_in_url(&cookie, &redirect_url) }),
        Command::IsSignedIn { cookie } => json!({ "signed_in": org.is_signed_in(&cookie) }),
        Command::DeactivateUser { user_id } => json!({ "known": org.deactivate_user(&user_id) }),
        Command::User { user_id } => json!({ "user": org.user(&user_id).as_ref().map(user) }),
        Command::Log {} => json!({ "events": org.log().iter().map(event).collect::<Vec<_>>() }),
        Command::FailNext { times, fault } => {
            org.fail_next(times, fault.read()?);
            done()
        }
        Command::FailNextToken { times, fault } => {
            org.fail_next_token(times, fault.read()?);
            done()
        }
        Command::ClearFaults {} => {
            org.clear_faults();
            done()
        }
        Command::SetLatency { latency } => {
            org.set_latency(latency.0);
            done()
        }
        Command::SetTokenLatency { latency } => {
            org.set_token_latency(latency.0);
            done()
        }
        Command::SetReadOnly { read_only } => {
            org.set_read_only(read_only);
            done()
        }
        Command::SetRateLimit { requests, window } => {
            org.set_rate_limit(requests, window.0);
            done()
        }
        Command::SetTokenRateLimit { requests, window } => {
            org.set_token_rate_limit(requests, window.0);
            done()
        }
        Command::SetConcurrencyLimit { requests } => {
            org.set_concurrency_limit(requests);
            done()
        }
        Command::Spend { requests } => {
            org.spend(requests);
            done()
        }
        Command::HideRateLimitHeaders { hide } => {
            org.hide_rate_limit_headers(hide);
            done()
        }
        Command::SetClockSkew { seconds } => {
            org.set_clock_skew(seconds);
            done()
        }
        Command::Advance { by } => {
            org.advance(by.0);
            done()
        }
        Command::RotateDpopNonce {} => {
            org.rotate_dpop_nonce();
            done()
        }
        Command::AnnounceDpopNonce {} => {
            org.announce_dpop_nonce();
            done()
        }
        Command::DemandResourceNonce { demand } => {
            org.demand_resource_nonce(demand);
            done()
        }
        Command::SetDpopRefusalStatus { status } => {
            if !matches!(status, 400 | 401) {
                return Err("status must be 400 or 401".to_owned());
            }
            org.set_dpop_refusal_status(status);
            done()
        }
        Command::Requests {} => {
            json!({ "requests": org.requests().iter().map(recorded).collect::<Vec<_>>() })
        }
        Command::ClearRequests {} => {
            org.clear_requests();
            done()
        }
        Command::Connections {} => json!({ "count": org.connections() }),
        Command::PeakInFlight {} => json!({ "count": org.peak_in_flight() }),
    })
}

fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

impl FaultSpec {
    /// Checks first what panics in a Rust test.
    fn read(self) -> Result<Fault, String> {
        let faults: [Option<Result<Fault, String>>; 9] = [
            self.status
                .map(|status| Ok(Fault::status(checked(status)?))),
            self.okta_error
                .map(|okta| Ok(Fault::okta_error(checked(okta.status)?, okta.code))),
            self.oauth_error.map(|oauth| {
                let status = checked(oauth.status)?;
                Ok(Fault::oauth_error(status, &oauth.error, &oauth.description))
            }),
            self.redirect.map(|to| {
                checked_header("location", &to)?;
                Ok(Fault::redirect(&to))
            }),
            self.late.map(|delay| Ok(Fault::late(delay.0))),
            self.cut_after.map(|bytes| Ok(Fault::cut_after(bytes))),
            self.raw.map(|bytes| Ok(Fault::raw(bytes))),
            self.reset
                .filter(|reset| *reset)
                .map(|_| Ok(Fault::reset())),
            self.hang.filter(|hang| *hang).map(|_| Ok(Fault::hang())),
        ];
        let mut faults = faults.into_iter().flatten();
        let (Some(fault), None) = (faults.next(), faults.next()) else {
            return Err(
                "a fault must have exactly one of status, okta_error, oauth_error, redirect, \
                 late, cut_after, raw, reset and hang"
                    .to_owned(),
            );
        };
        let mut fault = fault?;
        if let Some(body) = self.body {
            fault = fault.body(body);
        }
        for (name, value) in &self.headers {
            checked_header(name, value)?;
            fault = fault.header(name, value);
        }
        if let Some(Seconds(delay)) = self.delay {
            fault = fault.delay(delay);
        }
        if let Some(after_effect) = self.after_effect {
            fault = fault.after_effect(after_effect);
        }
        Ok(fault)
    }
}

fn checked(status: u16) -> Result<u16, String> {
    match status {
        200..=999 => Ok(status),
        _ => Err(format!("status must be between 200 and 999 (got {status})")),
    }
}

fn checked_header(name: &str, value: &str) -> Result<(), String> {
    match (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
        (Ok(_), Ok(_)) => Ok(()),
        _ => Err(format!(
            "HTTP cannot carry the header {name:?} with this value"
        )),
    }
}

fn user(user: &UserState) -> Value {
    json!({
        "sessions": user.sessions,
        "refresh_tokens": user.refresh_tokens,
        "access_tokens": user.access_tokens,
        "remembered_devices": user.remembered_devices,
        "revocations": user.revocations,
    })
}

fn event(event: &LogEvent) -> Value {
    json!({
        "event_type": event.event_type,
        "actor_id": event.actor_id,
        "user_id": event.user_id,
        "request_id": event.request_id,
        "sessions": event.sessions,
        "oauth_tokens": event.oauth_tokens,
        "forget_devices": event.forget_devices,
        "published": time::rfc3339(event.published),
    })
}

fn recorded(request: &RecordedRequest) -> Value {
    json!({
        "method": request.method(),
        "path": request.path(),
        "query": request.query(),
        "headers": request.headers().collect::<Vec<_>>(),
        "body": String::from_utf8_lossy(request.body()),
        "arrived": time::rfc3339(request.arrived()),
        "status": request.status(),
        "request_id": request.request_id(),
    })
}
