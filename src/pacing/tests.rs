use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::header::HeaderMap;
use tokio::task::{JoinHandle, yield_now};

use super::state::{PAUSE, WIDTH};
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

async fn pass(gate: &Gate) -> Pass {
    gate.pass(far(), None, |_| ()).await.unwrap()
}

/// A call that waits in its own task.
fn waiter(gate: &Gate) -> JoinHandle<Pass> {
    let gate = gate.clone();
    tokio::spawn(async move { pass(&gate).await })
}

/// Lets every task run until it waits, and no time pass.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

/// How many more calls pass at once; they stay in flight.
async fn free(gate: &Gate) -> (usize, Vec<JoinHandle<Pass>>) {
    let calls: Vec<_> = (0..200).map(|_| waiter(gate)).collect();
    settle().await;
    let (passed, waiting): (Vec<_>, Vec<_>) = calls.into_iter().partition(|c| c.is_finished());
    waiting.iter().for_each(JoinHandle::abort);
    settle().await;
    (passed.len(), passed)
}

/// A gate that has learned that `remaining` requests are left for 60 s.
async fn knowing(limit: u64, remaining: u64) -> Gate {
    let gate = Gate::default();
    let known = reading(limit, remaining, 60, 0);
    pass(&gate).await.answered(204, Some(&known));
    gate
}

#[tokio::test(start_paused = true)]
async fn one_goes_ahead_and_the_others_learn_from_it() {
    let gate = Gate::default();
    let pioneer = pass(&gate).await;
    let (others, _held) = free(&gate).await;
    assert_eq!(others, 0);
    pioneer.answered(204, Some(&reading(10, 9, 60, 0)));
    let (others, _held) = free(&gate).await;
    assert_eq!(others, 9);
}

#[tokio::test(start_paused = true)]
async fn the_others_wait_for_a_second_at_most() {
    let gate = Gate::default();
    let start = Instant::now();
    let _hangs = pass(&gate).await;
    let _other = pass(&gate).await;
    assert_eq!(start.elapsed(), PATIENCE);
    let (others, _held) = free(&gate).await;
    assert_eq!(others as u64, WIDTH - 2);
}

