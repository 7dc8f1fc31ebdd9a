//! Every fault, and whether the operation was carried out behind it.

use std::{io, time::Duration};

use okta_mock_org::{Fault, MockOrg};
use tokio::{
    io::AsyncReadExt,
    time::{Instant, timeout},
};

use super::http::{Ask, connect, outcome};

async fn org() -> (MockOrg, Ask) {
    let org = MockOrg::start().await.unwrap();
    org.sign_in("00uAda");
    let ask = Ask::revoke_ada(&org.issue_api_token());
    (org, ask)
}

fn revocations(org: &MockOrg) -> usize {
    assert_eq!(org.log().len(), org.user("00uAda").unwrap().revocations);
    org.log().len()
}

#[tokio::test]
async fn a_status_comes_from_in_between() {
    let (org, ask) = org().await;
    let page = Fault::status(503)
        .content_type("text/html")
        .header("Via", "1.1 a")
        .header("Via", "1.1 b")
        .body("<html>");
    org.fail_next(1, page);
    let answer = ask.send_faulty(&org).await;
    assert_eq!((answer.status, answer.body.as_str()), (503, "<html>"));
    assert_eq!(answer.header("content-type"), Some("text/html"));
    assert_eq!(answer.all("via").collect::<Vec<_>>(), ["1.1 a", "1.1 b"]);
    assert_eq!(answer.header("x-okta-request-id"), None);
    assert_eq!(answer.header("x-rate-limit-limit"), None);
    assert_eq!(revocations(&org), 0);
}

#[tokio::test]
async fn an_okta_error_is_oktas_and_is_counted() {
    let (org, _) = org().await;
    org.fail_next(1, Fault::okta_error(500, "E0000009"));
    // Before authentication: the token does not matter.
    let answer = Ask::revoke_ada("wrong").send(&org).await;
    assert_eq!(answer.outcome(), outcome(500, "E0000009"));
    assert_eq!(answer.number("x-rate-limit-remaining"), 599);

    let conflicting = Fault::okta_error(429, "E0000047")
        .header("X-Rate-Limit-Reset", "20")
        .header("X-Rate-Limit-Reset", "10");
    org.fail_next(1, conflicting);
    let answer = Ask::revoke_ada("wrong").send(&org).await;
    let resets: Vec<_> = answer.all("x-rate-limit-reset").collect();
    assert_eq!(resets, ["20", "10"]);
    assert_eq!(answer.number("x-rate-limit-remaining"), 598);
    assert_eq!(revocations(&org), 0);
}

#[tokio::test]
async fn faults_queue_up_in_order_and_can_be_cleared() {
    let (org, ask) = org().await;
    org.fail_next(2, Fault::status(502));
    org.fail_next(0, Fault::status(500));
    org.fail_next(1, Fault::status(504));
    // Not a path of the API.
    Ask::new("GET", "/favicon.ico").send(&org).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(ask.send_faulty(&org).await.status);
    }
    assert_eq!(statuses, [502, 502, 504, 204]);

    org.fail_next(9, Fault::status(502));
    org.clear_faults();
    assert_eq!(ask.send(&org).await.status, 204);
}

#[tokio::test]
async fn only_what_is_carried_out_spends_and_acts() {
    let (org, ask) = org().await;
    org.fail_next(1, Fault::status(502));
    ask.send_faulty(&org).await;
    assert_eq!(revocations(&org), 0);
    org.fail_next(1, Fault::status(502).after_effect(true));
    ask.send_faulty(&org).await;
    assert_eq!(revocations(&org), 1);
    let answer = ask.send(&org).await;
    assert_eq!(answer.number("x-rate-limit-remaining"), 598);

    // Carrying out is no way around the credentials.
    org.fail_next(1, Fault::status(200).after_effect(true));
    assert_eq!(Ask::revoke_ada("wrong").send_faulty(&org).await.status, 200);
    assert_eq!(revocations(&org), 2);
}

