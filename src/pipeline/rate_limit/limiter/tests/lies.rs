//! Headers that no honest server sends.

use proptest::prelude::*;

use super::*;

/// A number that a header may have: small, ordinary, or beyond reason.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..3_u64,
        0..700_u64,
        Just(u64::MAX),
        Just(u64::MAX - 1),
        any::<u64>()
    ]
}

/// The reading of a response: limit, remaining, and the reset and the date in seconds from the
/// server's now, if it sends them.
fn readings() -> impl Strategy<Value = (u64, u64, Option<i64>, Option<i64>)> {
    let time = || prop::option::of(prop_oneof![-10..200_i64, -100_000..100_000_i64]);
    (number(), number(), time(), time())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Nothing panics, no call waits past its deadline, and no waiter spins: a few calls take
    /// a few turns, however much time they take.
    #[test]
    fn no_header_makes_a_call_wait_past_its_deadline_or_spin(
        responses in prop::collection::vec((readings(), any::<bool>(), 0..3_000_u64), 1..40),
        share in prop::option::of(0.01..1.0_f64),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        runtime.unwrap().block_on(async {
            let limiter = RateLimiter::default();
            let quota = share.map(|share| BulkQuota { share, reserve: None });
            let calls: Vec<_> = responses
                .into_iter()
                .map(|((limit, remaining, reset, date), refused, time)| {
                    let limiter = limiter.clone();
                    tokio::spawn(async move {
                        let deadline = after(Instant::now(), secs(90));
                        let waits = AtomicU64::new(0);
                        let count = |_| {
                            waits.fetch_add(1, Ordering::Relaxed);
                        };
                        let permit = limiter.acquire(deadline, quota, count).await;
                        let late = Instant::now().saturating_duration_since(deadline);
                        assert!(late <= Duration::from_millis(2), "{late:?} late");
                        assert!(waits.into_inner() < 200);
                        let Ok(permit) = permit else { return };
                        pause(time).await;
                        let now = 2_000_000_000 + Instant::now().elapsed().as_secs();
                        let at = |time: i64| now.saturating_add_signed(time);
                        let mut headers = headers(limit, remaining, reset.map_or(0, at), now);
                        if reset.is_none() {
                            headers.remove("x-rate-limit-reset");
                        }
                        match date {
                            Some(date) => {
                                let date = UNIX_EPOCH + secs(at(date));
                                let date = httpdate::fmt_http_date(date).parse().unwrap();
                                headers.insert("date", date);
                            }
                            None => drop(headers.remove("date")),
                        }
                        let reading = RateLimit::from_headers(&headers);
                        permit.complete(if refused { 429 } else { 204 }, reading.as_ref());
                    })
                })
                .collect();
            for call in calls {
                call.await.unwrap();
            }
            limiter.update(Instant::now(), |state| {
                assert_eq!(state.in_flight, 0);
                assert_eq!(state.queue.iter().count(), 0);
            });
        });
    }
}
