//! What tests say about users, and what they are told.

use std::time::SystemTime;

/// A user to add to the org.
#[derive(Clone, Debug)]
#[must_use = "a user does nothing until it is added to an org"]
pub struct MockUser {
    pub(crate) id: String,
    pub(crate) login: Option<String>,
    pub(crate) sessions: usize,
    pub(crate) refresh_tokens: usize,
    pub(crate) remembered_devices: usize,
}

impl MockUser {
    /// An active user without login, sessions, tokens or devices.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            login: None,
            sessions: 0,
            refresh_tokens: 0,
            remembered_devices: 0,
        }
    }

    /// A second name that finds the user, mostly an email address.
    pub fn login(mut self, login: impl Into<String>) -> Self {
        self.login = Some(login.into());
        self
    }

    /// How many sessions are open, besides those that
    /// [`MockOrg::sign_in`](crate::MockOrg::sign_in) opens later.
    pub fn sessions(mut self, count: usize) -> Self {
        self.sessions = count;
        self
    }

    /// How many refresh tokens are held by apps.
    pub fn refresh_tokens(mut self, count: usize) -> Self {
        self.refresh_tokens = count;
        self
    }

    /// How many devices have a factor remembered.
    pub fn remembered_devices(mut self, count: usize) -> Self {
        self.remembered_devices = count;
        self
    }
}

/// What is left to a user at the moment of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserState {
    /// Open sessions with the org.
    pub sessions: usize,
    /// Refresh tokens that still work.
    pub refresh_tokens: usize,
    /// Access tokens that still work, of those issued by
    /// [`MockOrg::issue_user_access_token`](crate::MockOrg::issue_user_access_token).
    pub access_tokens: usize,
    /// Devices with a remembered factor.
    pub remembered_devices: usize,
    /// How often revokeUserSessions was carried out for this user.
    pub revocations: usize,
}

/// An event of the System Log: an operation that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogEvent {
    /// Okta's name for the kind of event, `user.session.clear`.
    pub event_type: String,
    /// Who did it: the id of a user, or a service app's client id.
    pub actor_id: String,
    /// The user whose sessions were ended.
    pub user_id: String,
    /// The `X-Okta-Request-Id` of the response.
    pub request_id: String,
    /// How many sessions were ended.
    pub sessions: usize,
    /// Whether the user's refresh and access tokens were revoked too.
    pub oauth_tokens: bool,
    /// Whether the user's remembered devices were forgotten too.
    pub forget_devices: bool,
    /// When, by the org's clock.
    pub published: SystemTime,
}
