//! The two operations: their options, and the receipt of a success.

use std::{future::IntoFuture, pin::Pin, sync::Arc, time::Duration};

use crate::{Error, UserId, call::Layers, hooks::Operation, rate_limit::RateLimit};

/// What an operation's future is, boxed.
#[cfg(not(target_arch = "wasm32"))]
pub type Call = Pin<Box<dyn Future<Output = Result<Receipt, Error>> + Send>>;

/// What an operation's future is, boxed. In a browser it stays on its thread.
#[cfg(target_arch = "wasm32")]
pub type Call = Pin<Box<dyn Future<Output = Result<Receipt, Error>>>>;

/// `revokeUserSessions`, made by
/// [`Client::revoke_user_sessions`](crate::Client::revoke_user_sessions) and
/// sent by `.await`.
///
/// An option that is not set is not sent, so the org's own default counts.
#[derive(Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct RevokeUserSessions {
    layers: Arc<Layers>,
    user: Result<UserId, Error>,
    oauth_tokens: Option<bool>,
    forget_devices: Option<bool>,
}

impl RevokeUserSessions {
    pub(crate) fn new(layers: Arc<Layers>, user: Result<UserId, Error>) -> Self {
        Self {
            layers,
            user,
            oauth_tokens: None,
            forget_devices: None,
        }
    }

    /// Whether to also revoke the OpenID Connect and OAuth 2.0 refresh and
    /// access tokens issued to the user. Okta's default is `false`.
    pub fn oauth_tokens(mut self, revoke: bool) -> Self {
        self.oauth_tokens = Some(revoke);
        self
    }

    /// Whether to also forget the factors remembered for the user's devices.
    /// Okta's default is `true` in Identity Engine and `false` in Classic
    /// Engine.
    pub fn forget_devices(mut self, forget: bool) -> Self {
        self.forget_devices = Some(forget);
        self
    }
}

impl IntoFuture for RevokeUserSessions {
    type Output = Result<Receipt, Error>;
    type IntoFuture = Call;

    fn into_future(self) -> Call {
        Box::pin(async move {
            let operation = Operation::RevokeUserSessions {
                user: self.user?,
                oauth_tokens: self.oauth_tokens,
                forget_devices: self.forget_devices,
            };
            self.layers.call(operation).await
        })
    }
}

/// `endUserSessions`, made by
/// [`SessionClient::end_user_sessions`](crate::SessionClient::end_user_sessions)
/// and sent by `.await`.
#[derive(Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct EndUserSessions {
    layers: Arc<Layers>,
    keep_current: Option<bool>,
}

impl EndUserSessions {
    pub(crate) fn new(layers: Arc<Layers>) -> Self {
        Self {
            layers,
            keep_current: None,
        }
    }

    /// Whether the session that makes the call stays. When not set, no body is
    /// sent and Okta's default counts: `true`, it stays.
    pub fn keep_current(mut self, keep: bool) -> Self {
        self.keep_current = Some(keep);
        self
    }
}

impl IntoFuture for EndUserSessions {
    type Output = Result<Receipt, Error>;
    type IntoFuture = Call;

    fn into_future(self) -> Call {
        Box::pin(async move {
            let operation = Operation::EndUserSessions {
                keep_current: self.keep_current,
            };
            self.layers.call(operation).await
        })
    }
}

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
    pub(crate) may_have_run_before: bool,
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
    pub fn may_have_run_before(&self) -> bool {
        self.may_have_run_before
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
