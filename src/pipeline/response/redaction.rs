//! Hides the secrets of a request in the text of its response.
//!
//! It hides the whole value and every piece of 15 bytes or more, in upper or lower case,
//! because servers often cut what they echo. It does not look for encoded forms, such as
//! base64.

use std::ops::Range;

use reqwest::{
    Request,
    header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue},
};

const HIDDEN: &str = "[hidden]";

/// Every piece of this length is found, wherever it begins in the secret.
#[cfg(test)]
const SURE: usize = WINDOW * 2 - 1;

/// The secret is split into windows of this many bytes. Each is looked up in the text,
/// and a match is extended in both directions as far as secret and text agree.
const WINDOW: usize = 8;

/// Shorter values of headers that a caller added are not treated as secrets, because they
/// would match ordinary text.
const SHORTEST: usize = 6;

/// The text with all secrets hidden.
pub(crate) fn hide_all(secrets: &[Secret], text: String) -> String {
    secrets.iter().fold(text, |text, secret| secret.hide(text))
}

/// A value that must not be shown.
pub(crate) struct Secret {
    value: HeaderValue,
    /// Whether it is a credential, which comes after a scheme or a cookie's name.
    credential: bool,
}

impl Secret {
    /// All header values of a request that are marked as sensitive.
    pub(crate) fn all(request: &Request) -> Vec<Self> {
        let headers = request.headers().iter();
        let sensitive = headers.filter(|(_, value)| value.is_sensitive());
        sensitive
            .map(|(name, value)| Self::new(name, value.clone()))
            .collect()
    }

    pub(crate) fn new(name: &HeaderName, value: HeaderValue) -> Self {
        let credential = *name == AUTHORIZATION || *name == COOKIE;
        Self { value, credential }
    }

    /// Whether it is a credential with this scheme.
    pub(crate) fn has_scheme(&self, scheme: &str) -> bool {
        let rest = self.value.as_bytes().strip_prefix(scheme.as_bytes());
        self.credential && rest.is_some_and(|rest| rest.starts_with(b" "))
    }

    /// The text with this secret hidden.
    pub(crate) fn hide(&self, text: String) -> String {
        let secret = self.bare();
        let found = if secret.len() >= WINDOW {
            pieces(secret, text.as_bytes())
        } else {
            self.words(secret, text.as_bytes())
        };
        if found.is_empty() {
            return text;
        }
        let mut shown = String::with_capacity(text.len());
        let mut hiding = false;
        for (at, character) in text.char_indices() {
            let end = at.saturating_add(character.len_utf8());
            let hidden = found
                .iter()
                .any(|piece| piece.start < end && at < piece.end);
            match (hidden, hiding) {
                (true, false) => shown.push_str(HIDDEN),
                (true, true) => {}
                (false, _) => shown.push(character),
            }
            hiding = hidden;
        }
        shown
    }

    fn bare(&self) -> &[u8] {
        let value = self.value.as_bytes();
        let before = |byte: &u8| b" =".contains(byte);
        match value.iter().position(before) {
            Some(at) if self.credential => value.get(at.saturating_add(1)..).unwrap_or_default(),
            _ => value,
        }
    }

    /// Where a short secret occurs. A credential of a few bytes is hidden only where it is
    /// a separate word, because it is part of many other words.
    fn words(&self, secret: &[u8], text: &[u8]) -> Vec<Range<usize>> {
        if secret.is_empty() || (secret.len() < SHORTEST && !self.credential) {
            return Vec::new();
        }
        let is_word = |at: usize, end: usize| {
            let before = at.checked_sub(1).and_then(|before| text.get(before));
            ![before, text.get(end)]
                .into_iter()
                .flatten()
                .any(u8::is_ascii_alphanumeric)
        };
        text.windows(secret.len())
            .enumerate()
            .map(|(at, window)| (at, at.saturating_add(window.len()), window))
            .filter(|(at, end, window)| {
                window.eq_ignore_ascii_case(secret)
                    && (secret.len() >= SHORTEST || is_word(*at, *end))
            })
            .map(|(at, end, _)| at..end)
            .collect()
    }
}

/// Where pieces of `secret` occur in `text`. It is called with the request id of every
/// success, so it rules out almost every window of the secret with one lookup and
/// searches the text only for the others.
fn pieces(secret: &[u8], text: &[u8]) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    if text.len() < WINDOW {
        return pieces;
    }
    let known = Filter::new(text);
    let (chunks, _) = secret.as_chunks::<WINDOW>();
    for (number, key) in chunks.iter().map(key).enumerate() {
        if known.may_hold(key) {
            let from = number.saturating_mul(WINDOW);
            let found = keys(text).enumerate().filter(|&(_, other)| other == key);
            pieces.extend(found.filter_map(|(at, _)| piece(secret, from, text, at)));
        }
    }
    pieces
}

/// Where `text` agrees with `secret`, around its byte `at` and the secret's byte `from`;
/// `None` if for less than a window.
fn piece(secret: &[u8], from: usize, text: &[u8], at: usize) -> Option<Range<usize>> {
    let agree = |(a, b): &(&u8, &u8)| a.eq_ignore_ascii_case(b);
    let back = secret
        .iter()
        .take(from)
        .rev()
        .zip(text.iter().take(at).rev())
        .take_while(agree)
        .count();
    let ahead = secret
        .iter()
        .skip(from)
        .zip(text.iter().skip(at))
        .take_while(agree)
        .count();
    (ahead >= WINDOW).then(|| at.saturating_sub(back)..at.saturating_add(ahead))
}

