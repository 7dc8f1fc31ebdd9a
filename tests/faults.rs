//! Responses that are not Okta's: each gives a clear error with the right effect, and never
//! a success.

use std::time::Duration;

use okta_mock_org::{Fault, MockOrg};
use okta_user_sessions::{
    Client, Credentials, Effect, Error, ErrorKind, Receipt, RetryPolicy, SessionClient,
    SessionCredentials,
};

use crate::support::{ADA, admin, once, org, own_builder, unreachable, user, was_cleared};

/// Both clients, built once because that is slow.
struct Both {
    org: MockOrg,
    okta: Client,
    me: SessionClient,
}

impl Both {
    async fn start() -> Self {
        let org = org().await;
        org.set_rate_limit(u32::MAX, Duration::from_secs(60));
        let okta = once(&org);
        let me = SessionClient::builder(org.url())
            .allow_loopback_http(true)
            .retry(RetryPolicy::never())
            // An access token, because `okta` revokes the sessions.
            .credentials(SessionCredentials::access_token(
                org.issue_user_access_token(ADA),
            ))
            .build()
            .unwrap();
        Self { org, okta, me }
    }

    /// The result of each operation when it meets the fault.
    async fn meet(&self, fault: &Fault) -> [Result<Receipt, Error>; 2] {
        self.org.fail_next(2, fault.clone());
        [
            self.okta.revoke_user_sessions(ADA).await,
            self.me.end_user_sessions().await,
        ]
    }
}

#[tokio::test]
async fn only_the_documented_status_of_okta_is_a_success() {
    let both = Both::start().await;
    use Effect::{None, Unknown};
    use ErrorKind::*;
    for (status, kind, effect) in [
        (201, UnexpectedResponse, Unknown),
        (202, UnexpectedResponse, Unknown),
        (205, UnexpectedResponse, Unknown),
        (206, UnexpectedResponse, Unknown),
        (299, UnexpectedResponse, Unknown),
        (300, UnexpectedResponse, Unknown),
        (301, UnexpectedResponse, Unknown),
        (302, UnexpectedResponse, Unknown),
        (304, UnexpectedResponse, Unknown),
        (307, UnexpectedResponse, Unknown),
        (308, UnexpectedResponse, Unknown),
        (400, Rejected, None),
        (401, Unauthorized, None),
        (403, Forbidden, None),
        // Not Okta's error code, so this says nothing about the user.
        (404, Rejected, None),
        (405, Rejected, None),
        (408, Rejected, Unknown),
        (411, Rejected, None),
        (418, Rejected, None),
        (429, RateLimited, None),
        (451, Rejected, None),
        (500, Server, Unknown),
        (502, Server, Unknown),
        (503, Server, Unknown),
        (504, Server, Unknown),
        (599, Server, Unknown),
        (600, UnexpectedResponse, Unknown),
        (999, UnexpectedResponse, Unknown),
    ] {
        for body in ["", "<html>", r#"{"errorCode":"#, "{}"] {
            let fault = Fault::status(status)
                .header("x-okta-request-id", "req1")
                .body(body);
            for result in both.meet(&fault).await {
                let error = result.expect_err("a success");
                assert_eq!(
                    (error.kind(), error.effect()),
                    (kind, effect),
                    "{status} {body:?}"
                );
                assert_eq!(error.status(), Some(status));
                assert_eq!(error.request_id(), Some("req1"), "{status} {body:?}");
                assert!(error.to_string().contains(&status.to_string()), "{error}");
            }
            assert!(!was_cleared(&both.org));
        }
    }
}

#[tokio::test]
async fn success_is_a_documented_status_with_an_empty_body() {
    let both = Both::start().await;
    for (status, body) in [(200, ""), (204, ""), (200, "{}"), (200, " \r\n{ }\n")] {
        let fault = Fault::status(status)
            .header("x-okta-request-id", "req1")
            .body(body)
            .after_effect(true);
        let [revoked, ended] = both.meet(&fault).await;
        assert_eq!(ended.unwrap().status(), status, "{body:?}");
        match status {
            204 => assert_eq!(revoked.unwrap().status(), 204),
            _ => assert_eq!(revoked.unwrap_err().effect(), Effect::Unknown),
        }
        assert!(was_cleared(&both.org));
    }
}

