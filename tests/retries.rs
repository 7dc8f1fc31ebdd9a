//! Retries, deadlines and the rate limiter over real HTTP, in virtual time.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use okta_mock_org::{Fault, MockOrg};
use okta_user_sessions::{Client, Credentials, Effect, ErrorKind, RetryPolicy, WaitReason};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::Instant,
};

use crate::support::{ADA, add_ada, admin, all, org, was_cleared};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// An org that allows this many requests a minute.
async fn small_org(limit: u32) -> MockOrg {
    let org = MockOrg::builder()
        .rate_limit(limit, seconds(60))
        .start()
        .await
        .unwrap();
    add_ada(&org);
    org
}

fn count(org: &MockOrg, status: u16) -> usize {
    org.requests()
        .iter()
        .filter(|request| request.status() == Some(status))
        .count()
}

#[tokio::test(start_paused = true)]
async fn transient_errors_are_retried_and_named_in_the_retry() {
    for (fault, reason, unknown) in [
        (
            Fault::okta_error(503, "E0000181"),
            WaitReason::Unavailable(503),
            true,
        ),
        (
            Fault::okta_error(502, "E1"),
            WaitReason::Unavailable(502),
            true,
        ),
        (
            Fault::okta_error(504, "E1"),
            WaitReason::Unavailable(504),
            true,
        ),
        (
            Fault::okta_error(429, "E0000047"),
            WaitReason::RateLimited,
            false,
        ),
        (Fault::reset(), WaitReason::ConnectionLost, true),
        (Fault::cut_after(0), WaitReason::ConnectionLost, true),
        (Fault::cut_after(30), WaitReason::ConnectionLost, true),
        (Fault::hang(), WaitReason::TimedOut, true),
    ] {
        let org = org().await;
        org.fail_next(2, fault);
        let waits = Arc::new(Mutex::new(Vec::new()));
        let seen = waits.clone();
        let okta = admin(&org)
            // Enough for the two windows that two 429s cost.
            .retry(RetryPolicy::default().with_deadline(seconds(300)))
            .on_wait(move |event| seen.lock().unwrap().push(event.clone()))
            .build()
            .unwrap();
        let started = Instant::now();

        let receipt = okta.revoke_user_sessions(ADA).await.unwrap();

        assert_eq!(receipt.attempts(), 3, "{reason:?}");
        assert_eq!(receipt.earlier_effect_unknown(), unknown, "{reason:?}");
        assert!(receipt.waited() <= started.elapsed());
        let requests = org.requests();
        assert_eq!(requests.len(), 3);
        assert_eq!(requests[0].header("x-okta-retry-count"), None);
        assert_eq!(requests[0].header("x-okta-retry-for"), None);
        for (at, request) in requests.iter().enumerate().skip(1) {
            assert_eq!(request.header("x-okta-retry-count"), Some(&*at.to_string()));
            let reached = matches!(reason, WaitReason::Unavailable(_) | WaitReason::RateLimited);
            let first = requests[0].request_id().filter(|_| reached);
            assert_eq!(request.header("x-okta-retry-for"), first, "{reason:?}");
        }
        let waits: Vec<_> = waits
            .lock()
            .unwrap()
            .iter()
            .map(|wait| (wait.attempt, wait.reason))
            .collect();
        let retries: Vec<_> = waits
            .into_iter()
            .filter(|(_, reason)| *reason != WaitReason::WindowExhausted)
            .collect();
        assert_eq!(retries, [(1, reason), (2, reason)]);
    }
}

