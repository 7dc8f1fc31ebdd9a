//! How an unknown window is found out.

use super::*;

#[tokio::test(start_paused = true)]
async fn one_call_probes_and_the_others_wait_for_its_response() {
    let limiter = RateLimiter::default();
    let probe = permit(&limiter).await;
    let (others, _held) = admitted(&limiter).await;
    assert_eq!(others, 0);
    probe.complete(204, Some(&reading(10, 9, 60, 0)));
    let (others, _held) = admitted(&limiter).await;
    assert_eq!(others, 9);
}

#[tokio::test(start_paused = true)]
async fn the_others_wait_for_the_probe_for_a_second_at_most() {
    let limiter = RateLimiter::default();
    let start = Instant::now();
    let _hangs = permit(&limiter).await;
    let _other = permit(&limiter).await;
    assert_eq!(start.elapsed(), PROBE_TIMEOUT);
    let (others, _held) = admitted(&limiter).await;
    assert_eq!(others as u64, INITIAL_CONCURRENCY - 2);
}

#[tokio::test(start_paused = true)]
async fn after_a_cancelled_probe_the_next_call_probes() {
    let limiter = RateLimiter::default();
    let probe = permit(&limiter).await;
    let (mut first, mut second) = (waiter(&limiter), waiter(&limiter));
    settle().await;
    drop(probe);
    let start = Instant::now();
    drop((&mut first).await.unwrap());
    drop((&mut second).await.unwrap());
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_never_came_allows_one_more_probe() {
    let limiter = RateLimiter::default();
    drop(permit(&limiter).await);
    sleep_until(after(Instant::now(), secs(100))).await;
    // One probe, and one more for the call that ended without a response.
    assert_eq!(admitted(&limiter).await.0, 2);
}

#[tokio::test(start_paused = true)]
async fn after_a_window_one_call_probes_again() {
    let limiter = knowing(100, 0).await;
    let start = Instant::now();
    let calls: Vec<_> = (0..20).map(|_| waiter(&limiter)).collect();
    sleep_until(after(start, secs(61))).await;
    settle().await;
    let admitted = || calls.iter().filter(|call| call.is_finished()).count();
    assert_eq!(admitted(), 1);
    // No response for a second: no more than a window would allow.
    sleep_until(after(start, secs(62))).await;
    settle().await;
    assert_eq!(admitted(), 20);

    let limiter = knowing(5, 0).await;
    let start = Instant::now();
    let calls: Vec<_> = (0..20).map(|_| waiter(&limiter)).collect();
    sleep_until(after(start, secs(62))).await;
    settle().await;
    assert_eq!(calls.iter().filter(|call| call.is_finished()).count(), 5);
}

#[tokio::test(start_paused = true)]
async fn without_headers_the_limiter_does_not_delay_calls() {
    let limiter = RateLimiter::default();
    let start = Instant::now();
    for _ in 0..INITIAL_CONCURRENCY {
        permit(&limiter).await.complete(204, None);
    }
    assert_eq!(admitted(&limiter).await.0 as u64, INITIAL_CONCURRENCY);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(limiter.snapshot(), None);
    // An implausible reset does not count as a reading.
    let limiter = RateLimiter::default();
    permit(&limiter)
        .await
        .complete(429, Some(&reading(100, 0, 0, 1_000)));
    let _permit = permit(&limiter).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}
