//! The validated id of a user.

use std::{borrow::Cow, fmt};

use icu_normalizer::DecomposingNormalizerBorrowed;

use crate::Error;

/// The id of a user, validated to be a single path segment that no URL parser or server
/// turns into another path.
///
/// Okta documents the id (`00u…`). A login often works too, but Okta does not
/// document that.
///
/// ```
/// use okta_user_sessions::UserId;
///
/// assert!(UserId::new("00ub0oNGTSWTBKOLGLNR").is_ok());
/// assert!(UserId::new("..").is_err());
/// # Ok::<(), okta_user_sessions::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(String);

/// Longer than any id or login (at most 100 characters) that Okta gives out.
const LONGEST_ID: usize = 512;

impl UserId {
    /// Validates an id.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), naming the id
    /// and the reason, if it is empty, too long, `.`, `..` or `me`; if it contains `/`,
    /// `\`, `;`, a `%` escape, or leading or trailing white space; or if it contains a
    /// character that is not what it looks like: a control or invisible character, or
    /// another form of an ASCII character, such as the full-width `＠`.
    pub fn new(id: impl Into<String>) -> Result<Self, Error> {
        let id = id.into();
        Self::check("user id", &id)?;
        Ok(Self(id))
    }

    /// `what` is what the error calls the id.
    pub(crate) fn check(what: &str, id: &str) -> Result<(), Error> {
        let Some(reason) = refuse_id(id) else {
            return Ok(());
        };
        let shown: String = id.chars().take(80).collect();
        Err(Error::invalid(format!(
            "the {what} {shown:?} is refused: {reason}"
        )))
    }

    /// The caller's own user, `me` on the wire: for an API token the
    /// administrator who created it.
    ///
    /// Okta does not document `me` for this operation. [`new`](Self::new) refuses it, so
    /// that nobody signs themselves out by accident.
    #[must_use]
    pub fn me() -> Self {
        Self("me".to_owned())
    }

    /// The id as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn refuse_id(id: &str) -> Option<Cow<'static, str>> {
    // Okta's own ids are letters and digits, which pass every check below. Lists are of
    // thousands of them.
    if id.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && (1..=LONGEST_ID).contains(&id.len())
        && !id.eq_ignore_ascii_case("me")
    {
        return None;
    }
    let escape = |window: &[u8]| matches!(window, [b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    if let Some(c) = id.chars().find(|c| c.is_control()) {
        let code = u32::from(c);
        return Some(format!("it contains a control character (U+{code:04X})").into());
    }
    let reason = if id.is_empty() {
        "it is empty"
    } else if id.len() > LONGEST_ID {
        "it is longer than 512 bytes"
    } else if id.trim() != id {
        "it begins or ends with white space"
    } else if id.contains(['/', '\\']) {
        "it contains a slash or backslash, which would make it a different path"
    } else if id.contains(';') {
        "it contains a semicolon, where some servers cut it off and reach another user; \
         use the user's Okta id (00u…)"
    } else if matches!(id, "." | "..") {
        "URL parsers treat it as a relative path, not as a name"
    } else if id.eq_ignore_ascii_case("me") {
        "it means the caller's own sessions; if you want that, use UserId::me()"
    } else if id.as_bytes().windows(3).any(escape) {
        "it contains a % escape; pass the id unescaped, it is escaped when it is sent"
    } else {
        return id.chars().find_map(refuse_character).map(Cow::Owned);
    };
    Some(Cow::Borrowed(reason))
}

/// Why a non-ASCII character is not allowed in an id: it is not what it looks like, and a
/// server may drop it or read another character.
fn refuse_character(c: char) -> Option<String> {
    if c.is_ascii() {
        return None;
    }
    let code = u32::from(c);
    if is_invisible(c) {
        return Some(format!(
            "it contains U+{code:04X}, which is invisible or not a character; remove it"
        ));
    }
    let mut bytes = [0; 4];
    let plain = DecomposingNormalizerBorrowed::new_nfkd();
    let plain = plain.normalize(c.encode_utf8(&mut bytes));
    plain.is_ascii().then(|| {
        format!("it contains U+{code:04X}, which a server may read as {plain:?}; write that, or use the user's Okta id (00u…)")
    })
}

/// Among non-ASCII characters: white space; default-ignorable and format characters of
/// Unicode; the blank Braille pattern; the replacement character, which means that text
/// was lost; private use; and noncharacters.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{ffff}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..)
        || u32::from(c) & 0xfffe == 0xfffe
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for UserId {
    type Error = Error;

    fn try_from(id: String) -> Result<Self, Error> {
        Self::new(id)
    }
}

impl TryFrom<&str> for UserId {
    type Error = Error;

    fn try_from(id: &str) -> Result<Self, Error> {
        Self::new(id)
    }
}

impl TryFrom<&String> for UserId {
    type Error = Error;

    fn try_from(id: &String) -> Result<Self, Error> {
        Self::new(id)
    }
}
