//! The routes: what Okta answers, and what it does.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use tokio::time::Instant;

use crate::{
    auth, cors,
    org::Org,
    refusal::{Answer, Refusal},
    request, sign_in, token_endpoint,
    user::LogEvent,
};

/// The moment of a request, and the name it has in the System Log.
pub(crate) struct Occasion<'a> {
    pub(crate) request_id: &'a str,
    /// The access token to issue, if one is.
    pub(crate) fresh_token: &'a str,
    pub(crate) now: Instant,
    pub(crate) published: SystemTime,
}

impl Occasion<'_> {
    pub(crate) fn epoch_seconds(&self) -> u64 {
        let since = self.published.duration_since(UNIX_EPOCH);
        since.unwrap_or_default().as_secs()
    }
}

/// Carries out what a request asks for.
pub(crate) fn answer(org: &mut Org, request: &Request<Bytes>, occasion: &Occasion<'_>) -> Answer {
    route(org, request, occasion).unwrap_or_else(|refusal| refusal.into_answer(occasion.request_id))
}

fn route(
    org: &mut Org,
    request: &Request<Bytes>,
    occasion: &Occasion<'_>,
) -> Result<Answer, Refusal> {
    if request.method() == Method::POST && !request::has_length(request.headers()) {
        return Err(Refusal::new(StatusCode::LENGTH_REQUIRED, "E0000003"));
    }
    let segments = request::segments(request.uri().path()).ok_or_else(Refusal::unknown_path)?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (segments.as_slice(), request.method()) {
        (["oauth2", "v1", "token"], method) => match *method {
            Method::POST => token_endpoint::issue(org, request, occasion),
            _ => Ok(wrong_method("POST", occasion)),
        },
        (["api", "v1", "users", "me", "lifecycle", "delete_sessions"], method) => match *method {
            Method::POST => end_user_sessions(org, request, occasion),
            _ => Ok(wrong_method("POST", occasion)),
        },
        (["api", "v1", "users", user, "sessions"], method) => match *method {
            Method::DELETE => revoke_user_sessions(org, user, request, occasion),
            _ => Ok(wrong_method("DELETE", occasion)),
        },
        (["login", "sessionCookieRedirect"], method) => match *method {
            Method::GET => sign_in::sign_in(org, request),
            _ => Ok(wrong_method("GET", occasion)),
        },
        _ => Err(Refusal::unknown_path()),
    }
}

fn wrong_method(allowed: &'static str, occasion: &Occasion<'_>) -> Answer {
    let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "E0000022");
    let mut answer = refusal.into_answer(occasion.request_id);
    let allowed = HeaderValue::from_static(allowed);
    answer.headers_mut().insert(header::ALLOW, allowed);
    answer
}

fn revoke_user_sessions(
    org: &mut Org,
    user: &str,
    request: &Request<Bytes>,
    occasion: &Occasion<'_>,
) -> Result<Answer, Refusal> {
    let administrator = auth::administrator(org, request, occasion)?;
    refuse_if_read_only(org)?;
    // Both are read before anything is done: a bad one refuses the whole.
    let oauth_tokens = request::query_bool(request, "oauthTokens")?.unwrap_or(false);
    let forget_devices =
        request::query_bool(request, "forgetDevices")?.unwrap_or(!org.classic_engine);
    let user_id = match user {
        "me" => administrator,
        _ => org.find(user).map(str::to_owned),
    };
    let user_id = user_id.ok_or_else(|| Refusal::unknown_user(user))?;
    if org.is_deactivated(&user_id) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "E0000038"));
    }

    let sessions = org.revoke(&user_id, oauth_tokens, forget_devices);
    org.log.push(LogEvent {
        user_id,
        sessions,
        oauth_tokens,
        forget_devices,
        ..cleared(occasion)
    });
    Ok(empty(StatusCode::NO_CONTENT))
}

fn end_user_sessions(
    org: &mut Org,
    request: &Request<Bytes>,
    occasion: &Occasion<'_>,
) -> Result<Answer, Refusal> {
    refuse_untrusted_origin(org, request)?;
    let caller = auth::signed_in(org, request, occasion)?;
    refuse_if_read_only(org)?;
    let keep_current = request::keep_current(request)?.unwrap_or(true);

    let kept = caller.session.filter(|_| keep_current);
    let sessions = org.end_sessions(&caller.user_id, kept.as_deref());
    org.log.push(LogEvent {
        user_id: caller.user_id,
        sessions,
        ..cleared(occasion)
    });
    Ok(empty(StatusCode::OK))
}

fn refuse_if_read_only(org: &Org) -> Result<(), Refusal> {
    if org.read_only {
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "E0000010"));
    }
    Ok(())
}

fn refuse_untrusted_origin(org: &Org, request: &Request<Bytes>) -> Result<(), Refusal> {
    match cors::origin(request.headers()) {
        Some(origin) if !org.trusts(origin) => Err(Refusal::no_permission()),
        _ => Ok(()),
    }
}

/// An event that no user and no effect were noted in yet.
fn cleared(occasion: &Occasion<'_>) -> LogEvent {
    LogEvent {
        event_type: "user.session.clear".to_owned(),
        user_id: String::new(),
        request_id: occasion.request_id.to_owned(),
        sessions: 0,
        oauth_tokens: false,
        forget_devices: false,
        published: occasion.published,
    }
}

pub(crate) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}
