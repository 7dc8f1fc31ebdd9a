//! Proofs of possession, at the token endpoint and at the API.

use okta_mock_org::{MockOrg, ServiceApp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    http::{Answer, Ask, END, REVOKE_ADA, outcome},
    signing::{
        ALL, Draft, Key, P256, P384, P521, RSA, TOKEN, body, fields, now, refusal, send_token,
        token_ask,
    },
};

/// An org with an app that must prove possession.
async fn org() -> MockOrg {
    let org = MockOrg::start().await.unwrap();
    org.sign_in("00uAda");
    org.add_service_app(ServiceApp::new("0oaApp").public_key(RSA.jwk));
    org
}

/// Asks for a token with a fresh assertion and this proof.
async fn get_token(proof: &Draft, org: &MockOrg) -> Answer {
    let assertion = Draft::assertion(org, RSA).signed();
    let ask = token_ask(&fields(&assertion)).header("DPoP", proof.signed());
    send_token(ask, org).await
}

fn token_proof(org: &MockOrg) -> Draft {
    Draft::proof(org, P256, "POST", TOKEN)
}

/// The nonce that the token endpoint demands.
async fn token_nonce(org: &MockOrg) -> String {
    let answer = get_token(&token_proof(org), org).await;
    let why = "Authorization server requires nonce in DPoP proof.";
    let expected = (400, "use_dpop_nonce".to_owned(), why.to_owned());
    assert_eq!(refusal(&answer), expected);
    answer.header("dpop-nonce").unwrap().to_owned()
}

fn ath(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token))
}

/// A proof for revoking Ada's sessions.
fn proof(org: &MockOrg, key: Key, token: &str) -> Draft {
    Draft::proof(org, key, "DELETE", REVOKE_ADA).claim("ath", ath(token))
}

fn revoke(token: &str) -> Ask {
    Ask::new("DELETE", REVOKE_ADA).header("Authorization", format!("DPoP {token}"))
}

async fn revoke_with(token: &str, proof: &Draft, org: &MockOrg) -> Answer {
    revoke(token)
        .header("DPoP", proof.signed())
        .send_faulty(org)
        .await
}

/// Status, and what the challenge says; the body is empty.
fn challenge(answer: &Answer) -> (u16, &str) {
    assert_eq!(answer.body, "");
    assert_eq!(answer.header("content-type"), None);
    for name in ["x-okta-request-id", "date", "x-rate-limit-limit"] {
        assert!(answer.header(name).is_some(), "no {name}: {answer:?}");
    }
    let challenge = answer.header("www-authenticate").unwrap();
    let rest = challenge.strip_prefix("DPoP error=").unwrap();
    (answer.status, rest)
}

#[tokio::test]
async fn the_whole_exchange_with_any_key() {
    for key in ALL {
        let org = org().await;
        let nonce = token_nonce(&org).await;
        let asking = Draft::proof(&org, key, "POST", TOKEN).claim("nonce", nonce);
        let answer = get_token(&asking, &org).await;
        assert_eq!(body(&answer)["token_type"], "DPoP", "{answer:?}");
        assert_eq!(answer.header("dpop-nonce"), None);
        let token = body(&answer)["access_token"].as_str().unwrap().to_owned();
        for _ in 0..2 {
            let answer = revoke_with(&token, &proof(&org, key, &token), &org).await;
            assert_eq!(answer.outcome(), outcome(204, ""));
        }
        assert_eq!((org.token_requests(), org.tokens_issued()), (2, 1));
    }
}

