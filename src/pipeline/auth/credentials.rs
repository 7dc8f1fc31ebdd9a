//! The credentials of the two clients, validated before anything is sent.

use std::fmt;

#[cfg(not(target_arch = "wasm32"))]
use reqwest::header::COOKIE;
use reqwest::{
    Url,
    header::{AUTHORIZATION, HeaderName, HeaderValue, ORIGIN},
};
use secrecy::{ExposeSecret, SecretString};

use super::{Auth, Shared, oauth::OAuthCredentials};
use crate::{Error, faults::Faults, shown};

/// What an administrator or a service authenticates with, for
/// [`Client`](crate::Client).
#[derive(Clone, Debug)]
pub struct Credentials(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Token(Token),
    OAuth(OAuthCredentials),
}

/// What a signed-in user authenticates with, for
/// [`SessionClient`](crate::SessionClient).
///
/// It cannot be made from an API token: Okta does not allow one for `endUserSessions`.
///
/// ```compile_fail
/// use okta_user_sessions::{Credentials, SessionClient};
///
/// SessionClient::builder("https://acme.okta.com").credentials(Credentials::api_token("00token"));
/// ```
#[derive(Clone)]
pub struct SessionCredentials {
    kind: SessionKind,
    /// `None` in a browser, which sets it itself.
    origin: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    scheme: &'static str,
    pub(super) token: SecretString,
}

#[derive(Clone)]
enum SessionKind {
    #[cfg(target_arch = "wasm32")]
    Browser,
    #[cfg(not(target_arch = "wasm32"))]
    Cookie {
        name: String,
        value: SecretString,
    },
    AccessToken(Token),
}

const SSWS: &str = "SSWS";
const BEARER: &str = "Bearer";
pub(super) const DPOP: &str = "DPoP";

impl Credentials {
    /// An administrator's API token, sent as `Authorization: SSWS …`.
    #[must_use]
    pub fn api_token(token: impl Into<SecretString>) -> Self {
        Self(Kind::Token(Token::new(SSWS, token)))
    }

    /// An OAuth 2.0 access token with the scope `okta.users.manage`, issued to someone
    /// whose administrator role may clear user sessions.
    #[must_use]
    pub fn access_token(token: impl Into<SecretString>) -> Self {
        Self(Kind::Token(Token::new(BEARER, token)))
    }

    #[cfg_attr(
        not(all(feature = "service-app", not(target_arch = "wasm32"))),
        expect(dead_code, reason = "only oauth/ creates such credentials")
    )]
    pub(super) fn oauth(credentials: OAuthCredentials) -> Self {
        Self(Kind::OAuth(credentials))
    }

    /// What is wrong with these credentials.
    pub(crate) fn faults(&self) -> Faults {
        let mut faults = Faults::default();
        match &self.0 {
            Kind::Token(token) => drop(faults.check(token.header())),
            Kind::OAuth(credentials) => credentials.check(&mut faults),
        }
        faults
    }

    /// For credentials without [faults](Self::faults).
    pub(crate) fn into_auth(self, shared: Shared) -> Result<Auth, Error> {
        match self.0 {
            Kind::Token(token) => Ok(Auth::Fixed(vec![token.header()?])),
            Kind::OAuth(credentials) => credentials.into_auth(shared).map(Auth::Tokens),
        }
    }
}

/// Headers that a browser sets itself and does not let a page set: absent on wasm32.
#[cfg(not(target_arch = "wasm32"))]
impl SessionCredentials {
    /// The user's session cookie with this name; [`idx`](Self::idx) and
    /// [`sid`](Self::sid) are the usual ones.
    ///
    /// The cookie belongs to the host that set it, so the client's org URL must
    /// be that domain.
    #[must_use]
    pub fn cookie(name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        Self::new(SessionKind::Cookie {
            name: name.into(),
            value: value.into(),
        })
    }

    /// The session cookie `idx` of Identity Engine.
    #[must_use]
    pub fn idx(value: impl Into<SecretString>) -> Self {
        Self::cookie("idx", value)
    }

    /// The session cookie `sid` of Classic Engine.
    #[must_use]
    pub fn sid(value: impl Into<SecretString>) -> Self {
        Self::cookie("sid", value)
    }

    /// Also sends `Origin`, which some orgs require in addition to the cookie: a Trusted
    /// Origin of the org, like `https://app.example.com`.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }
}

impl SessionCredentials {
    /// The browser's session cookie for the org, which the page cannot read. On wasm32
    /// only.
    ///
    /// The org's Trusted Origins must include the page's origin with CORS. Browsers
    /// that block third-party cookies send it only if the org has a custom
    /// domain on the page's own site.
    #[cfg(target_arch = "wasm32")]
    #[must_use]
    pub fn browser() -> Self {
        Self::new(SessionKind::Browser)
    }

    /// An OAuth 2.0 access token of the user. Okta's API specification allows it without
    /// any scope, while its documentation asks for the cookie.
    #[must_use]
    pub fn access_token(token: impl Into<SecretString>) -> Self {
        Self::new(SessionKind::AccessToken(Token::new(BEARER, token)))
    }

