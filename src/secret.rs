//! What was secret in a request, to be found in what comes back.

use reqwest::{
    Request,
    header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue},
};

const HIDDEN: &str = "[hidden]";

/// Shorter ones are no secrets, and would be found in words that are none.
const SHORTEST: usize = 6;

/// A value that must not be shown.
pub(crate) struct Secret {
    value: HeaderValue,
    /// Whether a scheme or a cookie's name stands before the secret itself.
    prefixed: bool,
}

impl Secret {
    /// Every header value of a request that is marked as sensitive.
    pub(crate) fn all(request: &Request) -> Vec<Self> {
        let headers = request.headers().iter();
        let sensitive = headers.filter(|(_, value)| value.is_sensitive());
        sensitive
            .map(|(name, value)| Self::new(name, value.clone()))
            .collect()
    }

    pub(crate) fn new(name: &HeaderName, value: HeaderValue) -> Self {
        let prefixed = *name == AUTHORIZATION || *name == COOKIE;
        Self { value, prefixed }
    }

    /// The text without it.
    pub(crate) fn hide(&self, text: String) -> String {
        let Ok(value) = self.value.to_str() else {
            return text;
        };
        let bare = if self.prefixed {
            value.split_once([' ', '=']).map_or(value, |(_, bare)| bare)
        } else {
            value
        };
        // What is longer than the text is not in it, as most secrets are next to
        // a request id: searching would cost more than all else done to it.
        [value, bare].into_iter().fold(text, |text, secret| {
            if (SHORTEST..=text.len()).contains(&secret.len()) {
                text.replace(secret, HIDDEN)
            } else {
                text
            }
        })
    }
}
