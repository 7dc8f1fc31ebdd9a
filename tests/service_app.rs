//! Service apps and DPoP: tokens fetched, shared, renewed, proven.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use okta_mock_org::{Fault, MockOrg, MockUser, ServiceApp};
use okta_user_sessions::{
    Algorithm, Client, ClientBuilder, Credentials, Effect, ErrorKind, PrivateKey, RetryPolicy,
    SignFuture, Signer, StopReason,
};
use tokio::time::{Instant, sleep};

use crate::support::{ADA, all, org};

const P256: &str = include_str!("keys/p256.jwk");
const RSA: &str = include_str!("keys/rsa.jwk");
const APP: &str = "0oaApp";

fn app() -> ServiceApp {
    ServiceApp::new(APP).public_key(P256)
}

fn key(jwk: &str) -> PrivateKey {
    PrivateKey::from_jwk(jwk).unwrap()
}

fn builder(org: &MockOrg, key: impl Signer) -> ClientBuilder<Client> {
    Client::builder(org.url())
        .allow_loopback_http(true)
        .credentials(Credentials::service_app(APP, key, ["okta.users.manage"]))
}

/// A client with an access token that is bound to a key.
fn bound(org: &MockOrg, token: &str, jwk: &str) -> Client {
    Client::builder(org.url())
        .allow_loopback_http(true)
        .credentials(Credentials::dpop_access_token(token, key(jwk)))
        .build()
        .unwrap()
}

async fn org_with(app: ServiceApp) -> (MockOrg, Client) {
    let org = org().await;
    org.set_rate_limit(100_000, seconds(60));
    org.add_service_app(app);
    let client = builder(&org, key(P256)).build().unwrap();
    (org, client)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How many requests reached the API itself.
fn sent(org: &MockOrg) -> usize {
    org.requests().len() - org.token_requests()
}

#[tokio::test]
async fn every_kind_of_key_gets_a_token_and_revokes() {
    for (jwk, algorithms) in [
        (
            RSA,
            &[Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512][..],
        ),
        (P256, &[Algorithm::Es256]),
        (include_str!("keys/p384.jwk"), &[Algorithm::Es384]),
        (include_str!("keys/p521.jwk"), &[Algorithm::Es512]),
    ] {
        for &algorithm in algorithms {
            for dpop in [true, false] {
                let org = org().await;
                org.add_service_app(ServiceApp::new(APP).public_key(jwk).dpop(dpop));
                let key = key(jwk).with_algorithm(algorithm).unwrap();
                let okta = builder(&org, key).build().unwrap();

                let receipt = okta.revoke_user_sessions(ADA).await.unwrap();

                // The nonce challenge is met, and does not count as a retry.
                assert_eq!(receipt.attempts(), 1, "{algorithm} {dpop}");
                assert_eq!(org.token_requests(), if dpop { 2 } else { 1 });
                assert_eq!(org.user(ADA).unwrap().sessions, 0);
                let request = &org.requests()[org.token_requests()];
                let scheme = if dpop { "DPoP " } else { "Bearer " };
                assert!(request.header("authorization").unwrap().starts_with(scheme));
                assert_eq!(request.header("dpop").is_some(), dpop);
            }
        }
    }
}

#[tokio::test]
async fn the_proof_names_the_url_as_it_is_sent() {
    let (org, okta) = org_with(app()).await;
    for id in ["ada@example.com", "a+b", "a!$&'()*,=:b", "zoë", "a b"] {
        org.add_user(MockUser::new(id).sessions(1));
        okta.revoke_user_sessions(id).await.unwrap();
        assert_eq!(org.user(id).unwrap().sessions, 0, "{id}");
    }
    assert_eq!(org.tokens_issued(), 1);
}

#[tokio::test]
async fn a_hundred_first_calls_make_one_token_request() {
    let (org, okta) = org_with(app()).await;
    all(&okta, 100).await;
    assert_eq!(org.tokens_issued(), 1);
    // One request, and its nonce challenge.
    assert_eq!(org.token_requests(), 2);
    assert_eq!(org.log().len(), 100);
}

#[tokio::test]
async fn a_token_revoked_among_a_thousand_calls_costs_one_renewal() {
    for dpop in [true, false] {
        let (org, okta) = org_with(app().dpop(dpop)).await;
        org.set_concurrency_limit(1000);
        let calls: Vec<_> = (0..1000)
            .map(|_| tokio::spawn(okta.revoke_user_sessions(ADA).into_future()))
            .collect();
        while org.log().len() < 300 {
            tokio::task::yield_now().await;
        }
        org.expire_tokens();
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap().attempts(), 1);
        }
        assert_eq!(org.log().len(), 1000);
        assert_eq!(org.tokens_issued(), 2);
    }
}