    fn new(kind: SessionKind) -> Self {
        Self { kind, origin: None }
    }

    /// What is wrong with these credentials.
    pub(crate) fn faults(&self) -> Faults {
        let mut faults = Faults::default();
        self.headers(&mut faults);
        faults
    }

    /// For credentials without [faults](Self::faults).
    pub(crate) fn into_auth(self) -> Result<Auth, Error> {
        let mut faults = Faults::default();
        match self.headers(&mut faults) {
            Some(headers) => Ok(Auth::Fixed(headers)),
            None => Err(faults.into_error()),
        }
    }

    fn headers(&self, faults: &mut Faults) -> Option<Vec<(HeaderName, HeaderValue)>> {
        let credential = match &self.kind {
            SessionKind::AccessToken(token) => token.header(),
            #[cfg(not(target_arch = "wasm32"))]
            SessionKind::Cookie { name, value } => cookie_header(name, value),
            #[cfg(target_arch = "wasm32")]
            // The transport sends the cookies, as there is no token.
            SessionKind::Browser => return Some(Vec::new()),
        };
        let credential = faults.check(credential);
        let origin = self.origin.as_deref().map(origin_value).transpose();
        let origin = faults.check(origin)?;
        let mut headers = vec![credential?];
        headers.extend(origin.map(|origin| (ORIGIN, origin)));
        Some(headers)
    }
}

impl Token {
    pub(super) fn new(scheme: &'static str, token: impl Into<SecretString>) -> Self {
        Self {
            scheme,
            token: token.into(),
        }
    }

    pub(super) fn header(&self) -> Result<(HeaderName, HeaderValue), Error> {
        let token = self.token.expose_secret();
        let refuse = |reason: &str| {
            Err(Error::invalid(format!(
                "the {} token is invalid: {reason} (got {})",
                self.scheme,
                shown::length(token)
            )))
        };
        if token.is_empty() {
            return refuse("it is empty");
        }
        if token.contains(['{', '}']) {
            return refuse("it is a placeholder; replace it with your token");
        }
        if [SSWS, BEARER, DPOP]
            .iter()
            .any(|scheme| starts_with_word(token, scheme))
        {
            return refuse("it begins with an authorization scheme; use the token alone");
        }
        if let Some(at) = token.bytes().position(|byte| !byte.is_ascii_graphic()) {
            return refuse(&format!(
                "it contains white space, or a character that is not allowed in a token, at position {at}; often a line break at the end of a file"
            ));
        }
        Ok((
            AUTHORIZATION,
            secret_value(&format!("{} {token}", self.scheme))?,
        ))
    }
}

/// Shows only the scheme, or that it is a cookie: a name or an origin may be a misplaced
/// secret.
impl fmt::Debug for SessionCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SessionCredentials");
        match &self.kind {
            SessionKind::AccessToken(token) => shown.field("kind", token),
            #[cfg(not(target_arch = "wasm32"))]
            SessionKind::Cookie { name, .. } => match name.as_str() {
                "idx" | "sid" => shown.field("cookie", name),
                other => shown.field("cookie", &format_args!("{}", shown::length(other))),
            },
            #[cfg(target_arch = "wasm32")]
            SessionKind::Browser => shown.field("kind", &"Browser"),
        };
        shown.finish_non_exhaustive()
    }
}

fn starts_with_word(text: &str, word: &str) -> bool {
    text.split_once(char::is_whitespace)
        .is_some_and(|(first, _)| first.eq_ignore_ascii_case(word))
}

/// `cookie-pair` of RFC 6265 §4.1.1: a token, and octets without white space,
/// quotes, comma, semicolon and backslash.
#[cfg(not(target_arch = "wasm32"))]
fn cookie_header(name: &str, value: &SecretString) -> Result<(HeaderName, HeaderValue), Error> {
    let value = value.expose_secret();
    // Header names have the same grammar (`token`).
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err(Error::invalid(format!(
            "the session cookie's name must be a cookie name like idx or sid (got {})",
            shown::length(name)
        )));
    }
    if value.is_empty() {
        return Err(Error::invalid("the session cookie's value is empty"));
    }
    let allowed = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
    if let Some(at) = value.bytes().position(|byte| !allowed(byte)) {
        return Err(Error::invalid(format!(
            "the session cookie's value is invalid: position {at} contains a character that is not allowed in a cookie; use the value alone, without name, quotes or attributes (got {})",
            shown::length(value)
        )));
    }
    Ok((COOKIE, secret_value(&format!("{name}={value}"))?))
}

fn origin_value(origin: &str) -> Result<HeaderValue, Error> {
    let serialized = Url::parse(origin)
        .ok()
        .map(|url| url.origin())
        .filter(|origin| origin.is_tuple());
    match serialized {
        Some(parsed) if parsed.ascii_serialization() == origin => {
            HeaderValue::from_str(origin).map_err(Error::from_header)
        }
        _ => Err(Error::invalid(format!(
            "the origin must be like https://app.example.com, without a path or a trailing slash (got {})",
            shown::length(origin)
        ))),
    }
}

fn secret_value(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(Error::from_header)?;
    value.set_sensitive(true);
    Ok(value)
}
