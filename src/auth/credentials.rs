//! The credentials of the two clients, checked before anything is sent.

use std::fmt;
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
use std::sync::Arc;

#[cfg(not(target_arch = "wasm32"))]
use reqwest::header::COOKIE;
use reqwest::{
    Url,
    header::{AUTHORIZATION, HeaderName, HeaderValue, ORIGIN},
};
use secrecy::{ExposeSecret, SecretString};

use super::{Auth, Wire};
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
use super::{PrivateKey, Signer, endpoint::ServiceApp, tokens::TokenAuth};
use crate::{Error, faults::Faults, shown};

/// What an administrator or a service authenticates with, for
/// [`Client`](crate::Client).
#[derive(Clone, Debug)]
pub struct Credentials(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Token(Token),
    #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
    ServiceApp(ServiceApp),
    #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
    DpopToken(Token, PrivateKey),
}

/// What a signed-in user authenticates with, for
/// [`SessionClient`](crate::SessionClient).
///
/// There is no way to make one of an API token: Okta does not allow it for
/// `endUserSessions`.
///
/// ```compile_fail
/// use okta_user_sessions::{Credentials, SessionClient};
///
/// SessionClient::builder("https://acme.okta.com").credentials(Credentials::api_token("00token"));
/// ```
#[derive(Clone)]
pub struct SessionCredentials {
    kind: SessionKind,
    /// None in a browser, which sets it itself.
    origin: Option<String>,
}

#[derive(Clone, Debug)]
struct Token {
    scheme: &'static str,
    token: SecretString,
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
const DPOP: &str = "DPoP";

impl Credentials {
    /// An API token of an administrator, which Okta takes as
    /// `Authorization: SSWS …`.
    #[must_use]
    pub fn api_token(token: impl Into<SecretString>) -> Self {
        Self(Kind::Token(Token::new(SSWS, token)))
    }

    /// An OAuth 2.0 access token with the scope `okta.users.manage`, of somebody
    /// whose administrator role may clear user sessions.
    #[must_use]
    pub fn access_token(token: impl Into<SecretString>) -> Self {
        Self(Kind::Token(Token::new(BEARER, token)))
    }

    /// A service app: OAuth 2.0 client credentials with a private key
    /// (`private_key_jwt`), which is how Okta wants automation to authenticate.
    /// Tokens are fetched when they are needed and renewed in time, with DPoP
    /// where the app demands it.
    ///
    /// Without any scope it asks for `okta.users.manage`. The app also needs an
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
    #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
    #[must_use]
    pub fn service_app<S: Into<String>>(
        client_id: impl Into<String>,
        key: impl Signer,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        Self(Kind::ServiceApp(ServiceApp {
            client_id: client_id.into(),
            scopes,
            signer: Arc::new(key),
        }))
    }

    /// An access token that is bound to a key (DPoP, RFC 9449), and that key.
    #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
    #[must_use]
    pub fn dpop_access_token(token: impl Into<SecretString>, key: PrivateKey) -> Self {
        Self(Kind::DpopToken(Token::new(DPOP, token), key))
    }

    /// What is wrong with them.
    pub(crate) fn faults(&self) -> Faults {
        let mut faults = Faults::default();
        match &self.0 {
            Kind::Token(token) => drop(faults.check(token.header())),
            #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
            Kind::ServiceApp(app) => app.check(&mut faults),
            #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
            Kind::DpopToken(token, _) => drop(faults.check(token.header())),
        }
        faults
    }

    /// Of credentials that have no [faults](Self::faults).
    pub(crate) fn into_auth(self, wire: Wire) -> Result<Auth, Error> {
        match self.0 {
            Kind::Token(token) => {
                drop(wire);
                Ok(Auth::Fixed(vec![token.header()?]))
            }
            #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
            Kind::ServiceApp(app) => TokenAuth::service_app(app, wire).map(Auth::Tokens),
            #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
            Kind::DpopToken(token, key) => TokenAuth::given(token.token, key).map(Auth::Tokens),
        }
    }
}

/// Headers that a browser sets itself and lets no page set: absent on wasm32.
#[cfg(not(target_arch = "wasm32"))]
impl SessionCredentials {
    /// The user's session cookie under its own name; [`idx`](Self::idx) and
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

