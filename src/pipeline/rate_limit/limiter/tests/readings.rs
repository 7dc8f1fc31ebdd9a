//! What is learned from the readings of a window.

use super::*;

#[tokio::test(start_paused = true)]
async fn requests_in_flight_are_counted_against_what_remains() {
    let limiter = knowing(100, 10).await;
    let held: Vec<_> = [
        permit(&limiter).await,
        permit(&limiter).await,
        permit(&limiter).await,
    ]
    .into();
    let (more, _more) = admitted(&limiter).await;
    assert_eq!(more, 7);
    drop(held);
    let (more, _more) = admitted(&limiter).await;
    assert_eq!(more, 3);
}

#[tokio::test(start_paused = true)]
async fn in_one_window_the_smallest_reading_counts() {
    let limiter = knowing(100, 10).await;
    let (slow, fast) = (permit(&limiter).await, permit(&limiter).await);
    fast.complete(204, Some(&reading(100, 3, 60, 2)));
    slow.complete(204, Some(&reading(100, 9, 60, 1)));
    assert_eq!(limiter.snapshot(), Some(reading(100, 3, 60, 2)));
    assert_eq!(admitted(&limiter).await.0, 3);
}

#[tokio::test(start_paused = true)]
async fn a_later_reset_is_a_new_window_and_an_earlier_one_is_old() {
    let limiter = knowing(100, 2).await;
    let (old, new) = (permit(&limiter).await, permit(&limiter).await);
    new.complete(204, Some(&reading(100, 20, 120, 60)));
    // Counted in the previous window, though written just after it.
    old.complete(204, Some(&reading(100, 0, 60, 61)));
    assert_eq!(limiter.snapshot(), Some(reading(100, 20, 120, 60)));
    // Written in the same second, so perhaps before.
    let unclear = permit(&limiter).await;
    unclear.complete(204, Some(&reading(100, 0, 90, 60)));
    assert_eq!(limiter.snapshot(), Some(reading(100, 20, 120, 60)));
    assert_eq!(admitted(&limiter).await.0, 20);
}

#[tokio::test(start_paused = true)]
async fn windows_may_become_shorter() {
    let limiter = knowing(100, 5).await;
    permit(&limiter)
        .await
        .complete(204, Some(&reading(8, 0, 20, 10)));
    let start = Instant::now();
    let _permit = permit(&limiter).await;
    assert_eq!(start.elapsed(), secs(11));
}

#[tokio::test(start_paused = true)]
async fn a_429_means_exhausted_whatever_remaining_says() {
    let limiter = knowing(100, 5).await;
    permit(&limiter)
        .await
        .complete(429, Some(&reading(100, 4, 60, 0)));
    assert_eq!(admitted(&limiter).await.0, 0);
}
