//! The two operations, as builders that are awaited.

use std::{future::IntoFuture, pin::Pin, sync::Arc};

use crate::{
    Error, Receipt, UserId,
    generated::{end_user_sessions_setters, revoke_user_sessions_setters},
    operation::Operation,
    options::{EndUserSessionsOptions, RevokeUserSessionsOptions},
    pipeline::{NoHooks, Pipeline},
};

/// The boxed future of an operation.
#[cfg(not(target_arch = "wasm32"))]
pub type OperationFuture = Pin<Box<dyn Future<Output = Result<Receipt, Error>> + Send>>;

/// The boxed future of an operation. It is not `Send`, since a browser has one thread.
#[cfg(target_arch = "wasm32")]
pub type OperationFuture = Pin<Box<dyn Future<Output = Result<Receipt, Error>>>>;

/// `revokeUserSessions`, made by
/// [`Client::revoke_user_sessions`](crate::Client::revoke_user_sessions) and
/// sent by `.await`.
///
/// An option that is not set is not sent, so the org's own default applies.
#[derive(Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct RevokeUserSessions {
    pipeline: Arc<Pipeline>,
    user: Result<UserId, Error>,
    pub(crate) options: RevokeUserSessionsOptions,
}

impl RevokeUserSessions {
    pub(crate) fn new(pipeline: Arc<Pipeline>, user: Result<UserId, Error>) -> Self {
        Self {
            pipeline,
            user,
            options: RevokeUserSessionsOptions::default(),
        }
    }
}

revoke_user_sessions_setters!(RevokeUserSessions: options);

impl IntoFuture for RevokeUserSessions {
    type Output = Result<Receipt, Error>;
    type IntoFuture = OperationFuture;

    fn into_future(self) -> OperationFuture {
        let Self {
            pipeline,
            user,
            options,
        } = self;
        Box::pin(async move {
            let user_id = user?;
            let operation = Operation::RevokeUserSessions { user_id, options };
            pipeline.call(&operation, &NoHooks).await
        })
    }
}

/// `endUserSessions`, made by
/// [`SessionClient::end_user_sessions`](crate::SessionClient::end_user_sessions)
/// and sent by `.await`.
///
/// An option that is not set is not sent, so Okta's own default applies.
#[derive(Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct EndUserSessions {
    pipeline: Arc<Pipeline>,
    pub(crate) options: EndUserSessionsOptions,
}

impl EndUserSessions {
    pub(crate) fn new(pipeline: Arc<Pipeline>) -> Self {
        Self {
            pipeline,
            options: EndUserSessionsOptions::default(),
        }
    }
}

end_user_sessions_setters!(EndUserSessions: options);

impl IntoFuture for EndUserSessions {
    type Output = Result<Receipt, Error>;
    type IntoFuture = OperationFuture;

    fn into_future(self) -> OperationFuture {
        let Self { pipeline, options } = self;
        Box::pin(async move {
            let operation = Operation::EndUserSessions { options };
            pipeline.call(&operation, &NoHooks).await
        })
    }
}
