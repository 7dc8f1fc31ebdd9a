//! What the org remembers of its requests.

use okta_mock_org::{Fault, MockOrg};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::http::{Ask, connect};

#[tokio::test]
async fn requests_are_recorded_as_sent() {
    let org = MockOrg::start().await.unwrap();
    let target = "/api/v1/users/a%40b/../%7e/sessions?oauthTokens=%74rue&x=a+b";
    let answer = Ask::new("DELETE", target)
        .header("X-One", "1")
        .header("X-One", "2")
        .header("Content-Length", "5")
        .body("hello")
        .send(&org)
        .await;
    let requests = org.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    assert_eq!(request.method(), "DELETE");
    assert_eq!(request.path(), "/api/v1/users/a%40b/../%7e/sessions");
    assert_eq!(request.query(), Some("oauthTokens=%74rue&x=a+b"));
    assert_eq!(request.header("x-ONE"), Some("1"));
    assert_eq!(request.header("x-two"), None);
    let ones = request.headers().filter(|(name, _)| *name == "x-one");
    assert_eq!(ones.map(|(_, value)| value).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(request.body(), b"hello");
    assert_eq!(request.status(), Some(404));
    assert_eq!(request.request_id(), answer.header("x-okta-request-id"));
    assert!(request.arrived().elapsed().unwrap().as_secs() < 60);

    org.clear_requests();
    assert!(org.requests().is_empty());
}

#[tokio::test]
async fn a_spoiled_answer_is_recorded_as_far_as_it_is_one() {
    let org = MockOrg::start().await.unwrap();
    org.sign_in("00uAda");
    let ask = Ask::revoke_ada(&org.issue_api_token());
    org.fail_next(1, Fault::cut_after(3));
    org.fail_next(1, Fault::raw("x"));
    org.fail_next(1, Fault::status(502));
    for _ in 0..3 {
        ask.exchange(&org).await.unwrap();
    }
    let recorded = org.requests();
    let statuses = recorded.iter().map(|request| request.status());
    assert_eq!(statuses.collect::<Vec<_>>(), [Some(204), None, Some(502)]);
    let ids = recorded
        .iter()
        .map(|request| request.request_id().is_some());
    assert_eq!(ids.collect::<Vec<_>>(), [true, false, false]);
}

#[tokio::test]
async fn nothing_shows_credentials() {
    let org = MockOrg::start().await.unwrap();
    let (cookie, token) = (org.sign_in("00uAda"), org.issue_api_token());
    Ask::end_with(&cookie, r#"{"keepCurrent":true}"#)
        .header("Authorization", format!("SSWS {token}"))
        .header("DPoP", "eyJproof")
        .header("X-Xsrf", "eyJxsrf")
        .send(&org)
        .await;
    let shown = format!("{org:?} {:?} {:?}", org.requests(), org.log());
    for secret in [cookie.as_str(), token.as_str(), "eyJproof", "eyJxsrf"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains(r#"("content-length", "20")"#), "{shown}");
    assert!(shown.contains(r#"("cookie", "[hidden]")"#), "{shown}");
}

#[tokio::test]
async fn connections_are_kept_alive_and_counted() {
    let org = MockOrg::start().await.unwrap();
    let mut socket = connect(&org).await.unwrap();
    let mut buffer = vec![0; 4096];
    let cut_too_late = Fault::cut_after(100_000);
    org.fail_next(1, cut_too_late);
    for _ in 0..3 {
        let get = b"GET /api/v1/users HTTP/1.1\r\nHost: a\r\n\r\n";
        socket.write_all(get).await.unwrap();
        let read = socket.read(&mut buffer).await.unwrap();
        assert!(buffer[..read].starts_with(b"HTTP/1.1 404"));
    }
    assert_eq!(org.connections(), 1);
    assert_eq!(org.requests().len(), 3);
    Ask::new("GET", "/").send(&org).await;
    assert_eq!(org.connections(), 2);
}
