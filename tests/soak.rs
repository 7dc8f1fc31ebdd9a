//! Thousands of calls with random faults. Each result is compared with the org's record:
//! every `Ok` is a revocation that happened, and every error with the effect `None` is one
//! that did not.
//!
//! A hundred thousand calls, with an API token, as a service app and in bulk runs:
//!
//! ```sh
//! cargo test --release --test main soak -- --ignored --nocapture
//! ```
//!
//! `SOAK_CALLS` sets the number of calls, and `SOAK_SEED` the random seed.

use std::{collections::BTreeMap, env, time::Duration};

use fastrand::Rng;
use okta_mock_org::{Fault, LogEvent, MockOrg, MockUser, ServiceApp};
use okta_user_sessions::{
    Client, Credentials, Effect, Error, Outcome, PrivateKey, Receipt, RetryPolicy, SessionClient,
    SessionCredentials, UserOutcome,
};
use tokio::time::{sleep, timeout};

const P256: &str = include_str!("keys/p256.jwk");
const APP: &str = "0oaApp";

/// Calls to one org; each round has another org with other faults.
const ROUND: u64 = 100;
const CONCURRENT_CALLS: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    ApiToken,
    ServiceApp,
    Cookie,
    /// A bulk run, with an API token.
    Bulk,
}

/// What a call reported, to be compared with what the org did.
#[derive(Debug)]
struct Verdict {
    user: String,
    said: Said,
}

#[derive(Debug)]
enum Said {
    /// The call was dropped before the response came.
    Nothing,
    Call(Result<Receipt, Error>),
    Bulk(UserOutcome),
}

/// How often each result was reported, and how often the org had acted.
type Totals = BTreeMap<String, (usize, usize)>;

#[test]
fn results_agree_with_the_orgs_record() {
    let mut totals = Totals::new();
    for (caller, calls) in [
        (Caller::ApiToken, 1000),
        (Caller::ServiceApp, 200),
        (Caller::Cookie, 100),
        (Caller::Bulk, 1000),
    ] {
        soak(caller, calls, fastrand::u64(..), &mut totals);
    }
    was_tried(&totals);
}

#[test]
#[ignore = "takes minutes"]
fn results_of_a_hundred_thousand_calls_agree_with_the_orgs_record() {
    let number = |name| env::var(name).ok().map(|text| text.parse().unwrap());
    let calls = number("SOAK_CALLS").unwrap_or(100_000);
    let mut totals = Totals::new();
    for (caller, calls) in [
        (Caller::ApiToken, calls),
        (Caller::ServiceApp, calls),
        // A client for each user: making them takes longer than the calls.
        (Caller::Cookie, calls / 10),
        (Caller::Bulk, calls),
    ] {
        let seed = number("SOAK_SEED").unwrap_or_else(|| fastrand::u64(..));
        soak(caller, calls, seed, &mut totals);
    }
    for (verdict, (times, done)) in &totals {
        println!("{times:>8} {verdict}, done in {done}");
    }
    was_tried(&totals);
    // Too rare for the test above.
    assert!(totals.contains_key("bulk: rejected"));
}

fn soak(caller: Caller, calls: u64, seed: u64, totals: &mut Totals) {
    println!("SOAK_SEED={seed} {caller:?}");
    let mut rng = Rng::with_seed(seed);
    for round in 0..calls.div_ceil(ROUND) {
        let rng = rng.fork();
        // The client's backoff and jitter.
        fastrand::seed(seed.wrapping_add(round));
        // In virtual time, so that timeouts and windows cost nothing.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(round_of(caller, rng, totals));
    }
}

/// Asserts that every kind of fault occurred; otherwise the comparison proves nothing.
fn was_tried(totals: &Totals) {
    let sum = |verdict: &str| {
        let entries = totals.iter().filter(|(name, _)| name.starts_with(verdict));
        entries.fold((0, 0), |sum, (_, entry)| (sum.0 + entry.0, sum.1 + entry.1))
    };
    assert!(sum("Ok").0 > sum("Ok, perhaps").0 && sum("Ok, perhaps").0 > 0);
    for unknown in ["Unknown", "bulk: unknown"] {
        let (times, done) = sum(unknown);
        assert!(times > done && done > 0);
    }
    for verdict in ["None", "bulk: revoked"] {
        assert!(sum(verdict).0 > 0);
    }
}

