//! The token endpoint: assertions in, access tokens out.

use std::time::Duration;

use okta_mock_org::{Fault, MockOrg, ServiceApp};
use serde_json::{Value, json};
use tokio::time::{Instant, advance};

use super::{
    http::{Answer, Ask, REVOKE_ADA, outcome},
    signing::{
        ALL, Draft, Key, P256, P384, RSA, TOKEN, body, fields, get_token, now, refusal, send_token,
        token_ask,
    },
};

const MINUTE: Duration = Duration::from_secs(60);

/// An app that gets Bearer tokens.
fn app() -> ServiceApp {
    ServiceApp::new("0oaApp").public_key(P256.jwk).dpop(false)
}

async fn org(app: ServiceApp) -> MockOrg {
    let org = MockOrg::start().await.unwrap();
    org.sign_in("00uAda");
    org.add_service_app(app);
    org
}

fn access_token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    body(answer)["access_token"].as_str().unwrap().to_owned()
}

async fn issued(org: &MockOrg) -> String {
    access_token(&get_token(&Draft::assertion(org, P256), org).await)
}

async fn revoke(token: &str, org: &MockOrg) -> (u16, String) {
    let ask = Ask::new("DELETE", REVOKE_ADA).header("Authorization", format!("Bearer {token}"));
    ask.send(org).await.outcome()
}

