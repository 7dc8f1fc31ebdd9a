//! Both operations without faults: what they send, and what that does.

use okta_mock_org::MockOrg;
use okta_user_sessions::{
    Client, Credentials, ErrorKind, SessionClient, SessionCredentials, UserId, error_code,
    options::{OptionKind, RevokeUserSessionsOptions},
};

use crate::support::{ADA, add_ada, admin, org, user};

#[tokio::test]
async fn revoking_ends_every_session_and_leaves_a_receipt() {
    let org = org().await;
    let cookie = org.sign_in(ADA);
    let okta = admin(&org).build().unwrap();

    let receipt = okta.revoke_user_sessions(ADA).await.unwrap();

    assert!(!org.is_signed_in(&cookie));
    assert_eq!(org.user(ADA).unwrap().sessions, 0);
    let request = &org.requests()[0];
    assert_eq!(receipt.status(), 204);
    assert_eq!(receipt.attempts(), 1);
    assert!(!receipt.earlier_effect_unknown());
    assert_eq!(receipt.request_id(), request.request_id());
    let limit = receipt.rate_limit().unwrap();
    assert_eq!((limit.limit(), limit.remaining()), (600, 599));
    assert_eq!(okta.rate_limit().as_ref(), Some(limit));
}

#[tokio::test]
async fn options_that_are_not_set_are_not_sent() {
    let org = org().await;
    let okta = admin(&org).build().unwrap();
    okta.revoke_user_sessions(ADA).await.unwrap();
    let cookie = org.sign_in(ADA);
    user(&org, &cookie).end_user_sessions().await.unwrap();

    let requests = org.requests();
    assert_eq!(requests[0].method(), "DELETE");
    assert_eq!(requests[0].path(), "/api/v1/users/00uAda/sessions");
    assert_eq!(requests[0].query(), None);
    assert_eq!(requests[0].body(), b"");
    assert_eq!(requests[0].header("content-type"), None);
    assert_eq!(requests[1].method(), "POST");
    assert_eq!(
        requests[1].path(),
        "/api/v1/users/me/lifecycle/delete_sessions"
    );
    assert_eq!(requests[1].query(), None);
    assert_eq!(requests[1].body(), b"");
    assert_eq!(requests[1].header("content-type"), None);
    assert_eq!(requests[1].header("content-length"), Some("0"));
    assert_eq!(requests[1].header("transfer-encoding"), None);
}

#[tokio::test]
async fn every_option_of_revoking_reaches_the_org() {
    for oauth_tokens in [None, Some(false), Some(true)] {
        for forget_devices in [None, Some(false), Some(true)] {
            let org = org().await;
            let okta = admin(&org).build().unwrap();
            let mut call = okta.revoke_user_sessions(ADA);
            if let Some(revoke) = oauth_tokens {
                call = call.oauth_tokens(revoke);
            }
            if let Some(forget) = forget_devices {
                call = call.forget_devices(forget);
            }
            call.await.unwrap();

            let ada = org.user(ADA).unwrap();
            assert_eq!(ada.sessions, 0);
            assert_eq!(ada.refresh_tokens == 0, oauth_tokens.unwrap_or(false));
            assert_eq!(ada.remembered_devices == 0, forget_devices.unwrap_or(true));
            let mut wanted = Vec::new();
            wanted.extend(forget_devices.map(|forget| format!("forgetDevices={forget}")));
            wanted.extend(oauth_tokens.map(|revoke| format!("oauthTokens={revoke}")));
            assert_eq!(
                org.requests()[0].query().unwrap_or_default(),
                wanted.join("&")
            );
        }
    }
}