#[tokio::test]
async fn a_success_status_with_foreign_content_is_not_a_success() {
    let both = Both::start().await;
    let page = "<!doctype html><title>Welcome to Hotel Wi-Fi</title>";
    let error_body = r#"{"errorCode":"E0000006","errorSummary":"no","errorCauses":[]}"#;
    let json = "application/json";
    for (kind, body) in [
        ("text/html", page),
        (json, page),
        (json, error_body),
        (json, "null"),
        (json, "[]"),
        (json, "\"\""),
        (json, "{}{}"),
        (json, r#"{"ok":true}"#),
        ("text/plain", "OK"),
    ] {
        let fault = Fault::status(200).content_type(kind).body(body);
        for result in both.meet(&fault).await {
            let error = result.expect_err("a success");
            assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{body}");
            assert_eq!(error.effect(), Effect::Unknown);
            assert_eq!(error.status(), Some(200));
        }
    }
    // A 204 has no body by definition, so only the headers show that there is a page.
    for head in [
        format!("Content-Length: {}\r\n\r\n{page}", page.len()),
        format!(
            "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{page}\r\n0\r\n\r\n",
            page.len()
        ),
        format!("Content-Type: text/html\r\n\r\n{page}"),
        // A client that decodes the body drops its length.
        format!(
            "Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n{page}",
            page.len()
        ),
    ] {
        let fault = Fault::raw(format!("HTTP/1.1 204 No Content\r\n{head}"));
        for result in both.meet(&fault).await {
            let error = result.expect_err("a success");
            assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
            assert_eq!(error.status(), Some(204));
        }
    }
    // A 200 without a length ends with its connection, so it may have been cut off.
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\r\n",
    ] {
        for result in both.meet(&Fault::raw(head)).await {
            let error = result.expect_err("a success");
            assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
        }
    }
    // A portal's page may be empty, but it lacks the request id of Okta's responses.
    let fault = Fault::status(200).content_type("Text/HTML; charset=utf-8");
    for result in both.meet(&fault).await {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::UnexpectedResponse);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let both = Both::start().await;
    let elsewhere = crate::support::org().await;
    let fault = Fault::redirect(&format!("{}/login", elsewhere.url()));
    for result in both.meet(&fault).await {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::UnexpectedResponse);
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[tokio::test]
async fn a_given_builder_cannot_follow_redirects() {
    let org = org().await;
    org.fail_next(
        1,
        Fault::status(307).header("location", "/api/v1/users/00uEve/sessions"),
    );
    org.add_user(okta_mock_org::MockUser::new("00uEve").sessions(1));
    let okta = crate::support::admin(&org)
        .http_client_builder(|| own_builder().redirect(reqwest::redirect::Policy::limited(5)))
        .build()
        .unwrap();
    let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
    assert_eq!(
        (error.effect(), error.status()),
        (Effect::Unknown, Some(307))
    );
    assert_eq!(org.requests().len(), 1);
}

#[tokio::test]
async fn a_failed_connection_has_no_effect_with_a_given_builder_too() {
    let org = org().await;
    let no_tls = org.url().replace("http://", "https://");
    for (url, kind) in [
        ("http://127.0.0.1:1", ErrorKind::NotConnected),
        ("https://127.0.0.1:1", ErrorKind::NotConnected),
        (&no_tls, ErrorKind::Tls),
    ] {
        let error = Client::builder(url)
            .allow_loopback_http(true)
            .credentials(Credentials::api_token("00token"))
            .retry(RetryPolicy::never())
            .http_client_builder(own_builder)
            .build()
            .unwrap()
            .revoke_user_sessions(ADA)
            .await
            .unwrap_err();
        assert_eq!((error.kind(), error.effect()), (kind, Effect::None));
        assert!(!error.to_string().contains("may or may not"), "{error}");
    }
}

/// A resolver that never finishes.
struct NeverResolves;

impl reqwest::dns::Resolve for NeverResolves {
    fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn connecting_that_outlasts_the_attempt_has_no_effect() {
    // The system accepts the connection, but the TLS handshake gets no response.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("https://{}", listener.local_addr().unwrap());
    for (url, policy) in [
        (
            "https://acme.okta.com",
            RetryPolicy::never().with_attempt_timeout(Duration::from_secs(5)),
        ),
        (
            "https://acme.okta.com",
            RetryPolicy::default().with_deadline(Duration::from_secs(5)),
        ),
        (
            &silent,
            RetryPolicy::never().with_attempt_timeout(Duration::from_secs(5)),
        ),
    ] {
        let started = tokio::time::Instant::now();
        let error = Client::builder(url)
            .credentials(Credentials::api_token("00token"))
            .http_client_builder(|| own_builder().no_proxy().dns_resolver(NeverResolves))
            .retry(policy)
            .build()
            .unwrap()
            .revoke_user_sessions(ADA)
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.effect()),
            (ErrorKind::NotConnected, Effect::None),
            "{error}"
        );
        assert!(error.to_string().contains("within the time limit"));
        assert!(started.elapsed() < Duration::from_secs(6));
    }
}

