//! Classifies a response: as the success that Okta documents, or as an error.

pub(crate) mod okta_error;
pub(crate) mod redaction;

use std::sync::Arc;

use reqwest::{
    StatusCode,
    header::{
        CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, TRANSFER_ENCODING, WWW_AUTHENTICATE,
    },
};

use crate::{
    Effect, Error, ErrorKind, RateLimit,
    error::OktaError,
    error_code,
    operation::Operation,
    pipeline::{rate_limit::requested_wait, response::redaction::Secret},
};

/// A response, as far as it was received.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// What the headers say about the rate limit.
    pub(crate) rate_limit: Option<RateLimit>,
    /// `X-Okta-Request-Id`, if it can be one of Okta's.
    pub(crate) request_id: Option<Arc<str>>,
    pub(crate) body: Body,
    /// The secrets of the request. Some servers echo them, and errors and receipts end up
    /// in logs.
    pub(crate) secrets: Vec<Secret>,
    /// Whether a browser let the page read it across origins. It does so only if the
    /// response allows the page's origin and its cookies, as the org does for its Trusted
    /// Origins. The browser then hides the request id from the page.
    pub(crate) allowed_by_cors: bool,
}

pub(crate) enum Body {
    /// The complete body.
    Whole(Vec<u8>),
    /// It ended, but nothing proves that it is complete (see `transport/native/completeness.rs`).
    MayBeCut(Vec<u8>),
    /// Longer than any body that Okta sends; the rest was not read.
    TooLong,
    /// The connection ended, or the time limit passed, before the body did.
    Cut(Error),
}

enum Credential {
    ApiToken,
    AccessToken,
    Cookie,
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-okta-request-id");

/// In bytes. Okta's have about thirty.
const LONGEST_REQUEST_ID: usize = 128;

const NO_SCOPE: &str = "the access token lacks the scope; revoking needs okta.users.manage";

const UNEXPECTED_STATUS: (ErrorKind, Effect, &str) = (
    ErrorKind::UnexpectedResponse,
    Effect::Unknown,
    "unexpected status, which Okta never returns for this call; check the org URL and any proxy",
);

const NOT_FROM_OKTA: &str = "the request was refused, but not by Okta (no request id, no Okta error code); check the org URL and any proxy or firewall in between";

impl Response {
    pub(crate) fn new(
        status: StatusCode,
        headers: HeaderMap,
        body: Body,
        secrets: Vec<Secret>,
        allowed_by_cors: bool,
    ) -> Self {
        Self {
            status,
            rate_limit: RateLimit::from_headers(&headers),
            request_id: request_id(&headers, &secrets),
            headers,
            body,
            secrets,
            allowed_by_cors,
        }
    }

    /// The body, if it ended and was not too long.
    pub(crate) fn whole_body(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Whole(body) | Body::MayBeCut(body) => Some(body),
            Body::TooLong | Body::Cut(_) => None,
        }
    }

    /// Whether the response is Okta's own, not one of a proxy or firewall in between, which
    /// may have let the request through before it blocked the response.
    pub(crate) fn is_from_okta(&self) -> bool {
        self.allowed_by_cors
            || self.request_id.is_some()
            || self.has_okta_error_code()
            || self.challenge().is_some()
    }

    /// Itself if it is the success that Okta documents for the operation: a documented
    /// status and an empty body or, in older deployments, an empty JSON object. Anything
    /// else is an error.
    pub(crate) fn into_result(
        self,
        operation: &Operation,
        allow_missing_request_id: bool,
    ) -> Result<Self, Error> {
        let (kind, effect, message) = if operation.is_success(self.status.as_u16()) {
            match self.why_not_success(allow_missing_request_id) {
                None => return Ok(self),
                Some((kind, message)) => (kind, Effect::Unknown, message),
            }
        } else {
            self.classify_failure()
        };
        let okta = self.okta_error();
        Err(self.error(kind, effect, message, okta))
    }

    /// The error for a failed token request. It never quotes an unknown body, because with
    /// an unexpected status (a proxy's 203) the body may contain a token.
    #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
    pub(crate) fn into_error(self) -> Error {
        let (kind, effect, message) = self.classify_failure();
        let okta = self.stated_error();
        self.error(kind, effect, message, okta)
    }

