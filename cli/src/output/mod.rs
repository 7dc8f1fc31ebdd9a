//! What people and scripts read. Results go to standard output, the rest to standard error.

pub mod html;
pub mod outcomes;
pub mod plan;
pub mod progress;
pub mod report;
pub mod summary;

use std::{
    error::Error as StdError,
    fmt::{Display, Write as _},
    io::{self, Write as _},
};

use okta_user_sessions::Error;

/// Prints to standard error. If that fails, the program continues.
pub fn say(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// An error, and if asked for what caused it. The library has removed secrets from both.
pub fn with_causes(error: &Error, verbose: bool) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause.filter(|_| verbose) {
        // Writing to a String does not fail.
        let _ = write!(text, "\n  because: {error}");
        cause = error.source();
    }
    text
}

/// A number and its noun, like `1 user` and `2 users`.
pub fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A list of words as a command that can be pasted into a shell.
pub fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted = words.into_iter().map(|word| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@,+%".contains(c);
        match !word.is_empty() && word.chars().all(plain) {
            true => word.to_owned(),
            false => format!("'{}'", word.replace('\'', r"'\''")),
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// Text from elsewhere, with characters that would move the cursor or reorder text shown.
pub fn visible(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                safe.extend(c.escape_unicode());
            }
            c if c.is_control() => safe.extend(c.escape_default()),
            c => safe.push(c),
        }
    }
    safe
}
