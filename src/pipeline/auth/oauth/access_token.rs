//! An access token, and how long it is good for.

use std::{fmt, time::Duration};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    Error,
    time::{Instant, after},
};

/// A token is renewed when a tenth of its life is left, but no earlier than
/// this before its end.
const LONGEST_MARGIN: Duration = Duration::from_secs(300);

/// An access token, as it goes on the wire.
pub(super) struct AccessToken {
    /// The value of `Authorization`.
    pub(super) header: HeaderValue,
    pub(super) secret: SecretString,
    /// Whether each request needs a proof beside it.
    pub(super) dpop: bool,
    lifetime: Option<Lifetime>,
}

struct Lifetime {
    renew: Instant,
    end: Instant,
}

impl AccessToken {
    /// `requested` is when the request for it left; `None`: it is not known to
    /// end.
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
            let margin = (length / 10).min(LONGEST_MARGIN);
            Lifetime {
                renew: after(requested, length.saturating_sub(margin)),
                end: after(requested, length),
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
        self.lifetime.as_ref().is_none_or(|life| now < life.end)
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.lifetime.as_ref().is_some_and(|life| now >= life.renew)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("dpop", &self.dpop)
            .finish_non_exhaustive()
    }
}
