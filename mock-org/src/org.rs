//! What the org holds: users, their sessions, credentials and the System Log.

use std::collections::{BTreeSet, HashMap};

use tokio::time::Instant;

use crate::{
    oauth::OAuth,
    percent,
    tokens::Tokens,
    user::{LogEvent, MockUser, UserState},
};

#[derive(Clone, Default)]
pub(crate) struct Org {
    /// Without a slash at the end.
    pub(crate) url: String,
    /// As PEM; None without TLS.
    #[cfg(feature = "tls")]
    pub(crate) ca_certificate: Option<String>,
    pub(crate) tokens: Tokens,
    pub(crate) oauth: OAuth,
    pub(crate) log: Vec<LogEvent>,
    pub(crate) classic_engine: bool,
    pub(crate) read_only: bool,
    /// None: every origin is trusted.
    pub(crate) trusted_origins: Option<Vec<String>>,
    users: HashMap<String, User>,
    /// The user of every open session, by its cookie value.
    sessions: HashMap<String, String>,
    /// The cookie value that each unused session token is good for.
    session_tokens: HashMap<String, String>,
}

#[derive(Clone, Default)]
struct User {
    login: Option<String>,
    deactivated: bool,
    sessions: BTreeSet<String>,
    refresh_tokens: usize,
    remembered_devices: usize,
    revocations: usize,
}

impl Org {
    /// Adds a user, in the place of one with the same id, with one session for
    /// each cookie value.
    pub(crate) fn add_user(&mut self, user: MockUser, cookies: Vec<String>) {
        self.end_sessions(&user.id, None);
        let added = User {
            login: user.login,
            refresh_tokens: user.refresh_tokens,
            remembered_devices: user.remembered_devices,
            ..User::default()
        };
        self.users.insert(user.id.clone(), added);
        for cookie in cookies {
            self.open_session(&user.id, cookie);
        }
    }

    /// Adds a user that the org does not know yet.
    pub(crate) fn ensure_user(&mut self, user_id: &str) {
        self.user_mut(user_id);
    }

    fn user_mut(&mut self, user_id: &str) -> &mut User {
        self.users.entry(user_id.to_owned()).or_default()
    }

    /// Opens a session; an unknown user becomes one of the org.
    pub(crate) fn open_session(&mut self, user_id: &str, cookie: String) {
        let user = self.user_mut(user_id);
        user.sessions.insert(cookie.clone());
        self.sessions.insert(cookie, user_id.to_owned());
    }

    /// Whether the org knows the user.
    pub(crate) fn deactivate(&mut self, user_id: &str) -> bool {
        let user = self.users.get_mut(user_id);
        user.map(|user| user.deactivated = true).is_some()
    }

    pub(crate) fn is_deactivated(&self, user_id: &str) -> bool {
        self.users.get(user_id).is_some_and(|user| user.deactivated)
    }

    /// Finds a user by id or login.
    pub(crate) fn find(&self, id_or_login: &str) -> Option<&str> {
        if let Some((id, _)) = self.users.get_key_value(id_or_login) {
            return Some(id);
        }
        let named = |user: &User| user.login.as_deref() == Some(id_or_login);
        self.users
            .iter()
            .find_map(|(id, user)| named(user).then_some(id.as_str()))
    }

    pub(crate) fn is_user(&self, id: &str) -> bool {
        self.users.contains_key(id)
    }

    /// A user's login; without one, the id stands in for it.
    pub(crate) fn login(&self, user_id: &str) -> String {
        let user = self.users.get(user_id);
        let login = user.and_then(|user| user.login.as_deref());
        login.unwrap_or(user_id).to_owned()
    }

    /// The URL of a path as Okta compares it: the path percent-decoded.
    pub(crate) fn address_of(&self, path: &str) -> String {
        format!("{}{}", self.url, percent::decode(path))
    }

    /// The cookie that carries a session.
    pub(crate) fn cookie_name(&self) -> &'static str {
        if self.classic_engine { "sid" } else { "idx" }
    }

    /// Whether pages of this origin may end sessions.
    pub(crate) fn trusts<O: PartialEq<str> + ?Sized>(&self, origin: &O) -> bool {
        match &self.trusted_origins {
            Some(trusted) => trusted.iter().any(|trusted| origin == trusted.as_str()),
            None => true,
        }
    }

    pub(crate) fn add_session_token(&mut self, token: String, cookie: String) {
        self.session_tokens.insert(token, cookie);
    }

    pub(crate) fn take_session_token(&mut self, token: &str) -> Option<String> {
        self.session_tokens.remove(token)
    }

    /// The user of an open session.
    pub(crate) fn session_user(&self, cookie: &str) -> Option<&str> {
        self.sessions.get(cookie).map(String::as_str)
    }

    /// Ends a user's sessions, one aside, and says how many.
    pub(crate) fn end_sessions(&mut self, user_id: &str, keep: Option<&str>) -> usize {
        let Some(user) = self.users.get_mut(user_id) else {
            return 0;
        };
        let before = self.sessions.len();
        user.sessions.retain(|cookie| {
            let kept = keep == Some(cookie.as_str());
            if !kept {
                self.sessions.remove(cookie);
            }
            kept
        });
        before.saturating_sub(self.sessions.len())
    }

    /// Carries out revokeUserSessions, and says how many sessions were ended.
    pub(crate) fn revoke(
        &mut self,
        user_id: &str,
        oauth_tokens: bool,
        forget_devices: bool,
    ) -> usize {
        let ended = self.end_sessions(user_id, None);
        if oauth_tokens {
            self.tokens.remove_issued_to(user_id);
        }
        if let Some(user) = self.users.get_mut(user_id) {
            user.revocations = user.revocations.saturating_add(1);
            if oauth_tokens {
                user.refresh_tokens = 0;
            }
            if forget_devices {
                user.remembered_devices = 0;
            }
        }
        ended
    }

    pub(crate) fn user_state(&self, user_id: &str, now: Instant) -> Option<UserState> {
        let user = self.users.get(user_id)?;
        Some(UserState {
            sessions: user.sessions.len(),
            refresh_tokens: user.refresh_tokens,
            access_tokens: self.tokens.count_issued_to(user_id, now),
            remembered_devices: user.remembered_devices,
            revocations: user.revocations,
        })
    }
}
