//! What a response says about a failure: Okta's error body, OAuth's error, or the text of
//! a proxy in between. None of it is trusted, so it is cut short, and the secrets of the
//! request are redacted.

use reqwest::header::WWW_AUTHENTICATE;
use serde::Deserialize;

use super::{Response, is_empty};
use crate::{error::OktaError, generated::types, shown};

/// In characters. Okta's codes have eight, its error ids about thirty.
const LONGEST_NAME: usize = 128;

/// In characters, of a summary or a cause.
const LONGEST_TEXT: usize = 500;

const MAX_CAUSES: usize = 10;

/// The error of OAuth 2.0.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct OAuthError {
    #[serde(rename = "error")]
    pub(crate) name: String,
    #[serde(rename = "error_description")]
    description: Option<String>,
}

impl Response {
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

    /// Whether the body is Okta's error body, judging by the format of its code.
    pub(super) fn has_okta_error_code(&self) -> bool {
        self.okta_error_code()
            .as_deref()
            .and_then(|code| code.strip_prefix('E'))
            .is_some_and(|digits| digits.len() == 7 && digits.bytes().all(|b| b.is_ascii_digit()))
    }

    /// The code in Okta's error body. Unlike [`OktaError::code`], never OAuth's.
    pub(super) fn okta_error_code(&self) -> Option<String> {
        self.error_body().error_code
    }

    fn error_body(&self) -> types::Error {
        let body = self.whole_body().unwrap_or_default();
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// The error in Okta's or OAuth's format; otherwise the body as text.
    pub(super) fn okta_error(&self) -> OktaError {
        let mut error = self.stated_error();
        if error.code.is_none() && error.summary.is_none() {
            let text = self.text();
            error.summary = text.map(|text| self.shown(text, LONGEST_TEXT));
        }
        error
    }

    /// The error in Okta's or OAuth's format.
    pub(super) fn stated_error(&self) -> OktaError {
        let error = self.error_body();
        let (code, summary) = match error.error_code {
            Some(code) => (Some(code), error.error_summary),
            None => match self.oauth_error() {
                Some(oauth) => (Some(oauth.name), oauth.description),
                None => (None, error.error_summary),
            },
        };
        let shown = |text: Option<String>, max| text.map(|text| self.shown(text, max));
        OktaError {
            code: shown(code, LONGEST_NAME),
            summary: shown(summary, LONGEST_TEXT),
            id: shown(error.error_id, LONGEST_NAME),
            causes: error
                .error_causes
                .into_iter()
                .flatten()
                .filter_map(|cause| shown(cause.error_summary, LONGEST_TEXT))
                .take(MAX_CAUSES)
                .collect(),
        }
    }

    /// Secrets are hidden before the text is cut, because what is left of a cut secret
    /// would not be found.
    fn shown(&self, text: String, max: usize) -> String {
        shown::cut(self.hide(text), max)
    }

    /// The readable part of a body that is not in Okta's format: a page's title, or all of
    /// the text.
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
    /// The first DPoP or Bearer challenge with an error, in one field of
    /// `WWW-Authenticate` (RFC 9110 §11.6.1). Other schemes' parameters and the content
    /// of quoted strings are ignored.
    fn in_challenge(field: &str) -> Option<Self> {
        let mut is_ours = false;
        let mut name = None;
        let mut description = None;
        for element in elements(field) {
            let parameter = match element.split_once([' ', '\t']) {
                Some((scheme, rest)) if begins_challenge(scheme, rest) => {
                    if name.is_some() {
                        break;
                    }
                    is_ours = is_dpop_or_bearer(scheme);
                    description = None;
                    rest.trim_ascii_start()
                }
                None if begins_challenge(element, "") => {
                    if name.is_some() {
                        break;
                    }
                    is_ours = is_dpop_or_bearer(element);
                    description = None;
                    continue;
                }
                _ => element,
            };
            let Some((key, value)) = parameter.split_once('=').filter(|_| is_ours) else {
                continue;
            };
            let found = match key.trim_ascii_end().to_ascii_lowercase().as_str() {
                "error" => &mut name,
                "error_description" => &mut description,
                _ => continue,
            };
            if found.is_none() {
                *found = value_of(value.trim_ascii_start());
            }
        }
        Some(Self {
            name: name?,
            description,
        })
    }
}

/// Splits at commas outside of quoted strings.
fn elements(field: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = field.split(move |character| {
        let separates = character == ',' && !quoted;
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        separates
    });
    parts.map(str::trim_ascii).filter(|part| !part.is_empty())
}

fn begins_challenge(scheme: &str, rest: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    scheme.bytes().all(is_name) && !rest.trim_ascii_start().starts_with('=')
}

fn is_dpop_or_bearer(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("dpop") || scheme.eq_ignore_ascii_case("bearer")
}

/// The value of a parameter: a quoted string or a token.
fn value_of(text: &str) -> Option<String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let token = text.split([' ', '\t', '"']).next()?;
        return (!token.is_empty()).then(|| token.to_owned());
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return Some(value),
            '\\' => value.push(characters.next()?),
            character => value.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_dpop_or_bearer_challenge_names_an_error() {
        for (field, found) in [
            (
                r#"DPoP error="invalid_dpop_proof""#,
                Some("invalid_dpop_proof"),
            ),
            (r#"dpop  algs="RS256 ES256", error="x""#, Some("x")),
            (r#"Bearer realm="r", error="x", resource="/""#, Some("x")),
            (r#"Bearer error = "x""#, Some("x")),
            ("BEARER error=invalid_token", Some("invalid_token")),
            (
                r#"Bearer ERROR="x" error_description="no comma""#,
                Some("x"),
            ),
            (r#"Bearer error="a\"b""#, Some("a\"b")),
            (r#"Basic realm="a, b", Bearer error="x""#, Some("x")),
            (
                r#"Negotiate, NTLM abc==, DPoP error="x", Basic realm="r""#,
                Some("x"),
            ),
            (r#"Bearer error="x", DPoP error="y""#, Some("x")),
            (r#"Bearer, DPoP error="y""#, Some("y")),
            ("Bearer", None),
            ("", None),
            (r#"error="x""#, None),
            (r#"Basic realm="r", error="x""#, None),
            (r#"Basic realm="a, Bearer b", error="x""#, None),
            (r#"Basic realm="Bearer error=\"x\"""#, None),
            (r#"Bearer realm="r", Digest error="x""#, None),
            (r#"Bearer realm=", error=\"x\"""#, None),
            (r#"Bearer realm=", error="x"#, None),
            (r#"Bearer error="x"#, None),
            ("Bearer error=", None),
            (r#"Bearer error_description="error=""#, None),
            (r#"XBearer error="x""#, None),
        ] {
            let error = OAuthError::in_challenge(field);
            assert_eq!(error.map(|error| error.name).as_deref(), found, "{field}");
        }
        let error = OAuthError::in_challenge(r#"DPoP error="x", error_description="a, b""#);
        assert_eq!(error.unwrap().description.as_deref(), Some("a, b"));
    }
}
