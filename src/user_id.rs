//! A user's id, checked.

use std::{borrow::Cow, fmt};

use icu_normalizer::DecomposingNormalizerBorrowed;

use crate::Error;

/// The id of a user, checked to be one segment of a path that no URL parser or
/// server turns into another path.
///
/// Okta documents the id (`00u…`). A login often works in its place, which Okta
/// does not document.
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
    /// Checks an id.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), naming the id
    /// and the reason, for one that is empty, too long, `.`, `..` or `me`; that
    /// holds `/`, `\`, `;`, a `%` escape, or white space at an end; or that holds a
    /// character which is not what it looks like: a control or invisible one, and
    /// one that is another spelling of ASCII, such as the full-width `＠`.
    pub fn new(id: impl Into<String>) -> Result<Self, Error> {
        let id = id.into();
        Self::check("user id", &id)?;
        Ok(Self(id))
    }

    /// The error calls the id by what it was given as.
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
    /// Okta does not document `me` for this operation. It is refused as an id,
    /// so that nobody signs themselves out by a slip.
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
    let escape = |window: &[u8]| matches!(window, [b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    if let Some(c) = id.chars().find(|c| c.is_control()) {
        let code = u32::from(c);
        return Some(format!("it holds a control character (U+{code:04X})").into());
    }
    let reason = if id.is_empty() {
        "it is empty"
    } else if id.len() > LONGEST_ID {
        "it is longer than 512 bytes"
    } else if id.trim() != id {
        "it begins or ends with white space"
    } else if id.contains(['/', '\\']) {
        "it holds a slash or backslash, which would make it another path"
    } else if id.contains(';') {
        "it holds a semicolon, at which some servers cut it off, so that another user is reached; \
         give the user's Okta id (00u…)"
    } else if matches!(id, "." | "..") {
        "URL parsers read it as a step in the path, not as a name"
    } else if id.eq_ignore_ascii_case("me") {
        "it stands for the caller's own sessions; if that is meant, say UserId::me()"
    } else if id.as_bytes().windows(3).any(escape) {
        "it holds a % escape; give the id as it is, it is escaped when it is sent"
    } else {
        return id.chars().find_map(refuse_character).map(Cow::Owned);
    };
    Some(Cow::Borrowed(reason))
}

/// Why an id cannot hold a character beyond ASCII: it is not what a person takes it for, and a
/// server may drop it or read another one.
fn refuse_character(c: char) -> Option<String> {
    if c.is_ascii() {
        return None;
    }
    let code = u32::from(c);
    if is_invisible(c) {
        return Some(format!(
            "it holds U+{code:04X}, which cannot be seen or is not a character; remove it"
        ));
    }
    let mut bytes = [0; 4];
    let plain = DecomposingNormalizerBorrowed::new_nfkd();
    let plain = plain.normalize(c.encode_utf8(&mut bytes));
    plain.is_ascii().then(|| {
        format!("it holds U+{code:04X}, which a server may read as {plain:?}; write that, or give the user's Okta id (00u…)")
    })
}

/// Beyond ASCII: white space; what Unicode calls default-ignorable or a format
/// character; the blank Braille pattern; the replacement character, which stands for
/// lost text; private use; and code points that are not characters.
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
