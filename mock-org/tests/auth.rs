//! Who may do what.

use std::time::Duration;

use okta_mock_org::MockOrg;

use super::http::{Answer, Ask, END, REVOKE_ADA, outcome};

struct Credentials {
    org: MockOrg,
    ssws: String,
    managing: String,
    reading: String,
    roleless: String,
    ada: String,
    cookie: String,
    ended: String,
}

async fn credentials() -> Credentials {
    let org = MockOrg::start().await.unwrap();
    let ended = org.sign_in("00uAda");
    Ask::end(&org.sign_in("00uAda")).send(&org).await;
    assert!(!org.is_signed_in(&ended));
    Credentials {
        ssws: org.issue_api_token(),
        managing: org.issue_access_token(&["okta.logs.read", "okta.users.manage"]),
        reading: org.issue_access_token(&["okta.users.read"]),
        roleless: org.issue_access_token_without_role(&["okta.users.manage"]),
        ada: org.issue_user_access_token("00uAda"),
        cookie: org.sign_in("00uAda"),
        ended,
        org,
    }
}

async fn send(ask: Ask, header: (&str, String), org: &MockOrg) -> Answer {
    match header {
        ("", _) => ask.send(org).await,
        (name, value) => ask.header(name, value).send(org).await,
    }
}

#[tokio::test]
async fn revoking_needs_an_administrator() {
    let given = credentials().await;
    let (unauthenticated, forbidden) = (outcome(401, "E0000011"), outcome(403, "E0000006"));
    let auth = "Authorization";
    for (header, expected) in [
        ((auth, format!("SSWS {}", given.ssws)), outcome(204, "")),
        ((auth, format!("ssws {}", given.ssws)), outcome(204, "")),
        ((auth, format!("SSWS{}", given.ssws)), outcome(204, "")),
        (
            (auth, format!("Bearer {}", given.managing)),
            outcome(204, ""),
        ),
        (
            (auth, format!("Bearer {}", given.reading)),
            forbidden.clone(),
        ),
        (
            (auth, format!("Bearer {}", given.roleless)),
            forbidden.clone(),
        ),
        ((auth, format!("Bearer {}", given.ada)), forbidden.clone()),
        (
            (auth, format!("Bearer {}", given.ssws)),
            unauthenticated.clone(),
        ),
        (
            (auth, format!("SSWS {}", given.managing)),
            unauthenticated.clone(),
        ),
        ((auth, given.ssws.clone()), unauthenticated.clone()),
        ((auth, "SSWS wrong".to_owned()), unauthenticated.clone()),
        (("", String::new()), unauthenticated),
        (("Cookie", format!("idx={}", given.cookie)), forbidden),
        (
            ("Cookie", format!("idx={}", given.ended)),
            outcome(403, "E0000005"),
        ),
    ] {
        // Another user's sessions, so that Ada's credentials stay valid.
        let org = &given.org;
        let case = format!("{header:?}");
        let ask = Ask::new("DELETE", "/api/v1/users/00uMockAdmin/sessions");
        assert_eq!(send(ask, header, org).await.outcome(), expected, "{case}");
    }
    assert_eq!(given.org.user("00uMockAdmin").unwrap().revocations, 4);
}

#[tokio::test]
async fn ending_needs_the_user() {
    let given = credentials().await;
    let no_session = outcome(403, "E0000005");
    let forbidden = outcome(403, "E0000006");
    let auth = "Authorization";
    for (header, expected) in [
        (
            ("Cookie", format!("idx={}", given.cookie)),
            outcome(200, ""),
        ),
        (
            ("Cookie", format!("a=b; idx={}; c=d", given.cookie)),
            outcome(200, ""),
        ),
        (
            ("Cookie", format!("sid={}", given.cookie)),
            no_session.clone(),
        ),
        (
            ("Cookie", format!("idx={}", given.ended)),
            no_session.clone(),
        ),
        (("", String::new()), no_session),
        ((auth, format!("SSWS {}", given.ssws)), forbidden.clone()),
        ((auth, format!("Bearer {}", given.managing)), forbidden),
        ((auth, "SSWS wrong".to_owned()), outcome(401, "E0000011")),
        ((auth, format!("Bearer {}", given.ada)), outcome(200, "")),
    ] {
        let case = format!("{header:?}");
        let ask = Ask::new("POST", END).header("Content-Length", "0");
        let answer = send(ask, header, &given.org).await;
        assert_eq!(answer.outcome(), expected, "{case}");
    }
    // The access token came last and belongs to no session: none was kept.
    assert!(!given.org.is_signed_in(&given.cookie));
}

#[tokio::test]
async fn an_authorization_header_outranks_a_cookie() {
    let given = credentials().await;
    let ask = Ask::end(&given.cookie).header("Authorization", format!("SSWS {}", given.ssws));
    let answer = ask.send(&given.org).await;
    assert_eq!(answer.outcome(), outcome(403, "E0000006"));
}

#[tokio::test]
async fn classic_engine_has_another_cookie() {
    let builder = MockOrg::builder().classic_engine(true);
    let org = builder.start().await.unwrap();
    let cookie = org.sign_in("00uAda");
    let idx = Ask::end(&cookie).send(&org).await;
    assert_eq!(idx.outcome(), outcome(403, "E0000005"));
    let sid = Ask::new("POST", END)
        .header("Content-Length", "0")
        .header("Cookie", format!("sid={cookie}"));
    assert_eq!(sid.send(&org).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn tokens_end() {
    let org = MockOrg::start().await.unwrap();
    org.sign_in("00uAda");
    let ssws = org.issue_api_token();
    org.revoke_api_token(&ssws);
    let answer = Ask::revoke_ada(&ssws).send(&org).await;
    assert_eq!(answer.outcome(), outcome(401, "E0000011"));

    let bearer = |token: &str| {
        Ask::new("DELETE", REVOKE_ADA).header("Authorization", format!("Bearer {token}"))
    };
    let early = org.issue_access_token(&["okta.users.manage"]);
    assert_eq!(bearer(&early).send(&org).await.status, 204);
    org.revoke_access_token(&early);
    assert_eq!(bearer(&early).send(&org).await.status, 401);

    let token = org.issue_access_token(&["okta.users.manage"]);
    tokio::time::advance(Duration::from_secs(3599)).await;
    assert_eq!(bearer(&token).send(&org).await.status, 204);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(bearer(&token).send(&org).await.status, 401);
}

#[tokio::test]
async fn another_orgs_credentials_are_unknown() {
    let (one, other) = (credentials().await, credentials().await);
    let answer = Ask::revoke_ada(&one.ssws).send(&other.org).await;
    assert_eq!(answer.outcome(), outcome(401, "E0000011"));
    let answer = Ask::end(&one.cookie).send(&other.org).await;
    assert_eq!(answer.outcome(), outcome(403, "E0000005"));
}
