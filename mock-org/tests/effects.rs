//! What the operations do, and what they leave alone.

use okta_mock_org::{MockOrg, MockUser};

use super::http::{Ask, REVOKE_ADA, outcome};

fn ada() -> MockUser {
    MockUser::new("00uAda")
        .login("ada@example.com")
        .sessions(3)
        .refresh_tokens(2)
        .remembered_devices(1)
}

/// Revokes with a query, and says what is left: sessions, refresh tokens,
/// devices.
async fn revoked(org: &MockOrg, query: &str) -> (usize, usize, usize) {
    org.add_user(ada());
    let target = format!("{REVOKE_ADA}{query}");
    let answer = Ask::new("DELETE", target)
        .header("Authorization", format!("SSWS {}", org.issue_api_token()))
        .send(org)
        .await;
    assert_eq!(answer.outcome(), outcome(204, ""));
    let left = org.user("00uAda").unwrap();
    assert_eq!(left.revocations, 1);
    (left.sessions, left.refresh_tokens, left.remembered_devices)
}

#[tokio::test]
async fn revoking_does_what_the_query_says() {
    let org = MockOrg::start().await.unwrap();
    assert_eq!(revoked(&org, "").await, (0, 2, 0));
    assert_eq!(revoked(&org, "?oauthTokens=true").await, (0, 0, 0));
    assert_eq!(revoked(&org, "?oauthTokens=false").await, (0, 2, 0));
    assert_eq!(revoked(&org, "?forgetDevices=false").await, (0, 2, 1));
    let both = "?forgetDevices=false&oauthTokens=true";
    assert_eq!(revoked(&org, both).await, (0, 0, 1));
}

#[tokio::test]
async fn classic_engine_remembers_devices_unless_told() {
    let builder = MockOrg::builder().classic_engine(true);
    let org = builder.start().await.unwrap();
    assert_eq!(revoked(&org, "").await, (0, 2, 1));
    assert_eq!(revoked(&org, "?forgetDevices=true").await, (0, 2, 0));
}

#[tokio::test]
async fn revoking_ends_only_that_users_sessions() {
    let org = MockOrg::start().await.unwrap();
    let (adas, bobs) = (org.sign_in("00uAda"), org.sign_in("00uBob"));
    assert!(org.is_signed_in(&adas));
    Ask::revoke_ada(&org.issue_api_token()).send(&org).await;
    assert!(!org.is_signed_in(&adas));
    assert!(org.is_signed_in(&bobs));
    assert_eq!(org.user("00uBob").unwrap().revocations, 0);
}

#[tokio::test]
async fn only_oauth_tokens_takes_access_tokens_along() {
    let org = MockOrg::start().await.unwrap();
    org.issue_user_access_token("00uAda");
    let api_token = org.issue_api_token();
    Ask::revoke_ada(&api_token).send(&org).await;
    assert_eq!(org.user("00uAda").unwrap().access_tokens, 1);

    let target = format!("{REVOKE_ADA}?oauthTokens=true");
    let ask = Ask::new("DELETE", target).header("Authorization", format!("SSWS {api_token}"));
    assert_eq!(ask.send(&org).await.status, 204);
    assert_eq!(org.user("00uAda").unwrap().access_tokens, 0);
}

#[tokio::test]
async fn me_is_the_owner_of_the_api_token_who_keeps_the_token() {
    let org = MockOrg::start().await.unwrap();
    let (cookie, token) = (org.sign_in(MockOrg::ADMIN_ID), org.issue_api_token());
    let me = Ask::new("DELETE", "/api/v1/users/me/sessions?oauthTokens=true")
        .header("Authorization", format!("SSWS {token}"));
    assert_eq!(me.send(&org).await.status, 204);
    assert!(!org.is_signed_in(&cookie));
    assert_eq!(me.send(&org).await.status, 204);
    assert_eq!(org.user(MockOrg::ADMIN_ID).unwrap().revocations, 2);
}

#[tokio::test]
async fn ending_keeps_the_calling_session_unless_told() {
    for (json, kept) in [
        ("", true),
        ("{}", true),
        (r#"{"keepCurrent":true}"#, true),
        (r#"{"keepCurrent":false}"#, false),
    ] {
        let org = MockOrg::start().await.unwrap();
        let (current, other, bobs) = (
            org.sign_in("00uAda"),
            org.sign_in("00uAda"),
            org.sign_in("00uBob"),
        );
        let ask = match json {
            "" => Ask::end(&current),
            _ => Ask::end_with(&current, json),
        };
        assert_eq!(ask.send(&org).await.outcome(), outcome(200, ""));
        assert_eq!(org.is_signed_in(&current), kept, "{json}");
        assert!(!org.is_signed_in(&other), "{json}");
        assert!(org.is_signed_in(&bobs), "{json}");
        assert_eq!(org.user("00uAda").unwrap().revocations, 0);
    }
}

#[tokio::test]
async fn the_log_tells_what_was_carried_out_and_nothing_else() {
    let org = MockOrg::start().await.unwrap();
    org.add_user(ada());
    let refused = Ask::revoke_ada("wrong").send(&org).await;
    assert_eq!(refused.status, 401);
    assert_eq!(org.log(), []);

    let answer = Ask::revoke_ada(&org.issue_api_token()).send(&org).await;
    Ask::end(&org.sign_in("00uBob")).send(&org).await;
    let log = org.log();
    let [revoked, ended] = log.as_slice() else {
        panic!("{log:?}");
    };
    assert_eq!(revoked.event_type, "user.session.clear");
    assert_eq!(revoked.user_id, "00uAda");
    assert_eq!(
        Some(revoked.request_id.as_str()),
        answer.header("x-okta-request-id")
    );
    assert_eq!(revoked.sessions, 3);
    assert!(revoked.forget_devices && !revoked.oauth_tokens);
    assert_eq!((ended.user_id.as_str(), ended.sessions), ("00uBob", 0));
    assert!(revoked.published <= ended.published);
}

#[tokio::test]
async fn adding_a_user_again_starts_from_scratch() {
    let org = MockOrg::start().await.unwrap();
    let cookie = org.sign_in("00uAda");
    org.add_user(ada());
    assert!(!org.is_signed_in(&cookie));
    assert_eq!(org.user("00uAda").unwrap().sessions, 3);
    assert_eq!(org.user("00uBob"), None);
}
