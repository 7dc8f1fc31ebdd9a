//! The two operations as blocking calls.

use super::Worker;
use crate::{
    Error, Receipt,
    generated::{end_user_sessions_setters, revoke_user_sessions_setters},
};

/// [`RevokeUserSessions`](crate::RevokeUserSessions) without `async`, made by
/// [`Client::revoke_user_sessions`](super::Client::revoke_user_sessions).
#[derive(Debug)]
#[must_use = "nothing is sent before send() is called"]
pub struct RevokeUserSessions {
    call: crate::calls::RevokeUserSessions,
    worker: Worker,
}

impl RevokeUserSessions {
    pub(super) fn new(call: crate::calls::RevokeUserSessions, worker: Worker) -> Self {
        Self { call, worker }
    }

    /// Sends the call, and waits for the response until the call's deadline.
    ///
    /// # Errors
    ///
    /// As for the async call; also inside a Tokio runtime, where nothing is sent.
    pub fn send(self) -> Result<Receipt, Error> {
        self.worker.wait_for(self.call.into_future())?
    }
}

revoke_user_sessions_setters!(RevokeUserSessions: call.options);

/// [`EndUserSessions`](crate::EndUserSessions) without `async`, made by
/// [`SessionClient::end_user_sessions`](super::SessionClient::end_user_sessions).
#[derive(Debug)]
#[must_use = "nothing is sent before send() is called"]
pub struct EndUserSessions {
    call: crate::calls::EndUserSessions,
    worker: Worker,
}

impl EndUserSessions {
    pub(super) fn new(call: crate::calls::EndUserSessions, worker: Worker) -> Self {
        Self { call, worker }
    }

    /// Sends the call, and waits for the response until the call's deadline.
    ///
    /// # Errors
    ///
    /// As for the async call; also inside a Tokio runtime, where nothing is sent.
    pub fn send(self) -> Result<Receipt, Error> {
        self.worker.wait_for(self.call.into_future())?
    }
}

end_user_sessions_setters!(EndUserSessions: call.options);
