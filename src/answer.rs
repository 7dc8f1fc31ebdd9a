//! What an answer means: success as Okta gives it, or the error it is.

use std::sync::Arc;

use reqwest::{
    StatusCode,
    header::{
        CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, TRANSFER_ENCODING, WWW_AUTHENTICATE,
    },
};

use serde::Deserialize;

use crate::{
    Effect, Error, ErrorKind,
    error::OktaError,
    error_code,
    generated::types,
    operation::Operation,
    rate_limit::{RateLimit, requested_wait},
    secret::Secret,
};

/// An answer, as far as it came in.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// What the headers say of it, read once.
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) body: Body,
    /// What was secret in the request: some servers echo it, and what goes into
    /// an error or a receipt goes into a log.
    pub(crate) secrets: Vec<Secret>,
    pub(crate) provenance: Provenance,
}

/// What the transport knows of an answer, beside its headers.
pub(crate) struct Provenance {
    /// Whether the body ended with the connection, so that a cut does not show.
    pub(crate) open_ended: bool,
    /// Whether a browser let the answer through as one that allows the page's
    /// origin and its cookies. Only the org does that, whose request id the
    /// browser then hides.
    pub(crate) allowed_by_cors: bool,
}

pub(crate) enum Body {
    Whole(Vec<u8>),
    /// Longer than any that Okta sends; the rest was not read.
    TooLong,
    /// The connection ended, or the time was up, before the body did.
    Cut(Error),
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-okta-request-id");

const NO_SCOPE: &str = "the access token lacks the scope; revoking needs okta.users.manage";

const UNEXPECTED_STATUS: (ErrorKind, Effect, &str) = (
    ErrorKind::UnexpectedAnswer,
    Effect::Unknown,
    "Okta does not answer with this status here; check the org URL and what stands between",
);

impl Answer {
    pub(crate) fn request_id(&self) -> Option<Arc<str>> {
        let id = self.headers.get(REQUEST_ID)?.to_str().ok()?;
        (!id.is_empty()).then(|| Arc::from(self.hide(id.to_owned())))
    }

    /// The body, if all of it came in.
    pub(crate) fn whole_body(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Whole(body) => Some(body),
            Body::TooLong | Body::Cut(_) => None,
        }
    }

    /// The error that a DPoP or Bearer challenge names (RFC 6750 §3,
    /// RFC 9449 §7.1), or the token endpoint's body (RFC 6749 §5.2).
    pub(crate) fn oauth_error(&self) -> Option<OAuthError> {
        let challenges = self.headers.get_all(WWW_AUTHENTICATE).iter();
        challenges
            .filter_map(|challenge| OAuthError::in_challenge(challenge.to_str().ok()?))
            .next()
            .or_else(|| serde_json::from_slice(self.whole_body()?).ok())
    }

    /// Success as the operation gives it: its status, with nothing in it but, in
    /// older deployments, an empty JSON object. Anything else is an error.
    pub(crate) fn judge(self, operation: &Operation) -> Result<Self, Error> {
        match self.refusal(|status| operation.is_success(status)) {
            None => Ok(self),
            Some(error) => Err(error),
        }
    }

    /// The error that the answer to a token request is.
    #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
    pub(crate) fn into_error(self) -> Error {
        // No status of a token request means that an operation is done.
        self.refusal(|_| false).unwrap_or_else(|| {
            let (kind, effect, message) = UNEXPECTED_STATUS;
            Error::new(kind, effect, message)
        })
    }