    /// Also sends `Origin`, which some orgs want beside the cookie: a Trusted
    /// Origin of the org, like `https://app.example.com`.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }
}

impl SessionCredentials {
    /// The session cookie that the browser has of the org, which no page can
    /// read. On wasm32 only.
    ///
    /// The org's Trusted Origins must have the page's origin with CORS. Browsers
    /// that block third-party cookies send it only where the org has a custom
    /// domain on the page's own site.
    #[cfg(target_arch = "wasm32")]
    #[must_use]
    pub fn browser() -> Self {
        Self::new(SessionKind::Browser)
    }

    /// An OAuth 2.0 access token of the user. The specification allows it with
    /// no scope; the documentation asks for the cookie.
    #[must_use]
    pub fn access_token(token: impl Into<SecretString>) -> Self {
        Self::new(SessionKind::AccessToken(Token::new(BEARER, token)))
    }

    fn new(kind: SessionKind) -> Self {
        Self { kind, origin: None }
    }

    /// What is wrong with them.
    pub(crate) fn faults(&self) -> Faults {
        let mut faults = Faults::default();
        self.headers(&mut faults);
        faults
    }

    /// Of credentials that have no [faults](Self::faults).
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

#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
impl ServiceApp {
    fn check(&self, faults: &mut Faults) {
        let id = &self.client_id;
        if id.is_empty()
            || id.contains(['{', '}'])
            || !id.bytes().all(|byte| byte.is_ascii_graphic())
        {
            faults.push(Error::invalid(format!(
                "the client id must be like 0oa1234567890 (got {}); copy it from the app's page",
                shown::length(id)
            )));
        }
        // `scope-token` of RFC 6749 §3.3.
        let allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"\\".contains(&byte);
        for scope in &self.scopes {
            if scope.is_empty() || !scope.bytes().all(allowed) {
                faults.push(Error::invalid(format!(
                    "a scope must be like okta.users.manage (got {}); give each scope separately",
                    shown::length(scope)
                )));
            }
        }
    }
}

impl Token {
    fn new(scheme: &'static str, token: impl Into<SecretString>) -> Self {
        Self {
            scheme,
            token: token.into(),
        }
    }

    fn header(&self) -> Result<(HeaderName, HeaderValue), Error> {
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
            return refuse("it is a placeholder; put your own token there");
        }
        if [SSWS, BEARER, DPOP]
            .iter()
            .any(|scheme| starts_with_word(token, scheme))
        {
            return refuse("it begins with an authorization scheme; give the token alone");
        }
        if let Some(at) = token.bytes().position(|byte| !byte.is_ascii_graphic()) {
            return refuse(&format!(
                "it contains white space, or a character that no token has, at position {at}; often a line end that came with it from a file"
            ));
        }
        Ok((
            AUTHORIZATION,
            secret_value(&format!("{} {token}", self.scheme))?,
        ))
    }
}

/// The scheme, or that it is a cookie, and no more: a name or an origin may be a
/// misplaced secret.
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
    // Header names are tokens too.
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err(Error::invalid(format!(
            "the session cookie's name must be like idx or sid (got {})",
            shown::length(name)
        )));
    }
    if value.is_empty() {
        return Err(Error::invalid("the session cookie's value is empty"));
    }
    let allowed = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
    if let Some(at) = value.bytes().position(|byte| !allowed(byte)) {
        return Err(Error::invalid(format!(
            "the session cookie's value is invalid: position {at} holds a character that no cookie value has; give the value alone, without name, quotes or attributes (got {})",
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
            "the origin must be like https://app.example.com, without a path or a slash at the end (got {})",
            shown::length(origin)
        ))),
    }
}

fn secret_value(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(Error::from_header)?;
    value.set_sensitive(true);
    Ok(value)
}
