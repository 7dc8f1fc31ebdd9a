//! The error type: what went wrong, and whether the request may have taken effect.

mod kind;

pub use kind::{Effect, ErrorKind};

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use crate::RateLimit;

/// Why a call failed, what it may have done, and what to do about it.
///
/// Every fallible function of this crate returns it. [`kind`](Error::kind) says
/// what went wrong and [`effect`](Error::effect) what may have happened; the
/// [`Display`](fmt::Display) text is one line for a person and contains no secret.
///
/// ```
/// use okta_user_sessions::{Client, Credentials, Effect, ErrorKind};
///
/// let error = Client::builder("https://acme-admin.okta.com")
///     .credentials(Credentials::api_token("00token"))
///     .build()
///     .unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidInput);
/// assert_eq!(error.effect(), Effect::None);
/// assert!(error.to_string().contains("acme.okta.com"));
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    effect: Effect,
    message: String,
    status: Option<u16>,
    okta: OktaError,
    request_id: Option<Arc<str>>,
    rate_limit: Option<RateLimit>,
    /// How long the server asked to wait.
    requested_wait: Option<Duration>,
    /// The wait that would have passed the deadline.
    wait: Option<Duration>,
    attempts: u32,
    /// Whether it is the error of a token request, which has had its own retries.
    at_token_endpoint: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The fields of Okta's error body, each of which can be missing.
#[derive(Clone, Default)]
pub(crate) struct OktaError {
    pub(crate) code: Option<String>,
    pub(crate) summary: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) causes: Vec<String>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, effect: Effect, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            effect,
            message: message.into(),
            status: None,
            okta: OktaError::default(),
            request_id: None,
            rate_limit: None,
            requested_wait: None,
            wait: None,
            attempts: 0,
            at_token_endpoint: false,
            source: None,
        }))
    }

    /// Refused before anything was sent.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, Effect::None, message)
    }

    /// An invalid header value, which is not shown because it may be a secret.
    pub(crate) fn from_header(_: reqwest::header::InvalidHeaderValue) -> Self {
        Self::invalid(
            "a header value is invalid: it contains a character that is not allowed in a header",
        )
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Replaces the chain of sources with one text, redacted by `shown`.
    pub(crate) fn with_source_as_text(mut self, shown: impl FnOnce(String) -> String) -> Self {
        let Some(source) = self.0.source.take() else {
            return self;
        };
        let mut text = source.to_string();
        let mut next = source.source();
        while let Some(source) = next {
            text.push_str(": ");
            text.push_str(&source.to_string());
            next = source.source();
        }
        self.with_source(shown(text))
    }

    pub(crate) fn with_response(
        mut self,
        status: u16,
        request_id: Option<Arc<str>>,
        rate_limit: Option<RateLimit>,
        requested_wait: Option<Duration>,
        okta: OktaError,
    ) -> Self {
        self.0.status = Some(status);
        self.0.request_id = request_id;
        self.0.rate_limit = rate_limit;
        self.0.requested_wait = requested_wait;
        self.0.okta = okta;
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Whether the last attempt failed before its request was sent.
    pub(crate) fn attempt_not_sent(&self) -> bool {
        self.0.at_token_endpoint
            || matches!(
                self.0.kind,
                ErrorKind::InvalidInput
                    | ErrorKind::DeadlineExceeded
                    | ErrorKind::Signing
                    | ErrorKind::Journal
            )
    }

    /// Whether it is the error of a token request, which has had its own retries.
    pub(crate) fn is_at_token_endpoint(&self) -> bool {
        self.0.at_token_endpoint
    }

    /// How long the server asked to wait.
    pub(crate) fn requested_wait(&self) -> Option<Duration> {
        self.0.requested_wait
    }

    /// Records that an earlier attempt of the same call may have taken effect.
    pub(crate) fn with_effect_unknown(mut self) -> Self {
        self.0.effect = Effect::Unknown;
        self
    }

    /// Records that the call ended because this wait would have passed its deadline.
    pub(crate) fn with_wait(mut self, wait: Duration) -> Self {
        self.0.wait = Some(wait);
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What the call may have done.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.0.effect
    }

    /// The HTTP status of the last response, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Okta's `errorCode`, like [`error_code::RESOURCE_NOT_FOUND`](crate::error_code::RESOURCE_NOT_FOUND): the field to
    /// branch on. Of a token request or a challenge, OAuth's `error`, like
    /// `invalid_client`.
    #[must_use]
    pub fn error_code(&self) -> Option<&str> {
        self.0.okta.code.as_deref()
    }

    /// Okta's `errorSummary`, or OAuth's `error_description`, in wording that Okta may
    /// change.
    #[must_use]
    pub fn error_summary(&self) -> Option<&str> {
        self.0.okta.summary.as_deref()
    }

    /// Okta's `errorId`, which identifies this occurrence for Okta's support.
    #[must_use]
    pub fn error_id(&self) -> Option<&str> {
        self.0.okta.id.as_deref()
    }

    /// The summaries in Okta's `errorCauses`.
    pub fn error_causes(&self) -> impl Iterator<Item = &str> {
        self.0.okta.causes.iter().map(String::as_str)
    }

    /// The `X-Okta-Request-Id` of the last response, which finds the call in the org's
    /// System Log.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The rate limit as stated by the last response.
    #[must_use]
    pub fn rate_limit(&self) -> Option<&RateLimit> {
        self.0.rate_limit.as_ref()
    }

    /// The wait that was not begun because it would have passed the call's deadline, if
    /// that is what ended the call.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        self.0.wait
    }

    /// The number of attempts to send the request: 0 if it was refused before.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }
}