#[tokio::test]
async fn an_assertion_by_any_key_gets_a_token_that_works() {
    for key in ALL {
        let org = org(ServiceApp::new("0oaApp").public_key(key.jwk).dpop(false)).await;
        let answer = get_token(&Draft::assertion(&org, key), &org).await;
        let token = access_token(&answer);
        assert_eq!(
            body(&answer),
            json!({
                "token_type": "Bearer",
                "expires_in": 3600,
                "access_token": token,
                "scope": "okta.users.manage",
            })
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("dpop-nonce"), None);
        assert_eq!(revoke(&token, &org).await, outcome(204, ""));
        assert_eq!((org.token_requests(), org.tokens_issued()), (1, 1));
        assert_eq!(org.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_flawed_assertion_is_refused() {
    let org = org(app()).await;
    let good = || Draft::assertion(&org, P256);
    let claim = |name, value: Value| good().claim(name, value);
    let header = |name, value: Value| good().header(name, value);
    let endpoint = format!("{}{TOKEN}", org.url());
    let unknown = "The client of client_assertion is unknown.";
    let signature = "The client_assertion signature is invalid.";
    let issuer = "The issuer and the subject of client_assertion must be the client_id.";
    let audience = "The audience of client_assertion must be the endpoint invoked.";
    let expiration = "The client_assertion token has no expiration.";
    let expired = "The client_assertion token is expired.";
    let too_long = "The client_assertion token expires more than one hour ahead.";
    let early = "The client_assertion token is not valid yet.";
    let no_id = "The client_assertion token has no jti.";
    let kid = "The client_assertion JWT kid is invalid.";
    for (assertion, why) in [
        (claim("sub", json!("0oaOther")), unknown),
        (claim("sub", Value::Null), unknown),
        (claim("iss", json!("0oaOther")), issuer),
        (claim("iss", Value::Null), issuer),
        (claim("aud", json!(org.url())), audience),
        (claim("aud", json!(format!("{endpoint}/"))), audience),
        (claim("aud", json!(TOKEN)), audience),
        (claim("aud", Value::Null), audience),
        (claim("exp", Value::Null), expiration),
        (claim("exp", json!("soon")), expiration),
        (claim("exp", json!(now() - 1)), expired),
        (claim("exp", json!(now() + 3660)), too_long),
        (claim("iat", json!(now() + 60)), early),
        (claim("iat", json!("now")), early),
        (claim("nbf", json!(now() + 60)), early),
        (claim("jti", Value::Null), no_id),
        (claim("jti", json!("")), no_id),
        (header("kid", json!("other")), kid),
        (header("alg", json!("ES384")), signature),
        (header("alg", json!("HS256")), signature),
        (header("alg", json!("none")), signature),
        (header("alg", Value::Null), signature),
        (header("crit", json!(["exp"])), signature),
        (
            Draft {
                key: P384,
                ..good()
            },
            signature,
        ),
    ] {
        let answer = get_token(&assertion, &org).await;
        let expected = (401, "invalid_client".to_owned(), why.to_owned());
        assert_eq!(refusal(&answer), expected, "{}", assertion.claims);
    }
    assert_eq!(org.tokens_issued(), 0);
    assert_eq!(org.token_requests(), 24);
}

#[tokio::test]
async fn what_is_no_jwt_is_refused() {
    let org = org(app()).await;
    let whole = Draft::assertion(&org, P256).signed();
    let (unsigned, _) = whole.rsplit_once('.').unwrap();
    let padded = format!("{whole}==");
    for text in ["x", "a.b.c", unsigned, &padded, &format!("{whole}.x")] {
        let answer = send_token(token_ask(&fields(text)), &org).await;
        let (status, error, why) = refusal(&answer);
        assert_eq!((status, error.as_str()), (401, "invalid_client"));
        assert_eq!(why, "The client_assertion is no signed JWT.", "{text}");
    }
    let other = Draft::assertion(&org, P256).signed();
    let (_, signature) = other.rsplit_once('.').unwrap();
    let swapped = format!("{unsigned}.{signature}");
    let answer = send_token(token_ask(&fields(&swapped)), &org).await;
    let (_, _, why) = refusal(&answer);
    assert_eq!(why, "The client_assertion signature is invalid.");
}

#[tokio::test]
async fn the_limits_of_an_assertion_are_within() {
    let org = org(app()).await;
    let good = || Draft::assertion(&org, P256);
    for assertion in [
        // The true time may move on before the assertion is there.
        good().claim("exp", now() + 3600),
        good().claim("exp", now() + 30),
        good().claim("iat", Value::Null),
        good().claim("iat", now() + 4),
        good().claim("iat", now() - 86_400),
        good().claim("nbf", now()),
        good().header("kid", Value::Null),
        good().header("typ", "JWT"),
    ] {
        let answer = get_token(&assertion, &org).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[tokio::test]
async fn an_assertion_works_once() {
    let org = org(app()).await;
    org.add_service_app(ServiceApp::new("0oaTwo").public_key(P256.jwk).dpop(false));
    let assertion = Draft::assertion(&org, P256);
    assert_eq!(get_token(&assertion, &org).await.status, 200);
    let used = "The client_assertion token has already been used.";
    let expected = (401, "invalid_client".to_owned(), used.to_owned());
    assert_eq!(refusal(&get_token(&assertion, &org).await), expected);
    // It is the jti that counts.
    let renewed = assertion.clone().claim("exp", now() + 200);
    assert_eq!(refusal(&get_token(&renewed, &org).await), expected);
    // Another app makes its own.
    let other = assertion.claim("iss", "0oaTwo").claim("sub", "0oaTwo");
    assert_eq!(get_token(&other, &org).await.status, 200);

    // It is used up even if something else is refused.
    let assertion = Draft::assertion(&org, P256).signed();
    let mut asked = fields(&assertion);
    asked[1].1 = "okta.logs.read";
    assert_eq!(send_token(token_ask(&asked), &org).await.status, 400);
    let answer = send_token(token_ask(&fields(&assertion)), &org).await;
    assert_eq!(refusal(&answer), expected);
    assert_eq!(org.tokens_issued(), 2);
}

#[tokio::test]
async fn the_kid_chooses_among_the_keys() {
    let org = org(app().public_key(RSA.jwk)).await;
    for key in [P256, RSA] {
        let named = Draft::assertion(&org, key);
        assert_eq!(get_token(&named, &org).await.status, 200);
        let nameless = Draft::assertion(&org, key).header("kid", Value::Null);
        let (_, _, why) = refusal(&get_token(&nameless, &org).await);
        assert_eq!(why, "The client_assertion JWT kid is invalid.");
    }
    let misnamed = Draft::assertion(&org, P256).header("kid", RSA.kid());
    let (_, _, why) = refusal(&get_token(&misnamed, &org).await);
    assert_eq!(why, "The client_assertion signature is invalid.");

    // Keys are replaced with their app.
    org.add_service_app(ServiceApp::new("0oaApp").public_key(RSA.jwk).dpop(false));
    let former = Draft::assertion(&org, P256);
    assert_eq!(get_token(&former, &org).await.status, 401);
}

#[tokio::test]
async fn the_form_must_be_in_order() {
    let org = org(app()).await;
    let change = |name: &'static str, value: &'static str| {
        let assertion = Draft::assertion(&org, P256).signed();
        let mut changed = fields(&assertion).to_vec();
        changed.retain(|(given, _)| *given != name);
        changed.push((name, value));
        token_ask(&changed)
    };
    let twice = |name: &'static str| {
        let assertion = Draft::assertion(&org, P256).signed();
        let mut doubled = fields(&assertion).to_vec();
        doubled.push((name, "x"));
        token_ask(&doubled)
    };
    let mixed = token_ask(&fields(&Draft::assertion(&org, P256).signed()))
        .header("Authorization", "Basic MG9hQXBwOng=");
    let json = Ask::new("POST", TOKEN)
        .header("Content-Type", "application/json")
        .header("Content-Length", "2")
        .body("{}");
    for (ask, status, error) in [
        (change("grant_type", ""), 400, "invalid_request"),
        (
            change("grant_type", "password"),
            400,
            "unsupported_grant_type",
        ),
        (change("scope", ""), 400, "invalid_scope"),
        (change("scope", "okta.logs.read"), 400, "invalid_scope"),
        (
            change("scope", "okta.users.manage okta.logs.read"),
            400,
            "invalid_scope",
        ),
        (change("client_assertion_type", "x"), 401, "invalid_client"),
        (change("client_assertion_type", ""), 401, "invalid_client"),
        (change("client_assertion", ""), 401, "invalid_client"),
        (change("client_id", "0oaOther"), 401, "invalid_client"),
        (change("client_secret", "x"), 400, "invalid_request"),
        (twice("scope"), 400, "invalid_request"),
        (twice("client_assertion"), 400, "invalid_request"),
        (mixed, 400, "invalid_request"),
        (json, 400, "invalid_request"),
    ] {
        let (given, name, _) = refusal(&send_token(ask, &org).await);
        assert_eq!((given, name.as_str()), (status, error));
    }
    assert_eq!(org.tokens_issued(), 0);
    assert_eq!(
        send_token(change("client_id", "0oaApp"), &org).await.status,
        200
    );

    let get = Ask::new("GET", TOKEN).send(&org).await;
    assert_eq!(get.outcome(), outcome(405, "E0000022"));
    assert_eq!(get.header("allow"), Some("POST"));
    let endless = Ask::new("POST", TOKEN).send(&org).await;
    assert_eq!(endless.outcome(), outcome(411, "E0000003"));
}

#[tokio::test]
async fn scopes_are_granted_as_asked_for() {
    let org = org(app().scopes(["okta.users.manage", "okta.logs.read"])).await;
    for (scope, expected) in [
        ("okta.users.manage okta.logs.read", 204),
        ("okta.logs.read", 403),
    ] {
        let assertion = Draft::assertion(&org, P256).signed();
        let mut asked = fields(&assertion);
        asked[1].1 = scope;
        let answer = send_token(token_ask(&asked), &org).await;
        assert_eq!(body(&answer)["scope"], scope);
        assert_eq!(revoke(&access_token(&answer), &org).await.0, expected);
    }
}

#[tokio::test]
async fn the_orgs_clock_judges() {
    let org = org(app()).await;
    org.set_clock_skew(400);
    let (_, _, why) = refusal(&get_token(&Draft::assertion(&org, P256), &org).await);
    assert_eq!(why, "The client_assertion token is expired.");
    org.set_clock_skew(-400);
    let (_, _, why) = refusal(&get_token(&Draft::assertion(&org, P256), &org).await);
    assert_eq!(why, "The client_assertion token is not valid yet.");
    let timeless = Draft::assertion(&org, P256).claim("iat", Value::Null);
    assert_eq!(get_token(&timeless, &org).await.status, 200);
}

#[tokio::test]
async fn scopes_do_not_help_an_app_without_a_role() {
    let org = org(app().role(false)).await;
    let token = issued(&org).await;
    assert_eq!(revoke(&token, &org).await, outcome(403, "E0000006"));
}

#[tokio::test(start_paused = true)]
async fn tokens_end_when_the_app_says_or_the_test() {
    let org = org(app().token_lifetime(MINUTE)).await;
    let answer = get_token(&Draft::assertion(&org, P256), &org).await;
    assert_eq!(body(&answer)["expires_in"], 60);
    let token = access_token(&answer);
    advance(Duration::from_secs(59)).await;
    assert_eq!(revoke(&token, &org).await, outcome(204, ""));
    advance(Duration::from_secs(1)).await;
    assert_eq!(revoke(&token, &org).await, outcome(401, "E0000011"));

    let (one, two, three) = (issued(&org).await, issued(&org).await, issued(&org).await);
    org.revoke_access_token(&one);
    assert_eq!(revoke(&one, &org).await, outcome(401, "E0000011"));
    assert_eq!(revoke(&two, &org).await, outcome(204, ""));
    let ssws = org.issue_api_token();
    org.expire_tokens();
    for token in [&two, &three] {
        assert_eq!(revoke(token, &org).await, outcome(401, "E0000011"));
    }
    assert_eq!(revoke(&issued(&org).await, &org).await, outcome(204, ""));
    assert_eq!(Ask::revoke_ada(&ssws).send(&org).await.status, 204);
    assert_eq!(org.tokens_issued(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_token_endpoint_has_a_limit_of_its_own() {
    let org = org(app()).await;
    org.set_rate_limit(1, MINUTE);
    org.set_token_rate_limit(2, MINUTE);
    let token = issued(&org).await;
    assert_eq!(revoke(&token, &org).await, outcome(204, ""));
    assert_eq!(revoke(&token, &org).await, outcome(429, "E0000047"));
    let last = get_token(&Draft::assertion(&org, P256), &org).await;
    let quota = ["x-rate-limit-limit", "x-rate-limit-remaining"].map(|name| last.number(name));
    assert_eq!((last.status, quota), (200, [2, 0]));
    let refused = get_token(&Draft::assertion(&org, P256), &org).await;
    assert_eq!(refused.outcome(), outcome(429, "E0000047"));
    advance(MINUTE).await;
    issued(&org).await;
}

#[tokio::test]
async fn the_token_endpoint_has_faults_of_its_own() {
    let org = org(app()).await;
    org.fail_next(1, Fault::status(502));
    org.fail_next_token(
        1,
        Fault::oauth_error(400, "access_denied", "Policy evaluation failed."),
    );
    let assertion = Draft::assertion(&org, P256);
    let denied = get_token(&assertion, &org).await;
    let expected = (
        400,
        "access_denied".into(),
        "Policy evaluation failed.".into(),
    );
    assert_eq!(refusal(&denied), expected);
    assert_eq!(denied.number("x-rate-limit-remaining"), 599);
    // The org did not get to see the assertion.
    let token = access_token(&get_token(&assertion, &org).await);
    let ask = Ask::revoke_ada(&token);
    assert_eq!(ask.send_faulty(&org).await.status, 502);

    org.fail_next_token(1, Fault::cut_after(0).after_effect(true));
    let assertion = Draft::assertion(&org, P256);
    let ask = token_ask(&fields(&assertion.signed()));
    assert_eq!(ask.exchange(&org).await.unwrap(), b"");
    assert_eq!(get_token(&assertion, &org).await.status, 401);
    assert_eq!((org.tokens_issued(), org.token_requests()), (2, 4));

    org.fail_next_token(9, Fault::status(502));
    org.clear_faults();
    issued(&org).await;
    org.clear_requests();
    assert_eq!(org.token_requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_token_endpoint_has_a_latency_of_its_own() {
    let org = org(app()).await;
    let begun = Instant::now();
    org.set_latency(Duration::from_secs(2));
    let token = issued(&org).await;
    assert_eq!(begun.elapsed().as_secs(), 2);
    org.set_token_latency(Duration::from_secs(10));
    issued(&org).await;
    assert_eq!(begun.elapsed().as_secs(), 12);
    revoke(&token, &org).await;
    assert_eq!(begun.elapsed().as_secs(), 14);
}

#[tokio::test]
async fn nothing_shows_assertions_tokens_or_keys() {
    let org = org(app()).await;
    let assertion = Draft::assertion(&org, P256).signed();
    let answer = send_token(token_ask(&fields(&assertion)), &org).await;
    let shown = format!("{org:?} {:?} {:?}", org.requests(), app());
    let secret = P256.private_jwk()["d"].as_str().unwrap().to_owned();
    for hidden in [assertion, access_token(&answer), secret] {
        assert!(!shown.contains(&hidden), "{shown}");
    }
}

fn key_is_refused(jwk: &Value) {
    let add = || drop(ServiceApp::new("0oaApp").public_key(&jwk.to_string()));
    let message = std::panic::catch_unwind(add).unwrap_err();
    let message = message.downcast_ref::<String>().unwrap();
    assert!(message.starts_with("the key must be a public key"), "{jwk}");
}

#[test]
fn a_key_must_be_one_that_okta_takes() {
    let with = |key: Key, name: &str, value: &str| {
        let mut jwk = key.public_jwk();
        jwk[name] = value.into();
        jwk
    };
    let x = P256.private_jwk()["x"].clone();
    for jwk in [
        json!("0oa"),
        json!({ "kty": "oct", "k": "c2VjcmV0" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x }),
        with(P256, "crv", "P-384"),
        with(P256, "crv", "secp256k1"),
        with(P256, "y", x.as_str().unwrap()),
        with(P256, "x", "AA"),
        with(P256, "x", "!"),
        // 1024 bits.
        with(RSA, "n", &format!("{}8", "_".repeat(170))),
        with(RSA, "e", "AA"),
    ] {
        key_is_refused(&jwk);
    }
}