#[tokio::test]
async fn a_challenge_uses_up_assertion_and_proof() {
    let org = org().await;
    let assertion = Draft::assertion(&org, RSA).signed();
    let proof = token_proof(&org);
    let ask = token_ask(&fields(&assertion)).header("DPoP", proof.signed());
    let challenged = send_token(ask, &org).await;
    let nonce = challenged.header("dpop-nonce").unwrap();

    let renewed = token_proof(&org).claim("nonce", nonce).signed();
    let ask = token_ask(&fields(&assertion)).header("DPoP", renewed);
    let (status, error, _) = refusal(&send_token(ask, &org).await);
    assert_eq!((status, error.as_str()), (401, "invalid_client"));

    let same_id = proof.claim("nonce", nonce);
    let (_, error, why) = refusal(&get_token(&same_id, &org).await);
    assert_eq!(error, "invalid_dpop_proof");
    assert_eq!(why, "The DPoP proof JWT has already been used.");
}

/// Every flaw that a proof for any request can have, and what is said of it.
fn flaws(good: &dyn Fn() -> Draft) -> Vec<(Draft, &'static str)> {
    let claim = |name, value: Value| good().claim(name, value);
    let header = |name, value: Value| good().header(name, value);
    let typ = "The typ of the DPoP proof JWT must be dpop+jwt.";
    let private = "The jwk of the DPoP proof JWT must not be a private key.";
    let jwk = "The jwk of the DPoP proof JWT is invalid.";
    let signature = "The signature of the DPoP proof JWT is invalid.";
    let htm = "The htm of the DPoP proof JWT is not the method of the request.";
    let htu = "The htu of the DPoP proof JWT is not the URL of the request.";
    let no_time = "The DPoP proof JWT does not say when it was issued.";
    let future = "The DPoP proof JWT is issued in the future.";
    let old = "The DPoP proof JWT is issued more than five minutes in the past.";
    let no_id = "The DPoP proof JWT has no jti.";
    let url = good().claims["htu"].as_str().unwrap().to_owned();
    vec![
        (header("typ", Value::Null), typ),
        (header("typ", json!("JWT")), typ),
        (header("jwk", P256.private_jwk()), private),
        (header("jwk", Value::Null), jwk),
        (header("jwk", json!({ "kty": "OKP" })), jwk),
        (header("jwk", json!({ "kty": "oct", "k": "AA" })), private),
        (header("jwk", P384.public_jwk()), signature),
        (header("alg", json!("HS256")), signature),
        (header("alg", json!("none")), signature),
        (header("crit", json!(["exp"])), signature),
        (
            Draft {
                key: P521,
                ..good()
            },
            signature,
        ),
        (claim("htm", json!("GET")), htm),
        (claim("htm", json!("delete")), htm),
        (claim("htm", Value::Null), htm),
        (claim("htu", json!(format!("{url}?"))), htu),
        (claim("htu", json!(format!("{url}?a=b"))), htu),
        (claim("htu", json!(format!("{url}#a"))), htu),
        (claim("htu", json!(format!("{url}/"))), htu),
        (claim("htu", json!(url.replace("http:", "https:"))), htu),
        (claim("htu", json!("/oauth2/v1/token")), htu),
        (claim("htu", Value::Null), htu),
        (claim("iat", Value::Null), no_time),
        (claim("iat", json!("now")), no_time),
        (claim("iat", json!(now() + 60)), future),
        (claim("iat", json!(now() - 360)), old),
        (claim("jti", Value::Null), no_id),
        (claim("jti", json!("")), no_id),
    ]
}

#[tokio::test]
async fn a_flawed_proof_gets_no_token() {
    let org = org().await;
    let nonce = token_nonce(&org).await;
    let good = || token_proof(&org).claim("nonce", nonce.as_str());
    let refused = |why: &str| (400, "invalid_dpop_proof".to_owned(), why.to_owned());
    for (flawed, why) in flaws(&good) {
        let answer = get_token(&flawed, &org).await;
        assert_eq!(refusal(&answer), refused(why), "{}", flawed.claims);
    }

    let ask = || token_ask(&fields(&Draft::assertion(&org, RSA).signed()));
    let missing = send_token(ask(), &org).await;
    let why = "The DPoP proof JWT header is missing.";
    assert_eq!(refusal(&missing), refused(why));
    let two = ask()
        .header("DPoP", good().signed())
        .header("DPoP", good().signed());
    let why = "There is more than one DPoP proof JWT header.";
    assert_eq!(refusal(&send_token(two, &org).await), refused(why));
    let why = "The DPoP header is no signed JWT.";
    for text in ["", "x", "a.b.c"] {
        let answer = send_token(ask().header("DPoP", text), &org).await;
        assert_eq!(refusal(&answer), refused(why));
    }

    let once = good();
    assert_eq!(get_token(&once, &org).await.status, 200);
    let why = "The DPoP proof JWT has already been used.";
    assert_eq!(refusal(&get_token(&once, &org).await), refused(why));
    assert_eq!(org.tokens_issued(), 1);
}

