//! An access token and its lifetime.

use std::{fmt, time::Duration};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    Error,
    time::{Instant, after},
};

/// A token is renewed when a tenth of its lifetime is left, but no earlier than this
/// before it expires.
const MAX_RENEWAL_MARGIN: Duration = Duration::from_secs(300);

/// An access token, ready to be sent.
pub(super) struct AccessToken {
    /// The value of `Authorization`.
    pub(super) header: HeaderValue,
    pub(super) secret: SecretString,
    /// Whether each request needs a DPoP proof as well.
    pub(super) dpop: bool,
    lifetime: Option<Lifetime>,
}

struct Lifetime {
    renew_at: Instant,
    expires_at: Instant,
}

impl AccessToken {
    /// `lifetime` is when the token was requested and how long it is valid from then;
    /// `None` if it is not known to expire.
    pub(super) fn new(
        secret: SecretString,
        dpop: bool,
        lifetime: Option<(Instant, Duration)>,
    ) -> Result<Self, Error> {
        let scheme = if dpop { "DPoP" } else { "Bearer" };
        let mut header = HeaderValue::from_str(&format!("{scheme} {}", secret.expose_secret()))
            .map_err(Error::from_header)?;
        header.set_sensitive(true);
        let lifetime = lifetime.map(|(requested, length)| {
            let margin = (length / 10).min(MAX_RENEWAL_MARGIN);
            Lifetime {
                renew_at: after(requested, length.saturating_sub(margin)),
                expires_at: after(requested, length),
            }
        });
        Ok(Self {
            header,
            secret,
            dpop,
            lifetime,
        })
    }

    pub(super) fn is_valid(&self, now: Instant) -> bool {
        self.lifetime
            .as_ref()
            .is_none_or(|life| now < life.expires_at)
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.lifetime
            .as_ref()
            .is_some_and(|life| now >= life.renew_at)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("dpop", &self.dpop)
            .finish_non_exhaustive()
    }
}
