//! The UserSessions API, and the session that a cookie stands for.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::json;

use crate::{
    auth::{self, MANAGE},
    context::Context,
    cors,
    org::Org,
    request,
    response::{self, Refusal, Response, empty},
    time,
    user::LogEvent,
};

/// How long Okta's sessions last without use, as its default policy has it. Those
/// of the mock do not end by themselves.
const SESSION_LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);

#[derive(Default)]
struct Options {
    oauth_tokens: bool,
    forget_devices: bool,
}

/// revokeUserSessions.
pub(crate) fn revoke(
    org: &mut Org,
    user: &str,
    request: &Request<Bytes>,
    context: &Context<'_>,
) -> Result<Response, Refusal> {
    let caller = auth::administrator(org, request, context, &[MANAGE])?;
    refuse_if_read_only(org)?;
    // Both are read before anything is done: a bad one refuses the whole.
    let oauth_tokens = request::query_bool(request, "oauthTokens")?.unwrap_or(false);
    let forget_devices =
        request::query_bool(request, "forgetDevices")?.unwrap_or(!org.classic_engine);
    let user_id = match user {
        "me" => caller.user.clone(),
        _ => org.find(user).map(str::to_owned),
    };
    let user_id = user_id.ok_or_else(|| Refusal::not_found(user, "User"))?;
    if org.is_deactivated(&user_id) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "E0000038"));
    }

    let sessions = org.revoke(&user_id, oauth_tokens, forget_devices);
    let options = Options {
        oauth_tokens,
        forget_devices,
    };
    log(org, caller.id, user_id, sessions, options, context);
    Ok(empty(StatusCode::NO_CONTENT))
}

/// endUserSessions.
pub(crate) fn end(
    org: &mut Org,
    request: &Request<Bytes>,
    context: &Context<'_>,
) -> Result<Response, Refusal> {
    refuse_untrusted_origin(org, request)?;
    let caller = auth::signed_in(org, request, context)?;
    refuse_if_read_only(org)?;
    let keep_current = request::keep_current(request)?.unwrap_or(true);

    let kept = caller.session.filter(|_| keep_current);
    let sessions = org.end_sessions(&caller.user_id, kept.as_deref());
    let actor = caller.user_id.clone();
    log(
        org,
        actor,
        caller.user_id,
        sessions,
        Options::default(),
        context,
    );
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

/// `GET /api/v1/sessions/me`: the caller's session, by its cookie alone.
pub(crate) fn current(
    org: &mut Org,
    request: &Request<Bytes>,
    context: &Context<'_>,
) -> Result<Response, Refusal> {
    let cookie = request::cookie(request.headers(), org.cookie_name());
    let user_id = cookie.and_then(|cookie| org.session_user(cookie));
    let (Some(cookie), Some(user_id)) = (cookie, user_id) else {
        return Err(Refusal::not_found("me", "Session"));
    };
    let ends = context.wall.checked_add(SESSION_LIFETIME);
    Ok(response::json(&json!({
        "id": cookie,
        "userId": user_id,
        "login": org.login(user_id),
        "expiresAt": time::rfc3339(ends.unwrap_or(context.wall)),
        "status": "ACTIVE",
        "lastPasswordVerification": time::rfc3339(context.wall),
        "lastFactorVerification": null,
        "amr": ["pwd"],
        "idp": { "id": "00oMockOrg", "type": "OKTA" },
        "_links": {
            "self": {
                "href": format!("{}/api/v1/sessions/me", org.url),
                "hints": { "allow": ["GET", "DELETE"] },
            },
        },
    })))
}

fn log(
    org: &mut Org,
    actor_id: String,
    user_id: String,
    sessions: usize,
    options: Options,
    context: &Context<'_>,
) {
    org.log.push(LogEvent {
        event_type: "user.session.clear".to_owned(),
        actor_id,
        user_id,
        request_id: context.request_id.to_owned(),
        sessions,
        oauth_tokens: options.oauth_tokens,
        forget_devices: options.forget_devices,
        published: context.wall,
    });
}
