use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::header::HeaderMap;
use tokio::task::{JoinHandle, yield_now};

use super::state::{CONCURRENCY_COOLDOWN, INITIAL_CONCURRENCY};
use super::*;

mod simulation;

/// The reading of an answer written at `date`, in a window that ends at `reset`.
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

async fn pass(limiter: &RateLimiter) -> Permit {
    limiter.acquire(far(), None, |_| ()).await.unwrap()
}

/// A call that waits in its own task.
fn waiter(limiter: &RateLimiter) -> JoinHandle<Permit> {
    let limiter = limiter.clone();
    tokio::spawn(async move { pass(&limiter).await })
}

/// Lets every task run until it waits, and no time permit.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

/// How many more calls pass at once; they stay in flight.
async fn free(limiter: &RateLimiter) -> (usize, Vec<JoinHandle<Permit>>) {
    let calls: Vec<_> = (0..200).map(|_| waiter(limiter)).collect();
    settle().await;
    let (passed, waiting): (Vec<_>, Vec<_>) = calls.into_iter().partition(|c| c.is_finished());
    waiting.iter().for_each(JoinHandle::abort);
    settle().await;
    (passed.len(), passed)
}

/// A gate that has learned that `remaining` requests are left for 60 s.
async fn knowing(limit: u64, remaining: u64) -> RateLimiter {
    let limiter = RateLimiter::default();
    let known = reading(limit, remaining, 60, 0);
    pass(&limiter).await.answered(204, Some(&known));
    limiter
}

#[tokio::test(start_paused = true)]
async fn one_goes_ahead_and_the_others_learn_from_it() {
    let limiter = RateLimiter::default();
    let pioneer = pass(&limiter).await;
    let (others, _held) = free(&limiter).await;
    assert_eq!(others, 0);
    pioneer.answered(204, Some(&reading(10, 9, 60, 0)));
    let (others, _held) = free(&limiter).await;
    assert_eq!(others, 9);
}

#[tokio::test(start_paused = true)]
async fn the_others_wait_for_a_second_at_most() {
    let limiter = RateLimiter::default();
    let start = Instant::now();
    let _hangs = pass(&limiter).await;
    let _other = pass(&limiter).await;
    assert_eq!(start.elapsed(), PROBE_TIMEOUT);
    let (others, _held) = free(&limiter).await;
    assert_eq!(others as u64, INITIAL_CONCURRENCY - 2);
}