#[tokio::test]
async fn nonces_of_both_servers_are_used_and_remembered() {
    let (org, okta) = org_with(app()).await;
    org.demand_resource_nonce(true);
    okta.revoke_user_sessions(ADA).await.unwrap();
    assert_eq!(
        sent(&org),
        2,
        "the challenge, and the request that meets it"
    );
    okta.revoke_user_sessions(ADA).await.unwrap();
    assert_eq!(sent(&org), 3, "the nonce is known now");
    // A newer nonce in a success is taken at once.
    org.announce_dpop_nonce();
    okta.revoke_user_sessions(ADA).await.unwrap();
    org.announce_dpop_nonce();
    okta.revoke_user_sessions(ADA).await.unwrap();
    assert_eq!(sent(&org), 5);
    org.rotate_dpop_nonce();
    let receipt = okta.revoke_user_sessions(ADA).await.unwrap();
    assert_eq!((sent(&org), receipt.attempts()), (7, 1));
    // With 400 instead of 401 too.
    org.set_dpop_refusal_status(400);
    org.rotate_dpop_nonce();
    okta.revoke_user_sessions(ADA).await.unwrap();
    assert_eq!(sent(&org), 9);
    assert_eq!(org.tokens_issued(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_retry_carries_a_proof_of_its_own() {
    let (org, okta) = org_with(app()).await;
    org.fail_next(2, Fault::status(503).after_effect(true));
    let receipt = okta.revoke_user_sessions(ADA).await.unwrap();
    // The mock refuses a proof that it has seen.
    assert_eq!(receipt.attempts(), 3);
    assert_eq!(org.log().len(), 3);
    assert_eq!(org.tokens_issued(), 1);
}

#[tokio::test]
async fn a_local_clock_that_is_hours_off_is_corrected() {
    for skew in [-7200, 7200, 30, -30] {
        for dpop in [true, false] {
            let (org, okta) = org_with(app().dpop(dpop)).await;
            org.set_clock_skew(skew);
            okta.revoke_user_sessions(ADA).await.unwrap();
            okta.revoke_user_sessions(ADA).await.unwrap();
            assert_eq!(org.tokens_issued(), 1, "{skew} {dpop}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_expires_without_a_wait() {
    let (org, okta) = org_with(app().token_lifetime(seconds(100))).await;
    okta.revoke_user_sessions(ADA).await.unwrap();
    sleep(seconds(80)).await;
    okta.revoke_user_sessions(ADA).await.unwrap();
    assert_eq!(org.tokens_issued(), 1);

    // In the last tenth of its lifetime. The renewal hangs, but no call waits for it.
    sleep(seconds(12)).await;
    org.set_token_latency(seconds(3));
    let started = Instant::now();
    okta.revoke_user_sessions(ADA).await.unwrap();
    assert!(started.elapsed() < seconds(1), "{:?}", started.elapsed());

    // After the token has expired, calls use the renewal that was begun.
    sleep(seconds(10)).await;
    okta.revoke_user_sessions(ADA).await.unwrap();
    assert_eq!(org.tokens_issued(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_leaves_a_valid_token_in_use() {
    let (org, okta) = org_with(app().token_lifetime(seconds(1000))).await;
    okta.revoke_user_sessions(ADA).await.unwrap();
    sleep(seconds(950)).await;
    org.fail_next_token(
        1000,
        Fault::status(400).body(r#"{"error":"invalid_client"}"#),
    );
    org.set_latency(Duration::from_millis(50));
    let before = org.token_requests();
    for _ in 0..40 {
        okta.revoke_user_sessions(ADA).await.unwrap();
        sleep(Duration::from_millis(450)).await;
    }
    // In twenty seconds: retried after 1, 2, 4 and 8 s, not with every call.
    let tries = org.token_requests() - before;
    assert!((3..=6).contains(&tries), "{tries}");

    org.clear_faults();
    sleep(seconds(25)).await;
    okta.revoke_user_sessions(ADA).await.unwrap();
    okta.revoke_user_sessions(ADA).await.unwrap();
    assert_eq!(org.tokens_issued(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_does_not_abort_the_shared_renewal() {
    let (org, okta) = org_with(app()).await;
    org.set_token_latency(seconds(2));
    let first = tokio::spawn(okta.revoke_user_sessions(ADA).into_future());
    sleep(seconds(1)).await;
    let second = tokio::spawn(okta.revoke_user_sessions(ADA).into_future());
    sleep(Duration::from_millis(500)).await;
    first.abort();
    second.await.unwrap().unwrap();
    assert_eq!(org.tokens_issued(), 1);

    // After all callers were dropped, the next one continues the renewal.
    org.expire_tokens();
    let alone = tokio::spawn(okta.revoke_user_sessions(ADA).into_future());
    sleep(seconds(1)).await;
    alone.abort();
    sleep(seconds(100)).await;
    okta.revoke_user_sessions(ADA).await.unwrap();
    assert_eq!(org.tokens_issued(), 2);
}

/// A renewal that was not polled until its deadline does not fail later calls.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_timed_out_is_started_again() {
    let (org, okta) = org_with(app()).await;
    org.fail_next_token(1, Fault::hang());
    let alone = tokio::spawn(okta.revoke_user_sessions(ADA).into_future());
    sleep(seconds(1)).await;
    alone.abort();
    sleep(seconds(130)).await;
    okta.revoke_user_sessions(ADA).await.unwrap();
    assert_eq!(org.tokens_issued(), 1);
}

/// A renewal that is near its own deadline does not shorten the deadline of a later call.
#[tokio::test(start_paused = true)]
async fn a_call_that_joins_a_renewal_keeps_its_own_deadline() {
    let (org, _) = org_with(app()).await;
    org.fail_next_token(1, Fault::hang());
    let policy = RetryPolicy::never().with_deadline(seconds(10));
    let okta = builder(&org, key(P256)).retry(policy).build().unwrap();
    let first = tokio::spawn(okta.revoke_user_sessions(ADA).into_future());
    sleep(seconds(8)).await;
    okta.revoke_user_sessions(ADA).await.unwrap();
    first.await.unwrap().unwrap_err();
}

/// Signs, but panics the first time.
struct Clumsy(PrivateKey, AtomicBool);

impl Signer for Clumsy {
    fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }

    fn key_id(&self) -> Option<&str> {
        self.0.key_id()
    }

    fn sign<'a>(&'a self, message: &'a [u8]) -> SignFuture<'a> {
        assert!(self.1.swap(true, Relaxed), "clumsy");
        self.0.sign(message)
    }
}

#[tokio::test]
async fn a_signer_that_panics_once_fails_one_call() {
    let org = org().await;
    org.add_service_app(app());
    let okta = builder(&org, Clumsy(key(P256), AtomicBool::new(false)))
        .build()
        .unwrap();
    let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (ErrorKind::Signing, Effect::None)
    );
    okta.revoke_user_sessions(ADA).await.unwrap();
}

#[tokio::test]
async fn a_refused_token_request_says_why_and_sends_nothing() {
    for (app, client_key, code, advice) in [
        (
            ServiceApp::new(APP).public_key(RSA),
            key(P256),
            "invalid_client",
            "public half",
        ),
        (
            ServiceApp::new("0oaOther").public_key(P256),
            key(P256),
            "invalid_client",
            "client id",
        ),
        (
            app().scopes(["okta.groups.read"]),
            key(P256),
            "invalid_scope",
            "Okta API Scopes",
        ),
    ] {
        let org = org().await;
        org.add_service_app(app);
        let okta = builder(&org, client_key).build().unwrap();
        let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.effect()),
            (ErrorKind::TokenRefused, Effect::None)
        );
        assert_eq!(error.error_code(), Some(code), "{error}");
        assert!(error.error_summary().is_some());
        assert!(error.to_string().contains(advice), "{error}");
        assert_eq!(error.attempts(), 0);
        assert_eq!(sent(&org), 0);
    }
}

#[tokio::test]
async fn every_refusal_of_the_token_endpoint_says_what_to_do() {
    for (name, advice) in [
        ("access_denied", "administrator role"),
        ("unauthorized_client", "API Services app"),
        ("invalid_dpop_proof", "no proxy rewrites the URL"),
        ("use_dpop_nonce", "try again"),
        ("something_new", "refuses"),
    ] {
        let (org, okta) = org_with(app()).await;
        org.fail_next_token(10, Fault::oauth_error(400, name, "why"));
        let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.error_code(), error.error_summary()),
            (ErrorKind::TokenRefused, Some(name), Some("why"))
        );
        assert!(error.to_string().contains(advice), "{error}");
        assert_eq!(sent(&org), 0);
    }
}

/// A refusal in Okta's own format, or in a proxy's, is not a verdict on a user either.
#[tokio::test]
async fn no_refusal_of_the_token_endpoint_is_a_verdict_on_a_user() {
    for (fault, advice) in [
        (Fault::okta_error(404, "E0000007"), "client id"),
        (Fault::okta_error(404, "E0000008"), "org URL"),
        (Fault::okta_error(403, "E0000006"), "app is active"),
        (Fault::okta_error(403, "E0000005"), "app is active"),
        (Fault::okta_error(401, "E0000011"), "client id"),
        (Fault::okta_error(400, "E0000001"), "client id"),
        (Fault::okta_error(405, "E0000022"), "client id"),
        (Fault::status(403), "proxy or firewall"),
        (Fault::status(404).body("<html>"), "proxy or firewall"),
    ] {
        let (org, okta) = org_with(app()).await;
        org.fail_next_token(10, fault.clone());
        let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.effect()),
            (ErrorKind::TokenRefused, Effect::None),
            "{fault:?}: {error}"
        );
        let text = error.to_string();
        assert!(
            text.starts_with("no access token: ") && text.contains(advice),
            "{text}"
        );
        assert_eq!(sent(&org), 0);

        // A run stops at once, and says nothing about its users.
        org.fail_next_token(1_000, fault.clone());
        let mut run = okta.revoke_many([ADA, "00uOther"]).start().unwrap();
        while run.next().await.is_some() {}
        let report = run.report();
        assert_eq!(report.counts.not_found, 0, "{fault:?}");
        assert_eq!(report.stopped, Some(StopReason::Unauthorized), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_endpoint_that_is_not_available_is_tried_again() {
    let (org, okta) = org_with(app()).await;
    org.fail_next_token(1, Fault::status(408));
    okta.revoke_user_sessions(ADA).await.unwrap();
}

#[tokio::test]
async fn a_token_response_without_a_valid_token_is_an_error() {
    for fault in [
        Fault::status(200).body("<html>"),
        Fault::status(200).body("{}"),
        Fault::status(200).body(r#"{"access_token":"","token_type":"Bearer"}"#),
        Fault::status(200).body(r#"{"access_token":"a b","token_type":"Bearer"}"#),
        Fault::status(200).body(r#"{"access_token":"x","token_type":"mac"}"#),
        Fault::status(204),
        Fault::status(302).header("location", "/"),
        Fault::status(500),
        Fault::raw("no HTTP\r\n\r\n"),
    ] {
        let (org, okta) = org_with(app()).await;
        org.fail_next_token(1, fault.clone());
        let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
        assert_eq!(error.effect(), Effect::None, "{fault:?}");
        assert!(
            error.to_string().starts_with("no access token: "),
            "{error}"
        );
        assert_eq!((sent(&org), org.token_requests()), (0, 1), "{fault:?}");
        // It is not cached.
        okta.revoke_user_sessions(ADA).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_transient_error_of_the_token_endpoint_is_retried() {
    let cut = Fault::raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"access");
    for fault in [
        Fault::status(503),
        Fault::reset(),
        Fault::hang(),
        cut,
        Fault::okta_error(429, "E0000047"),
        Fault::oauth_error(503, "temporarily_unavailable", "busy"),
    ] {
        let (org, okta) = org_with(app()).await;
        org.fail_next_token(1, fault.clone());
        let receipt = okta.revoke_user_sessions(ADA).await.unwrap();
        assert_eq!(receipt.attempts(), 1, "{fault:?}");
        // One malformed response, one challenge, one success.
        assert_eq!(org.token_requests(), 3, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_the_token_request() {
    for fault in [Fault::hang(), Fault::status(503)] {
        let (org, _) = org_with(app()).await;
        org.fail_next_token(1000, fault);
        let policy = RetryPolicy::default()
            .with_max_retries(1000)
            .with_deadline(seconds(40));
        let okta = builder(&org, key(P256)).retry(policy).build().unwrap();
        let started = Instant::now();
        let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
        assert_eq!(
            (error.effect(), error.attempts()),
            (Effect::None, 0),
            "{error}"
        );
        let took = started.elapsed();
        assert!(took <= seconds(40) + Duration::from_millis(2), "{took:?}");
        assert_eq!(sent(&org), 0);
    }
}

#[tokio::test]
async fn a_token_bound_to_a_key_is_sent_with_a_proof() {
    let org = org().await;
    let token = org.issue_dpop_access_token(&["okta.users.manage"], RSA);
    org.demand_resource_nonce(true);
    bound(&org, &token, RSA)
        .revoke_user_sessions(ADA)
        .await
        .unwrap();
    assert_eq!(org.log().len(), 1);

    let error = bound(&org, &token, P256)
        .revoke_user_sessions(ADA)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (ErrorKind::Unauthorized, Effect::None)
    );
    assert!(error.error_code().is_some(), "{error}");
    assert_eq!(org.log().len(), 1);
}

/// One for each batch that the rate limiter admits; each batch is twice as large.
#[tokio::test]
async fn many_calls_with_a_refused_key_make_few_token_requests() {
    let org = org().await;
    org.add_service_app(ServiceApp::new(APP).public_key(RSA));
    let okta = builder(&org, key(P256)).build().unwrap();
    let crowd = (0..20).map(|_| okta.revoke_user_sessions(ADA).into_future());
    for result in futures_util::future::join_all(crowd).await {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::TokenRefused);
    }
    let asked = org.token_requests();
    assert!(asked <= 5, "{asked}");
}

/// The first refusal also states the org's time, which the next proof uses.
#[tokio::test]
async fn a_proof_refused_before_the_clock_is_known_is_made_again_once() {
    let org = org().await;
    let token = org.issue_dpop_access_token(&["okta.users.manage"], P256);
    let okta = bound(&org, &token, P256);
    let refused = Fault::status(401);
    let refused = refused.header("www-authenticate", r#"DPoP error="invalid_dpop_proof""#);
    org.fail_next(5, refused);
    let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(sent(&org), 2);
}

#[tokio::test]
async fn an_endless_nonce_challenge_is_a_named_error() {
    for (status, name, sends) in [
        (401, "use_dpop_nonce", 4),
        (400, "invalid_dpop_proof", 1),
        (401, "invalid_token", 2),
    ] {
        let (org, okta) = org_with(app()).await;
        let challenge = format!("DPoP error_description=\"why\", error=\"{name}\"");
        for at in 0..10 {
            let fault = Fault::status(status)
                .header("www-authenticate", &challenge)
                .header("dpop-nonce", &format!("nonce{at}"));
            org.fail_next(1, fault);
        }
        let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.effect()),
            (ErrorKind::Unauthorized, Effect::None)
        );
        assert_eq!(
            (error.error_code(), error.error_summary()),
            (Some(name), Some("why"))
        );
        assert_eq!((sent(&org), error.attempts()), (sends, 1), "{name}");
    }
}

/// The known nonce stays in use, so there is no challenge.
#[tokio::test]
async fn an_empty_or_overlong_nonce_is_ignored() {
    let org = org().await;
    let token = org.issue_dpop_access_token(&["okta.users.manage"], P256);
    org.demand_resource_nonce(true);
    let okta = bound(&org, &token, P256);
    okta.revoke_user_sessions(ADA).await.unwrap();
    for nonce in [String::new(), "n".repeat(513)] {
        let before = sent(&org);
        let fault = Fault::status(400).header("dpop-nonce", &nonce);
        org.fail_next(1, fault);
        okta.revoke_user_sessions(ADA).await.unwrap_err();
        okta.revoke_user_sessions(ADA).await.unwrap();
        assert_eq!(sent(&org) - before, 2);
    }
}

/// A remote signer like a KMS: slow, and sometimes unavailable.
struct Kms {
    key: PrivateKey,
    broken: Arc<AtomicBool>,
}

impl Signer for Kms {
    fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    fn key_id(&self) -> Option<&str> {
        self.key.key_id()
    }

    fn sign<'a>(&'a self, message: &'a [u8]) -> SignFuture<'a> {
        Box::pin(async move {
            sleep(Duration::from_millis(20)).await;
            if self.broken.load(Relaxed) {
                return Err("the vault is sealed".into());
            }
            self.key.sign(message).await
        })
    }
}

#[tokio::test]
async fn a_remote_signer_signs_and_its_errors_keep_their_source() {
    let org = org().await;
    org.add_service_app(app());
    let broken = Arc::new(AtomicBool::new(true));
    let kms = Kms {
        key: key(P256),
        broken: broken.clone(),
    };
    let okta = builder(&org, kms).build().unwrap();

    let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (ErrorKind::Signing, Effect::None)
    );
    let mut source = std::error::Error::source(&error);
    let mut texts = Vec::new();
    while let Some(error) = source {
        texts.push(error.to_string());
        source = error.source();
    }
    assert!(
        texts.iter().any(|text| text == "the vault is sealed"),
        "{texts:?}"
    );
    assert_eq!(org.requests().len(), 0);

    broken.store(false, Relaxed);
    okta.revoke_user_sessions(ADA).await.unwrap();
}

#[test]
fn an_invalid_service_app_is_refused_when_the_client_is_built() {
    for (client_id, scope, reason) in [
        ("", "okta.users.manage", "client id"),
        ("{clientId}", "okta.users.manage", "client id"),
        (
            APP,
            "okta.users.manage okta.users.read",
            "each scope separately",
        ),
        (APP, "", "a scope must be"),
    ] {
        let credentials = Credentials::service_app(client_id, key(P256), [scope]);
        let error = Client::builder("https://acme.okta.com")
            .credentials(credentials)
            .build()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test]
async fn without_scopes_okta_users_manage_is_requested() {
    let org = org().await;
    org.add_service_app(app());
    let okta = Client::builder(org.url())
        .allow_loopback_http(true)
        .credentials(Credentials::service_app(APP, key(P256), [""; 0]))
        .build()
        .unwrap();
    okta.revoke_user_sessions(ADA).await.unwrap();
    let body = String::from_utf8(org.requests()[0].body().to_vec()).unwrap();
    assert!(body.contains("scope=okta.users.manage"), "{body}");
}

#[tokio::test]
async fn no_output_shows_the_key_the_assertion_the_proof_or_the_token() {
    let (org, okta) = org_with(app()).await;
    let credentials = Credentials::service_app(APP, key(P256), ["okta.users.manage"]);
    let mut shown = format!("{credentials:?} {okta:?} {:?}", key(P256));
    okta.revoke_user_sessions(ADA).await.unwrap();
    shown += &format!("{okta:#?}");
    let requests = org.requests();
    let proofs = requests.iter().filter_map(|request| request.header("dpop"));
    let tokens = requests
        .iter()
        .filter_map(|request| request.header("authorization"));
    let mut secrets: Vec<String> = proofs.map(str::to_owned).collect();
    secrets.extend(tokens.map(|token| token.trim_start_matches("DPoP ").to_owned()));
    let private: serde_json::Value = serde_json::from_str(P256).unwrap();
    secrets.push(private["d"].as_str().unwrap().to_owned());

    // The token endpoint echoes the request.
    org.expire_tokens();
    let body = String::from_utf8(requests[0].body().to_vec()).unwrap();
    let assertion = body.split("client_assertion=").nth(1).unwrap().to_owned();
    secrets.push(assertion);
    let error = okta.revoke_user_sessions(ADA).await;
    shown += &format!("{error:?}");
    for secret in secrets {
        assert!(secret.len() > 20);
        assert!(!shown.contains(&secret), "{secret} in {shown}");
    }
}

/// Such as the 203 of a proxy that changed the response.
#[tokio::test]
async fn a_token_in_a_response_with_an_unexpected_status_is_not_shown() {
    let org = org().await;
    org.add_service_app(app());
    let okta = builder(&org, key(P256))
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    for status in [201, 203, 302, 400, 401, 500, 503] {
        for body in [
            r#"{"access_token":"eyJ.minted.token","token_type":"DPoP"}"#,
            "access_token=eyJ.minted.token",
        ] {
            org.fail_next_token(1, Fault::status(status).body(body));
            let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
            assert_eq!(error.status(), Some(status));
            assert!(
                !format!("{error:?} {error}").contains("minted"),
                "{error:?}"
            );
        }
    }
}
