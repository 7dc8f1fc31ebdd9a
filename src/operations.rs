//! The two operations and their options.

use std::{future::IntoFuture, pin::Pin, sync::Arc};

use crate::{
    Error, Receipt, UserId,
    call::{Layers, Single},
    hooks::Operation,
};

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
///
/// `W` is what a blocking client waits with; nothing, where it is awaited.
#[derive(Debug)]
#[must_use = "nothing is sent before it is awaited, or send() is called"]
pub struct RevokeUserSessions<W = ()> {
    layers: Arc<Layers>,
    user: Result<UserId, Error>,
    oauth_tokens: Option<bool>,
    forget_devices: Option<bool>,
    worker: W,
}

impl<W> RevokeUserSessions<W> {
    pub(crate) fn new(layers: Arc<Layers>, user: Result<UserId, Error>, worker: W) -> Self {
        Self {
            layers,
            user,
            oauth_tokens: None,
            forget_devices: None,
            worker,
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

    /// The same to be awaited, and what to wait with.
    #[cfg(all(feature = "blocking", not(target_arch = "wasm32")))]
    pub(crate) fn apart(self) -> (RevokeUserSessions, W) {
        let call = RevokeUserSessions {
            layers: self.layers,
            user: self.user,
            oauth_tokens: self.oauth_tokens,
            forget_devices: self.forget_devices,
            worker: (),
        };
        (call, self.worker)
    }
}

impl IntoFuture for RevokeUserSessions {
    type Output = Result<Receipt, Error>;
    type IntoFuture = Call;

    fn into_future(self) -> Call {
        let Self {
            layers,
            user,
            oauth_tokens,
            forget_devices,
            worker: (),
        } = self;
        Box::pin(async move {
            let operation = Operation::RevokeUserSessions {
                user: user?,
                oauth_tokens,
                forget_devices,
            };
            layers.call(&operation, &Single).await
        })
    }
}

/// `endUserSessions`, made by
/// [`SessionClient::end_user_sessions`](crate::SessionClient::end_user_sessions)
/// and sent by `.await`.
///
/// `W` is what a blocking client waits with; nothing, where it is awaited.
#[derive(Debug)]
#[must_use = "nothing is sent before it is awaited, or send() is called"]
pub struct EndUserSessions<W = ()> {
    layers: Arc<Layers>,
    keep_current: Option<bool>,
    worker: W,
}

impl<W> EndUserSessions<W> {
    pub(crate) fn new(layers: Arc<Layers>, worker: W) -> Self {
        Self {
            layers,
            keep_current: None,
            worker,
        }
    }

    /// Whether the session that makes the call stays. When not set, no body is
    /// sent and Okta's default counts: `true`, it stays.
    pub fn keep_current(mut self, keep: bool) -> Self {
        self.keep_current = Some(keep);
        self
    }

    /// The same to be awaited, and what to wait with.
    #[cfg(all(feature = "blocking", not(target_arch = "wasm32")))]
    pub(crate) fn apart(self) -> (EndUserSessions, W) {
        let call = EndUserSessions {
            layers: self.layers,
            keep_current: self.keep_current,
            worker: (),
        };
        (call, self.worker)
    }
}

impl IntoFuture for EndUserSessions {
    type Output = Result<Receipt, Error>;
    type IntoFuture = Call;

    fn into_future(self) -> Call {
        let Self {
            layers,
            keep_current,
            worker: (),
        } = self;
        Box::pin(async move {
            let operation = Operation::EndUserSessions { keep_current };
            layers.call(&operation, &Single).await
        })
    }
}