#[tokio::test(start_paused = true)]
async fn after_a_cancelled_first_call_the_next_goes_ahead() {
    let limiter = RateLimiter::default();
    let pioneer = pass(&limiter).await;
    let (mut first, mut second) = (waiter(&limiter), waiter(&limiter));
    settle().await;
    drop(pioneer);
    let start = Instant::now();
    drop((&mut first).await.unwrap());
    drop((&mut second).await.unwrap());
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_spent_window_is_waited_out() {
    let limiter = knowing(100, 1).await;
    let start = Instant::now();
    let last = pass(&limiter).await;
    last.answered(204, Some(&reading(100, 0, 60, 7)));
    let waits = Mutex::new(Vec::new());
    let deadline = after(start, secs(62));
    let permit = limiter
        .acquire(deadline, None, |wait| waits.lock().unwrap().push(wait))
        .await;
    assert!(permit.is_ok());
    // The first answer of the window said how long it lasts.
    assert_eq!(start.elapsed(), secs(61));
    assert_eq!(*waits.lock().unwrap(), [secs(61)]);
}

#[tokio::test(start_paused = true)]
async fn clocks_may_differ_by_hours() {
    for date in [1, 7_200, 2_000_000_000] {
        let limiter = RateLimiter::default();
        let spent = reading(100, 0, date + 30, date);
        pass(&limiter).await.answered(429, Some(&spent));
        let start = Instant::now();
        let _pass = pass(&limiter).await;
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
async fn those_in_line_fail_as_soon_as_it_is_certain() {
    let limiter = RateLimiter::default();
    let start = Instant::now();
    let pioneer = pass(&limiter).await;
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
    pioneer.answered(429, Some(&reading(100, 0, 50, 0)));
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
    let _hangs = pass(&limiter).await;
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
                let permit = pass(&limiter).await;
                assert_eq!(next.fetch_add(1, Ordering::Relaxed), number);
                permit.answered(204, Some(&reading(100, 99 - number, 120, 62)));
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
    for allowance in [None, Some(bulk)] {
        let limiter = RateLimiter::default();
        let pioneer = pass(&limiter).await;
        // Waits, and is not polled again: its turn is kept for it.
        let mut waiting = Box::pin(limiter.acquire(far(), allowance, |_| ()));
        assert!(poll_once(&mut waiting).is_none());
        pioneer.answered(204, Some(&reading(100, 2, 60, 0)));
        let _newcomer = limiter.acquire(far(), allowance, |_| ()).await.unwrap();
        let (free, _) = free(&limiter).await;
        assert_eq!(free, 0);
        assert!(poll_once(&mut waiting).is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn nor_one_who_comes_when_the_window_ends() {
    let limiter = knowing(100, 0).await;
    let mut waiting = Box::pin(limiter.acquire(far(), None, |_| ()));
    assert!(poll_once(&mut waiting).is_none());
    sleep_until(after(Instant::now(), secs(61))).await;
    // The first to look, but not the first in line.
    let mut newcomer = Box::pin(limiter.acquire(far(), None, |_| ()));
    assert!(poll_once(&mut newcomer).is_none());
    assert!(poll_once(&mut waiting).is_some());
}

#[tokio::test(start_paused = true)]
async fn an_old_question_does_not_open_the_gate() {
    let limiter = RateLimiter::default();
    drop(pass(&limiter).await);
    sleep_until(after(Instant::now(), secs(100))).await;
    // One who goes ahead, and one more for the call that ended without answer.
    assert_eq!(free(&limiter).await.0, 2);
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
async fn a_turn_given_to_one_who_left_is_passed_on() {
    let limiter = RateLimiter::default();
    let pioneer = pass(&limiter).await;
    let mut leaves = Box::pin(limiter.acquire(far(), None, |_| ()));
    assert!(poll_once(&mut leaves).is_none());
    let stays = waiter(&limiter);
    settle().await;
    // One place, which goes to the one who leaves without having looked.
    pioneer.answered(204, Some(&reading(100, 1, 60, 0)));
    settle().await;
    assert!(!stays.is_finished());
    drop(leaves);
    settle().await;
    assert!(stays.is_finished());
}

#[tokio::test(start_paused = true)]
async fn one_who_does_not_look_holds_up_nobody() {
    let limiter = knowing(100, 0).await;
    let mut asleep: Vec<_> = (0..3)
        .map(|_| Box::pin(limiter.acquire(far(), None, |_| ())))
        .collect();
    for call in &mut asleep {
        assert!(poll_once(call).is_none());
    }
    let start = Instant::now();
    let _pass = pass(&limiter).await;
    // The sleepers' turns cost a second each at most, until someone answers.
    assert!(start.elapsed() <= secs(61 + 3), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn requests_in_flight_are_counted_against_what_remains() {
    let limiter = knowing(100, 10).await;
    let held: Vec<_> = [
        pass(&limiter).await,
        pass(&limiter).await,
        pass(&limiter).await,
    ]
    .into();
    let (more, _more) = free(&limiter).await;
    assert_eq!(more, 7);
    drop(held);
    let (more, _more) = free(&limiter).await;
    assert_eq!(more, 3);
}

#[tokio::test(start_paused = true)]
async fn in_one_window_the_smallest_reading_counts() {
    let limiter = knowing(100, 10).await;
    let (slow, fast) = (pass(&limiter).await, pass(&limiter).await);
    fast.answered(204, Some(&reading(100, 3, 60, 2)));
    slow.answered(204, Some(&reading(100, 9, 60, 1)));
    assert_eq!(limiter.snapshot(), Some(reading(100, 3, 60, 2)));
    assert_eq!(free(&limiter).await.0, 3);
}

#[tokio::test(start_paused = true)]
async fn a_later_reset_is_a_new_window_and_an_earlier_one_is_old() {
    let limiter = knowing(100, 2).await;
    let (old, new) = (pass(&limiter).await, pass(&limiter).await);
    new.answered(204, Some(&reading(100, 20, 120, 60)));
    // Counted in the window before, though written down just after it.
    old.answered(204, Some(&reading(100, 0, 60, 61)));
    assert_eq!(limiter.snapshot(), Some(reading(100, 20, 120, 60)));
    // Written in the same second, so perhaps before.
    let unclear = pass(&limiter).await;
    unclear.answered(204, Some(&reading(100, 0, 90, 60)));
    assert_eq!(limiter.snapshot(), Some(reading(100, 20, 120, 60)));
    assert_eq!(free(&limiter).await.0, 20);
}

#[tokio::test(start_paused = true)]
async fn windows_may_become_shorter() {
    let limiter = knowing(100, 5).await;
    pass(&limiter)
        .await
        .answered(204, Some(&reading(8, 0, 20, 10)));
    let start = Instant::now();
    let _pass = pass(&limiter).await;
    assert_eq!(start.elapsed(), secs(11));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_means_spent_whatever_it_says_remains() {
    let limiter = knowing(100, 5).await;
    pass(&limiter)
        .await
        .answered(429, Some(&reading(100, 4, 60, 0)));
    assert_eq!(free(&limiter).await.0, 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_window_one_goes_ahead_again() {
    let limiter = knowing(100, 0).await;
    let start = Instant::now();
    let calls: Vec<_> = (0..20).map(|_| waiter(&limiter)).collect();
    sleep_until(after(start, secs(61))).await;
    settle().await;
    let passed = || calls.iter().filter(|call| call.is_finished()).count();
    assert_eq!(passed(), 1);
    // No answer for a second: no more than a window would hold.
    sleep_until(after(start, secs(62))).await;
    settle().await;
    assert_eq!(passed(), 20);

    let limiter = knowing(5, 0).await;
    let start = Instant::now();
    let calls: Vec<_> = (0..20).map(|_| waiter(&limiter)).collect();
    sleep_until(after(start, secs(62))).await;
    settle().await;
    assert_eq!(calls.iter().filter(|call| call.is_finished()).count(), 5);
}

#[tokio::test(start_paused = true)]
async fn without_headers_the_gate_stays_out_of_the_way() {
    let limiter = RateLimiter::default();
    let start = Instant::now();
    for _ in 0..INITIAL_CONCURRENCY {
        pass(&limiter).await.answered(204, None);
    }
    assert_eq!(free(&limiter).await.0 as u64, INITIAL_CONCURRENCY);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(limiter.snapshot(), None);
    // A reset without a plausible distance is no reading.
    let limiter = RateLimiter::default();
    pass(&limiter)
        .await
        .answered(429, Some(&reading(100, 0, 0, 1_000)));
    let _pass = pass(&limiter).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn too_many_at_once_narrows_the_gate_for_a_while() {
    let limiter = knowing(100_000, 99_999).await;
    let start = Instant::now();
    let (flight, calls) = free(&limiter).await;
    assert_eq!(flight as u64, INITIAL_CONCURRENCY);
    for (number, call) in calls.into_iter().enumerate() {
        let answer = (204, reading(100_000, 90_000, 60, 0));
        let (status, reading) = if number % 2 == 0 {
            (429, concurrency())
        } else {
            answer
        };
        call.await.unwrap().answered(status, Some(&reading));
    }
    // Halved once for the whole flight, after a pause; what was learned stays.
    assert_eq!(free(&limiter).await.0, 0);
    assert_eq!(limiter.snapshot(), Some(reading(100_000, 90_000, 60, 0)));
    sleep_until(after(start, CONCURRENCY_COOLDOWN)).await;
    let (flight, calls) = free(&limiter).await;
    assert_eq!(flight as u64, INITIAL_CONCURRENCY / 2);
    // One more for each full flight that went well.
    for call in calls {
        let permit = call.await.unwrap();
        permit.answered(204, Some(&reading(100_000, 90_000, 60, 0)));
    }
    drop(free(&limiter).await);
    for _ in 0..INITIAL_CONCURRENCY {
        let (_, calls) = free(&limiter).await;
        for call in calls.into_iter().rev() {
            let more = waiter(&limiter);
            settle().await;
            call.await
                .unwrap()
                .answered(204, Some(&reading(100_000, 90_000, 60, 0)));
            drop(more.await.unwrap());
        }
    }
    assert!(free(&limiter).await.0 as u64 > INITIAL_CONCURRENCY / 2);
}

#[tokio::test(start_paused = true)]
async fn requests_that_hang_do_not_close_the_gate() {
    let limiter = knowing(1_000, 999).await;
    let (_, _hang) = free(&limiter).await;
    let start = Instant::now();
    let _one = pass(&limiter).await;
    let _two = pass(&limiter).await;
    assert_eq!(start.elapsed(), 2 * PROBE_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn those_who_left_do_not_pile_up() {
    let limiter = knowing(100, 0).await;
    for _ in 0..10_000 {
        let mut call = Box::pin(limiter.acquire(far(), None, |_| ()));
        assert!(poll_once(&mut call).is_none());
    }
    let line = limiter.update(Instant::now(), |state| state.single.capacity());
    assert!(line < 10, "{line}");
}

#[test]
fn waiting_can_move_between_threads() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let limiter = send(RateLimiter::default());
    drop(send(limiter.acquire(Instant::now(), None, |_| ())));
}

/// A gate whose bulk calls may spend half of a limit of 10, or all but 7.
#[tokio::test(start_paused = true)]
async fn a_bulk_run_spends_its_share_and_single_calls_go_on() {
    for (share, reserve, rest) in [
        (0.5, Some(0), 5),
        (0.5, None, 5),
        (1.0, Some(7), 3),
        (1.0, None, 10),
    ] {
        let limiter = RateLimiter::default();
        let allowance = Some(BulkQuota { share, reserve });
        let bulk = async |limit| {
            limiter
                .acquire(after(Instant::now(), limit), allowance, |_| ())
                .await
        };
        let far = secs(3600);
        bulk(far)
            .await
            .unwrap()
            .answered(204, Some(&reading(10, 9, 60, 0)));
        for spent in 1..rest {
            let known = reading(10, 9 - spent, 60, 0);
            bulk(secs(1)).await.unwrap().answered(204, Some(&known));
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
        // A call of a bulk run that waits holds up no single call.
        let run = limiter.clone();
        let next =
            tokio::spawn(async move { run.acquire(after(start, far), allowance, |_| ()).await });
        settle().await;
        if rest < 10 {
            let _single = pass(&limiter).await;
            assert_eq!(start.elapsed(), Duration::ZERO);
        }
        assert!(next.await.unwrap().is_ok());
        assert_eq!(start.elapsed(), secs(61));
    }
}

/// Others have spent all but one of ten.
#[tokio::test(start_paused = true)]
async fn a_bulk_run_leaves_a_tenth_unless_it_may_spend_all() {
    for (share, passes) in [(0.5, false), (1.0, true)] {
        let limiter = RateLimiter::default();
        let known = reading(10, 1, 60, 0);
        pass(&limiter).await.answered(204, Some(&known));
        let allowance = Some(BulkQuota {
            share,
            reserve: None,
        });
        let soon = after(Instant::now(), secs(1));
        let turn = limiter.acquire(soon, allowance, |_| ()).await;
        assert_eq!(turn.is_ok(), passes, "{share}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bulk_run_learns_at_once_that_its_share_is_spent() {
    let limiter = RateLimiter::default();
    let allowance = Some(BulkQuota {
        share: 0.2,
        reserve: None,
    });
    let call = |seconds| {
        let limiter = limiter.clone();
        let deadline = after(Instant::now(), secs(seconds));
        tokio::spawn(async move { limiter.acquire(deadline, allowance, |_| ()).await })
    };
    let pioneer = limiter.acquire(far(), allowance, |_| ()).await.unwrap();
    let (last, late) = (call(3600), call(30));
    pioneer.answered(204, Some(&reading(10, 9, 60, 0)));
    settle().await;
    let _pass = last.await.unwrap().unwrap();
    let start = Instant::now();
    assert_eq!(
        late.await.unwrap().err(),
        Some(DeadlineExceeded {
            wait: Some(secs(61))
        })
    );
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// Whoever begins a short window knows to a moment when it ends, unless proved
/// wrong.
#[tokio::test(start_paused = true)]
async fn a_short_window_costs_no_second_more() {
    let limiter = RateLimiter::default();
    pass(&limiter)
        .await
        .answered(204, Some(&reading(1, 0, 10, 0)));
    let start = Instant::now();
    let early = pass(&limiter).await;
    assert_eq!(start.elapsed(), Duration::from_millis(10_050));
    early.answered(429, Some(&reading(1, 0, 10, 10)));
    pass(&limiter)
        .await
        .answered(204, Some(&reading(1, 0, 20, 10)));
    let start = Instant::now();
    let _pass = pass(&limiter).await;
    assert_eq!(start.elapsed(), secs(11));
}

/// A window that others have spent was not begun too early.
#[tokio::test(start_paused = true)]
async fn a_refusal_in_the_next_window_costs_no_second_either() {
    let limiter = RateLimiter::default();
    pass(&limiter)
        .await
        .answered(204, Some(&reading(1, 0, 10, 0)));
    pass(&limiter)
        .await
        .answered(429, Some(&reading(1, 0, 20, 10)));
    pass(&limiter)
        .await
        .answered(204, Some(&reading(1, 0, 31, 21)));
    let start = Instant::now();
    let _pass = pass(&limiter).await;
    assert_eq!(start.elapsed(), Duration::from_millis(10_050));
}
