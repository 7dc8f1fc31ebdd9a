//! What a successful call returns.

use std::{sync::Arc, time::Duration};

use crate::RateLimit;

/// Okta's confirmation that the operation succeeded.
///
/// It is about identity-provider sessions: web and native apps that keep their own
/// sessions stay signed in until they next check with Okta.
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
    /// The HTTP status: 204 for a revocation; 200 or 204 for ending one's own sessions.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The `X-Okta-Request-Id`, which finds the call in the org's System Log.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The number of attempts to send the request.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether an earlier attempt of this call may have taken effect as well. The System
    /// Log may then show the operation more than once.
    #[must_use]
    pub fn earlier_effect_unknown(&self) -> bool {
        self.earlier_effect_unknown
    }

    /// How long the call waited, for the rate limit and between attempts.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// The rate limit as stated by this response, if it was.
    #[must_use]
    pub fn rate_limit(&self) -> Option<&RateLimit> {
        self.rate_limit.as_ref()
    }
}