#[tokio::test]
async fn the_limits_of_a_proof_are_within() {
    let org = org().await;
    let nonce = token_nonce(&org).await;
    for issued in [now() - 290, now() + 4] {
        let proof = token_proof(&org)
            .claim("nonce", nonce.as_str())
            .claim("iat", issued);
        assert_eq!(get_token(&proof, &org).await.status, 200);
    }
    // The org's clock counts.
    org.set_clock_skew(-200);
    let proof = token_proof(&org).claim("nonce", nonce).claim("iat", now());
    let assertion = Draft::assertion(&org, RSA)
        .claim("iat", Value::Null)
        .signed();
    let ask = token_ask(&fields(&assertion)).header("DPoP", proof.signed());
    let (_, _, why) = refusal(&send_token(ask, &org).await);
    assert_eq!(why, "The DPoP proof JWT is issued in the future.");
}

#[tokio::test]
async fn nonces_rotate() {
    let org = org().await;
    let old = token_nonce(&org).await;
    let with = |nonce: &str| token_proof(&org).claim("nonce", nonce);
    org.rotate_dpop_nonce();
    let challenged = get_token(&with(&old), &org).await;
    assert_eq!(refusal(&challenged).1, "use_dpop_nonce");
    let new = challenged.header("dpop-nonce").unwrap().to_owned();
    assert_ne!(new, old);
    assert_eq!(get_token(&with(&new), &org).await.status, 200);

    // Announced: the current one works, and the answer tells the next.
    org.announce_dpop_nonce();
    let answer = get_token(&with(&new), &org).await;
    assert_eq!(answer.status, 200);
    let next = answer.header("dpop-nonce").unwrap().to_owned();
    assert_ne!(next, new);
    assert_eq!(get_token(&with(&next), &org).await.status, 200);
    org.rotate_dpop_nonce();
    for stale in [&new, &next] {
        assert_eq!(
            refusal(&get_token(&with(stale), &org).await).1,
            "use_dpop_nonce"
        );
    }
    let bad = with("invented");
    assert_eq!(refusal(&get_token(&bad, &org).await).1, "use_dpop_nonce");
}

#[tokio::test]
async fn an_app_without_dpop_gets_bearer_tokens_whatever_it_proves() {
    let org = org().await;
    org.add_service_app(ServiceApp::new("0oaApp").public_key(RSA.jwk).dpop(false));
    let answer = get_token(&token_proof(&org), &org).await;
    assert_eq!(body(&answer)["token_type"], "Bearer");
    let token = body(&answer)["access_token"].as_str().unwrap().to_owned();
    let bearer = Ask::new("DELETE", REVOKE_ADA).header("Authorization", format!("Bearer {token}"));
    assert_eq!(bearer.send(&org).await.status, 204);

    // It is not bound, and cannot be used as if it were.
    let answer = revoke_with(&token, &proof(&org, P256, &token), &org).await;
    let expected =
        r#""invalid_token", error_description="The access token is invalid or expired.""#;
    assert_eq!(challenge(&answer), (401, expected));
}

