//! How a window is shared with others who use it.

use super::super::usage::Usage;
use super::*;

const ALL: BulkQuota = BulkQuota {
    share: 1.0,
    reserve: None,
};

/// Others use up 498 requests within two round trips.
#[tokio::test(start_paused = true)]
async fn what_is_left_is_shared_in_proportion() {
    for (left, expected) in [(998, INITIAL_CONCURRENCY as usize), (500, 15), (1, 1)] {
        let limiter = RateLimiter::default();
        for remaining in [999, left] {
            let permit = permit(&limiter).await;
            pause(20).await;
            permit.complete(204, Some(&reading(1_000, remaining, 60, 0)));
        }
        // 500 · 32 / (32 + 2 · 498)
        assert_eq!(admitted(&limiter).await.0, expected, "{left}");
    }
}

/// Though it is left to others, a second later it is used.
#[tokio::test(start_paused = true)]
async fn a_request_that_hangs_keeps_nothing_for_others() {
    let limiter = RateLimiter::default();
    for remaining in [999, 10] {
        let permit = permit(&limiter).await;
        pause(20).await;
        permit.complete(204, Some(&reading(1_000, remaining, 60, 0)));
    }
    let start = Instant::now();
    let _hangs = permit(&limiter).await;
    let _other = permit(&limiter).await;
    assert_eq!(start.elapsed(), PROBE_TIMEOUT);
}

/// The window before showed how fast others are.
#[tokio::test(start_paused = true)]
async fn a_new_window_is_shared_from_its_beginning() {
    let limiter = RateLimiter::default();
    for remaining in [999, 100, 0] {
        let permit = permit(&limiter).await;
        pause(20).await;
        permit.complete(204, Some(&reading(1_000, remaining, 60, 0)));
    }
    let probe = permit(&limiter).await;
    probe.complete(204, Some(&reading(1_000, 999, 120, 60)));
    let (first_flight, _held) = admitted(&limiter).await;
    assert!(
        first_flight < INITIAL_CONCURRENCY as usize,
        "{first_flight}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_forecast_counts_what_others_use() {
    let limiter = RateLimiter::default();
    assert_eq!(limiter.forecast(1_000, ALL), None);
    permit(&limiter)
        .await
        .complete(204, Some(&reading(600, 599, 60, 0)));
    assert_eq!(limiter.forecast(599, ALL), Some(Duration::ZERO));
    assert_eq!(limiter.forecast(600 + 599, ALL), Some(secs(60)));
    // Others use all but two requests.
    permit(&limiter)
        .await
        .complete(204, Some(&reading(600, 0, 60, 0)));
    assert_eq!(limiter.forecast(4, ALL), Some(secs(120)));
    permit(&limiter)
        .await
        .complete(204, Some(&reading(600, 599, 120, 60)));
    assert_eq!(limiter.forecast(1, ALL), Some(Duration::ZERO));
    assert_eq!(limiter.forecast(1 + 2 + 2, ALL), Some(secs(120)));
}

/// What others used before does not show what they will use.
#[tokio::test(start_paused = true)]
async fn the_forecast_is_not_spoiled_by_a_window_that_was_used_up_before() {
    let limiter = RateLimiter::default();
    permit(&limiter)
        .await
        .complete(429, Some(&reading(600, 0, 60, 0)));
    assert_eq!(limiter.forecast(1_200, ALL), Some(secs(61 + 60)));
    let probe = permit(&limiter).await;
    probe.complete(204, Some(&reading(600, 599, 121, 61)));
    assert_eq!(limiter.forecast(599, ALL), Some(Duration::ZERO));
    assert_eq!(limiter.forecast(599 + 600, ALL), Some(secs(60)));
}

/// 300 requests a second, evenly, since 0.8 seconds before the first reading.
#[tokio::test(start_paused = true)]
async fn an_even_pace_of_others_shows_when_the_window_began() {
    let first = Instant::now();
    let mut usage = Usage::new(241, false, false, 1, 0, first, None);
    usage.observe(241, false, false, first, Duration::ZERO);
    assert_eq!(usage.likely_beginning(241), None);
    pause(200).await;
    for number in 1..300 {
        usage.admit(0);
        usage.observe(600, number == 299, false, Instant::now(), Duration::ZERO);
    }
    let since = first - usage.likely_beginning(600).unwrap();
    // A tenth less than 0.8 seconds, out of caution.
    assert!(
        since.abs_diff(Duration::from_millis(720)) <= Duration::from_millis(5),
        "{since:?}"
    );
}