#[tokio::test(start_paused = true)]
async fn permanent_errors_are_not_retried() {
    for fault in [
        Fault::okta_error(400, "E0000001"),
        Fault::okta_error(401, "E0000011"),
        Fault::okta_error(403, "E0000006"),
        Fault::okta_error(404, "E0000007"),
        Fault::okta_error(404, "E0000008"),
        Fault::okta_error(405, "E0000022"),
        Fault::okta_error(500, "E0000009"),
        Fault::okta_error(503, "E0000010"),
        Fault::status(200).body("<html>"),
        Fault::status(202),
        Fault::redirect("/"),
        Fault::raw("no HTTP\r\n\r\n"),
    ] {
        let org = org().await;
        org.fail_next(1, fault.clone());
        let error = admin(&org)
            .build()
            .unwrap()
            .revoke_user_sessions(ADA)
            .await
            .unwrap_err();
        assert_eq!(error.attempts(), 1, "{fault:?}");
        assert_eq!(org.requests().len(), 1, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_policy_never_sends_exactly_once() {
    for fault in [
        Fault::reset(),
        Fault::status(503),
        Fault::okta_error(429, "E0000047"),
        Fault::hang(),
    ] {
        let org = org().await;
        org.fail_next(5, fault);
        let okta = admin(&org).retry(RetryPolicy::never()).build().unwrap();
        okta.revoke_user_sessions(ADA).await.unwrap_err();
        assert_eq!(org.requests().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_earlier_attempt_that_may_have_reached_okta_stays_unknown() {
    let org = org().await;
    org.fail_next(1, Fault::reset().after_effect(true));
    org.fail_next(1, Fault::okta_error(403, "E0000006"));
    let error = admin(&org)
        .build()
        .unwrap()
        .revoke_user_sessions(ADA)
        .await
        .unwrap_err();
    // The last response is a refusal, but the first attempt did revoke.
    assert!(was_cleared(&org));
    assert_eq!(
        (error.kind(), error.effect()),
        (ErrorKind::Forbidden, Effect::Unknown)
    );
    assert_eq!(error.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_default_policy_waits_out_an_exhausted_window() {
    let org = small_org(10).await;
    org.spend(10);
    let started = Instant::now();
    let receipt = admin(&org)
        .build()
        .unwrap()
        .revoke_user_sessions(ADA)
        .await
        .unwrap();
    assert_eq!(receipt.attempts(), 2);
    let took = started.elapsed();
    assert!((seconds(60)..seconds(64)).contains(&took), "{took:?}");
    assert!(receipt.waited() >= seconds(60), "{:?}", receipt.waited());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_hours_off_does_not_matter() {
    for skew in [-5 * 3600, 5 * 3600] {
        let org = small_org(10).await;
        org.set_clock_skew(skew);
        org.spend(10);
        let started = Instant::now();
        admin(&org)
            .build()
            .unwrap()
            .revoke_user_sessions(ADA)
            .await
            .unwrap();
        let took = started.elapsed();
        assert!((seconds(60)..seconds(64)).contains(&took), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    let org = small_org(10).await;
    org.spend(10);
    let policy = RetryPolicy::default().with_deadline(seconds(20));
    let okta = admin(&org).retry(policy).build().unwrap();
    let started = Instant::now();

    let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (ErrorKind::RateLimited, Effect::None)
    );
    assert!(error.wait().unwrap() >= seconds(60), "{:?}", error.wait());
    assert!(error.to_string().contains("deadline"), "{error}");

    // The next call knows it already, and sends no request.
    let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (ErrorKind::DeadlineExceeded, Effect::None)
    );
    assert!(error.wait().unwrap() >= seconds(59), "{:?}", error.wait());
    assert_eq!(error.attempts(), 0);
    assert_eq!(org.requests().len(), 1);
    assert!(started.elapsed() < seconds(1));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_the_response_and_every_wait() {
    for fault in [Fault::hang(), Fault::reset(), Fault::status(503)] {
        let org = org().await;
        org.fail_next(1000, fault);
        let policy = RetryPolicy::default()
            .with_max_retries(1000)
            .with_deadline(seconds(45));
        let okta = admin(&org).retry(policy).build().unwrap();
        let started = Instant::now();
        let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
        assert_eq!(error.effect(), Effect::Unknown);
        assert!(error.attempts() > 1);
        let took = started.elapsed();
        assert!(took <= seconds(45) + Duration::from_millis(2), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_costs_a_short_pause_not_a_whole_window() {
    let org = MockOrg::builder()
        .concurrency_limit(5)
        .latency(Duration::from_millis(200))
        .start()
        .await
        .unwrap();
    add_ada(&org);
    let okta = admin(&org).build().unwrap();
    let started = Instant::now();
    all(&okta, 100).await;
    let took = started.elapsed();
    assert!(took < seconds(30), "{took:?}");
    assert_eq!(org.log().len(), 100);
    // A refusal for concurrency does not displace the limit learned before.
    assert_eq!(okta.rate_limit().unwrap().limit(), 600);
}

/// A thousand calls at once, where a hundred a minute are allowed.
#[tokio::test(start_paused = true)]
async fn a_thousand_calls_take_the_fewest_windows_and_one_429_at_most() {
    let org = small_org(100).await;
    let policy = RetryPolicy::default().with_deadline(seconds(3600));
    let okta = admin(&org).retry(policy).build().unwrap();
    let started = Instant::now();
    all(&okta, 1000).await;
    let took = started.elapsed();
    assert_eq!(org.log().len(), 1000);
    assert!(count(&org, 429) <= 1, "{} 429s", count(&org, 429));
    // Ten windows, so nine waits of 60 s, each with its margin of 1 s and
    // rounding of 1 s at most.
    assert!(took <= seconds(9 * 62 + 1), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn calls_succeed_while_another_client_uses_the_same_limit() {
    let org = small_org(100).await;
    let policy = RetryPolicy::default()
        .with_deadline(seconds(3600))
        .with_max_retries(10);
    let okta = admin(&org).retry(policy).build().unwrap();
    okta.revoke_user_sessions(ADA).await.unwrap();
    org.spend(60);
    let started = Instant::now();
    all(&okta, 80).await;
    assert_eq!(org.log().len(), 81);
    assert!(count(&org, 429) <= 32, "{} 429s", count(&org, 429));
    assert!(started.elapsed() <= seconds(64), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn without_rate_limit_headers_the_rate_limiter_does_not_wait() {
    let org = org().await;
    org.hide_rate_limit_headers(true);
    let okta = admin(&org).build().unwrap();
    let started = Instant::now();
    all(&okta, 200).await;
    assert!(started.elapsed() < seconds(3), "{:?}", started.elapsed());
    assert_eq!(okta.rate_limit(), None);
}

/// A server that sends exactly these responses, without a `Date` unless they have one.
/// Also returns when each request arrived.
async fn server(
    respond: impl Fn() -> String + Send + 'static,
) -> (Client, Arc<Mutex<Vec<Instant>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = requests.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await.unwrap();
            seen.lock().unwrap().push(Instant::now());
            let response = respond();
            let head = format!("{response}X-Okta-Request-Id: req1\r\nConnection: close\r\n\r\n");
            socket.write_all(head.as_bytes()).await.unwrap();
        }
    });
    let okta = Client::builder(url)
        .allow_loopback_http(true)
        .credentials(Credentials::api_token("00token"))
        .build()
        .unwrap();
    (okta, requests)
}

fn refused(limits: &str) -> String {
    format!("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n{limits}")
}

/// The headers of an exhausted window that ends after that many seconds, which may
/// be in the past.
fn spent_window(ends_in: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let reset = now.as_secs().saturating_add_signed(ends_in);
    format!(
        "X-Rate-Limit-Limit: 100\r\nX-Rate-Limit-Remaining: 0\r\nX-Rate-Limit-Reset: {reset}\r\n"
    )
}

#[tokio::test(start_paused = true)]
async fn without_a_date_header_the_local_clock_times_the_window() {
    let (started, window) = (Instant::now(), spent_window(60));
    let (okta, requests) = server(move || match started.elapsed() < seconds(60) {
        true => refused(&window),
        false => "HTTP/1.1 204 No Content\r\n".to_owned(),
    })
    .await;
    let receipt = okta.revoke_user_sessions(ADA).await.unwrap();
    assert_eq!(receipt.attempts(), 2);
    assert_eq!(requests.lock().unwrap().len(), 2);
    assert!(started.elapsed() <= seconds(63), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_429_is_never_retried_within_a_second() {
    let date = "Date: Wed, 18 May 2033 03:33:20 GMT\r\n";
    for limits in [
        String::new(),
        "Retry-After: 0\r\n".to_owned(),
        spent_window(0),
        spent_window(-3),
        spent_window(-3600),
        format!(
            "{date}X-Rate-Limit-Limit: 9\r\nX-Rate-Limit-Remaining: 0\r\nX-Rate-Limit-Reset: 1999999000\r\n"
        ),
        format!("{date}Retry-After: Wed, 18 May 2033 03:33:20 GMT\r\n"),
    ] {
        let response = refused(&limits);
        let (okta, requests) = server(move || response.clone()).await;
        let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::RateLimited, 5)
        );
        let requests = requests.lock().unwrap();
        let gaps = requests.windows(2).map(|two| two[1] - two[0]);
        let shortest = gaps.min().unwrap();
        assert!(shortest >= seconds(1), "{shortest:?} with {limits:?}");
    }
}