#[tokio::test]
async fn options_can_be_set_by_name_for_a_call_and_a_run() {
    let org = org().await;
    let okta = admin(&org).build().unwrap();
    let mut options = RevokeUserSessionsOptions::default();
    options.set("oauth_tokens", "true").unwrap();
    let call = okta.revoke_user_sessions(ADA).forget_devices(true);
    // Replaces the option set before.
    call.options(options.clone()).await.unwrap();
    options.set("forget_devices", "false").unwrap();
    let run = okta.revoke_many([ADA]).options(options.clone());
    let mut run = run.start().unwrap();
    run.next().await.unwrap();

    assert_eq!(run.report().options, options);
    let requests = org.requests();
    assert_eq!(requests[0].query(), Some("oauthTokens=true"));
    assert_eq!(
        requests[1].query(),
        Some("forgetDevices=false&oauthTokens=true")
    );
}

#[test]
fn an_option_that_does_not_exist_or_cannot_have_the_value_is_refused_by_name() {
    let mut options = RevokeUserSessionsOptions::default();
    for (name, value, text) in [
        (
            "oauth_tokens",
            "yes",
            "the option oauth_tokens is invalid: must be true or false",
        ),
        (
            "oauthTokens",
            "true",
            "there is no option \"oauthTokens\"; the options are oauth_tokens, forget_devices",
        ),
    ] {
        let error = options.set(name, value).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(text), "{error}");
    }
    assert_eq!(options, RevokeUserSessionsOptions::default());
    let known = RevokeUserSessionsOptions::ALL;
    assert!(known.iter().all(|info| info.kind == OptionKind::Boolean));
}

#[tokio::test]
async fn an_unset_option_gets_the_default_of_the_engine() {
    let org = MockOrg::builder()
        .classic_engine(true)
        .start()
        .await
        .unwrap();
    add_ada(&org);
    let okta = admin(&org).build().unwrap();
    okta.revoke_user_sessions(ADA).await.unwrap();
    // Classic Engine keeps the devices by default; true would forget them.
    assert_eq!(org.user(ADA).unwrap().remembered_devices, 1);
}

