//! The credentials of the two clients, validated before anything is sent.

use std::fmt;
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
use std::sync::Arc;

use reqwest::{
    Url,
    header::{HeaderName, HeaderValue, ORIGIN},
};
use secrecy::SecretString;

#[cfg(not(target_arch = "wasm32"))]
use super::cookie;
use super::{
    Auth, Shared,
    oauth::OAuthCredentials,
    token::{BEARER, SSWS, Token},
};
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
use super::{
    oauth::{PrivateKey, Signer},
    token::DPOP,
};
use crate::{Error, faults::Faults, shown};

/// What an administrator or a service authenticates with, for
/// [`Client`](crate::Client).
#[derive(Clone, Debug)]
pub struct Credentials(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Token(Token),
    #[cfg_attr(
        not(all(feature = "service-app", not(target_arch = "wasm32"))),
        expect(dead_code, reason = "there are no such credentials")
    )]
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

/// Credentials with a private key, which are in `oauth/`.
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
impl Credentials {
    /// A service app: OAuth 2.0 client credentials with a private key
    /// (`private_key_jwt`), which is how Okta wants automation to authenticate.
    /// Tokens are fetched when needed and renewed before they expire, with DPoP if the
    /// app requires it.
    ///
    /// Without scopes, it requests `okta.users.manage`. The app also needs an
    /// administrator role that may clear user sessions.
    ///
    /// ```no_run
    /// use okta_user_sessions::{Client, Credentials, PrivateKey};
    ///
    /// # fn f(pem: String) -> Result<(), okta_user_sessions::Error> {
    /// let key = PrivateKey::from_text(pem)?.with_key_id("kid-of-the-app");
    /// let okta = Client::builder("https://acme.okta.com")
    ///     .credentials(Credentials::service_app("0oa1234567890", key, ["okta.users.manage"]))
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn service_app<S: Into<String>>(
        client_id: impl Into<String>,
        key: impl Signer,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        Self(Kind::OAuth(OAuthCredentials::service_app(
            client_id.into(),
            scopes,
            Arc::new(key),
        )))
    }

    /// An access token that is bound to a key (DPoP, RFC 9449), and that key.
    #[must_use]
    pub fn dpop_access_token(token: impl Into<SecretString>, key: PrivateKey) -> Self {
        Self(Kind::OAuth(OAuthCredentials::dpop_token(
            Token::new(DPOP, token),
            key,
        )))
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
            SessionKind::Cookie { name, value } => cookie::header(name, value),
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
