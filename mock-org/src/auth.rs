//! Credentials of the org: who calls, and what they may do.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use http::{HeaderName, Request, StatusCode, header};
use tokio::time::Instant;

use crate::{
    answer::Occasion,
    org::Org,
    proof::{self, Bound, Flaw, Subject},
    refusal::Refusal,
    request,
};

const DPOP_SCHEME: &str = "DPoP";
const SCOPE: &str = "okta.users.manage";
pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
pub(crate) const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(60 * 60);

#[derive(Clone)]
pub(crate) enum Token {
    Api { owner: String },
    Access { access: Access, expires: Instant },
}

/// What an access token is good for.
#[derive(Clone)]
pub(crate) struct Access {
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

/// Who calls endUserSessions.
pub(crate) struct SignedIn {
    pub(crate) user_id: String,
    /// The session that makes the call; an access token belongs to none.
    pub(crate) session: Option<String>,
}

enum Caller {
    Token(Token),
    Session { user_id: String, cookie: String },
    EndedSession,
    Nobody,
}

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
    fn find(&self, scheme: &str, value: &str, now: Instant) -> Option<&Token> {
        let token = self.0.get(value).filter(|token| token.is_live(now))?;
        scheme.eq_ignore_ascii_case(token.scheme()).then_some(token)
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

/// Lets administrators in to revokeUserSessions, and says which user they are.
///
/// The operation knows API tokens and OAuth 2.0 only: a session is recognised,
/// but may not do it.
pub(crate) fn administrator(
    org: &mut Org,
    request: &Request<Bytes>,
    occasion: &Occasion<'_>,
) -> Result<Option<String>, Refusal> {
    match caller(org, request, occasion)? {
        Caller::Token(Token::Api { owner }) => Ok(Some(owner)),
        Caller::Token(Token::Access { access, .. })
            if access.has_role && access.scopes.iter().any(|scope| scope == SCOPE) =>
        {
            Ok(access.user)
        }
        Caller::Token(Token::Access { .. }) | Caller::Session { .. } => {
            Err(Refusal::no_permission())
        }
        Caller::EndedSession => Err(Refusal::invalid_session()),
        Caller::Nobody => Err(Refusal::invalid_token()),
    }
}

/// Lets signed-in users in to endUserSessions.
pub(crate) fn signed_in(
    org: &mut Org,
    request: &Request<Bytes>,
    occasion: &Occasion<'_>,
) -> Result<SignedIn, Refusal> {
    match caller(org, request, occasion)? {
        Caller::Session { user_id, cookie } => Ok(SignedIn {
            user_id,
            session: Some(cookie),
        }),
        Caller::Token(Token::Access { access, .. }) => {
            let user_id = access.user.ok_or_else(Refusal::no_permission)?;
            Ok(SignedIn {
                user_id,
                session: None,
            })
        }
        Caller::Token(Token::Api { .. }) => Err(Refusal::no_permission()),
        Caller::EndedSession | Caller::Nobody => Err(Refusal::invalid_session()),
    }
}

/// An `Authorization` header outranks a cookie.
fn caller(
    org: &mut Org,
    request: &Request<Bytes>,
    occasion: &Occasion<'_>,
) -> Result<Caller, Refusal> {
    if let Some(authorization) = request.headers().get(header::AUTHORIZATION) {
        let authorization = authorization.to_str().unwrap_or_default();
        let token = authorized(org, authorization, request, occasion)?;
        return Ok(Caller::Token(token));
    }
    let Some(cookie) = request::cookie(request.headers(), org.cookie_name()) else {
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

/// The token of an `Authorization` value, with a proof if it is bound.
fn authorized(
    org: &mut Org,
    authorization: &str,
    request: &Request<Bytes>,
    occasion: &Occasion<'_>,
) -> Result<Token, Refusal> {
    let (scheme, value) = authorization
        .split_once(' ')
        .ok_or_else(Refusal::invalid_token)?;
    let token = org.tokens.find(scheme, value, occasion.now).cloned();
    let token = token.ok_or_else(|| refused_token(scheme))?;
    if let Token::Access { access, .. } = &token
        && let Some(thumbprint) = &access.thumbprint
    {
        let bound = Bound { value, thumbprint };
        prove_possession(org, bound, request, occasion)?;
    }
    Ok(token)
}

fn refused_token(scheme: &str) -> Refusal {
    if scheme.eq_ignore_ascii_case(DPOP_SCHEME) {
        let why = "The access token is invalid or expired.";
        return Refusal::dpop(StatusCode::UNAUTHORIZED, "invalid_token", why);
    }
    Refusal::invalid_token()
}

fn prove_possession(
    org: &mut Org,
    token: Bound<'_>,
    request: &Request<Bytes>,
    occasion: &Occasion<'_>,
) -> Result<(), Refusal> {
    let url = org.address_of(request.uri().path());
    let oauth = &mut org.oauth;
    let subject = Subject {
        method: request.method().as_str(),
        url: &url,
        token: Some(token),
        nonces: oauth.resource_wants_nonce.then_some(&oauth.resource_nonces),
        now: occasion.epoch_seconds(),
    };
    let checked = proof::check(request.headers(), &subject, &mut oauth.used_proofs);
    let status = |usual| oauth.proof_refusal_status.unwrap_or(usual);
    match checked {
        Ok(_) => Ok(()),
        Err(Flaw::Invalid(why)) => Err(Refusal::dpop(
            status(StatusCode::BAD_REQUEST),
            "invalid_dpop_proof",
            why,
        )),
        Err(Flaw::Nonce) => Err(Refusal::dpop(
            status(StatusCode::UNAUTHORIZED),
            "use_dpop_nonce",
            "Resource server requires nonce in DPoP proof.",
        )
        .with_header(DPOP_NONCE, oauth.resource_nonces.current())),
    }
}