#[tokio::test]
async fn ending_keeps_the_calling_session_unless_told_otherwise() {
    for (keep, stays, body) in [
        (None, true, &b""[..]),
        (Some(true), true, br#"{"keepCurrent":true}"#),
        (Some(false), false, br#"{"keepCurrent":false}"#),
    ] {
        let org = org().await;
        let (mine, other) = (org.sign_in(ADA), org.sign_in(ADA));
        let me = user(&org, &mine);
        let mut call = me.end_user_sessions();
        if let Some(keep) = keep {
            call = call.keep_current(keep);
        }
        let receipt = call.await.unwrap();

        assert_eq!(receipt.status(), 200);
        assert_eq!(org.is_signed_in(&mine), stays);
        assert!(!org.is_signed_in(&other));
        assert_eq!(org.requests()[0].body(), body);
        assert_eq!(org.requests()[0].header("authorization"), None);
    }
}

#[tokio::test]
async fn each_credential_is_sent_in_its_own_header() {
    let org = org().await;
    let build = |credentials| {
        Client::builder(org.url())
            .allow_loopback_http(true)
            .credentials(credentials)
            .build()
    };
    let token = org.issue_api_token();
    let sent = format!("SSWS {token}");
    build(Credentials::api_token(token))
        .unwrap()
        .revoke_user_sessions(ADA)
        .await
        .unwrap();
    assert_eq!(org.requests()[0].header("authorization"), Some(&*sent));

    let token = org.issue_access_token(&["okta.users.manage"]);
    let sent = format!("Bearer {token}");
    build(Credentials::access_token(token))
        .unwrap()
        .revoke_user_sessions(ADA)
        .await
        .unwrap();
    assert_eq!(org.requests()[1].header("authorization"), Some(&*sent));

    let me = |credentials| {
        SessionClient::builder(org.url())
            .allow_loopback_http(true)
            .credentials(credentials)
            .build()
    };
    let cookie = org.sign_in(ADA);
    let credentials = SessionCredentials::cookie("idx", &*cookie).origin("https://app.example.com");
    me(credentials).unwrap().end_user_sessions().await.unwrap();
    assert_eq!(
        org.requests()[2].header("cookie"),
        Some(&*format!("idx={cookie}"))
    );
    assert_eq!(
        org.requests()[2].header("origin"),
        Some("https://app.example.com")
    );

    let token = org.issue_user_access_token(ADA);
    let sent = format!("Bearer {token}");
    me(SessionCredentials::access_token(token))
        .unwrap()
        .end_user_sessions()
        .await
        .unwrap();
    assert_eq!(org.requests()[3].header("authorization"), Some(&*sent));
    assert_eq!(org.requests()[3].header("cookie"), None);
}

#[tokio::test]
async fn requests_carry_only_what_okta_documents() {
    let org = org().await;
    let okta = admin(&org)
        .user_agent_suffix("offboarding/2.1")
        .header("X-Okta-XsrfToken", "xsrf")
        .build()
        .unwrap();
    okta.revoke_user_sessions(ADA).await.unwrap();

    let request = &org.requests()[0];
    let agent = request.header("user-agent").unwrap();
    assert!(agent.starts_with("okta-user-sessions-rust/"), "{agent}");
    assert!(agent.ends_with(" offboarding/2.1"), "{agent}");
    assert_eq!(request.header("accept"), Some("application/json"));
    assert_eq!(request.header("x-okta-xsrftoken"), Some("xsrf"));
    let names: Vec<_> = request.headers().map(|(name, _)| name.to_owned()).collect();
    for name in &names {
        let known = [
            "accept",
            "authorization",
            "host",
            "user-agent",
            "x-okta-xsrftoken",
        ];
        assert!(
            known.contains(&name.as_str()),
            "{name} is not a documented header"
        );
    }
}

#[tokio::test]
async fn the_callers_own_sessions_are_revoked_with_user_id_me() {
    let org = org().await;
    let mine = org.sign_in(MockOrg::ADMIN_ID);
    let okta = admin(&org).build().unwrap();
    okta.revoke_user_sessions(UserId::me()).await.unwrap();
    assert!(!org.is_signed_in(&mine));
}

#[tokio::test]
async fn errors_keep_every_field_of_oktas_response() {
    let org = org().await;
    let okta = admin(&org).build().unwrap();

    let error = okta.revoke_user_sessions("00uNobody").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.status(), Some(404));
    assert_eq!(error.error_code(), Some(error_code::RESOURCE_NOT_FOUND));
    assert!(error.error_summary().unwrap().contains("00uNobody"));
    assert!(error.error_id().is_some());
    assert_eq!(error.request_id(), org.requests()[0].request_id());
    assert_eq!(error.rate_limit().unwrap().limit(), 600);
    assert_eq!(error.attempts(), 1);

    org.deactivate_user(ADA);
    let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
    assert_eq!(error.error_code(), Some(error_code::NOT_ALLOWED_IN_STATUS));

    let me = user(&org, "ended-long-ago");
    let error = me.end_user_sessions().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert_eq!(error.error_code(), Some(error_code::INVALID_SESSION));
    assert!(error.to_string().contains("sign in again"));

    let okta = Client::builder(org.url())
        .allow_loopback_http(true)
        .credentials(Credentials::api_token("00another-orgs-token"))
        .build()
        .unwrap();
    let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(error.error_code(), Some(error_code::INVALID_TOKEN));
    assert_eq!(org.log().len(), 0);
}

#[test]
fn clients_and_calls_are_send_and_static() {
    fn anywhere<T: Send + Sync + Clone + 'static>() {}
    anywhere::<Client>();
    anywhere::<SessionClient>();
    fn movable<T: Send + 'static>(_: impl Fn(Client) -> T) {}
    movable(|okta| okta.revoke_user_sessions("x").into_future());
    fn error<T: std::error::Error + Send + Sync + 'static>() {}
    error::<okta_user_sessions::Error>();
}
