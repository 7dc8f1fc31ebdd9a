//! What a success leaves behind.

use std::{sync::Arc, time::Duration};

use crate::pipeline::rate_limit::RateLimit;

/// Okta's own word that the operation was done.
///
/// It is about identity-provider sessions: what web and native apps keep for
/// themselves goes on until they ask Okta again.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Receipt {
    pub(crate) status: u16,
    pub(crate) request_id: Option<Arc<str>>,
    pub(crate) attempts: u32,
    pub(crate) earlier_effect_unknown: bool,
    pub(crate) waited: Duration,
    pub(crate) rate_limit: Option<RateLimit>,
}

impl Receipt {
    /// The HTTP status: 204 of a revocation, 200 of ending one's own sessions;
    /// both operations accept both.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The `X-Okta-Request-Id`, which finds the call in the org's System Log.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// How many times the request was sent, or tried to be.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether an earlier attempt of this call may have reached Okta as well:
    /// then the System Log may show the operation more than once.
    #[must_use]
    pub fn earlier_effect_unknown(&self) -> bool {
        self.earlier_effect_unknown
    }

    /// How long the call waited, for the rate limit and between attempts.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// The rate limit as this answer stated it, if it did.
    #[must_use]
    pub fn rate_limit(&self) -> Option<&RateLimit> {
        self.rate_limit.as_ref()
    }
}
