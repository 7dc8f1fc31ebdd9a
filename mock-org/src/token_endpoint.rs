//! `POST /oauth2/v1/token`: access tokens for service apps.

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use serde_json::json;

use crate::{
    app::{Dpop, ServiceApp},
    assertion,
    context::Context,
    form::Form,
    org::Org,
    proof::{self, DPOP, DPOP_NONCE, Flaw, Subject},
    response::{Refusal, Response},
    tokens::Access,
};

pub(crate) const PATH: &str = "/oauth2/v1/token";

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(crate) fn issue(
    org: &mut Org,
    request: &Request<Bytes>,
    context: &Context<'_>,
) -> Result<Response, Refusal> {
    let form = Form::read(request).map_err(invalid_request)?;
    match form.get("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(unsupported_grant_type()),
        None => return Err(invalid_request("The grant_type is missing.")),
    }
    // From here on the assertion is used up, whatever else is refused.
    let app = client(org, request, &form, context)?;
    let scopes = scopes(&app, &form)?;
    let proves = match app.dpop {
        Dpop::Required => true,
        Dpop::Optional => request.headers().contains_key(DPOP),
        Dpop::Off => false,
    };
    let thumbprint = match proves {
        true => Some(prove_possession(org, request, context)?),
        false => None,
    };

    let token_type = if proves { "DPoP" } else { "Bearer" };
    let body = json!({
        "token_type": token_type,
        "expires_in": app.token_lifetime.as_secs(),
        "access_token": context.fresh_token,
        "scope": scopes.join(" "),
    });
    let access = Access {
        client_id: app.client_id,
        scopes,
        has_role: app.has_role,
        user: None,
        thumbprint,
    };
    let expires = context.now.checked_add(app.token_lifetime);
    let token = context.fresh_token.to_owned();
    org.tokens
        .add_access(token, access, expires.unwrap_or(context.now));
    org.oauth.tokens_issued = org.oauth.tokens_issued.saturating_add(1);
    Ok(uncached(body.to_string()))
}

/// The app that the request authenticates.
fn client(
    org: &mut Org,
    request: &Request<Bytes>,
    form: &Form,
    context: &Context<'_>,
) -> Result<ServiceApp, Refusal> {
    let other_ways = form.get("client_secret").is_some()
        || request.headers().contains_key(header::AUTHORIZATION);
    if other_ways {
        return Err(invalid_request(
            "Cannot supply multiple client credentials.",
        ));
    }
    if form.get("client_assertion_type") != Some(ASSERTION_TYPE) {
        return Err(invalid_client("The client_assertion_type is invalid."));
    }
    let assertion = form.get("client_assertion").unwrap_or_default();
    let endpoint = org.address_of(PATH);
    let now = context.epoch_seconds();
    let app = assertion::authenticate(&mut org.oauth.apps, assertion, &endpoint, now)
        .map_err(invalid_client)?;
    let named = form.get("client_id");
    if named.is_some_and(|client_id| client_id != app.client_id) {
        return Err(invalid_client(
            "The client_id is not that of the assertion.",
        ));
    }
    Ok(app)
}

fn scopes(app: &ServiceApp, form: &Form) -> Result<Vec<String>, Refusal> {
    let wanted: Vec<_> = form
        .get("scope")
        .unwrap_or_default()
        .split(' ')
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect();
    if wanted.is_empty() {
        return Err(invalid_scope(
            "The scope is missing, and there is no default.",
        ));
    }
    if !wanted.iter().all(|scope| app.scopes.contains(scope)) {
        return Err(invalid_scope(
            "One or more scopes are not granted to the client.",
        ));
    }
    Ok(wanted)
}

/// The thumbprint of the key to bind the token to.
fn prove_possession(
    org: &mut Org,
    request: &Request<Bytes>,
    context: &Context<'_>,
) -> Result<String, Refusal> {
    let url = org.address_of(PATH);
    let oauth = &mut org.oauth;
    let subject = Subject {
        method: request.method().as_str(),
        url: &url,
        token: None,
        nonces: Some(&oauth.token_nonces),
        now: context.epoch_seconds(),
    };
    let checked = proof::check(request.headers(), &subject, &mut oauth.used_proofs);
    checked.map_err(|flaw| match flaw {
        Flaw::Invalid(why) => bad_request("invalid_dpop_proof", why),
        Flaw::Nonce => bad_request(
            "use_dpop_nonce",
            "Authorization server requires nonce in DPoP proof.",
        )
        .with_header(DPOP_NONCE, oauth.token_nonces.current()),
    })
}

/// No cache may keep a token (RFC 6749 §5.1).
fn uncached(json: String) -> Response {
    let mut response = Response::new(Bytes::from(json));
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

fn invalid_client(why: &str) -> Refusal {
    Refusal::oauth(StatusCode::UNAUTHORIZED, "invalid_client", why)
}

fn invalid_request(why: &str) -> Refusal {
    bad_request("invalid_request", why)
}

fn invalid_scope(why: &str) -> Refusal {
    bad_request("invalid_scope", why)
}

fn unsupported_grant_type() -> Refusal {
    bad_request(
        "unsupported_grant_type",
        "The authorization grant type is not supported by the authorization server.",
    )
}

fn bad_request(error: &str, why: &str) -> Refusal {
    Refusal::oauth(StatusCode::BAD_REQUEST, error, why)
}