/// Once there was a connection, an attempt may have used it.
#[tokio::test(start_paused = true)]
async fn a_timeout_after_any_connection_is_unknown() {
    let org = org().await;
    let okta = once(&org);
    okta.revoke_user_sessions(ADA).await.unwrap();
    org.fail_next(1, Fault::hang().after_effect(true));
    let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (ErrorKind::TimedOut, Effect::Unknown)
    );
}

#[tokio::test]
async fn a_response_cut_off_anywhere_is_unknown() {
    let both = Both::start().await;
    // The bodies of the two operations differ in length, but these cuts are all within the
    // head.
    for bytes in [0, 1, 8, 20, 60] {
        for after_effect in [false, true] {
            let fault = Fault::cut_after(bytes).after_effect(after_effect);
            for result in both.meet(&fault).await {
                let error = result.expect_err("a success");
                assert_eq!(error.effect(), Effect::Unknown);
                let kind = error.kind();
                let cut = [ErrorKind::ConnectionLost, ErrorKind::UnexpectedResponse];
                assert!(cut.contains(&kind), "{bytes}: {error:?}");
            }
        }
    }
    for fault in [Fault::reset(), Fault::reset().after_effect(true)] {
        for result in both.meet(&fault).await {
            let error = result.unwrap_err();
            assert_eq!(
                (error.kind(), error.effect()),
                (ErrorKind::ConnectionLost, Effect::Unknown)
            );
        }
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_keeps_the_status() {
    let both = Both::start().await;
    let cut = |status: &str| {
        Fault::raw(format!(
            "HTTP/1.1 {status}\r\nX-Okta-Request-Id: req1\r\nContent-Length: 9\r\n\r\n{{"
        ))
    };
    let kinds = [ErrorKind::UnexpectedResponse, ErrorKind::ConnectionLost];
    for (result, kind) in both.meet(&cut("200 OK")).await.into_iter().zip(kinds) {
        let error = result.expect_err("a success");
        // For revokeUserSessions, a 200 is not a success even if it is complete.
        assert_eq!((error.kind(), error.effect()), (kind, Effect::Unknown));
        assert_eq!(
            (error.status(), error.request_id()),
            (Some(200), Some("req1"))
        );
    }
    for result in both.meet(&cut("403 Forbidden")).await {
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), error.effect()),
            (ErrorKind::Forbidden, Effect::None)
        );
        assert_eq!(
            (error.status(), error.request_id()),
            (Some(403), Some("req1"))
        );
    }
}

#[tokio::test]
async fn a_response_that_is_not_http_is_unknown() {
    let both = Both::start().await;
    for bytes in [
        &b"SSH-2.0-OpenSSH_9.9\r\n"[..],
        b"\x15\x03\x01\x00\x02\x02",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"{}\r\n\r\n",
    ] {
        for result in both.meet(&Fault::raw(bytes)).await {
            let error = result.expect_err("a success");
            assert_eq!(
                (error.kind(), error.effect()),
                (ErrorKind::UnexpectedResponse, Effect::Unknown)
            );
        }
    }
}

#[tokio::test]
async fn a_body_is_read_within_bounds_and_in_any_encoding() {
    let both = Both::start().await;
    let huge = vec![b' '; 10 << 20];
    for (status, kind) in [
        (200, ErrorKind::UnexpectedResponse),
        (403, ErrorKind::Rejected),
        (500, ErrorKind::Server),
    ] {
        for body in [
            &huge[..],
            b"\xff\xfe\x00{}",
            b"{\"errorCode\":42}",
            b"[[[[[[[",
        ] {
            for result in both.meet(&Fault::status(status).body(body)).await {
                let error = result.expect_err("a success");
                assert_eq!((error.kind(), error.status()), (kind, Some(status)));
                assert!(error.to_string().len() < 1000);
            }
        }
    }
    let deep = format!("{{\"errorCauses\":{}1", "[".repeat(60_000));
    for result in both.meet(&Fault::status(400).body(deep)).await {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Rejected);
    }
}

#[tokio::test]
async fn control_characters_in_oktas_texts_are_escaped() {
    let both = Both::start().await;
    let body = "{\"errorCode\":\"E1\",\"errorSummary\":\"\\u001b[2Jgone\\r\\n\",\"errorCauses\":[{\"errorSummary\":\"\\u0007\"}]}";
    for result in both.meet(&Fault::status(400).body(body)).await {
        let error = result.unwrap_err();
        assert_eq!(error.error_code(), Some("E1"));
        assert_eq!(error.error_summary(), Some("\u{1b}[2Jgone\r\n"));
        assert_eq!(error.error_causes().collect::<Vec<_>>(), ["\u{7}"]);
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(!text.contains(char::is_control), "{text:?}");
        }
    }
}

