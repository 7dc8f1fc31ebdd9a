//! The header that carries a session cookie. A browser sets it itself.

use reqwest::header::{COOKIE, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::token::secret_value;
use crate::{Error, shown};

/// `cookie-pair` of RFC 6265 §4.1.1: a token, and octets without white space,
/// quotes, comma, semicolon and backslash.
pub(super) fn header(name: &str, value: &SecretString) -> Result<(HeaderName, HeaderValue), Error> {
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
