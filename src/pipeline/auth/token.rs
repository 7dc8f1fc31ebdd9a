//! A token that the caller gives, and the header that carries it.

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use crate::{Error, shown};

pub(super) const SSWS: &str = "SSWS";
pub(super) const BEARER: &str = "Bearer";
pub(super) const DPOP: &str = "DPoP";

#[derive(Clone, Debug)]
pub(super) struct Token {
    scheme: &'static str,
    pub(super) token: SecretString,
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

fn starts_with_word(text: &str, word: &str) -> bool {
    text.split_once(char::is_whitespace)
        .is_some_and(|(first, _)| first.eq_ignore_ascii_case(word))
}

/// A header value that is marked as sensitive.
pub(super) fn secret_value(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(Error::from_header)?;
    value.set_sensitive(true);
    Ok(value)
}
