use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::header::HeaderMap;
use tokio::task::{JoinHandle, yield_now};

use super::state::{CONCURRENCY_COOLDOWN, INITIAL_CONCURRENCY};
use super::*;

mod simulation;

/// The reading of a response written at `date`, in a window that ends at `reset`.
fn reading(limit: u64, remaining: u64, reset: u64, date: u64) -> RateLimit {
    RateLimit::from_headers(&headers(limit, remaining, reset, date)).unwrap()
}

fn headers(limit: u64, remaining: u64, reset: u64, date: u64) -> HeaderMap {
    let date: SystemTime = UNIX_EPOCH + secs(date);
    let lines = [
        ("x-rate-limit-limit", limit.to_string()),
        ("x-rate-limit-remaining", remaining.to_string()),
        ("x-rate-limit-reset", reset.to_string()),
        ("date", httpdate::fmt_http_date(date)),
    ];
    let parse =
        |(name, value): (&'static str, String)| (name.try_into().unwrap(), value.parse().unwrap());
    lines.into_iter().map(parse).collect()
}

fn concurrency() -> RateLimit {
    reading(0, 0, 60, 0)
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn far() -> Instant {
    after(Instant::now(), secs(3600))
}

async fn permit(limiter: &RateLimiter) -> Permit {
    limiter.acquire(far(), None, |_| ()).await.unwrap()
}

/// A call that waits in its own task.
fn waiter(limiter: &RateLimiter) -> JoinHandle<Permit> {
    let limiter = limiter.clone();
    tokio::spawn(async move { permit(&limiter).await })
}

/// Lets every task run until it waits, without advancing the time.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

/// How many more calls are admitted at once; they stay in flight.
async fn admitted(limiter: &RateLimiter) -> (usize, Vec<JoinHandle<Permit>>) {
    let calls: Vec<_> = (0..200).map(|_| waiter(limiter)).collect();
    settle().await;
    let (admitted, waiting): (Vec<_>, Vec<_>) = calls.into_iter().partition(|c| c.is_finished());
    waiting.iter().for_each(JoinHandle::abort);
    settle().await;
    (admitted.len(), admitted)
}

/// A rate limiter that has learned that `remaining` requests are left for 60 s.
async fn knowing(limit: u64, remaining: u64) -> RateLimiter {
    let limiter = RateLimiter::default();
    let known = reading(limit, remaining, 60, 0);
    permit(&limiter).await.complete(204, Some(&known));
    limiter
}

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
async fn a_call_waits_for_the_end_of_an_exhausted_window() {
    let limiter = knowing(100, 1).await;
    let start = Instant::now();
    let last = permit(&limiter).await;
    last.complete(204, Some(&reading(100, 0, 60, 7)));
    let waits = Mutex::new(Vec::new());
    let deadline = after(start, secs(62));
    let permit = limiter
        .acquire(deadline, None, |wait| waits.lock().unwrap().push(wait))
        .await;
    assert!(permit.is_ok());
    // The first response of the window said how long it lasts.
    assert_eq!(start.elapsed(), secs(61));
    assert_eq!(*waits.lock().unwrap(), [secs(61)]);
}

#[tokio::test(start_paused = true)]
async fn clocks_may_differ_by_hours() {
    for date in [1, 7_200, 2_000_000_000] {
        let limiter = RateLimiter::default();
        let exhausted = reading(100, 0, date + 30, date);
        permit(&limiter).await.complete(429, Some(&exhausted));
        let start = Instant::now();
        let _permit = permit(&limiter).await;
        assert_eq!(start.elapsed(), secs(31));
    }
}

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
async fn a_response_that_never_came_allows_one_more_probe() {
    let limiter = RateLimiter::default();
    drop(permit(&limiter).await);
    sleep_until(after(Instant::now(), secs(100))).await;
    // One probe, and one more for the call that ended without a response.
    assert_eq!(admitted(&limiter).await.0, 2);
}

/// Polls once.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
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

#[tokio::test(start_paused = true)]
async fn cancelled_waiters_do_not_pile_up() {
    let limiter = knowing(100, 0).await;
    for _ in 0..10_000 {
        let mut call = Box::pin(limiter.acquire(far(), None, |_| ()));
        assert!(poll_once(&mut call).is_none());
    }
    let capacity = limiter.update(Instant::now(), |state| state.single.capacity());
    assert!(capacity < 10, "{capacity}");
}

#[test]
fn acquire_is_send() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let limiter = send(RateLimiter::default());
    drop(send(limiter.acquire(Instant::now(), None, |_| ())));
}

/// Bulk calls may use half of a limit of 10, or all but 7.
#[tokio::test(start_paused = true)]
async fn a_bulk_run_uses_its_quota_and_single_calls_continue() {
    for (share, reserve, rest) in [
        (0.5, Some(0), 5),
        (0.5, None, 5),
        (1.0, Some(7), 3),
        (1.0, None, 10),
    ] {
        let limiter = RateLimiter::default();
        let quota = Some(BulkQuota { share, reserve });
        let bulk = async |limit| {
            limiter
                .acquire(after(Instant::now(), limit), quota, |_| ())
                .await
        };
        let far = secs(3600);
        bulk(far)
            .await
            .unwrap()
            .complete(204, Some(&reading(10, 9, 60, 0)));
        for used in 1..rest {
            let known = reading(10, 9 - used, 60, 0);
            bulk(secs(1)).await.unwrap().complete(204, Some(&known));
        }
        let start = Instant::now();
        let refused = bulk(secs(1)).await.err();
        assert_eq!(
            refused,
            Some(DeadlineExceeded {
                wait: Some(secs(61))
            }),
            "{share} {reserve:?}"
        );
        // A waiting call of a bulk run does not block single calls.
        let run = limiter.clone();
        let next = tokio::spawn(async move { run.acquire(after(start, far), quota, |_| ()).await });
        settle().await;
        if rest < 10 {
            let _single = permit(&limiter).await;
            assert_eq!(start.elapsed(), Duration::ZERO);
        }
        assert!(next.await.unwrap().is_ok());
        assert_eq!(start.elapsed(), secs(61));
    }
}

/// Others have used all but one of ten.
#[tokio::test(start_paused = true)]
async fn a_bulk_run_leaves_a_tenth_unless_its_share_is_1() {
    for (share, is_admitted) in [(0.5, false), (1.0, true)] {
        let limiter = RateLimiter::default();
        let known = reading(10, 1, 60, 0);
        permit(&limiter).await.complete(204, Some(&known));
        let quota = Some(BulkQuota {
            share,
            reserve: None,
        });
        let soon = after(Instant::now(), secs(1));
        let turn = limiter.acquire(soon, quota, |_| ()).await;
        assert_eq!(turn.is_ok(), is_admitted, "{share}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bulk_run_learns_at_once_that_its_quota_is_used() {
    let limiter = RateLimiter::default();
    let quota = Some(BulkQuota {
        share: 0.2,
        reserve: None,
    });
    let call = |seconds| {
        let limiter = limiter.clone();
        let deadline = after(Instant::now(), secs(seconds));
        tokio::spawn(async move { limiter.acquire(deadline, quota, |_| ()).await })
    };
    let probe = limiter.acquire(far(), quota, |_| ()).await.unwrap();
    let (last, late) = (call(3600), call(30));
    probe.complete(204, Some(&reading(10, 9, 60, 0)));
    settle().await;
    let _permit = last.await.unwrap().unwrap();
    let start = Instant::now();
    assert_eq!(
        late.await.unwrap().err(),
        Some(DeadlineExceeded {
            wait: Some(secs(61))
        })
    );
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// The client that begins a short window knows precisely when it ends, unless a 429
/// proves it wrong.
#[tokio::test(start_paused = true)]
async fn a_short_window_has_a_short_margin() {
    let limiter = RateLimiter::default();
    permit(&limiter)
        .await
        .complete(204, Some(&reading(1, 0, 10, 0)));
    let start = Instant::now();
    let early = permit(&limiter).await;
    assert_eq!(start.elapsed(), Duration::from_millis(10_050));
    early.complete(429, Some(&reading(1, 0, 10, 10)));
    permit(&limiter)
        .await
        .complete(204, Some(&reading(1, 0, 20, 10)));
    let start = Instant::now();
    let _permit = permit(&limiter).await;
    assert_eq!(start.elapsed(), secs(11));
}

/// A 429 in a window that others exhausted does not prove the short margin wrong.
#[tokio::test(start_paused = true)]
async fn a_429_in_the_next_window_keeps_the_short_margin() {
    let limiter = RateLimiter::default();
    permit(&limiter)
        .await
        .complete(204, Some(&reading(1, 0, 10, 0)));
    permit(&limiter)
        .await
        .complete(429, Some(&reading(1, 0, 20, 10)));
    permit(&limiter)
        .await
        .complete(204, Some(&reading(1, 0, 31, 21)));
    let start = Instant::now();
    let _permit = permit(&limiter).await;
    assert_eq!(start.elapsed(), Duration::from_millis(10_050));
}