    fn refusal(&self, is_success: impl Fn(u16) -> bool) -> Option<Error> {
        let (kind, effect, message) = match self.status.as_u16() {
            status if is_success(status) => self.foreign()?,
            400 | 401 if self.headers.contains_key(WWW_AUTHENTICATE) => {
                (ErrorKind::Unauthorized, Effect::None, self.challenged())
            }
            401 => (
                ErrorKind::Unauthorized,
                Effect::None,
                "Okta does not accept the credential: it is wrong, expired, revoked, or of another org",
            ),
            403 => (ErrorKind::Forbidden, Effect::None, self.forbidden()),
            404 => self.not_found(),
            429 => (
                ErrorKind::RateLimited,
                Effect::None,
                "the org's rate limit is spent; try again when its window has ended",
            ),
            // A proxy may have sent the request on before it gave up.
            408 => (
                ErrorKind::Rejected,
                Effect::Unknown,
                "the server gave up waiting",
            ),
            405 => (
                ErrorKind::Rejected,
                Effect::None,
                "this server does not have the operation; check that the org URL is your Okta org's",
            ),
            400..=499 => (ErrorKind::Rejected, Effect::None, "the request was refused"),
            503 if self.okta_error().code.as_deref() == Some(error_code::READ_ONLY) => (
                ErrorKind::ReadOnly,
                Effect::None,
                "the org is in read-only mode (maintenance or failover) and changes nothing until that is over; try again later",
            ),
            500..=599 => (
                ErrorKind::Server,
                Effect::Unknown,
                "the server failed; try again",
            ),
            300..=399 => (
                ErrorKind::UnexpectedAnswer,
                Effect::Unknown,
                "the server redirects, which Okta does not do here; check the org URL, and the network for a captive portal",
            ),
            _ => UNEXPECTED_STATUS,
        };
        let mut error = Error::new(kind, effect, message).with_answer(
            self.status.as_u16(),
            self.request_id(),
            self.rate_limit.clone(),
            requested_wait(self.status.as_u16(), &self.headers),
            self.okta_error(),
        );
        if let Some(source) = self.cut() {
            error = error.with_source(source.to_string());
        }
        Some(error)
    }

    /// Why a success status is none; `None` where it is one.
    fn foreign(&self) -> Option<(ErrorKind, Effect, &'static str)> {
        let unexpected = |message| Some((ErrorKind::UnexpectedAnswer, Effect::Unknown, message));
        match &self.body {
            Body::Cut(error) => {
                return Some((
                    error.kind(),
                    Effect::Unknown,
                    "the connection ended in the middle of the answer",
                ));
            }
            Body::TooLong => {
                return unexpected(
                    "a success status came with a long body, which Okta does not send here",
                );
            }
            Body::Whole(body) if !is_empty(body) => {
                return unexpected(
                    "a success status came with content that is not Okta's, such as a captive portal's page",
                );
            }
            Body::Whole(_) => {}
        }
        // A 204 has no body by definition, so the transport does not read one:
        // its headers tell of a page that was sent all the same.
        let lengths = self.headers.get_all(CONTENT_LENGTH);
        if self.status == StatusCode::NO_CONTENT
            && (lengths.iter().any(|length| length != "0")
                || self.headers.contains_key(TRANSFER_ENCODING))
        {
            return unexpected("a 204 came with content, so it is not Okta's");
        }
        let is_okta_s = || self.provenance.allowed_by_cors || self.headers.contains_key(REQUEST_ID);
        if self.status == StatusCode::OK && self.provenance.open_ended && !is_okta_s() {
            return unexpected(
                "a 200 came without a length and without Okta's request id, so it may have been cut",
            );
        }
        let html = self.headers.get_all(CONTENT_TYPE).iter().any(|kind| {
            kind.to_str()
                .is_ok_and(|kind| kind.to_ascii_lowercase().contains("html"))
        });
        if html && !is_okta_s() {
            return unexpected("a success status came as a web page and without Okta's request id");
        }
        None
    }