#[tokio::test]
async fn a_flawed_proof_does_not_carry_a_bound_token() {
    let org = org().await;
    let token = org.issue_dpop_access_token(&["okta.users.manage"], P256.jwk);
    let good = || proof(&org, P256, &token);
    let said = |why: &str| format!(r#""invalid_dpop_proof", error_description="{why}""#);
    let hash = "The ath of the DPoP proof JWT is not the hash of the access token.";
    let mut cases = flaws(&good);
    cases.extend([
        (good().claim("ath", Value::Null), hash),
        (good().claim("ath", ath("other")), hash),
        (good().claim("ath", token.as_str()), hash),
        (
            proof(&org, P384, &token),
            "The access token is bound to another key than the DPoP proof JWT's.",
        ),
    ]);
    for (flawed, why) in &cases {
        let answer = revoke_with(&token, flawed, &org).await;
        assert_eq!(
            challenge(&answer),
            (400, said(why).as_str()),
            "{}",
            flawed.claims
        );
        assert_eq!(answer.header("dpop-nonce"), None);
    }
    let missing = revoke(&token).send_faulty(&org).await;
    let why = said("The DPoP proof JWT header is missing.");
    assert_eq!(challenge(&missing), (400, why.as_str()));
    let two = revoke(&token)
        .header("DPoP", good().signed())
        .header("DPoP", good().signed());
    let why = said("There is more than one DPoP proof JWT header.");
    assert_eq!(challenge(&two.send_faulty(&org).await), (400, why.as_str()));
    assert!(org.log().is_empty());

    let once = good();
    assert_eq!(revoke_with(&token, &once, &org).await.status, 204);
    let replayed = revoke_with(&token, &once, &org).await;
    let why = said("The DPoP proof JWT has already been used.");
    assert_eq!(challenge(&replayed), (400, why.as_str()));
    org.set_dpop_refusal_status(401);
    let replayed = revoke_with(&token, &once, &org).await;
    assert_eq!(challenge(&replayed), (401, why.as_str()));
    assert_eq!(org.log().len(), 1);
}

#[tokio::test]
async fn scheme_and_token_must_fit() {
    let org = org().await;
    let bound = org.issue_dpop_access_token(&["okta.users.manage"], P256.jwk);
    let stolen = Ask::new("DELETE", REVOKE_ADA)
        .header("Authorization", format!("Bearer {bound}"))
        .header("DPoP", proof(&org, P256, &bound).signed());
    assert_eq!(stolen.send(&org).await.outcome(), outcome(401, "E0000011"));

    let free = org.issue_access_token(&["okta.users.manage"]);
    let ssws = org.issue_api_token();
    for token in [&free, &ssws, "unknown"] {
        let answer = revoke_with(token, &proof(&org, P256, token), &org).await;
        assert_eq!(challenge(&answer).0, 401);
        assert!(challenge(&answer).1.starts_with(r#""invalid_token","#));
    }
    assert!(org.log().is_empty());
}

#[tokio::test]
async fn a_proof_does_not_stand_in_for_rights() {
    let org = org().await;
    let token =
        org.issue_dpop_access_token(&["okta.users.read"], P256.public_jwk().to_string().as_str());
    let answer = revoke_with(&token, &proof(&org, P256, &token), &org).await;
    assert_eq!(answer.outcome(), outcome(403, "E0000006"));
    let ending = Draft::proof(&org, P256, "POST", END).claim("ath", ath(&token));
    let ask = Ask::new("POST", END)
        .header("Content-Length", "0")
        .header("Authorization", format!("DPoP {token}"))
        .header("DPoP", ending.signed());
    assert_eq!(ask.send(&org).await.outcome(), outcome(403, "E0000006"));
}

#[tokio::test]
async fn bound_tokens_end_with_a_challenge() {
    let org = org().await;
    let issue = || org.issue_dpop_access_token(&["okta.users.manage"], P256.jwk);
    let (one, two) = (issue(), issue());
    let expected =
        r#""invalid_token", error_description="The access token is invalid or expired.""#;
    org.revoke_access_token(&one);
    let answer = revoke_with(&one, &proof(&org, P256, &one), &org).await;
    assert_eq!(challenge(&answer), (401, expected));
    assert_eq!(
        revoke_with(&two, &proof(&org, P256, &two), &org)
            .await
            .status,
        204
    );
    org.expire_tokens();
    let answer = revoke_with(&two, &proof(&org, P256, &two), &org).await;
    assert_eq!(challenge(&answer), (401, expected));
}

#[tokio::test]
async fn the_api_may_demand_a_nonce_of_its_own() {
    let org = org().await;
    let token = org.issue_dpop_access_token(&["okta.users.manage"], P256.jwk);
    let foreign = token_nonce(&org).await;
    let with = |nonce: &str| proof(&org, P256, &token).claim("nonce", nonce);
    // Not asked for, and so not looked at.
    assert_eq!(revoke_with(&token, &with("any"), &org).await.status, 204);

    org.demand_resource_nonce(true);
    let why =
        r#""use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof.""#;
    for nonceless in [proof(&org, P256, &token), with(&foreign), with("any")] {
        let answer = revoke_with(&token, &nonceless, &org).await;
        assert_eq!(challenge(&answer), (401, why));
    }
    org.set_dpop_refusal_status(400);
    let answer = revoke_with(&token, &with("any"), &org).await;
    assert_eq!(challenge(&answer), (400, why));
    let nonce = answer.header("dpop-nonce").unwrap().to_owned();
    assert_ne!(nonce, foreign);
    let answer = revoke_with(&token, &with(&nonce), &org).await;
    assert_eq!((answer.status, answer.header("dpop-nonce")), (204, None));

    org.announce_dpop_nonce();
    let answer = revoke_with(&token, &with(&nonce), &org).await;
    assert_eq!(answer.status, 204);
    let next = answer.header("dpop-nonce").unwrap();
    assert_ne!(next, nonce);
    assert_eq!(revoke_with(&token, &with(next), &org).await.status, 204);
    // Who sends no proof has no use for a nonce.
    let other = Ask::revoke_ada(&org.issue_api_token()).send(&org).await;
    assert_eq!((other.status, other.header("dpop-nonce")), (204, None));
    org.rotate_dpop_nonce();
    assert_eq!(revoke_with(&token, &with(next), &org).await.status, 400);
    org.demand_resource_nonce(false);
    assert_eq!(revoke_with(&token, &with(next), &org).await.status, 204);
}

#[tokio::test]
async fn the_path_is_compared_decoded_and_without_query() {
    let org = org().await;
    org.sign_in("a@b");
    org.sign_in("a#EXT#b");
    let token = org.issue_dpop_access_token(&["okta.users.manage"], P256.jwk);
    for (target, claimed, status) in [
        ("a@b/sessions", "a@b/sessions", 204),
        ("a%40b/sessions?oauthTokens=true", "a@b/sessions", 204),
        ("a%40b/sessions", "a%40b/sessions", 400),
        ("a@b/sessions", "a%40b/sessions", 400),
        ("a%23EXT%23b/sessions", "a#EXT#b/sessions", 204),
        ("a%23EXT%23b/sessions", "a%23EXT%23b/sessions", 400),
        (
            "a@b/sessions?oauthTokens=true",
            "a@b/sessions?oauthTokens=true",
            400,
        ),
    ] {
        let path = format!("/api/v1/users/{claimed}");
        let proof = Draft::proof(&org, P256, "DELETE", &path).claim("ath", ath(&token));
        let answer = Ask::new("DELETE", format!("/api/v1/users/{target}"))
            .header("Authorization", format!("DPoP {token}"))
            .header("DPoP", proof.signed())
            .send_faulty(&org)
            .await;
        assert_eq!(answer.status, status, "{target} {claimed}");
    }
}

#[tokio::test]
#[should_panic(expected = "proofs are refused with 400 or 401, not with 403")]
async fn proofs_are_refused_with_400_or_401() {
    org().await.set_dpop_refusal_status(403);
}
