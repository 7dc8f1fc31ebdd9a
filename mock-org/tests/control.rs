//! Control over HTTP, and what can be read of the org.

use okta_mock_org::{MockOrg, MockUser};
use serde_json::{Value, json};

use super::{
    http::{Answer, Ask, outcome},
    signing::{P256, RSA},
};

async fn post(org: &MockOrg, verb: &str, body: &str) -> Answer {
    Ask::new("POST", format!("/mock/{verb}"))
        .header("Content-Length", body.len().to_string())
        .body(body)
        .send_faulty(org)
        .await
}

async fn control(org: &MockOrg, verb: &str, arguments: Value) -> Value {
    let answer = post(org, verb, &arguments.to_string()).await;
    assert_eq!(answer.status, 200, "{verb}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

async fn get(org: &MockOrg, path: &str, header: (&str, String)) -> Answer {
    let ask = Ask::new("GET", path).header(header.0, header.1);
    ask.send_faulty(org).await
}

fn body(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn verbs_do_what_the_methods_do() {
    let org = MockOrg::start().await.unwrap();
    let ada = json!({"user_id": "00uAda", "login": "ada@example.com", "sessions": 2, "refresh_tokens": 1});
    control(&org, "add_user", ada).await;
    assert_eq!(org.user("00uAda").unwrap().sessions, 2);
    let token = control(&org, "issue_api_token", json!({})).await;
    let token = token["token"].as_str().unwrap().to_owned();

    let fault = json!({"times": 1, "fault": {"cut_after": 0, "after_effect": true}});
    control(&org, "fail_next", fault).await;
    let lost = Ask::revoke_ada(&token).exchange(&org).await.unwrap();
    assert_eq!(lost, b"");
    let state = control(&org, "user", json!({"user_id": "00uAda"})).await;
    assert_eq!(
        (&state["user"]["sessions"], &state["user"]["revocations"]),
        (&json!(0), &json!(1))
    );

    control(&org, "set_read_only", json!({"read_only": true})).await;
    let refused = Ask::revoke_ada(&token).send(&org).await;
    assert_eq!(refused.outcome(), outcome(503, "E0000010"));
    control(&org, "set_read_only", json!({"read_only": false})).await;

    control(&org, "spend", json!({"requests": 600})).await;
    assert_eq!(Ask::revoke_ada(&token).send(&org).await.status, 429);
    control(&org, "advance", json!({"by": 60})).await;
    assert_eq!(Ask::revoke_ada(&token).send(&org).await.status, 204);

    let log = control(&org, "log", json!({})).await;
    assert_eq!(log["events"].as_array().unwrap().len(), 2);
    assert_eq!(log["events"][0]["actor_id"], MockOrg::ADMIN_ID);
    let requests = control(&org, "requests", json!({})).await;
    let statuses: Vec<_> = requests["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["status"])
        .collect();
    assert_eq!(
        statuses,
        [&json!(204), &json!(503), &json!(429), &json!(204)]
    );
}

#[tokio::test]
async fn control_requests_are_neither_recorded_nor_limited() {
    let org = MockOrg::builder()
        .rate_limit(0, std::time::Duration::from_secs(60))
        .start()
        .await
        .unwrap();
    org.fail_next(9, okta_mock_org::Fault::status(502));
    control(&org, "log", json!({})).await;
    assert!(org.requests().is_empty());
}

#[tokio::test]
async fn wrong_arguments_say_what_is_wrong() {
    let org = MockOrg::start().await.unwrap();
    for (verb, arguments, why) in [
        (
            "sing_in",
            "{}",
            "unknown variant `sing_in`, expected one of",
        ),
        ("user", "{}", "missing field `user_id`"),
        (
            "user",
            r#"{"user_id": "a", "userid": "b"}"#,
            "unknown field `userid`",
        ),
        ("log", "[]", "the body must be a JSON object"),
        ("log", "{", "the body must be a JSON object"),
        ("advance", r#"{"by": -1}"#, "0 or more"),
        ("advance", r#"{"by": 1e300}"#, "0 or more"),
        ("fail_next", r#"{"fault": {}}"#, "exactly one of"),
        (
            "fail_next",
            r#"{"fault": {"status": 502, "hang": true}}"#,
            "exactly one of",
        ),
        (
            "fail_next",
            r#"{"fault": {"status": 100}}"#,
            "between 200 and 999",
        ),
        (
            "fail_next",
            r#"{"fault": {"redirect": "a\nb"}}"#,
            "HTTP cannot carry",
        ),
        (
            "fail_next",
            r#"{"fault": {"reset": true, "headers": [["a b", "c"]]}}"#,
            "HTTP cannot carry",
        ),
        (
            "set_dpop_refusal_status",
            r#"{"status": 403}"#,
            "400 or 401",
        ),
        (
            "issue_dpop_access_token",
            r#"{"scopes": [], "key": "x"}"#,
            "must be a public key",
        ),
        (
            "add_service_app",
            r#"{"client_id": "0oa", "public_keys": ["x"]}"#,
            "must be a public key",
        ),
    ] {
        let answer = post(&org, verb, arguments).await;
        let error = body(&answer)["error"].as_str().unwrap().to_owned();
        assert_eq!(answer.status, 400, "{verb}");
        assert!(error.contains(why), "{verb} {arguments}: {error}");
    }
    assert_eq!(
        get(&org, "/mock/log", ("Accept", "*/*".into()))
            .await
            .status,
        405
    );
    assert_eq!(
        get(&org, "/mockery", ("Accept", "*/*".into())).await.status,
        404
    );
    let all = get(&org, "/mock", ("Accept", "*/*".into())).await;
    assert_eq!(body(&all)["url"], org.url());
}

#[tokio::test]
async fn a_revoked_session_is_gone_for_its_cookie() {
    let org = MockOrg::start().await.unwrap();
    org.add_user(MockUser::new("00uAda").login("ada@example.com"));
    let cookie = format!("idx={}", org.sign_in("00uAda"));
    let session = get(&org, "/api/v1/sessions/me", ("Cookie", cookie.clone())).await;
    assert_eq!(body(&session)["userId"], "00uAda");
    assert_eq!(body(&session)["login"], "ada@example.com");
    let me = get(&org, "/api/v1/users/me", ("Cookie", cookie.clone())).await;
    assert_eq!(body(&me)["id"], "00uAda");
    let other = get(
        &org,
        "/api/v1/users/00uMockAdmin",
        ("Cookie", cookie.clone()),
    )
    .await;
    assert_eq!(other.outcome(), outcome(403, "E0000006"));

    Ask::revoke_ada(&org.issue_api_token()).send(&org).await;
    let session = get(&org, "/api/v1/sessions/me", ("Cookie", cookie)).await;
    assert_eq!(session.outcome(), outcome(404, "E0000007"));
}

#[tokio::test]
async fn the_log_is_filtered_and_paged_as_okta_does() {
    let org = MockOrg::start().await.unwrap();
    let token = org.issue_api_token();
    let authorization = || ("Authorization", format!("SSWS {token}"));
    org.add_user(MockUser::new("00uBob"));
    org.add_user(MockUser::new("00uAda"));
    for user in ["00uAda", "00uBob", "00uAda", "00uAda"] {
        let ask = Ask::new("DELETE", format!("/api/v1/users/{user}/sessions"));
        let (name, value) = authorization();
        assert_eq!(ask.header(name, value).send(&org).await.status, 204);
    }
    let filter =
        "filter=eventType%20eq%20%22user.session.clear%22%20and%20target.id%20eq%20%2200uAda%22";
    let first = get(
        &org,
        &format!("/api/v1/logs?{filter}&limit=2"),
        authorization(),
    )
    .await;
    assert_eq!(body(&first).as_array().unwrap().len(), 2);
    let next = first
        .all("link")
        .find(|link| link.ends_with("rel=\"next\""))
        .unwrap();
    let next = next.trim_start_matches('<').split('>').next().unwrap();
    let next = next.strip_prefix(&org.url()).unwrap();
    let last = get(&org, next, authorization()).await;
    assert_eq!(body(&last).as_array().unwrap().len(), 1);
    assert!(!last.all("link").any(|link| link.contains("next")));

    for query in [
        "filter=x",
        "filter=eventType%20co%20%22a%22",
        "since=monday",
        "limit=1001",
        "limit=-1",
        "sortOrder=UP",
    ] {
        let answer = get(&org, &format!("/api/v1/logs?{query}"), authorization()).await;
        assert_eq!(answer.status, 400, "{query}");
    }
    let reader = org.issue_access_token(&["okta.users.manage"]);
    let refused = get(
        &org,
        "/api/v1/logs",
        ("Authorization", format!("Bearer {reader}")),
    )
    .await;
    assert_eq!(refused.outcome(), outcome(403, "E0000006"));
}

#[tokio::test]
async fn a_seed_makes_the_same_tokens() {
    let token = async |seed| {
        let org = MockOrg::builder().seed(seed).start().await.unwrap();
        org.issue_api_token()
    };
    assert_eq!(token(7).await, token(7).await);
    assert_ne!(token(7).await, token(8).await);
}

#[tokio::test]
async fn a_pem_key_is_the_same_key_as_its_jwk() {
    let org = MockOrg::start().await.unwrap();
    for (key, pem) in [
        (RSA, include_str!("../../tests/keys/rsa-public-pkcs1.pem")),
        (P256, include_str!("../../tests/keys/p256-public.pem")),
    ] {
        let app = okta_mock_org::ServiceApp::new("0oaApp")
            .public_key(pem)
            .dpop(false);
        org.add_service_app(app);
        let answer =
            super::signing::get_token(&super::signing::Draft::assertion(&org, key), &org).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[tokio::test]
async fn optional_dpop_binds_the_token_to_a_proof_that_is_sent() {
    use super::signing::{Draft, TOKEN, fields, get_token, send_token, token_ask};

    let org = MockOrg::start().await.unwrap();
    org.add_service_app(
        okta_mock_org::ServiceApp::new("0oaApp")
            .public_key(P256.jwk)
            .optional_dpop(),
    );
    let bearer = get_token(&Draft::assertion(&org, P256), &org).await;
    assert_eq!(body(&bearer)["token_type"], "Bearer");
    let assertion = Draft::assertion(&org, P256).signed();
    let proof = Draft::proof(&org, RSA, "POST", TOKEN).signed();
    let ask = token_ask(&fields(&assertion)).header("DPoP", proof);
    assert_eq!(
        body(&send_token(ask, &org).await)["error"],
        "use_dpop_nonce"
    );
}