#[tokio::test]
async fn an_answer_is_cut_after_any_byte() {
    let (org, ask) = org().await;
    let unknown = Ask::revoke_ada("wrong");
    let whole = unknown.exchange(&org).await.unwrap();
    for bytes in [0, 1, 20, 100, whole.len() - 1, whole.len()] {
        org.fail_next(1, Fault::cut_after(bytes));
        let part = unknown.exchange(&org).await.unwrap();
        assert_eq!(part.len(), bytes);
        let head = part.len().min(20);
        assert_eq!(part[..head], whole[..head]);
    }
    org.fail_next(1, Fault::cut_after(whole.len() + 1));
    assert_eq!(unknown.send(&org).await.status, 401);

    org.fail_next(1, Fault::cut_after(0));
    assert_eq!(ask.exchange(&org).await.unwrap(), b"");
    assert_eq!(revocations(&org), 0);
    org.fail_next(1, Fault::cut_after(12).after_effect(true));
    assert_eq!(ask.exchange(&org).await.unwrap(), b"HTTP/1.1 204");
    assert_eq!(revocations(&org), 1);
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let (org, ask) = org().await;
    org.fail_next(1, Fault::reset().after_effect(true));
    let error = ask.exchange(&org).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(revocations(&org), 1);
    assert_eq!(org.requests()[0].status(), None);
}

#[tokio::test]
async fn raw_bytes_take_the_answers_place() {
    let (org, ask) = org().await;
    let long = vec![b'x'; 5 << 20];
    for bytes in [b"220 smtp.example\r\n".to_vec(), Vec::new(), long] {
        org.fail_next(1, Fault::raw(bytes.clone()));
        assert!(ask.exchange(&org).await.unwrap() == bytes);
    }
    assert_eq!(revocations(&org), 0);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_answer_never_comes() {
    let (org, ask) = org().await;
    org.fail_next(1, Fault::hang());
    let day = Duration::from_secs(86_400);
    assert!(timeout(day, ask.exchange(&org)).await.is_err());
    assert_eq!(ask.send(&org).await.status, 204);
    assert_eq!(revocations(&org), 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_the_true_one() {
    let (org, ask) = org().await;
    org.fail_next(1, Fault::late(Duration::from_secs(20)));
    let begun = Instant::now();
    let early = timeout(Duration::from_secs(19), ask.send(&org));
    assert!(early.await.is_err());
    assert_eq!(revocations(&org), 1);

    org.fail_next(1, Fault::late(Duration::from_secs(20)));
    assert_eq!(ask.send(&org).await.status, 204);
    assert_eq!(begun.elapsed().as_secs(), 39);
    let delayed = Fault::status(502).delay(Duration::from_secs(7));
    org.fail_next(1, delayed);
    assert_eq!(ask.send_faulty(&org).await.status, 502);
    assert_eq!(begun.elapsed().as_secs(), 46);
}

#[tokio::test]
async fn a_redirect_names_its_target() {
    let (org, ask) = org().await;
    org.fail_next(1, Fault::redirect("https://login.example/"));
    let answer = ask.send_faulty(&org).await;
    assert_eq!(answer.status, 302);
    assert_eq!(answer.header("location"), Some("https://login.example/"));
}

#[tokio::test]
async fn a_body_can_be_huge() {
    let (org, ask) = org().await;
    org.fail_next(1, Fault::status(200).body(vec![b'x'; 10 << 20]));
    assert_eq!(ask.send_faulty(&org).await.body.len(), 10 << 20);
}

#[tokio::test]
async fn a_fault_shows_no_header_value_and_no_body() {
    let fault = Fault::status(200)
        .header("Set-Cookie", "idx=s3cret")
        .body("s3cret");
    let shown = format!("{fault:?} {:?}", Fault::raw("s3cret"));
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("Raw(6 bytes)"), "{shown}");
}

#[test]
#[should_panic(expected = "not the status of a response: 100")]
fn an_interim_status_is_none() {
    drop(Fault::status(100));
}

#[test]
#[should_panic(expected = "not a header that HTTP can carry: a b")]
fn a_header_must_be_one() {
    drop(Fault::status(200).header("a b", "c"));
}

#[tokio::test]
async fn dropping_the_last_handle_ends_every_connection() {
    let (org, ask) = org().await;
    let mut idle = connect(&org).await.unwrap();
    let other = org.clone();
    drop(org);
    assert_eq!(ask.send(&other).await.status, 204);
    assert_eq!(other.connections(), 2);
    let address = other.url();
    drop(other);
    let mut buffer = [0; 1];
    assert_eq!(idle.read(&mut buffer).await.unwrap(), 0);
    let gone = tokio::net::TcpStream::connect(address.trim_start_matches("http://"));
    assert!(gone.await.is_err());
}