    fn error(&self, kind: ErrorKind, effect: Effect, message: &str, okta: OktaError) -> Error {
        let status = self.status.as_u16();
        let error = Error::new(kind, effect, message).with_response(
            status,
            self.request_id.clone(),
            self.rate_limit.clone(),
            requested_wait(status, &self.headers),
            okta,
        );
        match self.cut() {
            Some(cut) => error.with_source(cut.to_string()),
            None => error,
        }
    }

    /// What a status other than a success means.
    fn classify_failure(&self) -> (ErrorKind, Effect, &'static str) {
        match self.status.as_u16() {
            // A proxy may have forwarded the request before it timed out.
            408 => (
                ErrorKind::Rejected,
                Effect::Unknown,
                "the server timed out while it waited for the request",
            ),
            // Retried like Okta's own, but the request may have taken effect.
            429 if !self.is_from_okta() => (
                ErrorKind::RateLimited,
                Effect::Unknown,
                "too many requests, but not by Okta's rate limit (no request id, no Okta error code); check any proxy or firewall in between",
            ),
            400..=499 if !self.is_from_okta() => {
                (ErrorKind::Rejected, Effect::Unknown, NOT_FROM_OKTA)
            }
            status @ 400..=499 => {
                let (kind, message) = self.classify_okta_refusal(status);
                (kind, Effect::None, message)
            }
            503 if self.okta_error_code().as_deref() == Some(error_code::READ_ONLY) => (
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
                ErrorKind::UnexpectedResponse,
                Effect::Unknown,
                "the server redirects, which Okta does not do here; check the org URL, and the network for a captive portal",
            ),
            _ => UNEXPECTED_STATUS,
        }
    }

    fn classify_okta_refusal(&self, status: u16) -> (ErrorKind, &'static str) {
        match status {
            400 | 401 if self.headers.contains_key(WWW_AUTHENTICATE) => {
                (ErrorKind::Unauthorized, self.challenge_message())
            }
            401 => (ErrorKind::Unauthorized, self.unauthorized_message()),
            403 => (ErrorKind::Forbidden, self.forbidden_message()),
            404 => self.classify_not_found(),
            405 => (
                ErrorKind::Rejected,
                "this server does not have the operation; check that the org URL is your Okta org's",
            ),
            429 => (
                ErrorKind::RateLimited,
                "the org's rate limit is exhausted; try again when its window has ended",
            ),
            _ => (ErrorKind::Rejected, "the request was refused"),
        }
    }

    /// Why a success status does not count as success; `None` if it does.
    fn why_not_success(&self, allow_missing_request_id: bool) -> Option<(ErrorKind, &'static str)> {
        let unexpected = |message| Some((ErrorKind::UnexpectedResponse, message));
        let body = match &self.body {
            Body::Cut(error) => {
                return Some((
                    error.kind(),
                    "the connection ended in the middle of the response",
                ));
            }
            Body::TooLong => {
                return unexpected(
                    "a success status came with a long body, which Okta does not send here",
                );
            }
            Body::Whole(body) | Body::MayBeCut(body) => body,
        };
        if !is_empty(body) {
            return unexpected(
                "a success status came with content that is not Okta's, such as a captive portal's page",
            );
        }
        // A 204 has no body by definition, so over HTTP/1.1 none is read. Its headers show
        // whether content was sent nevertheless.
        let lengths = self.headers.get_all(CONTENT_LENGTH);
        if self.status == StatusCode::NO_CONTENT
            && (!body.is_empty()
                || lengths.iter().any(|length| length != "0")
                || self.headers.contains_key(TRANSFER_ENCODING))
        {
            return unexpected("a 204 came with content, so it is not Okta's");
        }
        if !self.allowed_by_cors && self.request_id.is_none() {
            if !allow_missing_request_id {
                return unexpected(
                    "a success status came without X-Okta-Request-Id, which every response of Okta's has, so something else may have made it; check the org URL and any proxy in between",
                );
            }
            if self.is_html() {
                return unexpected(
                    "a success status came as a web page and without X-Okta-Request-Id",
                );
            }
        }
        if let Body::MayBeCut(_) = self.body {
            return Some((
                ErrorKind::ConnectionLost,
                "a success status came without proof that the response is complete, so it may have been cut",
            ));
        }
        None
    }

