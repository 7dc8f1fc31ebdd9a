//! Windows, concurrency and the clock.

use std::time::{Duration, SystemTime};

use okta_mock_org::MockOrg;
use tokio::time::{Instant, advance, sleep, timeout};

use super::http::{Answer, Ask, outcome};

const MINUTE: Duration = Duration::from_secs(60);

async fn org(limit: u32) -> (MockOrg, Ask) {
    let builder = MockOrg::builder().rate_limit(limit, MINUTE);
    let org = builder.start().await.unwrap();
    org.sign_in("00uAda");
    let ask = Ask::revoke_ada(&org.issue_api_token());
    (org, ask)
}

/// Limit and remaining.
fn quota(answer: &Answer) -> (u64, u64) {
    (
        answer.number("x-rate-limit-limit"),
        answer.number("x-rate-limit-remaining"),
    )
}

fn date(answer: &Answer) -> u64 {
    let date = httpdate::parse_http_date(answer.header("date").unwrap()).unwrap();
    let since = date.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// What `X-Rate-Limit-Reset` lies ahead of `Date`, in seconds.
fn ahead(answer: &Answer) -> u64 {
    answer.number("x-rate-limit-reset") - date(answer)
}

#[tokio::test(start_paused = true)]
async fn a_window_starts_with_a_request_and_refuses_when_spent() {
    let (org, ask) = org(2).await;
    advance(Duration::from_secs(30)).await;
    let first = ask.send(&org).await;
    assert_eq!((first.status, quota(&first)), (204, (2, 1)));
    assert_eq!(ahead(&first), 60);

    advance(Duration::from_secs(45)).await;
    let second = ask.send(&org).await;
    assert_eq!((second.status, quota(&second)), (204, (2, 0)));
    assert_eq!(ahead(&second), 15);

    let third = ask.send(&org).await;
    assert_eq!(third.outcome(), outcome(429, "E0000047"));
    assert_eq!((quota(&third), ahead(&third)), ((2, 0), 15));
    assert_eq!(org.user("00uAda").unwrap().revocations, 2);

    advance(Duration::from_millis(14_999)).await;
    assert_eq!(ask.send(&org).await.status, 429);
    advance(Duration::from_millis(1)).await;
    let fresh = ask.send(&org).await;
    assert_eq!((fresh.status, quota(&fresh)), (204, (2, 1)));
    assert_eq!(ahead(&fresh), 60);
}

#[tokio::test(start_paused = true)]
async fn the_reset_and_a_second_later_is_late_enough() {
    let (org, ask) = org(1).await;
    ask.send(&org).await;
    advance(Duration::from_millis(700)).await;
    let refused = ask.send(&org).await;
    let wait = Duration::from_secs(ahead(&refused) + 1);
    sleep(wait).await;
    assert_eq!(ask.send(&org).await.status, 204);
}

#[tokio::test(start_paused = true)]
async fn others_spend_of_the_same_window() {
    let (org, ask) = org(10).await;
    org.spend(8);
    assert_eq!(quota(&ask.send(&org).await), (10, 1));
    org.spend(50);
    assert_eq!(ask.send(&org).await.status, 429);
    advance(MINUTE).await;
    assert_eq!(quota(&ask.send(&org).await), (10, 9));
}

#[tokio::test]
async fn refused_requests_count_whatever_they_are_refused_for() {
    let (org, ask) = org(3).await;
    assert_eq!(quota(&Ask::new("GET", "/").send(&org).await), (3, 2));
    let unauthenticated = Ask::revoke_ada("wrong").send(&org).await;
    assert_eq!(quota(&unauthenticated), (3, 1));
    assert_eq!(quota(&ask.send(&org).await), (3, 0));
}

#[tokio::test]
async fn a_new_limit_starts_a_new_window() {
    let (org, ask) = org(1).await;
    ask.send(&org).await;
    assert_eq!(ask.send(&org).await.status, 429);
    org.set_rate_limit(5, Duration::from_secs(10));
    let answer = ask.send(&org).await;
    assert_eq!((answer.status, quota(&answer)), (204, (5, 4)));
    assert!((9..=10).contains(&ahead(&answer)));
}

#[tokio::test]
async fn headers_can_be_hidden() {
    let (org, ask) = org(1).await;
    org.hide_rate_limit_headers(true);
    for status in [204, 429] {
        let answer = ask.send(&org).await;
        assert_eq!(answer.status, status);
        for name in ["limit", "remaining", "reset"] {
            assert_eq!(answer.header(&format!("x-rate-limit-{name}")), None);
        }
    }
    org.hide_rate_limit_headers(false);
    assert_eq!(quota(&ask.send(&org).await), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_wrong_in_date_and_reset_alike() {
    let (org, ask) = org(10).await;
    let right = ask.send(&org).await;
    org.set_clock_skew(-3600);
    let behind = ask.send(&org).await;
    assert_eq!(date(&right) - date(&behind), 3600);
    assert_eq!(ahead(&behind), 60);
    org.set_clock_skew(7200);
    let before = ask.send(&org).await;
    assert_eq!(date(&before) - date(&right), 7200);
    assert_eq!(quota(&before), (10, 7));
}

#[tokio::test]
async fn the_clock_is_right_at_first() {
    let (org, ask) = org(10).await;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap().as_secs();
    assert!((now..now + 5).contains(&date(&ask.send(&org).await)));
}

#[tokio::test(start_paused = true)]
async fn too_many_at_once_are_refused_with_both_at_zero() {
    let (org, ask) = org(100).await;
    org.set_concurrency_limit(2);
    org.set_latency(Duration::from_secs(5));
    let (one, two, three) = tokio::join!(ask.send(&org), ask.send(&org), ask.send(&org));
    let mut answers = [one, two, three];
    answers.sort_by_key(|answer| answer.status);
    let [one, two, refused] = &answers;
    assert_eq!((one.status, two.status), (204, 204));
    assert_eq!(refused.outcome(), outcome(429, "E0000047"));
    assert_eq!(quota(refused), (0, 0));
    assert!(refused.header("x-rate-limit-reset").is_some());
    assert_eq!(org.peak_in_flight(), 3);

    // The refused one spent nothing, and nothing is under way any more.
    let next = ask.send(&org).await;
    assert_eq!((next.status, quota(&next)), (204, (100, 97)));
    assert_eq!(org.peak_in_flight(), 3);
}

#[tokio::test]
async fn the_builder_sets_concurrency_and_latency() {
    let builder = MockOrg::builder()
        .concurrency_limit(1)
        .latency(Duration::from_millis(50));
    let org = builder.start().await.unwrap();
    org.sign_in("00uAda");
    let ask = Ask::revoke_ada(&org.issue_api_token());
    let (one, two) = tokio::join!(ask.send(&org), ask.send(&org));
    assert_eq!(one.status.max(two.status), 429);
    assert_eq!(one.status.min(two.status), 204);
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_stands_still_during_an_exchange() {
    let (org, ask) = org(1_000).await;
    let begun = Instant::now();
    for _ in 0..200 {
        let answer = timeout(Duration::from_secs(1), ask.send(&org)).await;
        assert_eq!(answer.unwrap().status, 204);
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
}
