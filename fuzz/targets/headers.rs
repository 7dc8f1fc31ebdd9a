//! Whatever headers say, a call ends in time, after a bounded number of
//! requests, with a valid signature on each, and with the verdict of its
//! answers.

#![no_main]

use std::{cell::Cell, rc::Rc, sync::LazyLock, time::Duration};

use libfuzzer_sys::fuzz_target;
use okta_user_sessions::{Credentials, Effect, PrivateKey, fuzzing};
use okta_user_sessions_fuzz::{answers, builder, in_virtual_time};
use reqwest::StatusCode;
use tokio::time::Instant;

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| {
    PrivateKey::from_pem(include_str!("../../tests/keys/p256-pkcs8.pem")).unwrap()
});

/// By default: five attempts, 120 seconds. An attempt may follow three nonces
/// and one clock.
const ATTEMPTS: u32 = 5;
const LIMIT: Duration = Duration::from_secs(120);
const REPLAYS: u32 = 4;
const LONGEST_RESET: Duration = Duration::from_secs(6 * 60 * 60);

fuzz_target!(|bytes: &[u8]| {
    let answers = answers(bytes);
    let last = answers.last().unwrap().clone();
    let mut next = answers.into_iter();
    let requests = Rc::new(Cell::new(0));
    // Of the answers to this call: whether one may have been a revocation.
    let dubious = Rc::new(Cell::new(false));
    let (counted, doubted) = (requests.clone(), dubious.clone());
    fuzzing::serve(move |request| {
        counted.set(counted.get() + 1);
        assert!(request.headers()["authorization"].is_sensitive());
        assert!(request.headers()["dpop"].is_sensitive());
        let answer = next.next().unwrap_or_else(|| last.clone());
        let (status, headers, _) = &answer;
        // Only Okta's own refusal says that nothing was revoked.
        let refused = (400..500).contains(&status.as_u16());
        if !refused || !headers.contains_key("x-okta-request-id") {
            doubted.set(true);
        }
        answer
    });
    let okta = builder()
        .credentials(Credentials::dpop_access_token("00token", KEY.clone()))
        .build()
        .unwrap();
    in_virtual_time(async {
        // Two calls, as what the first learned counts for the second.
        for _ in 0..2 {
            requests.set(0);
            dubious.set(false);
            let start = Instant::now();
            let result = okta.revoke_user_sessions("00uAda").await;
            // Tokio's timer has a resolution of a millisecond.
            assert!(start.elapsed() <= LIMIT + Duration::from_millis(10));
            assert!(requests.get() <= ATTEMPTS * (1 + REPLAYS));
            match result {
                Ok(receipt) => {
                    assert_eq!(receipt.status(), StatusCode::NO_CONTENT.as_u16());
                    assert!(receipt.request_id().is_some());
                    assert!(receipt.attempts() <= ATTEMPTS);
                    assert!(receipt.waited() <= start.elapsed() + Duration::from_millis(10));
                }
                Err(error) => {
                    assert!(error.attempts() <= ATTEMPTS);
                    assert!(
                        dubious.get()
                            || error.status() == Some(408)
                            || error.effect() == Effect::None
                    );
                    if error.wait().is_none() {
                        assert!(requests.get() > 0);
                    }
                    assert!(!error.to_string().contains(char::is_control));
                }
            }
            if let Some(reading) = okta.rate_limit() {
                assert!(
                    reading
                        .until_reset()
                        .is_none_or(|left| left <= LONGEST_RESET)
                );
            }
        }
    });
});
