//! Credentials of the org: who calls, and what they may do.

use crate::{
    context::Context,
    org::Org,
    proof::{self, Bound, DPOP_NONCE, Flaw, Subject},
    request,
    response::Refusal,
    tokens::{DPOP_SCHEME, Token},
};
use bytes::Bytes;
use http::{Request, StatusCode, header};

pub(crate) const MANAGE: &str = "okta.users.manage";
pub(crate) const READ: &str = "okta.users.read";
pub(crate) const LOGS_READ: &str = "okta.logs.read";

/// Who calls an operation for administrators.
pub(crate) struct Administrator {
    /// The user or the app, for the System Log.
    pub(crate) id: String,
    /// None: an app.
    pub(crate) user: Option<String>,
}

/// Who reads a user.
pub(crate) struct Reader {
    pub(crate) user: Option<String>,
    pub(crate) is_administrator: bool,
}

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

/// Lets administrators in whose token has one of these scopes.
///
/// Okta's API takes API tokens and OAuth 2.0 here: a session is recognised, but is
/// not enough.
pub(crate) fn administrator(
    org: &mut Org,
    request: &Request<Bytes>,
    context: &Context<'_>,
    scopes: &[&str],
) -> Result<Administrator, Refusal> {
    let caller = caller(org, request, context)?;
    caller.administrator(scopes)
}

/// Lets administrators in, as [`administrator`] does, and every signed-in user.
pub(crate) fn reader(
    org: &mut Org,
    request: &Request<Bytes>,
    context: &Context<'_>,
    scopes: &[&str],
) -> Result<Reader, Refusal> {
    match caller(org, request, context)? {
        Caller::Session { user_id, .. } => Ok(Reader {
            user: Some(user_id),
            is_administrator: false,
        }),
        caller => Ok(Reader {
            user: caller.administrator(scopes)?.user,
            is_administrator: true,
        }),
    }
}

/// Lets signed-in users in to endUserSessions.
pub(crate) fn signed_in(
    org: &mut Org,
    request: &Request<Bytes>,
    context: &Context<'_>,
) -> Result<SignedIn, Refusal> {
    match caller(org, request, context)? {
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

impl Caller {
    fn administrator(self, scopes: &[&str]) -> Result<Administrator, Refusal> {
        match self {
            Self::Token(Token::Api { owner }) => Ok(Administrator {
                id: owner.clone(),
                user: Some(owner),
            }),
            Self::Token(Token::Access { access, .. })
                if access.has_role && access.has_one_of(scopes) =>
            {
                Ok(Administrator {
                    id: access.user.clone().unwrap_or(access.client_id),
                    user: access.user,
                })
            }
            Self::Token(Token::Access { .. }) | Self::Session { .. } => {
                Err(Refusal::no_permission())
            }
            Self::EndedSession => Err(Refusal::invalid_session()),
            Self::Nobody => Err(Refusal::invalid_token()),
        }
    }
}

/// An `Authorization` header outranks a cookie.
fn caller(
    org: &mut Org,
    request: &Request<Bytes>,
    context: &Context<'_>,
) -> Result<Caller, Refusal> {
    if let Some(authorization) = request.headers().get(header::AUTHORIZATION) {
        let authorization = authorization.to_str().unwrap_or_default();
        let token = authorized(org, authorization, request, context)?;
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
    context: &Context<'_>,
) -> Result<Token, Refusal> {
    let (scheme, value) = authorization
        .split_once(' ')
        // What Okta's Python SDK sends.
        .or_else(|| authorization.split_at_checked("SSWS".len()))
        .ok_or_else(Refusal::invalid_token)?;
    let token = org.tokens.find(scheme, value, context.now).cloned();
    let token = token.ok_or_else(|| refused_token(scheme))?;
    if let Token::Access { access, .. } = &token
        && let Some(thumbprint) = &access.thumbprint
    {
        let bound = Bound { value, thumbprint };
        prove_possession(org, bound, request, context)?;
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
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let url = org.address_of(request.uri().path());
    let oauth = &mut org.oauth;
    let subject = Subject {
        method: request.method().as_str(),
        url: &url,
        token: Some(token),
        nonces: oauth.resource_wants_nonce.then_some(&oauth.resource_nonces),
        now: context.epoch_seconds(),
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
