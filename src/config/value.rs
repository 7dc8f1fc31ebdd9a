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

/// The name of [`AuthorizationMode::Bearer`] in Okta's SDK for .NET.
pub(super) const BEARER_TOKEN: &str = "BearerToken";

/// The name of [`AuthorizationMode::PrivateKey`] in Okta's SDK for Go, with a JWK.
pub(super) const JWK: &str = "JWK";

/// The mode of Okta's SDK for Go that uses one assertion again and again.
pub(super) const JWT: &str = "JWT";

impl AuthorizationMode {
    const ALL: [Self; 3] = [Self::Ssws, Self::Bearer, Self::PrivateKey];

    /// The mode of this name, in any case, including those of other SDKs.
    fn named(word: &str) -> Option<Self> {
        if word.eq_ignore_ascii_case(BEARER_TOKEN) {
            return Some(Self::Bearer);
        }
        if word.eq_ignore_ascii_case(JWK) {
            return Some(Self::PrivateKey);
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
    /// A private key, its path, or a mapping with the parts of one.
    Key,
    /// A user name, which is taken as it is, with any blanks.
    Login,
    /// A secret that is taken as it is, with any blanks.
    Password,
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

    /// Whether this text sets nothing.
    pub(super) fn is_empty(self, text: &str) -> bool {
        match self {
            Self::Login | Self::Password => text.is_empty(),
            _ => text.trim().is_empty(),
        }
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
    Limit(Limit),
    Count(u32),
    Flag(bool),
}

/// A time limit.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) length: Duration,
    /// Whether the number was read as milliseconds.
    pub(super) in_milliseconds: bool,
}

/// From this number on, a time limit is read as milliseconds. Okta's SDK for .NET documents
/// milliseconds (30000), the others seconds (30). Nobody means to wait for 1000 seconds, nor
/// to connect within less than a second, and a limit that is read too short makes a call
/// fail, but never succeed wrongly.
const FIRST_MILLISECONDS: f64 = 1000.0;

/// An hour.
const MOST_MILLISECONDS: f64 = 3_600_000.0;

impl Value {
    /// Parses the value from a file or variable; `None` if it is empty. The error says what
    /// is wrong with it.
    pub(super) fn read(kind: Kind, raw: Raw) -> Result<Option<Self>, String> {
        if let Raw::Text(text) = &raw
            && is_reference(text)
        {
            return Err(
                "is a reference like ${NAME}, which is not replaced by the variable's value; put the value itself in its place, or remove the key and set the setting's own variable"
                    .to_owned(),
            );
        }
        let raw = match raw {
            Raw::Text(text) if kind.is_list() => Raw::List(split(kind, &text)),
            raw => raw,
        };
        match raw {
            Raw::List(list) => {
                let list: Vec<String> = list.into_iter().filter(|item| !item.is_empty()).collect();
                Ok((!list.is_empty()).then_some(Self::List(list)))
            }
            Raw::Text(text) if kind.is_empty(&text) => Ok(None),
            Raw::Text(text) => Self::of_text(kind, text).map(Some),
        }
    }

    fn of_text(kind: Kind, text: String) -> Result<Self, String> {
        let word = text.trim();
        match kind {
            Kind::Secret | Kind::Key | Kind::Password => Ok(Self::Secret(text.into())),
            Kind::Login => Ok(Self::Text(text)),
            Kind::Text | Kind::Words | Kind::Path | Kind::Paths => Ok(Self::Text(word.to_owned())),
            Kind::Mode => AuthorizationMode::named(word)
                .map(Self::Mode)
                .ok_or_else(|| must_be("SSWS, Bearer or PrivateKey", word)),
            Kind::Seconds => limit(word).map(Self::Limit),
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

/// Whether the whole value is `${NAME}`, `${NAME:-default}` or `${{ secrets.NAME }}`.
fn is_reference(text: &str) -> bool {
    let inner = text.trim().strip_prefix("${");
    inner.is_some_and(|inner| {
        let inner = inner.strip_prefix('{').unwrap_or(inner).trim_start();
        inner.ends_with('}')
            && inner.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
    })
}

fn limit(word: &str) -> Result<Limit, String> {
    let number: f64 = match word.parse() {
        Ok(number) if number >= 0.0 => number,
        _ => return Err(must_be(SECONDS, word)),
    };
    if number > MOST_MILLISECONDS {
        return Err(must_be(
            "below 1000, in seconds, or from 1000 to 3600000, in milliseconds",
            word,
        ));
    }
    let in_milliseconds = number >= FIRST_MILLISECONDS;
    let seconds = if in_milliseconds {
        number / 1000.0
    } else {
        number
    };
    let length = Duration::try_from_secs_f64(seconds).map_err(|_| must_be(SECONDS, word))?;
    Ok(Limit {
        length,
        in_milliseconds,
    })
}

const SECONDS: &str = "a number of seconds, like 30";

/// The value itself is not shown: it may be a misplaced secret.
fn must_be(what: &str, value: &str) -> String {
    format!("must be {what} (got {})", shown::length(value))
}

impl From<Duration> for Limit {
    fn from(length: Duration) -> Self {
        Self {
            length,
            in_milliseconds: false,
        }
    }
}

/// Whether `word` looks like a setting's name: letters only, and not too many. Okta's
/// tokens contain digits and are longer.
pub(super) fn is_name(word: &str) -> bool {
    word.len() <= 32
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'-')
}
