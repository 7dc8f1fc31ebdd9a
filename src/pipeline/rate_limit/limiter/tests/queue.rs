//! Who goes next, and who gives up.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_deadline_fails_at_once() {
    let limiter = knowing(100, 0).await;
    let start = Instant::now();
    for seconds in [1, 60, 61] {
        let refused = limiter
            .acquire(after(start, secs(seconds)), None, |_| unreachable!())
            .await;
        assert_eq!(
            refused.err(),
            Some(DeadlineExceeded {
                wait: Some(secs(61))
            })
        );
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(
        limiter
            .acquire(after(start, secs(62)), None, |_| ())
            .await
            .is_ok()
    );
}

#[tokio::test(start_paused = true)]
async fn queued_calls_fail_as_soon_as_their_deadline_cannot_be_met() {
    let limiter = RateLimiter::default();
    let start = Instant::now();
    let probe = permit(&limiter).await;
    let impatient = {
        let limiter = limiter.clone();
        tokio::spawn(async move {
            limiter
                .acquire(after(start, secs(30)), None, |_| ())
                .await
                .err()
        })
    };
    let ahead = waiter(&limiter);
    let behind = limiter.clone();
    let behind = tokio::spawn(async move {
        behind
            .acquire(after(start, secs(40)), None, |_| ())
            .await
            .err()
    });
    settle().await;
    probe.complete(429, Some(&reading(100, 0, 50, 0)));
    settle().await;
    let refused = Some(DeadlineExceeded {
        wait: Some(secs(51)),
    });
    assert!(impatient.is_finished() && behind.is_finished());
    assert_eq!(
        (impatient.await.unwrap(), behind.await.unwrap()),
        (
            refused,
            Some(DeadlineExceeded {
                wait: Some(secs(51))
            })
        )
    );
    assert!(!ahead.is_finished());
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_every_other_wait() {
    let limiter = RateLimiter::default();
    let start = Instant::now();
    let _hangs = permit(&limiter).await;
    let soon = Duration::from_millis(300);
    let refused = limiter
        .acquire(after(start, soon), None, |_| unreachable!())
        .await;
    assert_eq!(refused.err(), Some(DeadlineExceeded { wait: None }));
    assert_eq!(start.elapsed(), soon);
    assert!(limiter.acquire(start, None, |_| ()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn first_come_first_served() {
    let limiter = knowing(100, 0).await;
    let next = Arc::new(AtomicU64::new(0));
    let calls: Vec<_> = (0..50)
        .map(|number| {
            let (limiter, next) = (limiter.clone(), next.clone());
            tokio::spawn(async move {
                let permit = permit(&limiter).await;
                assert_eq!(next.fetch_add(1, Ordering::Relaxed), number);
                permit.complete(204, Some(&reading(100, 99 - number, 120, 62)));
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_does_not_overtake() {
    let bulk = BulkQuota {
        share: 1.0,
        reserve: None,
    };
    for quota in [None, Some(bulk)] {
        let limiter = RateLimiter::default();
        let probe = permit(&limiter).await;
        // It waits and is not polled again; its permit is kept for it.
        let mut waiting = Box::pin(limiter.acquire(far(), quota, |_| ()));
        assert!(poll_once(&mut waiting).is_none());
        probe.complete(204, Some(&reading(100, 2, 60, 0)));
        let _newcomer = limiter.acquire(far(), quota, |_| ()).await.unwrap();
        let (admitted, _) = admitted(&limiter).await;
        assert_eq!(admitted, 0);
        assert!(poll_once(&mut waiting).is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_does_not_overtake_when_the_window_ends() {
    let limiter = knowing(100, 0).await;
    let mut waiting = Box::pin(limiter.acquire(far(), None, |_| ()));
    assert!(poll_once(&mut waiting).is_none());
    sleep_until(after(Instant::now(), secs(61))).await;
    // The first to be polled, but not the first in the queue.
    let mut newcomer = Box::pin(limiter.acquire(far(), None, |_| ()));
    assert!(poll_once(&mut newcomer).is_none());
    assert!(poll_once(&mut waiting).is_some());
}

#[tokio::test(start_paused = true)]
async fn the_permit_of_a_cancelled_waiter_goes_to_the_next() {
    let limiter = RateLimiter::default();
    let probe = permit(&limiter).await;
    let mut leaves = Box::pin(limiter.acquire(far(), None, |_| ()));
    assert!(poll_once(&mut leaves).is_none());
    let stays = waiter(&limiter);
    settle().await;
    // One permit, which goes to the waiter that is dropped without being polled.
    probe.complete(204, Some(&reading(100, 1, 60, 0)));
    settle().await;
    assert!(!stays.is_finished());
    drop(leaves);
    settle().await;
    assert!(stays.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_is_not_polled_blocks_nobody() {
    let limiter = knowing(100, 0).await;
    let mut asleep: Vec<_> = (0..3)
        .map(|_| Box::pin(limiter.acquire(far(), None, |_| ())))
        .collect();
    for call in &mut asleep {
        assert!(poll_once(call).is_none());
    }
    let start = Instant::now();
    let _permit = permit(&limiter).await;
    // Each unpolled waiter costs a second at most, until a response arrives.
    assert!(start.elapsed() <= secs(61 + 3), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn cancelled_waiters_do_not_pile_up() {
    let limiter = knowing(100, 0).await;
    for _ in 0..10_000 {
        let mut call = Box::pin(limiter.acquire(far(), None, |_| ()));
        assert!(poll_once(&mut call).is_none());
    }
    let waiting = limiter.update(Instant::now(), |state| state.queue.iter().count());
    assert_eq!(waiting, 0);
}

#[test]
fn acquire_is_send() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let limiter = send(RateLimiter::default());
    drop(send(limiter.acquire(Instant::now(), None, |_| ())));
}
