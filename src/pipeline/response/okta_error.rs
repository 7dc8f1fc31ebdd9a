//! What a response says of a failure: Okta's error body, OAuth's error, or the text
//! of something in between. All of it is a server's word, so it is kept short and
//! without what was secret in the request.

use reqwest::header::WWW_AUTHENTICATE;
use serde::Deserialize;

use super::{Answer, is_empty};
use crate::{error::OktaError, generated::types};

/// In characters. Okta's codes have eight, its error ids some thirty.
const LONGEST_NAME: usize = 128;

/// In characters, of a summary or a cause.
const LONGEST_TEXT: usize = 500;

const MOST_CAUSES: usize = 10;

/// What OAuth 2.0 says of a failure.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct OAuthError {
    #[serde(rename = "error")]
    pub(crate) name: String,
    #[serde(rename = "error_description")]
    description: Option<String>,
}

impl Answer {
    /// The error that a DPoP or Bearer challenge names (RFC 6750 §3,
    /// RFC 9449 §7.1), or the token endpoint's body (RFC 6749 §5.2).
    pub(crate) fn oauth_error(&self) -> Option<OAuthError> {
        self.challenge()
            .or_else(|| serde_json::from_slice(self.whole_body()?).ok())
    }

    /// The error of a DPoP or Bearer challenge.
    pub(super) fn challenge(&self) -> Option<OAuthError> {
        let challenges = self.headers.get_all(WWW_AUTHENTICATE).iter();
        challenges
            .filter_map(|challenge| OAuthError::in_challenge(challenge.to_str().ok()?))
            .next()
    }

    /// Whether the body is Okta's error body, by the form of its code.
    pub(super) fn has_okta_error_code(&self) -> bool {
        let code = self.error_body().error_code;
        code.as_deref()
            .and_then(|code| code.strip_prefix('E'))
            .is_some_and(|digits| digits.len() == 7 && digits.bytes().all(|b| b.is_ascii_digit()))
    }

    fn error_body(&self) -> types::Error {
        let body = self.whole_body().unwrap_or_default();
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// What Okta said in its error body, or by OAuth's rules; else what the body
    /// says as text.
    pub(super) fn okta_error(&self) -> OktaError {
        let error = self.error_body();
        let (code, summary) = match error.error_code {
            Some(code) => (Some(code), error.error_summary),
            None => match self.oauth_error() {
                Some(oauth) => (Some(oauth.name), oauth.description),
                None => (None, error.error_summary.or_else(|| self.text())),
            },
        };
        let shown = |text: Option<String>, most| text.map(|text| self.shown(text, most));
        OktaError {
            code: shown(code, LONGEST_NAME),
            summary: shown(summary, LONGEST_TEXT),
            id: shown(error.error_id, LONGEST_NAME),
            causes: error
                .error_causes
                .into_iter()
                .flatten()
                .filter_map(|cause| shown(cause.error_summary, LONGEST_TEXT))
                .take(MOST_CAUSES)
                .collect(),
        }
    }

    /// Secrets are hidden first: of one that is cut, the rest would not be found.
    fn shown(&self, text: String, most: usize) -> String {
        let text = self.hide(text);
        match text.char_indices().nth(most) {
            Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
            None => text,
        }
    }

    /// What a body that is not of Okta's form says to a person: a page's title, or
    /// all of its text.
    fn text(&self) -> Option<String> {
        let body = self.whole_body().filter(|body| !is_empty(body))?;
        let body = String::from_utf8_lossy(body);
        let title = body
            .split_once("<title>")
            .and_then(|(_, rest)| rest.split_once("</title>"))
            .map(|(title, _)| title);
        let words: Vec<_> = title.unwrap_or(&body).split_whitespace().collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

impl OAuthError {
    fn in_challenge(challenge: &str) -> Option<Self> {
        // The name of a scheme or parameter begins after white space or a comma.
        let begins = |at: usize| {
            let before = challenge.get(..at).unwrap_or_default();
            before.is_empty() || before.ends_with([' ', ',', '\t'])
        };
        let lower = challenge.to_ascii_lowercase();
        let has_scheme = ["dpop ", "bearer "]
            .iter()
            .any(|scheme| lower.match_indices(scheme).any(|(at, _)| begins(at)));
        if !has_scheme {
            return None;
        }
        let parameter = |name: &str| {
            challenge.match_indices(name).find_map(|(at, _)| {
                let value = challenge.get(at..)?.strip_prefix(name)?;
                let value = value.strip_prefix("=\"").filter(|_| begins(at))?;
                value.split_once('"').map(|(value, _)| value.to_owned())
            })
        };
        Some(Self {
            name: parameter("error")?,
            description: parameter("error_description"),
        })
    }
}
