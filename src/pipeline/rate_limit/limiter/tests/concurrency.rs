//! Too many requests at once.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_concurrency_429_halves_the_concurrency_limit() {
    let limiter = knowing(100_000, 99_999).await;
    let start = Instant::now();
    let (flight, calls) = admitted(&limiter).await;
    assert_eq!(flight as u64, INITIAL_CONCURRENCY);
    for (number, call) in calls.into_iter().enumerate() {
        let success = (204, reading(100_000, 90_000, 60, 0));
        let (status, reading) = if number % 2 == 0 {
            (429, concurrency())
        } else {
            success
        };
        call.await.unwrap().complete(status, Some(&reading));
    }
    // Halved once for all requests in flight, after a cooldown; the window stays known.
    assert_eq!(admitted(&limiter).await.0, 0);
    assert_eq!(limiter.snapshot(), Some(reading(100_000, 90_000, 60, 0)));
    sleep_until(after(start, CONCURRENCY_COOLDOWN)).await;
    let (flight, calls) = admitted(&limiter).await;
    assert_eq!(flight as u64, INITIAL_CONCURRENCY / 2);
    // One more for each full round of successes.
    for call in calls {
        let permit = call.await.unwrap();
        permit.complete(204, Some(&reading(100_000, 90_000, 60, 0)));
    }
    drop(admitted(&limiter).await);
    for _ in 0..INITIAL_CONCURRENCY {
        let (_, calls) = admitted(&limiter).await;
        for call in calls.into_iter().rev() {
            let more = waiter(&limiter);
            settle().await;
            call.await
                .unwrap()
                .complete(204, Some(&reading(100_000, 90_000, 60, 0)));
            drop(more.await.unwrap());
        }
    }
    assert!(admitted(&limiter).await.0 as u64 > INITIAL_CONCURRENCY / 2);
}

#[tokio::test(start_paused = true)]
async fn requests_that_hang_delay_others_by_a_second_each() {
    let limiter = knowing(1_000, 999).await;
    let (_, _hang) = admitted(&limiter).await;
    let start = Instant::now();
    let _one = permit(&limiter).await;
    let _two = permit(&limiter).await;
    assert_eq!(start.elapsed(), 2 * PROBE_TIMEOUT);
}