#[tokio::test(start_paused = true)]
async fn after_a_cancelled_first_call_the_next_goes_ahead() {
    let gate = Gate::default();
    let pioneer = pass(&gate).await;
    let (mut first, mut second) = (waiter(&gate), waiter(&gate));
    settle().await;
    drop(pioneer);
    let start = Instant::now();
    drop((&mut first).await.unwrap());
    drop((&mut second).await.unwrap());
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_spent_window_is_waited_out() {
    let gate = knowing(100, 1).await;
    let start = Instant::now();
    let last = pass(&gate).await;
    last.answered(204, Some(&reading(100, 0, 60, 7)));
    let waits = Mutex::new(Vec::new());
    let deadline = after(start, secs(62));
    let pass = gate
        .pass(deadline, None, |wait| waits.lock().unwrap().push(wait))
        .await;
    assert!(pass.is_ok());
    // The first answer of the window said how long it lasts.
    assert_eq!(start.elapsed(), secs(61));
    assert_eq!(*waits.lock().unwrap(), [secs(61)]);
}

#[tokio::test(start_paused = true)]
async fn clocks_may_differ_by_hours() {
    for date in [1, 7_200, 2_000_000_000] {
        let gate = Gate::default();
        let spent = reading(100, 0, date + 30, date);
        pass(&gate).await.answered(429, Some(&spent));
        let start = Instant::now();
        let _pass = pass(&gate).await;
        assert_eq!(start.elapsed(), secs(31));
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_deadline_fails_at_once() {
    let gate = knowing(100, 0).await;
    let start = Instant::now();
    for seconds in [1, 60, 61] {
        let refused = gate
            .pass(after(start, secs(seconds)), None, |_| unreachable!())
            .await;
        assert_eq!(
            refused.err(),
            Some(WouldWait {
                wait: Some(secs(61))
            })
        );
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(
        gate.pass(after(start, secs(62)), None, |_| ())
            .await
            .is_ok()
    );
}

#[tokio::test(start_paused = true)]
async fn those_in_line_fail_as_soon_as_it_is_certain() {
    let gate = Gate::default();
    let start = Instant::now();
    let pioneer = pass(&gate).await;
    let impatient = {
        let gate = gate.clone();
        tokio::spawn(async move { gate.pass(after(start, secs(30)), None, |_| ()).await.err() })
    };
    let ahead = waiter(&gate);
    let behind = gate.clone();
    let behind = tokio::spawn(async move {
        behind
            .pass(after(start, secs(40)), None, |_| ())
            .await
            .err()
    });
    settle().await;
    pioneer.answered(429, Some(&reading(100, 0, 50, 0)));
    settle().await;
    let refused = Some(WouldWait {
        wait: Some(secs(51)),
    });
    assert!(impatient.is_finished() && behind.is_finished());
    assert_eq!(
        (impatient.await.unwrap(), behind.await.unwrap()),
        (
            refused,
            Some(WouldWait {
                wait: Some(secs(51))
            })
        )
    );
    assert!(!ahead.is_finished());
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_every_other_wait() {
    let gate = Gate::default();
    let start = Instant::now();
    let _hangs = pass(&gate).await;
    let soon = Duration::from_millis(300);
    let refused = gate
        .pass(after(start, soon), None, |_| unreachable!())
        .await;
    assert_eq!(refused.err(), Some(WouldWait { wait: None }));
    assert_eq!(start.elapsed(), soon);
    assert!(gate.pass(start, None, |_| ()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn first_come_first_served() {
    let gate = knowing(100, 0).await;
    let next = Arc::new(AtomicU64::new(0));
    let calls: Vec<_> = (0..50)
        .map(|number| {
            let (gate, next) = (gate.clone(), next.clone());
            tokio::spawn(async move {
                let pass = pass(&gate).await;
                assert_eq!(next.fetch_add(1, Ordering::Relaxed), number);
                pass.answered(204, Some(&reading(100, 99 - number, 120, 62)));
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_does_not_overtake() {
    let bulk = Allowance {
        share: 1.0,
        reserve: None,
    };
    for allowance in [None, Some(bulk)] {
        let gate = Gate::default();
        let pioneer = pass(&gate).await;
        // Waits, and is not polled again: its turn is kept for it.
        let mut waiting = Box::pin(gate.pass(far(), allowance, |_| ()));
        assert!(poll_once(&mut waiting).is_none());
        pioneer.answered(204, Some(&reading(100, 2, 60, 0)));
        let _newcomer = gate.pass(far(), allowance, |_| ()).await.unwrap();
        let (free, _) = free(&gate).await;
        assert_eq!(free, 0);
        assert!(poll_once(&mut waiting).is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn nor_one_who_comes_when_the_window_ends() {
    let gate = knowing(100, 0).await;
    let mut waiting = Box::pin(gate.pass(far(), None, |_| ()));
    assert!(poll_once(&mut waiting).is_none());
    sleep_until(after(Instant::now(), secs(61))).await;
    // The first to look, but not the first in line.
    let mut newcomer = Box::pin(gate.pass(far(), None, |_| ()));
    assert!(poll_once(&mut newcomer).is_none());
    assert!(poll_once(&mut waiting).is_some());
}

#[tokio::test(start_paused = true)]
async fn an_old_question_does_not_open_the_gate() {
    let gate = Gate::default();
    drop(pass(&gate).await);
    sleep_until(after(Instant::now(), secs(100))).await;
    // One who goes ahead, and one more for the call that ended without answer.
    assert_eq!(free(&gate).await.0, 2);
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
    let gate = Gate::default();
    let pioneer = pass(&gate).await;
    let mut leaves = Box::pin(gate.pass(far(), None, |_| ()));
    assert!(poll_once(&mut leaves).is_none());
    let stays = waiter(&gate);
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
    let gate = knowing(100, 0).await;
    let mut asleep: Vec<_> = (0..3)
        .map(|_| Box::pin(gate.pass(far(), None, |_| ())))
        .collect();
    for call in &mut asleep {
        assert!(poll_once(call).is_none());
    }
    let start = Instant::now();
    let _pass = pass(&gate).await;
    // The sleepers' turns cost a second each at most, until someone answers.
    assert!(start.elapsed() <= secs(61 + 3), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn requests_in_flight_are_counted_against_what_remains() {
    let gate = knowing(100, 10).await;
    let held: Vec<_> = [pass(&gate).await, pass(&gate).await, pass(&gate).await].into();
    let (more, _more) = free(&gate).await;
    assert_eq!(more, 7);
    drop(held);
    let (more, _more) = free(&gate).await;
    assert_eq!(more, 3);
}

#[tokio::test(start_paused = true)]
async fn in_one_window_the_smallest_reading_counts() {
    let gate = knowing(100, 10).await;
    let (slow, fast) = (pass(&gate).await, pass(&gate).await);
    fast.answered(204, Some(&reading(100, 3, 60, 2)));
    slow.answered(204, Some(&reading(100, 9, 60, 1)));
    assert_eq!(gate.snapshot(), Some(reading(100, 3, 60, 2)));
    assert_eq!(free(&gate).await.0, 3);
}

#[tokio::test(start_paused = true)]
async fn a_later_reset_is_a_new_window_and_an_earlier_one_is_old() {
    let gate = knowing(100, 2).await;
    let (old, new) = (pass(&gate).await, pass(&gate).await);
    new.answered(204, Some(&reading(100, 20, 120, 60)));
    // Counted in the window before, though written down just after it.
    old.answered(204, Some(&reading(100, 0, 60, 61)));
    assert_eq!(gate.snapshot(), Some(reading(100, 20, 120, 60)));
    // Written in the same second, so perhaps before.
    let unclear = pass(&gate).await;
    unclear.answered(204, Some(&reading(100, 0, 90, 60)));
    assert_eq!(gate.snapshot(), Some(reading(100, 20, 120, 60)));
    assert_eq!(free(&gate).await.0, 20);
}

#[tokio::test(start_paused = true)]
async fn windows_may_become_shorter() {
    let gate = knowing(100, 5).await;
    pass(&gate)
        .await
        .answered(204, Some(&reading(8, 0, 20, 10)));
    let start = Instant::now();
    let _pass = pass(&gate).await;
    assert_eq!(start.elapsed(), secs(11));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_means_spent_whatever_it_says_remains() {
    let gate = knowing(100, 5).await;
    pass(&gate)
        .await
        .answered(429, Some(&reading(100, 4, 60, 0)));
    assert_eq!(free(&gate).await.0, 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_window_one_goes_ahead_again() {
    let gate = knowing(100, 0).await;
    let start = Instant::now();
    let calls: Vec<_> = (0..20).map(|_| waiter(&gate)).collect();
    sleep_until(after(start, secs(61))).await;
    settle().await;
    let passed = || calls.iter().filter(|call| call.is_finished()).count();
    assert_eq!(passed(), 1);
    // No answer for a second: no more than a window would hold.
    sleep_until(after(start, secs(62))).await;
    settle().await;
    assert_eq!(passed(), 20);

    let gate = knowing(5, 0).await;
    let start = Instant::now();
    let calls: Vec<_> = (0..20).map(|_| waiter(&gate)).collect();
    sleep_until(after(start, secs(62))).await;
    settle().await;
    assert_eq!(calls.iter().filter(|call| call.is_finished()).count(), 5);
}

#[tokio::test(start_paused = true)]
async fn without_headers_the_gate_stays_out_of_the_way() {
    let gate = Gate::default();
    let start = Instant::now();
    for _ in 0..WIDTH {
        pass(&gate).await.answered(204, None);
    }
    assert_eq!(free(&gate).await.0 as u64, WIDTH);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(gate.snapshot(), None);
    // A reset without a plausible distance is no reading.
    let gate = Gate::default();
    pass(&gate)
        .await
        .answered(429, Some(&reading(100, 0, 0, 1_000)));
    let _pass = pass(&gate).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn too_many_at_once_narrows_the_gate_for_a_while() {
    let gate = knowing(100_000, 99_999).await;
    let start = Instant::now();
    let (flight, calls) = free(&gate).await;
    assert_eq!(flight as u64, WIDTH);
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
    assert_eq!(free(&gate).await.0, 0);
    assert_eq!(gate.snapshot(), Some(reading(100_000, 90_000, 60, 0)));
    sleep_until(after(start, PAUSE)).await;
    let (flight, calls) = free(&gate).await;
    assert_eq!(flight as u64, WIDTH / 2);
    // One more for each full flight that went well.
    for call in calls {
        let pass = call.await.unwrap();
        pass.answered(204, Some(&reading(100_000, 90_000, 60, 0)));
    }
    drop(free(&gate).await);
    for _ in 0..WIDTH {
        let (_, calls) = free(&gate).await;
        for call in calls.into_iter().rev() {
            let more = waiter(&gate);
            settle().await;
            call.await
                .unwrap()
                .answered(204, Some(&reading(100_000, 90_000, 60, 0)));
            drop(more.await.unwrap());
        }
    }
    assert!(free(&gate).await.0 as u64 > WIDTH / 2);
}

#[tokio::test(start_paused = true)]
async fn requests_that_hang_do_not_close_the_gate() {
    let gate = knowing(1_000, 999).await;
    let (_, _hang) = free(&gate).await;
    let start = Instant::now();
    let _one = pass(&gate).await;
    let _two = pass(&gate).await;
    assert_eq!(start.elapsed(), 2 * PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn those_who_left_do_not_pile_up() {
    let gate = knowing(100, 0).await;
    for _ in 0..10_000 {
        let mut call = Box::pin(gate.pass(far(), None, |_| ()));
        assert!(poll_once(&mut call).is_none());
    }
    let line = gate.update(Instant::now(), |state| state.single.capacity());
    assert!(line < 10, "{line}");
}

#[test]
fn waiting_can_move_between_threads() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let gate = send(Gate::default());
    drop(send(gate.pass(Instant::now(), None, |_| ())));
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
        let gate = Gate::default();
        let allowance = Some(Allowance { share, reserve });
        let bulk = async |limit| {
            gate.pass(after(Instant::now(), limit), allowance, |_| ())
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
            Some(WouldWait {
                wait: Some(secs(61))
            }),
            "{share} {reserve:?}"
        );
        // A call of a bulk run that waits holds up no single call.
        let run = gate.clone();
        let next =
            tokio::spawn(async move { run.pass(after(start, far), allowance, |_| ()).await });
        settle().await;
        if rest < 10 {
            let _single = pass(&gate).await;
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
        let gate = Gate::default();
        let known = reading(10, 1, 60, 0);
        pass(&gate).await.answered(204, Some(&known));
        let allowance = Some(Allowance {
            share,
            reserve: None,
        });
        let soon = after(Instant::now(), secs(1));
        let turn = gate.pass(soon, allowance, |_| ()).await;
        assert_eq!(turn.is_ok(), passes, "{share}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bulk_run_learns_at_once_that_its_share_is_spent() {
    let gate = Gate::default();
    let allowance = Some(Allowance {
        share: 0.2,
        reserve: None,
    });
    let call = |seconds| {
        let gate = gate.clone();
        let deadline = after(Instant::now(), secs(seconds));
        tokio::spawn(async move { gate.pass(deadline, allowance, |_| ()).await })
    };
    let pioneer = gate.pass(far(), allowance, |_| ()).await.unwrap();
    let (last, late) = (call(3600), call(30));
    pioneer.answered(204, Some(&reading(10, 9, 60, 0)));
    settle().await;
    let _pass = last.await.unwrap().unwrap();
    let start = Instant::now();
    assert_eq!(
        late.await.unwrap().err(),
        Some(WouldWait {
            wait: Some(secs(61))
        })
    );
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// Whoever begins a short window knows to a moment when it ends, unless proved
/// wrong.
#[tokio::test(start_paused = true)]
async fn a_short_window_costs_no_second_more() {
    let gate = Gate::default();
    pass(&gate).await.answered(204, Some(&reading(1, 0, 10, 0)));
    let start = Instant::now();
    let early = pass(&gate).await;
    assert_eq!(start.elapsed(), Duration::from_millis(10_050));
    early.answered(429, Some(&reading(1, 0, 10, 10)));
    pass(&gate)
        .await
        .answered(204, Some(&reading(1, 0, 20, 10)));
    let start = Instant::now();
    let _pass = pass(&gate).await;
    assert_eq!(start.elapsed(), secs(11));
}

/// A window that others have spent was not begun too early.
#[tokio::test(start_paused = true)]
async fn a_refusal_in_the_next_window_costs_no_second_either() {
    let gate = Gate::default();
    pass(&gate).await.answered(204, Some(&reading(1, 0, 10, 0)));
    pass(&gate)
        .await
        .answered(429, Some(&reading(1, 0, 20, 10)));
    pass(&gate)
        .await
        .answered(204, Some(&reading(1, 0, 31, 21)));
    let start = Instant::now();
    let _pass = pass(&gate).await;
    assert_eq!(start.elapsed(), Duration::from_millis(10_050));
}