/// For token requests.
#[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
impl Error {
    pub(crate) fn with_kind(mut self, kind: ErrorKind, message: impl Into<String>) -> Self {
        self.0.kind = kind;
        self.0.message = message.into();
        self
    }

    /// Marks the error of a token request, without which the operation could not be sent.
    /// It is not retryable, because the token request has had its own retries.
    pub(crate) fn at_token_endpoint(mut self) -> Self {
        if !self.0.at_token_endpoint {
            self.0.message = format!("no access token: {}", self.0.message);
            self.0.at_token_endpoint = true;
        }
        self.0.effect = Effect::None;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.write_str(&inner.message)?;
        if let Some(wait) = inner.wait {
            write!(
                f,
                "; a wait of {:.1} s would pass the call's deadline",
                wait.as_secs_f64()
            )?;
        }
        if inner.effect == Effect::Unknown {
            f.write_str("; the sessions may or may not have been ended")?;
        }
        let mut facts = Vec::new();
        facts.extend(inner.status.map(|status| format!("status {status}")));
        facts.extend(inner.okta.code.as_deref().map(printable));
        facts.extend(
            inner
                .okta
                .summary
                .as_deref()
                .map(|text| format!("\"{}\"", printable(text))),
        );
        facts.extend(
            inner
                .okta
                .causes
                .iter()
                .map(|text| format!("\"{}\"", printable(text))),
        );
        facts.extend(
            inner
                .okta
                .id
                .as_deref()
                .map(|id| format!("error id {}", printable(id))),
        );
        facts.extend(
            inner
                .request_id
                .as_deref()
                .map(|id| format!("request id {}", printable(id))),
        );
        if inner.attempts > 1 {
            facts.push(format!("{} attempts", inner.attempts));
        }
        if !facts.is_empty() {
            write!(f, " ({})", facts.join(", "))?;
        }
        Ok(())
    }
}

/// A server's text, cut short, and with those characters escaped that could control a terminal
/// or reorder the text around them.
fn printable(text: &str) -> String {
    const LONGEST: usize = 300;
    let mut out = String::new();
    for (at, character) in text.chars().enumerate() {
        if at == LONGEST {
            out.push('…');
            break;
        }
        match character {
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.extend(character.escape_unicode());
            }
            _ if character.is_control() => out.extend(character.escape_default()),
            _ => out.push(character),
        }
    }
    out
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("effect", &inner.effect)
            .field("message", &format_args!("{self}"))
            .field("source", &inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
