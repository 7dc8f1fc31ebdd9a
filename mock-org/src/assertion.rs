//! Client assertions: which app asks for a token (RFC 7523 §3).

use crate::{
    app::ServiceApp,
    jwt::{Jwt, is_in_future},
    oauth::Apps,
};

const MAX_LIFETIME_SECONDS: u64 = 60 * 60;

/// The app that made an assertion for this audience, or what is wrong with it.
/// An assertion that is let in is used up.
pub(crate) fn authenticate(
    apps: &mut Apps,
    assertion: &str,
    audience: &str,
    now: u64,
) -> Result<ServiceApp, &'static str> {
    let jwt = Jwt::parse(assertion).ok_or("The client_assertion is no signed JWT.")?;
    let app = jwt
        .text("sub")
        .and_then(|client_id| apps.find(client_id))
        .ok_or("The client of client_assertion is unknown.")?;
    let key = app
        .key(jwt.header_text("kid"))
        .ok_or("The client_assertion JWT kid is invalid.")?;
    if !jwt.is_signed_by(key) {
        return Err("The client_assertion signature is invalid.");
    }
    check_claims(&jwt, audience, now)?;
    let id = jwt
        .text("jti")
        .ok_or("The client_assertion token has no jti.")?;
    if !apps.use_up(&app.client_id, id) {
        return Err("The client_assertion token has already been used.");
    }
    Ok(app)
}

fn check_claims(jwt: &Jwt, audience: &str, now: u64) -> Result<(), &'static str> {
    if jwt.text("iss") != jwt.text("sub") {
        return Err("The issuer and the subject of client_assertion must be the client_id.");
    }
    if jwt.text("aud") != Some(audience) {
        return Err("The audience of client_assertion must be the endpoint invoked.");
    }
    let expires = jwt
        .time("exp")
        .ok_or("The client_assertion token has no expiration.")?;
    if expires <= now {
        return Err("The client_assertion token is expired.");
    }
    if expires > now.saturating_add(MAX_LIFETIME_SECONDS) {
        return Err("The client_assertion token expires more than one hour ahead.");
    }
    // Both may be left out, but then they must not be there at all.
    for name in ["iat", "nbf"] {
        let in_time = match jwt.claim(name) {
            None => true,
            Some(_) => jwt.time(name).is_some_and(|time| !is_in_future(time, now)),
        };
        if !in_time {
            return Err("The client_assertion token is not valid yet.");
        }
    }
    Ok(())
}
