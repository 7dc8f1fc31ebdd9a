//! What a setting is worth: text as it was given, checked, and shown again.

use std::{fmt, time::Duration};

use secrecy::SecretString;

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

impl AuthorizationMode {
    const ALL: [Self; 3] = [Self::Ssws, Self::Bearer, Self::PrivateKey];

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
    /// A list of words, or text that holds them between commas and spaces.
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

/// A setting's value as it stands in a file or variable.
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

/// The longest time limit that is read from a file or variable, in seconds.
/// One of Okta's SDKs reads milliseconds, and nobody waits longer than that.
const LONGEST_SECONDS: f64 = 1000.0;

impl Value {
    /// Reads what a file or variable says; nothing, if it is empty. The error
    /// says what is wrong with it.
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
            Kind::Mode => AuthorizationMode::ALL
                .into_iter()
                .find(|mode| mode.name().eq_ignore_ascii_case(word))
                .map(Self::Mode)
                .ok_or_else(|| format!("{}is none of SSWS, Bearer and PrivateKey", shown(word))),
            Kind::Seconds => seconds(word).map(Self::Seconds),
            Kind::Count { least, most } => match word.parse() {
                Ok(count) if (least..=most).contains(&count) => Ok(Self::Count(count)),
                _ => Err(format!(
                    "{}is no number from {least} to {most}",
                    shown(word)
                )),
            },
            Kind::Flag => match word.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(Self::Flag(true)),
                "false" | "0" | "no" | "off" => Ok(Self::Flag(false)),
                _ => Err(format!("{}is neither true nor false", shown(word))),
            },
        }
    }
}

/// The items of a list that was given as text.
fn split(kind: Kind, text: &str) -> Vec<String> {
    let words: Vec<&str> = match kind {
        // A path may hold commas and spaces, so it is one.
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
        _ => return Err(format!("{}is no number of seconds, like 30", shown(word))),
    };
    if number >= LONGEST_SECONDS {
        return Err(format!(
            "{}is too long: it is read in seconds and must stay below 1000; if milliseconds were meant, divide it by 1000",
            shown(word)
        ));
    }
    Duration::try_from_secs_f64(number)
        .map_err(|_| format!("{}is no number of seconds, like 30", shown(word)))
}

/// A refused value for a message, if it cannot be a secret in the wrong place:
/// a word of letters, or a short number.
fn shown(word: &str) -> String {
    let number = |byte: u8| byte.is_ascii_digit() || b"+-._".contains(&byte);
    let is_number = word.len() <= 12 && word.bytes().all(number);
    if is_number || is_name(word) {
        format!("{word:?} ")
    } else {
        String::new()
    }
}

/// Whether `word` looks like a setting's name: letters, and not too many. Okta's
/// tokens hold digits and are longer.
pub(super) fn is_name(word: &str) -> bool {
    word.len() <= 32
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'-')
}

/// As people may see it: no secret, and nothing that could be one.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("(set, not shown)"),
            Self::Text(text) => f.write_str(visible(text)),
            Self::List(list) => {
                let items: Vec<&str> = list.iter().map(|item| visible(item)).collect();
                f.write_str(&items.join(" "))
            }
            Self::Mode(mode) => mode.fmt(f),
            Self::Seconds(limit) => write!(f, "{} s", limit.as_secs_f64()),
            Self::Count(count) => count.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
        }
    }
}

/// Two lines that ran together may bring a secret into another value, and a URL
/// may carry a password or a token.
fn visible(text: &str) -> &str {
    let odd = |character: char| character.is_whitespace() || character.is_control();
    if text.contains(odd) || text.contains(['@', '?']) {
        "(set, not shown: it holds white space, @ or ?)"
    } else {
        text
    }
}
