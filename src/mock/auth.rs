//! Credentials of the org: who calls, and what they may do.

use std::{collections::HashMap, time::Duration};

use http::{HeaderMap, header};
use tokio::time::Instant;

use super::{org::Org, refusal::Refusal, request};

const SCOPE: &str = "okta.users.manage";
const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(60 * 60);

#[derive(Clone)]
pub(super) enum Token {
    Api {
        owner: String,
    },
    Access {
        scopes: Vec<String>,
        /// Whether its app has an admin role that may clear sessions.
        has_role: bool,
        /// The user it was issued to; a service app's has none.
        user: Option<String>,
        expires: Instant,
    },
}

/// All tokens that were not revoked, by their value.
#[derive(Clone, Default)]
pub(super) struct Tokens(HashMap<String, Token>);

/// Who calls endUserSessions.
pub(super) struct SignedIn {
    pub(super) user_id: String,
    /// The session that makes the call; an access token belongs to none.
    pub(super) session: Option<String>,
}

enum Caller {
    Token(Token),
    Session { user_id: String, cookie: String },
    EndedSession,
    Nobody,
}

impl Tokens {
    pub(super) fn add_api(&mut self, value: String, owner: &str) {
        let owner = owner.to_owned();
        self.0.insert(value, Token::Api { owner });
    }

    pub(super) fn add_access(
        &mut self,
        value: String,
        scopes: &[&str],
        has_role: bool,
        user: Option<&str>,
        now: Instant,
    ) {
        let token = Token::Access {
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            has_role,
            user: user.map(str::to_owned),
            expires: now.checked_add(ACCESS_TOKEN_LIFETIME).unwrap_or(now),
        };
        self.0.insert(value, token);
    }

    pub(super) fn remove(&mut self, value: &str) {
        self.0.remove(value);
    }

    /// Revokes the access tokens issued to a user.
    pub(super) fn remove_issued_to(&mut self, user_id: &str) {
        self.0.retain(|_, token| !token.is_issued_to(user_id));
    }

    pub(super) fn count_issued_to(&self, user_id: &str, now: Instant) -> usize {
        let live = |token: &&Token| token.is_issued_to(user_id) && token.is_live(now);
        self.0.values().filter(live).count()
    }

    /// The token of an `Authorization` value, if it is valid with that scheme.
    fn authorize(&self, authorization: &str, now: Instant) -> Option<&Token> {
        let (scheme, value) = authorization.split_once(' ')?;
        let token = self.0.get(value).filter(|token| token.is_live(now))?;
        let expected = match token {
            Token::Api { .. } => "SSWS",
            Token::Access { .. } => "Bearer",
        };
        scheme.eq_ignore_ascii_case(expected).then_some(token)
    }
}

impl Token {
    fn is_live(&self, now: Instant) -> bool {
        match self {
            Self::Api { .. } => true,
            Self::Access { expires, .. } => now < *expires,
        }
    }

    fn is_issued_to(&self, user_id: &str) -> bool {
        matches!(self, Self::Access { user: Some(user), .. } if user == user_id)
    }
}

/// Lets administrators in to revokeUserSessions, and says which user they are.
///
/// The operation knows API tokens and OAuth 2.0 only: a session is recognised,
/// but may not do it.
pub(super) fn administrator(
    org: &Org,
    headers: &HeaderMap,
    now: Instant,
) -> Result<Option<String>, Refusal> {
    match caller(org, headers, now)? {
        Caller::Token(Token::Api { owner }) => Ok(Some(owner)),
        Caller::Token(Token::Access {
            scopes,
            has_role: true,
            user,
            ..
        }) if scopes.iter().any(|scope| scope == SCOPE) => Ok(user),
        Caller::Token(Token::Access { .. }) | Caller::Session { .. } => {
            Err(Refusal::no_permission())
        }
        Caller::EndedSession => Err(Refusal::invalid_session()),
        Caller::Nobody => Err(Refusal::invalid_token()),
    }
}

/// Lets signed-in users in to endUserSessions.
pub(super) fn signed_in(org: &Org, headers: &HeaderMap, now: Instant) -> Result<SignedIn, Refusal> {
    match caller(org, headers, now)? {
        Caller::Session { user_id, cookie } => Ok(SignedIn {
            user_id,
            session: Some(cookie),
        }),
        Caller::Token(Token::Access {
            user: Some(user_id),
            ..
        }) => Ok(SignedIn {
            user_id,
            session: None,
        }),
        Caller::Token(_) => Err(Refusal::no_permission()),
        Caller::EndedSession | Caller::Nobody => Err(Refusal::invalid_session()),
    }
}

/// An `Authorization` header outranks a cookie.
fn caller(org: &Org, headers: &HeaderMap, now: Instant) -> Result<Caller, Refusal> {
    if let Some(authorization) = headers.get(header::AUTHORIZATION) {
        let token = authorization
            .to_str()
            .ok()
            .and_then(|value| org.tokens.authorize(value, now));
        return token
            .map(|token| Caller::Token(token.clone()))
            .ok_or_else(Refusal::invalid_token);
    }
    let Some(cookie) = request::cookie(headers, org.cookie_name()) else {
        return Ok(Caller::Nobody);
    };
    Ok(match org.session_user(cookie) {
        Some(user_id) => Caller::Session {
            user_id: user_id.to_owned(),
            cookie: cookie.to_owned(),
        },
        None => Caller::EndedSession,
    })
}
