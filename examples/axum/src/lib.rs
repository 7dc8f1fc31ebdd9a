//! A backend with a button: "Sign out everywhere else".
//!
//! It runs on the org's own domain, as in `https://login.acme.com/account` behind the proxy
//! that also leads to Okta, because browsers send the org's session cookie nowhere else. It
//! has no session of its own and sets no cookie: who is signed in is what the org's cookie
//! says.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, ORIGIN},
    },
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use okta_user_sessions::{Effect, Error, ErrorKind, SessionClients, SessionCredentials};

/// In Classic Engine, `sid`.
const SESSION_COOKIE: &str = "idx";

struct App {
    /// Made once. The client of each request's user shares its connections.
    sessions: SessionClients,
    /// What a browser names as the origin of this site's own pages.
    origin: String,
    /// Where the org signs users in.
    sign_in_url: String,
}

/// The backend at `origin`, like `https://login.acme.com`. It is a setting, because a `Host`
/// header is what the client says it is.
pub fn router(
    sessions: SessionClients,
    origin: impl Into<String>,
    sign_in_url: impl Into<String>,
) -> Router {
    let app = App {
        sessions,
        origin: origin.into(),
        sign_in_url: sign_in_url.into(),
    };
    Router::new()
        .route("/", get(home))
        .route("/sign-out-elsewhere", post(sign_out_elsewhere))
        .with_state(Arc::new(app))
}

async fn home(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    match session_cookie(&headers) {
        Some(_) => page(
            StatusCode::OK,
            r#"<form method="post" action="/sign-out-elsewhere"><button>Sign out everywhere else</button></form>"#,
        ),
        None => sign_in(&app, StatusCode::OK),
    }
}

async fn sign_out_elsewhere(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    // Against cross-site request forgery: the org's cookie is SameSite=None, so browsers
    // also send it when another site's page posts to this URL. They name that page's origin
    // then, which no page can change.
    if headers.get(ORIGIN).is_none_or(|from| *from != app.origin) {
        return page(StatusCode::FORBIDDEN, "This request is not from our page.");
    }
    let Some(cookie) = session_cookie(&headers) else {
        return sign_in(&app, StatusCode::FORBIDDEN);
    };
    match end_other_sessions(&app.sessions, cookie).await {
        Ok(()) => page(StatusCode::OK, "Your other sessions have ended."),
        Err(error) => {
            // It never contains the cookie.
            eprintln!("sign out elsewhere: {error}");
            explain(&app, &error)
        }
    }
}

async fn end_other_sessions(sessions: &SessionClients, cookie: &str) -> Result<(), Error> {
    // A client of its own for each user, so that no call can have another's cookie.
    let me = sessions.client(SessionCredentials::idx(cookie))?;
    me.end_user_sessions().keep_current(true).await?;
    Ok(())
}

fn explain(app: &App, error: &Error) -> Response {
    match (error.kind(), error.effect()) {
        // The session is over, or the cookie is not one.
        (ErrorKind::Forbidden | ErrorKind::InvalidInput, Effect::None) => {
            sign_in(app, StatusCode::FORBIDDEN)
        }
        (_, Effect::None) => page(
            StatusCode::BAD_GATEWAY,
            "Your other sessions have not ended. Try again later.",
        ),
        _ => page(
            StatusCode::BAD_GATEWAY,
            "Your other sessions may not have ended. Try again, which is safe.",
        ),
    }
}

/// The value of the org's session cookie. None if there are two, one of which another host
/// of the domain may have set.
fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(|(name, value)| (name == SESSION_COOKIE).then_some(value));
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

fn sign_in(app: &App, status: StatusCode) -> Response {
    let text = format!(r#"<a href="{}">Sign in</a> first."#, app.sign_in_url);
    page(status, &text)
}

fn page(status: StatusCode, content: &str) -> Response {
    let headers = [
        // Another site must not put the button into a frame of its own (clickjacking).
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
        (CACHE_CONTROL, "no-store"),
    ];
    let html = format!(
        "<!doctype html><html lang=\"en\"><title>My sessions</title><body>{content}</body></html>"
    );
    (status, headers, Html(html)).into_response()
}
