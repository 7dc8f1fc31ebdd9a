//! What is refused for its path, method, input or the state of the org.

use okta_mock_org::{MockOrg, MockUser};

use super::http::{Ask, END, REVOKE_ADA, outcome};

async fn org_with_ada() -> MockOrg {
    let org = MockOrg::start().await.unwrap();
    org.add_user(MockUser::new("00uAda").login("ada@example.com").sessions(3));
    org
}

/// Deletes with a valid API token.
async fn delete(org: &MockOrg, target: &str) -> (u16, String) {
    let token = org.issue_api_token();
    let ask = Ask::new("DELETE", target).header("Authorization", format!("SSWS {token}"));
    ask.send(org).await.outcome()
}

#[tokio::test]
async fn users_are_found_by_id_or_login_decoded() {
    let org = org_with_ada().await;
    org.add_user(MockUser::new("50%/?").sessions(1));
    for user in ["00uAda", "00u%41da", "ada@example.com", "ada%40example.com"] {
        let target = format!("/api/v1/users/{user}/sessions");
        assert_eq!(delete(&org, &target).await, outcome(204, ""), "{user}");
    }
    let odd = "/api/v1/users/50%%2f%3F/sessions";
    assert_eq!(delete(&org, odd).await, outcome(204, ""));
    assert_eq!(org.user("50%/?").unwrap().sessions, 0);
}

#[tokio::test]
async fn an_unknown_user_is_not_an_unknown_path() {
    let org = org_with_ada().await;
    let token = org.issue_api_token();
    let unknown = Ask::new("DELETE", "/api/v1/users/00uNo%2Bne/sessions")
        .header("Authorization", format!("SSWS {token}"))
        .send(&org)
        .await;
    assert_eq!(unknown.outcome(), outcome(404, "E0000007"));
    let summary = r#""errorSummary":"Not found: Resource not found: 00uNo+ne (User)""#;
    assert!(unknown.body.contains(summary), "{}", unknown.body);

    for path in [
        "/",
        "/api/v1/sessions",
        "/api/v1/users",
        "/api/v1/users/00uAda/sessions/",
        "/api/v1/users//sessions",
        "/api/v1/users/../sessions",
        "/api/v1/users/%2e%2E/sessions",
        "/api/v1/users/./sessions",
        "/api/v2/users/00uAda/sessions",
    ] {
        assert_eq!(delete(&org, path).await, outcome(404, "E0000008"), "{path}");
    }
    assert_eq!(org.log(), []);
}

#[tokio::test]
async fn wrong_methods_are_refused() {
    let org = org_with_ada().await;
    for (method, target, allowed) in [
        ("GET", REVOKE_ADA, "DELETE"),
        ("PUT", REVOKE_ADA, "DELETE"),
        ("DELETE", END, "POST"),
        ("GET", END, "POST"),
    ] {
        let answer = Ask::new(method, target).send(&org).await;
        assert_eq!(answer.outcome(), outcome(405, "E0000022"), "{method}");
        assert_eq!(answer.header("allow"), Some(allowed));
    }
}

#[tokio::test]
async fn a_post_says_how_long_it_is() {
    let org = org_with_ada().await;
    let cookie = format!("idx={}", org.sign_in("00uAda"));
    let post = Ask::new("POST", END).header("Cookie", cookie);
    assert_eq!(post.send(&org).await.status, 411);
    assert_eq!(org.log(), []);
    let chunked = post.header("Transfer-Encoding", "chunked");
    assert_eq!(chunked.body("0\r\n\r\n").send(&org).await.status, 200);
}

#[tokio::test]
async fn queries_are_true_or_false() {
    let org = org_with_ada().await;
    for query in [
        "oauthTokens=yes",
        "oauthTokens=",
        "oauthTokens",
        "oauthTokens=True",
        "forgetDevices=1",
        "oauthTokens=true&forgetDevices=null",
    ] {
        let target = format!("{REVOKE_ADA}?{query}");
        let refused = delete(&org, &target).await;
        assert_eq!(refused, outcome(400, "E0000001"), "{query}");
    }
    assert_eq!(org.user("00uAda").unwrap().sessions, 3);
}

#[tokio::test]
async fn bodies_are_json_objects_with_a_boolean() {
    let org = org_with_ada().await;
    let cookie = org.sign_in("00uAda");
    for (json, code) in [
        ("{", "E0000003"),
        ("null", "E0000003"),
        ("[]", "E0000003"),
        (r#"{"keepCurrent":null}"#, "E0000001"),
        (r#"{"keepCurrent":"false"}"#, "E0000001"),
    ] {
        let answer = Ask::end_with(&cookie, json).send(&org).await;
        assert_eq!(answer.outcome(), outcome(400, code), "{json}");
    }
    let untyped = Ask::new("POST", END)
        .header("Cookie", format!("idx={cookie}"))
        .header("Content-Length", "2")
        .body("{}");
    let text = untyped.clone().header("Content-Type", "text/plain");
    for ask in [&untyped, &text] {
        let answer = ask.send(&org).await;
        assert_eq!(answer.outcome(), outcome(400, "E0000021"));
    }
    let utf8 = untyped.header("Content-Type", "Application/JSON; charset=utf-8");
    assert_eq!(utf8.send(&org).await.status, 200);
    assert_eq!(org.log().len(), 1);
}

#[tokio::test]
async fn deactivated_users_are_refused() {
    let org = org_with_ada().await;
    assert!(org.deactivate_user("00uAda"));
    assert!(!org.deactivate_user("00uNone"));
    assert_eq!(delete(&org, REVOKE_ADA).await, outcome(403, "E0000038"));
    assert_eq!(org.user("00uAda").unwrap().sessions, 3);
}

#[tokio::test]
async fn read_only_mode_refuses_both_operations() {
    let org = org_with_ada().await;
    let cookie = org.sign_in("00uAda");
    org.set_read_only(true);
    assert_eq!(delete(&org, REVOKE_ADA).await, outcome(503, "E0000010"));
    let answer = Ask::end(&cookie).send(&org).await;
    assert_eq!(answer.outcome(), outcome(503, "E0000010"));
    assert_eq!(org.log(), []);
    org.set_read_only(false);
    assert_eq!(delete(&org, REVOKE_ADA).await, outcome(204, ""));
}

#[tokio::test]
async fn an_origin_must_be_trusted_where_there_is_a_list() {
    let builder = MockOrg::builder().trusted_origins(["https://app.example"]);
    let org = builder.start().await.unwrap();
    let ask = Ask::end(&org.sign_in("00uAda"));
    let evil = ask.clone().header("Origin", "https://evil.example");
    let answer = evil.send(&org).await;
    assert_eq!(answer.outcome(), outcome(403, "E0000006"));
    let trusted = ask.clone().header("Origin", "https://app.example");
    assert_eq!(trusted.send(&org).await.status, 200);
    assert_eq!(ask.send(&org).await.status, 200);

    let org = org_with_ada().await;
    let ask = Ask::end(&org.sign_in("00uAda")).header("Origin", "https://evil.example");
    assert_eq!(ask.send(&org).await.status, 200);
}