#[tokio::test]
async fn errors_for_oktas_codes_say_what_to_do() {
    let both = Both::start().await;
    for (status, code, kind, effect, advice) in [
        (
            401,
            "E0000011",
            ErrorKind::Unauthorized,
            Effect::None,
            "expired",
        ),
        (
            403,
            "E0000006",
            ErrorKind::Forbidden,
            Effect::None,
            "permission",
        ),
        (
            404,
            "E0000007",
            ErrorKind::NotFound,
            Effect::None,
            "no such user",
        ),
        (
            404,
            "E0000008",
            ErrorKind::UnknownPath,
            Effect::None,
            "the org URL is wrong, not the user",
        ),
        (
            503,
            "E0000010",
            ErrorKind::ReadOnly,
            Effect::None,
            "read-only",
        ),
        (
            503,
            "E0000181",
            ErrorKind::Server,
            Effect::Unknown,
            "may or may not",
        ),
        (
            500,
            "E0000009",
            ErrorKind::Server,
            Effect::Unknown,
            "may or may not",
        ),
        (
            400,
            "E0000001",
            ErrorKind::Rejected,
            Effect::None,
            "refused",
        ),
    ] {
        for result in both.meet(&Fault::okta_error(status, code)).await {
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.effect()), (kind, effect), "{code}");
            assert_eq!(error.error_code(), Some(code));
            assert!(error.to_string().contains(advice), "{error}");
            assert!(error.error_id().is_some());
        }
    }
}

#[tokio::test]
async fn null_causes_and_missing_fields_are_tolerated() {
    let both = Both::start().await;
    let body = r#"{"errorCode":"E0000007","errorCauses":null,"new":1}"#;
    for result in both.meet(&Fault::status(404).body(body)).await {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!((error.error_summary(), error.error_id()), (None, None));
    }
}

#[tokio::test]
async fn a_refused_connection_has_no_effect() {
    let error = unreachable().revoke_user_sessions(ADA).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (ErrorKind::NotConnected, Effect::None)
    );
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn a_server_without_tls_is_a_tls_error_and_not_retried() {
    let org = org().await;
    let url = org.url().replace("http://", "https://");
    let okta = okta_user_sessions::Client::builder(url)
        .credentials(okta_user_sessions::Credentials::api_token("00token"))
        .build()
        .unwrap();
    let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (ErrorKind::Tls, Effect::None)
    );
    assert_eq!(error.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_response_in_time_is_unknown() {
    let both = Both::start().await;
    for (fault, cleared) in [
        (Fault::hang(), false),
        (Fault::hang().after_effect(true), true),
    ] {
        let started = tokio::time::Instant::now();
        for result in both.meet(&fault).await {
            let error = result.unwrap_err();
            assert_eq!(
                (error.kind(), error.effect()),
                (ErrorKind::TimedOut, Effect::Unknown)
            );
        }
        let took = started.elapsed();
        assert!(
            (Duration::from_secs(60)..Duration::from_secs(61)).contains(&took),
            "{took:?}"
        );
        assert_eq!(was_cleared(&both.org), cleared);
    }
}

#[tokio::test]
async fn a_dropped_call_leaves_the_client_usable() {
    let org = org().await;
    org.fail_next(1, Fault::hang());
    let okta = once(&org);
    let call = okta.revoke_user_sessions(ADA).into_future();
    tokio::select! {
        result = call => panic!("{result:?}"),
        () = async { while org.requests().is_empty() { tokio::task::yield_now().await } } => {}
    }
    okta.revoke_user_sessions(ADA).await.unwrap();
    let cookie = org.sign_in(ADA);
    user(&org, &cookie).end_user_sessions().await.unwrap();
}

/// An error speaks of the credential that was sent.
#[tokio::test]
async fn a_refused_credential_is_named_for_what_it_is() {
    let org = org().await;
    let cookie = SessionClient::builder(org.url())
        .allow_loopback_http(true)
        .credentials(SessionCredentials::idx("x"))
        .build()
        .unwrap();
    let bearer = Client::builder(org.url())
        .allow_loopback_http(true)
        .credentials(Credentials::access_token("ey"))
        .build()
        .unwrap();
    let token = admin(&org).build().unwrap();
    let challenge = Fault::status(401).header("www-authenticate", "Bearer error=\"invalid_token\"");
    for fault in [
        Fault::okta_error(403, "E0000005"),
        Fault::okta_error(401, "E0000011"),
        challenge,
    ] {
        org.fail_next(1, fault.clone());
        let error = cookie.end_user_sessions().await.unwrap_err().to_string();
        assert!(
            error.contains("cookie") && !error.contains("token:"),
            "{error}"
        );
        for (okta, name) in [(&token, "the API token"), (&bearer, "the access token")] {
            org.fail_next(1, fault.clone());
            let error = okta
                .revoke_user_sessions(ADA)
                .await
                .unwrap_err()
                .to_string();
            assert!(error.contains(name) && !error.contains("cookie"), "{error}");
        }
    }
}