/// A Bloom filter (with one hash) of the windows of a text.
struct Filter {
    bits: Vec<u64>,
}

impl Filter {
    fn new(text: &[u8]) -> Self {
        // 16 bits per window, so that false positives are rare; a power of two, for the mask.
        let words = text.len().div_ceil(4).next_power_of_two();
        let mut filter = Self {
            bits: vec![0; words],
        };
        for key in keys(text) {
            let (word, bit) = filter.place(key);
            if let Some(word) = filter.bits.get_mut(word) {
                *word |= bit;
            }
        }
        filter
    }

    fn may_hold(&self, key: u64) -> bool {
        let (word, bit) = self.place(key);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }

    fn place(&self, key: u64) -> (usize, u64) {
        // Multiplicative hashing (Knuth): the upper bits are mixed best.
        let hash = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mask = self.bits.len().saturating_sub(1);
        let word = usize::try_from(hash >> 32).unwrap_or_default() & mask;
        (word, 1 << (hash >> 26 & 63))
    }
}

/// The key of every window.
fn keys(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let windows = bytes.windows(WINDOW);
    windows.filter_map(|window| window.try_into().ok().map(key))
}

/// A window as a number, the same for upper and lower case. Certain other bytes also have the
/// same key, so equal keys are only a hint.
fn key(window: &[u8; WINDOW]) -> u64 {
    const LOWER_CASE: u64 = u64::from_ne_bytes([b' '; WINDOW]);
    u64::from_ne_bytes(*window) | LOWER_CASE
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKEN: &str = "00QCjAl4MlV-WPXM0Aelo0ScZIbkLJ1wL_qMhNaJvf";

    fn hide(name: HeaderName, value: &str, text: &str) -> String {
        let secret = Secret::new(&name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        secret.hide(text.to_owned())
    }

    fn token(text: &str) -> String {
        hide(AUTHORIZATION, &format!("SSWS {TOKEN}"), text)
    }

    #[test]
    fn a_token_is_hidden_in_any_case_and_where_it_is_cut() {
        for (text, hidden) in [
            (format!("got SSWS {TOKEN}!"), "got SSWS [hidden]!"),
            (format!("{TOKEN}{TOKEN}"), "[hidden]"),
            (TOKEN.to_uppercase(), "[hidden]"),
            (format!("{}...", &TOKEN[..15]), "[hidden]..."),
            (format!("...{}", &TOKEN[20..]), "...[hidden]"),
            (format!("é{}é", &TOKEN[5..30]), "é[hidden]é"),
            ("a request id".to_owned(), "a request id"),
            (String::new(), ""),
        ] {
            assert_eq!(token(&text), hidden, "{text}");
        }
    }

    #[test]
    fn a_short_token_is_hidden_where_it_is_a_word() {
        let cookie = |value: &str, text: &str| hide(COOKIE, &format!("idx={value}"), text);
        assert_eq!(
            cookie("abc", "idx=abc; abcd, abc"),
            "idx=[hidden]; abcd, [hidden]"
        );
        assert_eq!(cookie("x", "x-ray of x"), "[hidden]-ray of [hidden]");
        assert_eq!(cookie("secret", "asecretb"), "a[hidden]b");
        assert_eq!(cookie("", "nothing"), "nothing");
        let other = HeaderName::from_static("x-a");
        assert_eq!(hide(other.clone(), "true", "true"), "true");
        assert_eq!(hide(other, "hunter2", "a hunter2"), "a [hidden]");
    }

    /// They differ in the bit that tells upper from lower case.
    #[test]
    fn bytes_that_are_not_letters_are_told_apart() {
        let other = HeaderName::from_static("x-a");
        assert_eq!(hide(other.clone(), "[[[[[[[[[", "{{{{{{{{{"), "{{{{{{{{{");
        assert_eq!(hide(other, "[[[[[[[[[", "[[[[[[[[["), "[hidden]");
    }

    #[test]
    fn a_value_that_is_not_ascii_is_hidden() {
        let other = HeaderName::from_static("x-a");
        let text = "you sent pässwörd-ünd-mehr here";
        let hidden = hide(other, "pässwörd-ünd-mehr", text);
        assert_eq!(hidden, "you sent [hidden] here");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_piece_of_a_secret_remains(
            secret in "[A-Za-z0-9_=/+-]{15,300}",
            from in any::<prop::sample::Index>(),
            length in SURE..60,
            before in ".{0,20}",
            after in ".{0,20}",
        ) {
            let from = from.index(secret.len() - SURE + 1);
            let piece = &secret[from..secret.len().min(from + length)];
            let name = HeaderName::from_static("x-a");
            let shown = hide(name, &secret, &format!("{before}{piece}{after}"));
            prop_assert!(shown.contains(HIDDEN) && !shown.contains(piece), "{shown}");
        }

        #[test]
        fn text_without_a_secret_is_unchanged(text in "[ -/:-@]{0,200}") {
            prop_assert_eq!(token(&text), text);
        }
    }
}