async fn round_of(caller: Caller, mut rng: Rng, totals: &mut Totals) {
    let org = MockOrg::builder()
        .rate_limit(rng.u32(20..400), Duration::from_secs(60))
        .concurrency_limit(rng.usize(4..40))
        .latency(Duration::from_millis(rng.u64(0..50)))
        .start()
        .await
        .unwrap();
    if rng.u8(..4) == 0 {
        org.set_clock_skew(rng.i32(-10_000..10_000));
    }
    // Several faults for each call, because calls are retried.
    for _ in 0..ROUND * 2 {
        org.fail_next(1, trouble(&mut rng));
    }
    let client = client(caller, &org, &mut rng);
    let users: Vec<_> = (0..ROUND).map(|number| format!("00u{number}")).collect();
    for user in &users {
        // The org does not have some of the users.
        if rng.u8(..40) > 0 || caller == Caller::Cookie {
            org.add_user(MockUser::new(user).sessions(2));
        }
        if rng.u8(..40) == 0 {
            org.deactivate_user(user);
        }
    }
    let verdicts = match &client {
        Some(okta) if caller == Caller::Bulk => in_bulk(okta, users, &org, rng).await,
        _ => one_by_one(client, users, &org, rng).await,
    };

    let mut done: BTreeMap<String, Vec<LogEvent>> = BTreeMap::new();
    for event in org.log() {
        done.entry(event.user_id.clone()).or_default().push(event);
    }
    assert_eq!(verdicts.len() as u64, ROUND);
    for verdict in verdicts {
        let done = done.remove(&verdict.user).unwrap_or_default();
        compare(&verdict, &done);
        let (times, happened) = totals.entry(name(&verdict)).or_default();
        *times += 1;
        *happened += usize::from(!done.is_empty());
    }
    assert!(done.is_empty(), "done for users that nobody named");
}

/// Some runs are cancelled.
async fn in_bulk(okta: &Client, users: Vec<String>, org: &MockOrg, mut rng: Rng) -> Vec<Verdict> {
    let mut run = okta
        .revoke_many(users)
        .share(0.5 + rng.f64() / 2.0)
        .concurrency(rng.usize(1..=CONCURRENT_CALLS))
        .start()
        .unwrap();
    let cancelled = rng.u64(..ROUND * 3);
    let mut verdicts = Vec::new();
    while let Some(outcome) = run.next().await {
        verdicts.push(Verdict {
            user: outcome.user.clone(),
            said: Said::Bulk(outcome),
        });
        stir(org, &mut rng);
        if verdicts.len() as u64 == cancelled {
            run.handle().cancel();
        }
    }
    verdicts
}

async fn one_by_one(
    client: Option<Client>,
    users: Vec<String>,
    org: &MockOrg,
    mut rng: Rng,
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let mut calls = tokio::task::JoinSet::new();
    for user in users {
        stir(org, &mut rng);
        let call = match &client {
            Some(okta) => okta.revoke_user_sessions(&user).into_future(),
            None => {
                let me = session_client(org, &user, &mut rng);
                me.end_user_sessions().keep_current(false).into_future()
            }
        };
        let leaves = (rng.u8(..50) == 0).then(|| Duration::from_millis(rng.u64(..3000)));
        let begins = Duration::from_millis(rng.u64(..200));
        calls.spawn(async move {
            sleep(begins).await;
            let result = match leaves {
                Some(patience) => timeout(patience, call).await.ok(),
                None => Some(call.await),
            };
            let said = result.map_or(Said::Nothing, Said::Call);
            Verdict { user, said }
        });
        while calls.len() >= CONCURRENT_CALLS {
            verdicts.push(calls.join_next().await.unwrap().unwrap());
        }
    }
    while let Some(verdict) = calls.join_next().await {
        verdicts.push(verdict.unwrap());
    }
    verdicts
}

/// Compares what was reported with what the org did.
fn compare(verdict: &Verdict, done: &[LogEvent]) {
    let by_request = |id: Option<&str>| done.iter().any(|event| Some(&*event.request_id) == id);
    let is_true = match &verdict.said {
        Said::Nothing => true,
        Said::Call(Ok(receipt)) => {
            by_request(receipt.request_id())
                && (done.len() == 1 || receipt.earlier_effect_unknown())
        }
        Said::Call(Err(error)) => error.effect() == Effect::Unknown || done.is_empty(),
        Said::Bulk(user) => match user.outcome {
            Outcome::Revoked => by_request(user.request_id.as_deref()),
            Outcome::Unknown => true,
            _ => done.is_empty(),
        },
    };
    assert!(is_true, "a lie: {verdict:?}, {done:?}");
}