    fn is_html(&self) -> bool {
        let mut types = self.headers.get_all(CONTENT_TYPE).iter();
        types.any(|kind| {
            kind.to_str()
                .is_ok_and(|kind| kind.to_ascii_lowercase().contains("html"))
        })
    }

    fn challenge_message(&self) -> &'static str {
        match self.oauth_error().as_ref().map(|error| error.name.as_str()) {
            Some("invalid_dpop_proof") => {
                "Okta does not accept the DPoP proof: check that the token is bound to this key, and that no proxy rewrites the URL that the proof names"
            }
            Some("use_dpop_nonce") => "Okta keeps requesting a new DPoP nonce; try again",
            Some("insufficient_scope") => NO_SCOPE,
            _ => self.unauthorized_message(),
        }
    }

    /// What the request was signed with, as far as its headers show. A browser hides its
    /// cookies.
    fn credential(&self) -> Credential {
        let has = |scheme: &str| self.secrets.iter().any(|secret| secret.has_scheme(scheme));
        if has("SSWS") {
            Credential::ApiToken
        } else if has("Bearer") || has("DPoP") {
            Credential::AccessToken
        } else {
            Credential::Cookie
        }
    }

    fn unauthorized_message(&self) -> &'static str {
        match self.credential() {
            Credential::ApiToken => {
                "Okta does not accept the API token: it is wrong, expired, revoked, or of another org"
            }
            Credential::AccessToken => {
                "Okta does not accept the access token: it is wrong, expired, revoked, of another org, or needs DPoP"
            }
            Credential::Cookie => {
                "Okta does not accept the session cookie: the session is over, or the cookie is not this org's; sign in again"
            }
        }
    }

    fn invalid_session_message(&self) -> &'static str {
        match self.credential() {
            Credential::ApiToken => {
                "Okta does not accept the API token (invalid session): check that the token and its administrator are active, and that both are this org's"
            }
            Credential::AccessToken => {
                "Okta does not accept the access token (invalid session): check that the app and its user are active, and that both are this org's"
            }
            Credential::Cookie => {
                "the user's session is over, or the cookie is not this org's; sign in again"
            }
        }
    }

    fn forbidden_message(&self) -> &'static str {
        match self.okta_error().code.as_deref() {
            Some(error_code::INVALID_SESSION) => self.invalid_session_message(),
            Some(error_code::NOT_ALLOWED_IN_STATUS) => {
                "Okta does not allow this in the user's current status"
            }
            Some(error_code::ACCESS_DENIED) => {
                "the caller has no permission: revoking needs an administrator role that may clear user sessions (and the scope okta.users.manage with an access token), ending needs the user's own session"
            }
            Some("insufficient_scope") => NO_SCOPE,
            Some(_) => "Okta forbids this",
            None => "Okta forbids this and does not say why",
        }
    }

    fn classify_not_found(&self) -> (ErrorKind, &'static str) {
        match self.okta_error_code().as_deref() {
            Some(error_code::RESOURCE_NOT_FOUND) => (
                ErrorKind::NotFound,
                "the org has no such user; check the id, and that it is of this org",
            ),
            Some(error_code::PATH_NOT_FOUND) => (
                ErrorKind::UnknownPath,
                "the org does not know the path: the org URL is wrong, not the user",
            ),
            // This must not be mistaken for a user who does not exist.
            _ => (
                ErrorKind::Rejected,
                "not found, but without Okta's error code, so this says nothing about the user; check the org URL",
            ),
        }
    }

    pub(crate) fn cut(&self) -> Option<&Error> {
        match &self.body {
            Body::Cut(error) => Some(error),
            Body::Whole(_) | Body::MayBeCut(_) | Body::TooLong => None,
        }
    }

    fn hide(&self, text: String) -> String {
        redaction::hide_all(&self.secrets, text)
    }
}

fn request_id(headers: &HeaderMap, secrets: &[Secret]) -> Option<Arc<str>> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_plausible = (1..=LONGEST_REQUEST_ID).contains(&id.len());
    is_plausible.then(|| redaction::hide_all(secrets, id.to_owned()).into())
}

/// Nothing, white space, or an empty JSON object.
fn is_empty(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    body.is_empty() || matches!(body, [b'{', inner @ .., b'}'] if inner.trim_ascii().is_empty())
}
