//! The routes: which operation a request is for.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};

use crate::{
    context::Context,
    org::Org,
    request,
    response::{Refusal, Response},
    sessions, sign_in, system_log, token_endpoint, users,
};

/// Carries out what a request asks for.
pub(crate) fn handle(org: &mut Org, request: &Request<Bytes>, context: &Context<'_>) -> Response {
    route(org, request, context).unwrap_or_else(|refusal| refusal.into_response(context.request_id))
}

fn route(
    org: &mut Org,
    request: &Request<Bytes>,
    context: &Context<'_>,
) -> Result<Response, Refusal> {
    if request.method() == Method::POST && !request::has_length(request.headers()) {
        return Err(Refusal::new(StatusCode::LENGTH_REQUIRED, "E0000003"));
    }
    let segments = request::segments(request.uri().path()).ok_or_else(Refusal::unknown_path)?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let method = request.method().as_str();
    match (segments.as_slice(), method) {
        (["oauth2", "v1", "token"], "POST") => token_endpoint::issue(org, request, context),
        (["oauth2", "v1", "token"], _) => Ok(wrong_method("POST", context)),
        (["api", "v1", "users", "me", "lifecycle", "delete_sessions"], "POST") => {
            sessions::end(org, request, context)
        }
        (["api", "v1", "users", "me", "lifecycle", "delete_sessions"], _) => {
            Ok(wrong_method("POST", context))
        }
        (["api", "v1", "users", user, "sessions"], "DELETE") => {
            sessions::revoke(org, user, request, context)
        }
        (["api", "v1", "users", _, "sessions"], _) => Ok(wrong_method("DELETE", context)),
        (["api", "v1", "users", user], "GET") => users::get(org, user, request, context),
        (["api", "v1", "users", _], _) => Ok(wrong_method("GET", context)),
        (["api", "v1", "sessions", "me"], "GET") => sessions::current(org, request, context),
        (["api", "v1", "sessions", "me"], _) => Ok(wrong_method("GET", context)),
        (["api", "v1", "logs"], "GET") => system_log::list(org, request, context),
        (["api", "v1", "logs"], _) => Ok(wrong_method("GET", context)),
        (["login", "sessionCookieRedirect"], "GET") => sign_in::sign_in(org, request),
        (["login", "sessionCookieRedirect"], _) => Ok(wrong_method("GET", context)),
        _ => Err(Refusal::unknown_path()),
    }
}

fn wrong_method(allowed: &'static str, context: &Context<'_>) -> Response {
    let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "E0000022");
    let mut response = refusal.into_response(context.request_id);
    let allowed = HeaderValue::from_static(allowed);
    response.headers_mut().insert(header::ALLOW, allowed);
    response
}