    fn challenged(&self) -> &'static str {
        match self.oauth_error().as_ref().map(|error| error.name.as_str()) {
            Some("invalid_dpop_proof") => {
                "Okta does not accept the DPoP proof: check that the token is bound to this key, and what stands between, for the proof names the URL"
            }
            Some("use_dpop_nonce") => "Okta goes on asking for another DPoP nonce; try again",
            Some("insufficient_scope") => NO_SCOPE,
            _ => {
                "Okta does not accept the access token: it is wrong, expired, revoked, of another org, or needs DPoP"
            }
        }
    }

    fn forbidden(&self) -> &'static str {
        match self.okta_error().code.as_deref() {
            Some(error_code::INVALID_SESSION) => {
                "the user's session is over, or the cookie is not this org's; sign in again"
            }
            Some(error_code::NOT_ALLOWED_IN_STATUS) => {
                "Okta does not allow this in the user's current status"
            }
            Some(error_code::ACCESS_DENIED) => {
                "the caller has no permission: revoking needs an administrator role that may clear user sessions (and the scope okta.users.manage with an access token), ending needs the user's own session"
            }
            Some("insufficient_scope") => NO_SCOPE,
            Some(_) => "Okta forbids this",
            None => {
                "forbidden, without Okta's error code; check the org URL and what stands between"
            }
        }
    }

    fn not_found(&self) -> (ErrorKind, Effect, &'static str) {
        match self.okta_error().code.as_deref() {
            Some(error_code::RESOURCE_NOT_FOUND) => (
                ErrorKind::NotFound,
                Effect::None,
                "the org has no such user; check the id, and that it is of this org",
            ),
            Some(error_code::PATH_NOT_FOUND) => (
                ErrorKind::UnknownPath,
                Effect::None,
                "the org does not know the path: the org URL is wrong, not the user",
            ),
            // A proxy's 404 must not pass for a user who is gone.
            _ => (
                ErrorKind::Rejected,
                Effect::None,
                "not found, but without Okta's error code, so this says nothing about the user; check the org URL",
            ),
        }
    }

    pub(crate) fn cut(&self) -> Option<&Error> {
        match &self.body {
            Body::Cut(error) => Some(error),
            Body::Whole(_) | Body::TooLong => None,
        }
    }

    /// What Okta said in its error body, or by OAuth's rules; empty where it
    /// said nothing.
    fn okta_error(&self) -> OktaError {
        let body = self.whole_body().unwrap_or_default();
        let error: types::Error = serde_json::from_slice(body).unwrap_or_default();
        let oauth = match error.error_code {
            Some(_) => None,
            None => self.oauth_error(),
        };
        let (name, description) =
            oauth.map_or((None, None), |error| (Some(error.name), error.description));
        let hide = |text: Option<String>| text.map(|text| self.hide(text));
        OktaError {
            code: hide(error.error_code.or(name)),
            summary: hide(error.error_summary.or(description)),
            id: hide(error.error_id),
            causes: error
                .error_causes
                .into_iter()
                .flatten()
                .filter_map(|cause| hide(cause.error_summary))
                .collect(),
        }
    }

    fn hide(&self, text: String) -> String {
        self.secrets
            .iter()
            .fold(text, |text, secret| secret.hide(text))
    }
}

/// What OAuth 2.0 says of a failure.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct OAuthError {
    #[serde(rename = "error")]
    pub(crate) name: String,
    #[serde(rename = "error_description")]
    description: Option<String>,
}

impl OAuthError {
    fn in_challenge(challenge: &str) -> Option<Self> {
        // The name of a parameter begins after white space or a comma.
        let parameter = |name: &str| {
            challenge.match_indices(name).find_map(|(at, _)| {
                let (before, parameter) = challenge.split_at_checked(at)?;
                let value = parameter.strip_prefix(name)?.strip_prefix("=\"")?;
                let begins = before.ends_with([' ', ',', '\t']);
                begins
                    .then(|| value.split_once('"'))?
                    .map(|(value, _)| value.to_owned())
            })
        };
        Some(Self {
            name: parameter("error")?,
            description: parameter("error_description"),
        })
    }
}

/// Nothing, white space, or an empty JSON object.
fn is_empty(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    body.is_empty() || matches!(body, [b'{', inner @ .., b'}'] if inner.trim_ascii().is_empty())
}
