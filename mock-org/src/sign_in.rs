//! Signing a browser in, by the address that Okta has for it: a session token,
//! once, for a session cookie and a redirect.

use bytes::Bytes;
use http::{HeaderName, Request, StatusCode, header};

use crate::{
    org::Org,
    request,
    response::{Refusal, Response, empty},
};

pub(crate) const PATH: &str = "/login/sessionCookieRedirect";

/// Sets the session cookie and sends the browser on, to a trusted origin only.
pub(crate) fn sign_in(org: &mut Org, request: &Request<Bytes>) -> Result<Response, Refusal> {
    let parameter = |name| request::query(request, name).unwrap_or_default();
    let target = parameter("redirectUrl");
    let origin = url::Url::parse(&target)
        .map(|url| url.origin().ascii_serialization())
        .ok();
    if !origin.is_some_and(|origin| org.trusts(&origin)) {
        return Err(Refusal::invalid(
            "redirectUrl",
            "must be of a trusted origin",
        ));
    }
    let cookie = org
        .take_session_token(&parameter("token"))
        .ok_or_else(Refusal::invalid_token)?;
    // What a cookie needs that pages of other sites use.
    let cookie = format!(
        "{}={cookie}; Path=/; Secure; HttpOnly; SameSite=None",
        org.cookie_name()
    );
    let mut response = empty(StatusCode::FOUND);
    set(&mut response, header::SET_COOKIE, &cookie)?;
    set(&mut response, header::LOCATION, &target)?;
    Ok(response)
}

fn set(response: &mut Response, name: HeaderName, value: &str) -> Result<(), Refusal> {
    let value = value
        .try_into()
        .map_err(|_| Refusal::invalid("redirectUrl", "must be a URL"))?;
    response.headers_mut().insert(name, value);
    Ok(())
}
