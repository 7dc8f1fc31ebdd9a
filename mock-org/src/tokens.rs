//! The tokens that the org has issued.

use std::collections::HashMap;

use tokio::time::Instant;

pub(crate) const DPOP_SCHEME: &str = "DPoP";

#[derive(Clone)]
pub(crate) enum Token {
    Api { owner: String },
    Access { access: Access, expires: Instant },
}

/// What an access token is good for.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) client_id: String,
    pub(crate) scopes: Vec<String>,
    /// Whether its app has an admin role that may clear sessions.
    pub(crate) has_role: bool,
    /// The user it was issued to; a service app's has none.
    pub(crate) user: Option<String>,
    /// The key it is bound to; a Bearer token is bound to none.
    pub(crate) thumbprint: Option<String>,
}

/// All tokens that were not revoked, by their value.
#[derive(Clone, Default)]
pub(crate) struct Tokens(HashMap<String, Token>);

impl Tokens {
    pub(crate) fn add_api(&mut self, value: String, owner: &str) {
        let owner = owner.to_owned();
        self.0.insert(value, Token::Api { owner });
    }

    pub(crate) fn add_access(&mut self, value: String, access: Access, expires: Instant) {
        self.0.insert(value, Token::Access { access, expires });
    }

    pub(crate) fn remove(&mut self, value: &str) {
        self.0.remove(value);
    }

    /// Revokes every access token.
    pub(crate) fn remove_access(&mut self) {
        self.0.retain(|_, token| matches!(token, Token::Api { .. }));
    }

    /// Revokes the access tokens issued to a user.
    pub(crate) fn remove_issued_to(&mut self, user_id: &str) {
        self.0.retain(|_, token| !token.is_issued_to(user_id));
    }

    pub(crate) fn count_issued_to(&self, user_id: &str, now: Instant) -> usize {
        let live = |token: &&Token| token.is_issued_to(user_id) && token.is_live(now);
        self.0.values().filter(live).count()
    }

    /// The token of that value, if it is valid with that scheme.
    pub(crate) fn find(&self, scheme: &str, value: &str, now: Instant) -> Option<&Token> {
        let token = self.0.get(value).filter(|token| token.is_live(now))?;
        scheme.eq_ignore_ascii_case(token.scheme()).then_some(token)
    }
}

impl Access {
    pub(crate) fn has_one_of(&self, scopes: &[&str]) -> bool {
        scopes
            .iter()
            .any(|wanted| self.scopes.iter().any(|scope| scope == wanted))
    }
}

impl Token {
    fn scheme(&self) -> &'static str {
        match self {
            Self::Api { .. } => "SSWS",
            Self::Access { access, .. } if access.thumbprint.is_some() => DPOP_SCHEME,
            Self::Access { .. } => "Bearer",
        }
    }

    fn is_live(&self, now: Instant) -> bool {
        match self {
            Self::Api { .. } => true,
            Self::Access { expires, .. } => now < *expires,
        }
    }

    fn is_issued_to(&self, user_id: &str) -> bool {
        matches!(self, Self::Access { access, .. } if access.user.as_deref() == Some(user_id))
    }
}
