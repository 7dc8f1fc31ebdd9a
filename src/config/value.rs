//! The values of settings: parsed from text, checked and shown.

use std::{fmt, time::Duration};

use secrecy::SecretString;

use crate::shown;

/// How the client authenticates, if more than one credential is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthorizationMode {
    /// An API token of an administrator.
    Ssws,
    /// An OAuth 2.0 access token.
    Bearer,
    /// A service app with a private key, which fetches its access tokens.
    PrivateKey,
}

/// The name of [`AuthorizationMode::Bearer`] in another of Okta's SDKs.
pub(super) const BEARER_TOKEN: &str = "BearerToken";

impl AuthorizationMode {
    const ALL: [Self; 3] = [Self::Ssws, Self::Bearer, Self::PrivateKey];

    /// The mode of this name, in any case, including `BearerToken`.
    fn named(word: &str) -> Option<Self> {
        if word.eq_ignore_ascii_case(BEARER_TOKEN) {
            return Some(Self::Bearer);
        }
        Self::ALL
            .into_iter()
            .find(|mode| mode.name().eq_ignore_ascii_case(word))
    }

    /// The name in files, such as `SSWS`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ssws => "SSWS",
            Self::Bearer => "Bearer",
            Self::PrivateKey => "PrivateKey",
        }
    }
}

impl fmt::Display for AuthorizationMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What kind of value a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Secret,
    /// A list of words, or text with words separated by commas and spaces.
    Words,
    Path,
    /// One path, or a list of them.
    Paths,
    Mode,
    Seconds,
    Count {
        least: u32,
        most: u32,
    },
    Flag,
}

impl Kind {
    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::Words | Self::Paths)
    }
}

/// A setting's value as it is written in a file or variable.
pub(super) enum Raw {
    Text(String),
    List(Vec<String>),
}

/// A setting's value.
#[derive(Clone)]
pub(super) enum Value {
    Text(String),
    Secret(SecretString),
    List(Vec<String>),
    Mode(AuthorizationMode),
    Seconds(Duration),
    Count(u32),
    Flag(bool),
}

/// Time limits in files and variables must be below this, in seconds. One of Okta's SDKs
/// reads milliseconds, and nobody means to wait that many seconds.
const SECONDS_LIMIT: f64 = 1000.0;

impl Value {
    /// Parses the value from a file or variable; `None` if it is empty. The error says what
    /// is wrong with it.
    pub(super) fn read(kind: Kind, raw: Raw) -> Result<Option<Self>, String> {
        let raw = match raw {
            Raw::Text(text) if kind.is_list() => Raw::List(split(kind, &text)),
            raw => raw,
        };
        match raw {
            Raw::List(list) => {
                let list: Vec<String> = list.into_iter().filter(|item| !item.is_empty()).collect();
                Ok((!list.is_empty()).then_some(Self::List(list)))
            }
            Raw::Text(text) if text.trim().is_empty() => Ok(None),
            Raw::Text(text) => Self::of_text(kind, text).map(Some),
        }
    }

    fn of_text(kind: Kind, text: String) -> Result<Self, String> {
        let word = text.trim();
        match kind {
            Kind::Secret => Ok(Self::Secret(text.into())),
            Kind::Text | Kind::Words | Kind::Path | Kind::Paths => Ok(Self::Text(word.to_owned())),
            Kind::Mode => AuthorizationMode::named(word)
                .map(Self::Mode)
                .ok_or_else(|| must_be("SSWS, Bearer or PrivateKey", word)),
            Kind::Seconds => seconds(word).map(Self::Seconds),
            Kind::Count { least, most } => match word.parse() {
                Ok(count) if (least..=most).contains(&count) => Ok(Self::Count(count)),
                _ => Err(must_be(&format!("a number from {least} to {most}"), word)),
            },
            Kind::Flag => match word.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(Self::Flag(true)),
                "false" | "0" | "no" | "off" => Ok(Self::Flag(false)),
                _ => Err(must_be("true or false", word)),
            },
        }
    }
}

/// The items of a list that was given as text.
fn split(kind: Kind, text: &str) -> Vec<String> {
    let words: Vec<&str> = match kind {
        // A path may contain commas and spaces, so the text is one path.
        Kind::Paths => vec![text.trim()],
        _ => text
            .split(|character: char| character == ',' || character.is_whitespace())
            .collect(),
    };
    words.into_iter().map(str::to_owned).collect()
}

fn seconds(word: &str) -> Result<Duration, String> {
    let number: f64 = match word.parse() {
        Ok(number) if number >= 0.0 => number,
        _ => return Err(must_be(SECONDS, word)),
    };
    if number >= SECONDS_LIMIT {
        return Err(must_be(
            "below 1000, since it is read in seconds; if milliseconds were meant, divide it by 1000",
            word,
        ));
    }
    Duration::try_from_secs_f64(number).map_err(|_| must_be(SECONDS, word))
}

const SECONDS: &str = "a number of seconds, like 30";

/// The value itself is not shown: it may be a misplaced secret.
fn must_be(what: &str, value: &str) -> String {
    format!("must be {what} (got {})", shown::length(value))
}

/// Whether `word` looks like a setting's name: letters only, and not too many. Okta's
/// tokens contain digits and are longer.
pub(super) fn is_name(word: &str) -> bool {
    word.len() <= 32
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'-')
}
