//! `GET /api/v1/users/{id}`: whether a user is there, and active.

use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::{
    auth::{self, MANAGE, READ},
    context::Context,
    org::Org,
    response::{self, Refusal, Response},
};

/// The mock does not note when a user was added.
const CREATED: &str = "2026-01-01T00:00:00.000Z";

pub(crate) fn get(
    org: &mut Org,
    user: &str,
    request: &Request<Bytes>,
    context: &Context<'_>,
) -> Result<Response, Refusal> {
    let caller = auth::reader(org, request, context, &[READ, MANAGE])?;
    let user_id = match user {
        "me" => caller.user.clone(),
        _ => org.find(user).map(str::to_owned),
    };
    // Users may read themselves, and learn of nobody else.
    if !caller.is_administrator && user_id != caller.user {
        return Err(Refusal::no_permission());
    }
    let user_id = user_id.ok_or_else(|| Refusal::not_found(user, "User"))?;
    let status = match org.is_deactivated(&user_id) {
        true => "DEPROVISIONED",
        false => "ACTIVE",
    };
    let login = org.login(&user_id);
    Ok(response::json(&json!({
        "id": user_id,
        "status": status,
        "created": CREATED,
        "activated": CREATED,
        "statusChanged": CREATED,
        "lastLogin": null,
        "lastUpdated": CREATED,
        "passwordChanged": null,
        "type": { "id": "otyMockDefault" },
        "profile": {
            "firstName": "Mock",
            "lastName": "User",
            "login": login,
            "email": login,
            "mobilePhone": null,
            "secondEmail": null,
        },
        "credentials": { "provider": { "type": "OKTA", "name": "OKTA" } },
        "_links": { "self": { "href": format!("{}/api/v1/users/{user_id}", org.url) } },
    })))
}
