use std::cell::RefCell;
use std::sync::Mutex;

use super::wait::before_retry;
use super::*;
use crate::time::sleep_until;

#[derive(Clone, Debug, Default, PartialEq)]
struct Fault {
    retry: Option<WaitReason>,
    requested: Option<Duration>,
    id: Option<&'static str>,
    effect_unknown: bool,
    limiter_waits: bool,
}

impl Failure for Fault {
    fn retry(&self) -> Option<WaitReason> {
        self.retry
    }
    fn requested_wait(&self) -> Option<Duration> {
        self.requested
    }
    fn limiter_waits(&self) -> bool {
        self.limiter_waits
    }
    fn request_id(&self) -> Option<&str> {
        self.id
    }
    fn effect_unknown(&self) -> bool {
        self.effect_unknown
    }
}

fn fault(reason: WaitReason) -> Fault {
    Fault {
        retry: Some(reason),
        ..Fault::default()
    }
}

fn limited(seconds: u64) -> Fault {
    Fault {
        requested: Some(secs(seconds)),
        ..fault(WaitReason::RateLimited)
    }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The number and `retry_for` of each attempt made.
type Sent = Vec<(u32, Option<String>)>;

/// Runs a call whose attempts end as scripted, then succeed.
async fn call(policy: &RetryPolicy, script: &[Fault]) -> (Outcome<(), Fault>, Sent) {
    let sent = RefCell::new(Vec::new());
    let outcome = run(
        policy,
        policy.deadline_from_now(),
        || 0.5,
        None,
        |attempt| {
            let index = sent.borrow().len();
            let retry_for = attempt.retry_for.as_deref().map(str::to_owned);
            sent.borrow_mut().push((attempt.number, retry_for));
            let result = script.get(index).cloned().map_or(Ok(()), Err);
            async { result }
        },
    )
    .await;
    (outcome, sent.into_inner())
}

#[tokio::test(start_paused = true)]
async fn a_success_is_sent_once() {
    let start = Instant::now();
    let (outcome, sent) = call(&RetryPolicy::default(), &[]).await;
    assert_eq!(outcome.result, Ok(()));
    assert_eq!((outcome.attempts, outcome.waited), (1, Duration::ZERO));
    assert_eq!(sent, [(1, None)]);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_final_error_is_not_retried() {
    let (outcome, sent) = call(&RetryPolicy::default(), &[Fault::default()]).await;
    assert_eq!(outcome.result, Err((Fault::default(), Ended::Final)));
    assert_eq!(sent.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn never_sends_once() {
    let (outcome, sent) = call(&RetryPolicy::never(), &[limited(1)]).await;
    assert_eq!(outcome.result, Err((limited(1), Ended::RetriesExhausted)));
    assert_eq!((outcome.attempts, sent.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn retries_are_counted() {
    let lost = fault(WaitReason::ConnectionLost);
    for retries in 1..5 {
        let policy = RetryPolicy::default().with_max_retries(retries);
        let script = vec![lost.clone(); retries as usize];
        let (outcome, sent) = call(&policy, &script).await;
        assert_eq!(outcome.result, Ok(()), "{retries}");
        assert_eq!(outcome.attempts, retries + 1);
        let numbers: Vec<u32> = sent.iter().map(|sent| sent.0).collect();
        assert_eq!(numbers, (1..=retries + 1).collect::<Vec<_>>());

        let script = vec![lost.clone(); retries as usize + 1];
        let (outcome, sent) = call(&policy, &script).await;
        assert_eq!(outcome.result, Err((lost.clone(), Ended::RetriesExhausted)));
        assert_eq!(sent.len(), script.len());
    }
}

#[tokio::test(start_paused = true)]
async fn the_default_policy_outlasts_an_exhausted_window() {
    let start = Instant::now();
    let (outcome, _) = call(&RetryPolicy::default(), &[limited(61)]).await;
    assert_eq!(outcome.result, Ok(()));
    // 61 s as requested, and half of the jitter of one second.
    assert_eq!(outcome.waited, Duration::from_millis(61_500));
    assert_eq!(start.elapsed(), outcome.waited);
}

#[tokio::test(start_paused = true)]
async fn retries_name_the_first_failed_response() {
    let named = |id| Fault {
        id,
        ..fault(WaitReason::Unavailable(503))
    };
    let script = [
        named(None),
        named(Some("first")),
        named(Some("second")),
        named(None),
    ];
    let (_, sent) = call(&RetryPolicy::default(), &script).await;
    let names: Vec<_> = sent.iter().map(|sent| sent.1.as_deref()).collect();
    assert_eq!(
        names,
        [None, None, Some("first"), Some("first"), Some("first")]
    );
}

#[tokio::test(start_paused = true)]
async fn a_wait_past_the_deadline_is_not_begun() {
    let start = Instant::now();
    let policy = RetryPolicy::default().with_deadline(secs(30));
    let (outcome, sent) = call(&policy, &[limited(61)]).await;
    let wait = Duration::from_millis(61_500);
    let ended = Ended::DeadlineExceeded { wait };
    assert_eq!(outcome.result, Err((limited(61), ended)));
    assert_eq!((sent.len(), start.elapsed()), (1, Duration::ZERO));
    assert_eq!(outcome.waited, Duration::ZERO);

    // A wait that ends exactly at the deadline is useless too.
    let policy = policy.with_deadline(wait);
    assert!(call(&policy, &[limited(61)]).await.0.result.is_err());
    let policy = policy.with_deadline(wait + Duration::from_millis(1));
    assert!(call(&policy, &[limited(61)]).await.0.result.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_deadline_counts_all_attempts_and_waits() {
    let policy = RetryPolicy::default().with_deadline(secs(25));
    let start = Instant::now();
    let outcome: Outcome<(), _> = run(
        &policy,
        policy.deadline_from_now(),
        || 0.0,
        None,
        |_| async {
            sleep_until(time::after(Instant::now(), secs(5))).await;
            Err(limited(10))
        },
    )
    .await;
    // 5 s, 10 s waiting, 5 s; the next wait of 10 s would end at 30 s.
    let ended = outcome.result.unwrap_err().1;
    assert_eq!(ended, Ended::DeadlineExceeded { wait: secs(10) });
    assert_eq!((outcome.attempts, start.elapsed()), (2, secs(20)));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_at_its_own_limit_or_the_calls() {
    let policy = RetryPolicy::default()
        .with_attempt_timeout(secs(30))
        .with_deadline(secs(50));
    let start = Instant::now();
    let outcome: Outcome<(), Fault> = run(
        &policy,
        policy.deadline_from_now(),
        || 0.5,
        None,
        async |attempt: Attempt| {
            assert_eq!(attempt.deadline, start + secs(50));
            assert_eq!(attempt.ends(), start + secs(30));
            // As after a wait for the rate limiter.
            sleep_until(start + secs(10)).await;
            assert_eq!(attempt.ends(), start + secs(40));
            sleep_until(start + secs(45)).await;
            assert_eq!(attempt.ends(), start + secs(50));
            Ok(())
        },
    )
    .await;
    assert_eq!(outcome.result, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn unknown_effects_of_earlier_attempts_are_counted() {
    let lost = Fault {
        effect_unknown: true,
        ..fault(WaitReason::ConnectionLost)
    };
    let script = [
        lost.clone(),
        fault(WaitReason::NotConnected),
        Fault::default(),
    ];
    let (outcome, _) = call(&RetryPolicy::default(), &script).await;
    assert!(outcome.result.is_err());
    assert_eq!((outcome.attempts, outcome.effects_unknown), (3, 1));
    let (outcome, _) = call(&RetryPolicy::default(), &[lost.clone(), lost]).await;
    assert_eq!(outcome.effects_unknown, 2);
}

#[tokio::test(start_paused = true)]
async fn each_wait_is_announced_before_it_begins() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let start = Instant::now();
    let observer: WaitObserver = Arc::new(move |event: &WaitEvent| {
        log.lock().unwrap().push((event.clone(), start.elapsed()));
    });
    let script = Mutex::new(vec![fault(WaitReason::TimedOut), limited(20)]);
    let policy = RetryPolicy::default();
    let outcome = run(
        &policy,
        policy.deadline_from_now(),
        || 0.5,
        Some(&observer),
        |_| async { script.lock().unwrap().pop().map_or(Ok(()), Err) },
    )
    .await;
    assert_eq!(outcome.result, Ok(()));
    let first = WaitEvent::new(1, WaitReason::RateLimited, Duration::from_millis(20_500));
    let second = WaitEvent::new(2, WaitReason::TimedOut, Duration::from_millis(500));
    let expected = [(first.clone(), Duration::ZERO), (second, first.wait)];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_call_cancels_it() {
    let sends = RefCell::new(0);
    let policy = RetryPolicy::default();
    let call = run::<(), _, _, _>(
        &policy,
        policy.deadline_from_now(),
        || 0.5,
        None,
        |_| {
            *sends.borrow_mut() += 1;
            async { Err(limited(20)) }
        },
    );
    let cancelled = tokio::time::timeout(secs(10), call).await;
    assert!(cancelled.is_err());
    tokio::time::advance(secs(100)).await;
    assert_eq!(*sends.borrow(), 1);
}

#[test]
fn the_loop_can_move_between_threads() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let policy = RetryPolicy::default();
    let observer: WaitObserver = Arc::new(|_| ());
    let deadline = Instant::now();
    drop(send(run(
        &policy,
        deadline,
        fastrand::f64,
        Some(&observer),
        |_| async { Err::<(), _>(Fault::default()) },
    )));
}

#[test]
fn waits_follow_the_server_or_back_off_with_jitter() {
    use WaitReason::*;
    let policy = RetryPolicy::default();
    let ms = Duration::from_millis;
    let hour = secs(3600);
    // reason, requested, retry, shortest, longest
    let table = [
        // As requested, plus a jitter of at most a tenth or a second.
        (RateLimited, Some(secs(61)), 1, secs(61), secs(62)),
        (RateLimited, Some(secs(61)), 9, secs(61), secs(62)),
        (RateLimited, Some(secs(1)), 1, secs(1), ms(1100)),
        (Unavailable(503), Some(secs(5)), 1, secs(5), ms(5500)),
        // Long but plausible, so the deadline check reports it.
        (RateLimited, Some(6 * hour), 1, 6 * hour, 6 * hour + secs(1)),
        // After a 429 for an exhausted window there is a minimum wait.
        (RateLimited, Some(ms(1)), 1, secs(1), ms(1100)),
        (RateLimited, Some(secs(0)), 1, secs(1), ms(1500)),
        (RateLimited, None, 1, secs(1), ms(1500)),
        (RateLimited, None, 9, secs(1), secs(11)),
        // Implausible waits are ignored.
        (RateLimited, Some(7 * hour), 1, secs(1), ms(1500)),
        (RateLimited, Some(Duration::MAX), 1, secs(1), ms(1500)),
        (Unavailable(503), Some(Duration::MAX), 1, secs(0), ms(500)),
        (Unavailable(503), Some(secs(0)), 1, secs(0), ms(500)),
        // No wait requested: exponential backoff, capped, with full jitter.
        (NotConnected, None, 2, secs(0), secs(1)),
        (ConnectionLost, None, 3, secs(0), secs(2)),
        (TimedOut, None, 5, secs(0), secs(8)),
        (Unavailable(502), None, 6, secs(0), secs(10)),
        (Unavailable(504), None, u32::MAX, secs(0), secs(10)),
        // Too many concurrent requests: brief, at least half the backoff, and not until a reset.
        (ConcurrencyLimited, Some(secs(61)), 1, ms(250), ms(500)),
        (ConcurrencyLimited, None, 2, ms(500), secs(1)),
        (ConcurrencyLimited, None, 9, secs(1), secs(2)),
    ];
    for (reason, requested, retry, shortest, longest) in table {
        let wait = |random| before_retry(&policy, reason, requested, retry, random);
        let row = (reason, requested, retry);
        assert_eq!(wait(0.0), shortest, "{row:?}");
        assert_eq!(wait(1.0), longest, "{row:?}");
        assert_eq!(wait(0.5), shortest + (longest - shortest) / 2, "{row:?}");
        for strange in [-1.0, 7.0, f64::NAN, f64::INFINITY] {
            assert_eq!(wait(strange), longest, "{row:?}");
        }
    }
}

#[test]
fn extreme_policies_do_not_overflow() {
    let policy = RetryPolicy::default()
        .with_deadline(Duration::MAX)
        .with_backoff_base(Duration::MAX)
        .with_backoff_cap(Duration::MAX);
    assert!(policy.deadline_from_now() > Instant::now());
    let wait = before_retry(&policy, WaitReason::TimedOut, None, u32::MAX, 1.0);
    assert_eq!(wait, Duration::MAX);
}

#[test]
fn getters_of_a_policy_return_what_was_set() {
    let policy = RetryPolicy::default()
        .with_max_retries(2)
        .with_deadline(secs(7))
        .with_attempt_timeout(secs(3))
        .with_backoff_base(secs(1))
        .with_backoff_cap(secs(5));
    assert_eq!(policy.max_retries(), 2);
    let limits = (policy.deadline(), policy.attempt_timeout());
    assert_eq!(limits, (secs(7), secs(3)));
    let backoff = (policy.backoff_base(), policy.backoff_cap());
    assert_eq!(backoff, (secs(1), secs(5)));
}