fn name(verdict: &Verdict) -> String {
    match &verdict.said {
        Said::Nothing => "(the caller left)".to_owned(),
        Said::Call(Ok(receipt)) if receipt.earlier_effect_unknown() => {
            "Ok, perhaps not for the first time".to_owned()
        }
        Said::Call(Ok(_)) => "Ok".to_owned(),
        Said::Call(Err(error)) => format!("{:?}: {:?}", error.effect(), error.kind()),
        Said::Bulk(user) => format!("bulk: {}", user.outcome),
    }
}

fn client(caller: Caller, org: &MockOrg, rng: &mut Rng) -> Option<Client> {
    let credentials = match caller {
        Caller::ApiToken | Caller::Bulk => Credentials::api_token(org.issue_api_token()),
        Caller::ServiceApp => {
            org.add_service_app(
                ServiceApp::new(APP)
                    .public_key(P256)
                    .token_lifetime(Duration::from_secs(rng.u64(5..600))),
            );
            org.demand_resource_nonce(rng.bool());
            let key = PrivateKey::from_jwk(P256).unwrap();
            Credentials::service_app(APP, key, ["okta.users.manage"])
        }
        Caller::Cookie => return None,
    };
    let client = Client::builder(org.url())
        .allow_loopback_http(true)
        .retry(policy(rng))
        .credentials(credentials)
        .build();
    Some(client.unwrap())
}

fn session_client(org: &MockOrg, user: &str, rng: &mut Rng) -> SessionClient {
    SessionClient::builder(org.url())
        .allow_loopback_http(true)
        .retry(policy(rng))
        .credentials(SessionCredentials::idx(org.sign_in(user)))
        .build()
        .unwrap()
}

fn policy(rng: &mut Rng) -> RetryPolicy {
    RetryPolicy::default()
        .with_max_retries(rng.u32(0..6))
        .with_deadline(Duration::from_secs(rng.u64(5..300)))
        .with_attempt_timeout(Duration::from_millis(rng.u64(200..30_000)))
}

/// A random fault for one request. It never makes the org lie: a refusal never follows an
/// effect, and a success response is complete only if the effect came first.
fn trouble(rng: &mut Rng) -> Fault {
    let after_effect = rng.bool();
    match rng.u8(..36) {
        0 => Fault::reset().after_effect(after_effect),
        1 => Fault::hang().after_effect(after_effect),
        // Shorter than the head of any response of the org.
        2 => Fault::cut_after(rng.usize(..100)).after_effect(after_effect),
        3 => Fault::cut_after(rng.usize(..600)).after_effect(true),
        4 => Fault::late(Duration::from_millis(rng.u64(..40_000))),
        5 => Fault::okta_error(500, "E0000009").after_effect(after_effect),
        6 => Fault::okta_error(503, "E0000181").after_effect(after_effect),
        7 => Fault::status(rng.u16(500..600)).after_effect(after_effect),
        // Without 204, which would be a false success.
        8 => Fault::status(rng.choice([200, 201, 202, 205, 301, 304, 399]).unwrap())
            .body(PAGE)
            .after_effect(after_effect),
        9 => Fault::redirect("https://portal.example/").after_effect(after_effect),
        10 => {
            let junk = rng.choice(JUNK).copied().unwrap_or_default();
            Fault::raw(junk).after_effect(after_effect)
        }
        11 => Fault::status(408).after_effect(after_effect),
        12 => Fault::okta_error(429, "E0000047"),
        13 => Fault::okta_error(403, "E0000006"),
        14 => Fault::status(rng.u16(400..408)).body(PAGE),
        // No fault.
        _ => Fault::late(Duration::ZERO),
    }
}

const PAGE: &str = "<html>Sign in to the network</html>";

const JUNK: &[&str] = &[
    "",
    "HTTP/1.1 204 No Content",
    "HTTP/1.1 204 No Content\r\nx-okta-request-id: r",
    "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{}",
    "HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello",
    "SSH-2.0-OpenSSH_9.2\r\n",
    "\0\0\0\0",
];

/// Changes the org between two calls.
fn stir(org: &MockOrg, rng: &mut Rng) {
    match rng.u8(..60) {
        0 | 1 => org.expire_tokens(),
        2 | 3 => org.rotate_dpop_nonce(),
        4 => org.announce_dpop_nonce(),
        5 => org.spend(rng.u32(..200)),
        6 => org.set_read_only(true),
        7..=14 => org.set_read_only(false),
        15 => org.hide_rate_limit_headers(rng.bool()),
        16 => org.set_concurrency_limit(rng.usize(4..40)),
        17 => org.fail_next_token(1, trouble(rng)),
        18 => org.set_latency(Duration::from_millis(rng.u64(..500))),
        _ => {}
    }
}
