//! Revoking many users.

use std::{collections::HashSet, time::Duration};

use futures_util::{StreamExt, stream};
use okta_mock_org::{Fault, MockOrg, MockUser};
use okta_user_sessions::{
    Client, Credentials, ErrorKind, Outcome, Proxy, Report, RetryPolicy, RevokeMany, Run,
    RunHandle, StopReason, UserOutcome, WaitReason,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::{Instant, sleep, timeout},
};

use crate::support::{admin, unreachable};

mod journal;
mod killed;
mod stopping;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("00u{number:05}")).collect()
}

/// An org with `users` users, each with a session, and `limit` requests per 10 s.
async fn org(users: usize, limit: u32) -> MockOrg {
    let org = MockOrg::builder()
        .rate_limit(limit, seconds(10))
        .latency(Duration::from_millis(5))
        .start()
        .await
        .unwrap();
    for id in ids(users) {
        org.add_user(MockUser::new(id).sessions(1));
    }
    org
}

async fn outcomes(run: RevokeMany) -> (Vec<UserOutcome>, Report) {
    let mut run = run.start().unwrap();
    let mut outcomes = Vec::new();
    while let Some(outcome) = run.next().await {
        outcomes.push(outcome);
    }
    (outcomes, run.report())
}

/// The users whose sessions were cleared, according to the org's System Log.
fn cleared(org: &MockOrg) -> HashSet<String> {
    org.log()
        .iter()
        .map(|event| event.user_id.clone())
        .collect()
}

fn sent(org: &MockOrg, status: u16) -> usize {
    org.requests()
        .iter()
        .filter(|request| request.status() == Some(status))
        .count()
}

fn with(outcomes: &[UserOutcome], outcome: Outcome) -> Vec<&str> {
    outcomes
        .iter()
        .filter(|user| user.outcome == outcome)
        .map(|user| user.user.as_str())
        .collect()
}

#[test]
fn a_run_can_move_between_threads_and_its_handle_be_shared() {
    fn send<T: Send>() {}
    fn shared<T: Send + Sync + Clone>() {}
    send::<RevokeMany>();
    send::<Run>();
    shared::<RunHandle>();
}

#[test]
fn a_run_may_be_started_before_there_is_a_runtime() {
    let okta = Client::builder("https://acme.okta.com")
        .credentials(Credentials::api_token("00token"))
        .build()
        .unwrap();
    assert!(okta.revoke_many(ids(1)).start().is_ok());
}

/// At most 3 % longer than the rate limit makes it take.
#[tokio::test(start_paused = true)]
async fn three_thousand_users_take_the_fewest_windows() {
    let org = org(3000, 600).await;
    let okta = admin(&org).build().unwrap();
    let start = Instant::now();
    let (outcomes, report) = outcomes(okta.revoke_many(ids(3000)).share(1.0)).await;
    let took = start.elapsed();
    assert_eq!(with(&outcomes, Outcome::Revoked).len(), 3000);
    assert_eq!(cleared(&org).len(), 3000);
    assert!(report.is_complete());
    assert_eq!((report.requests, report.rate_limited), (3000, 0));
    assert_eq!(sent(&org, 429), 0);
    // Five windows are needed, so four are waited out.
    assert!(took <= seconds(40).mul_f64(1.03), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn everyone_is_revoked_while_another_client_uses_the_same_limit() {
    let org = org(1000, 200).await;
    let okta = admin(&org).build().unwrap();
    let other = org.clone();
    let spender = tokio::spawn(async move {
        loop {
            other.spend(7);
            sleep(Duration::from_millis(1000)).await;
        }
    });
    let (outcomes, report) = outcomes(okta.revoke_many(ids(1000)).share(1.0)).await;
    spender.abort();
    assert_eq!(with(&outcomes, Outcome::Revoked).len(), 1000);
    assert_eq!(cleared(&org).len(), 1000);
    assert_eq!(report.counts.revoked, 1000);
}

#[tokio::test(start_paused = true)]
async fn half_of_the_limit_is_used_by_default() {
    let org = org(100, 40).await;
    let okta = admin(&org).build().unwrap();
    let start = Instant::now();
    let (_, report) = outcomes(okta.revoke_many(ids(100))).await;
    assert_eq!((report.counts.revoked, report.rate_limited), (100, 0));
    // Twenty in each of five windows.
    let took = start.elapsed();
    assert!((seconds(40)..seconds(46)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn ids_keep_their_order_and_nobody_is_sent_twice() {
    let org = org(20, 600).await;
    let okta = admin(&org).build().unwrap();
    let mut given = ids(10);
    given.extend(
        [
            "00u00003",
            "../me",
            "",
            "00u00003",
            "Break@Glass.com",
            "00u00009",
        ]
        .map(String::from),
    );
    let run = okta
        .revoke_many(given)
        .exclude(["00u00004", "break@glass.com", "nobody@x.com"])
        .concurrency(1);
    let (outcomes, report) = outcomes(run).await;
    let revoked = ids(10).into_iter().filter(|id| id != "00u00004");
    assert_eq!(
        with(&outcomes, Outcome::Revoked),
        revoked.collect::<Vec<_>>()
    );
    let refused: Vec<_> = outcomes
        .iter()
        .filter(|user| user.outcome == Outcome::NotAttempted)
        .collect();
    assert_eq!(
        refused.iter().map(|user| &*user.user).collect::<Vec<_>>(),
        ["../me", ""]
    );
    assert!(
        refused[0].reason.as_ref().unwrap().contains("slash"),
        "{refused:?}"
    );
    assert_eq!((report.counts.duplicates, report.counts.excluded), (3, 2));
    assert_eq!(report.unmatched_exclusions, ["nobody@x.com"]);
    assert_eq!(org.requests().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn ids_that_may_reach_an_excluded_user_are_refused_and_reported() {
    let org = org(1, 600).await;
    org.add_user(
        MockUser::new("00uGlass")
            .login("glass@acme.com")
            .sessions(1),
    );
    let okta = admin(&org).build().unwrap();
    let spellings = [
        "glass@acme.com;x",
        "gla\u{200b}ss@acme.com",
        "glass@acme.com.",
        "glaß@acme.com",
        "gláss@acme.com",
        "glass",
    ];
    let given = spellings.iter().chain(&["GLASS@acme.com", "00u00000"]);
    let given: Vec<_> = given.map(|id| id.to_string()).collect();
    let many = || okta.revoke_many(given.clone()).exclude(["Glass@acme.com"]);
    let plan = many().plan().await.unwrap();
    assert_eq!((plan.users, plan.excluded), (1, 1));
    assert_eq!(plan.refused.len(), spellings.len());
    let (outcomes, report) = outcomes(many()).await;
    assert_eq!(with(&outcomes, Outcome::NotAttempted), spellings);
    assert_eq!(with(&outcomes, Outcome::Revoked), ["00u00000"]);
    assert!(!report.is_complete());
    assert_eq!(org.requests().len(), 1);

    let typo = okta.revoke_many(ids(1)).exclude(["glass@acme.com\u{200b}"]);
    let error = typo.start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("U+200B"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn ids_may_come_as_a_stream_and_as_any_text() {
    let org = org(4, 600).await;
    let okta = admin(&org).build().unwrap();
    let run = okta.revoke_stream(stream::iter(["00u00000", "00u00001"]));
    assert_eq!(outcomes(run).await.1.counts.revoked, 2);
    let run = okta.revoke_many(["00u00002", "00u00003"]);
    assert_eq!(outcomes(run).await.1.counts.revoked, 2);
}

#[tokio::test(start_paused = true)]
async fn the_options_are_sent_for_each_user() {
    let org = org(3, 600).await;
    let okta = admin(&org).build().unwrap();
    outcomes(
        okta.revoke_many(ids(3))
            .oauth_tokens(true)
            .forget_devices(false),
    )
    .await;
    for request in org.requests() {
        assert_eq!(
            request.query(),
            Some("forgetDevices=false&oauthTokens=true")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_describes_the_run_and_sends_nothing() {
    let org = org(3, 20).await;
    let okta = admin(&org).build().unwrap();
    let many = || {
        ids(105)
            .into_iter()
            .chain(["00u00001".into(), "a/b".into()])
    };
    let plan = okta
        .revoke_many(many())
        .exclude(["00u00002", "typo"])
        .plan()
        .await
        .unwrap();
    assert_eq!(plan.org, org.url());
    assert_eq!((plan.users, plan.duplicates, plan.excluded), (104, 1, 1));
    assert_eq!(plan.refused[0].0, "a/b");
    assert_eq!(plan.refused[0].1.kind(), ErrorKind::InvalidInput);
    assert_eq!(plan.unmatched_exclusions, ["typo"]);
    assert_eq!(plan.expected, None);
    assert_eq!(org.requests().len(), 0);

    // The limit is known now: the run may use 10 of the 20 requests of each window.
    okta.revoke_user_sessions("00u00000").await.unwrap();
    let plan = okta
        .revoke_many(many())
        .exclude(["00u00002"])
        .plan()
        .await
        .unwrap();
    let expected = plan.expected.unwrap();
    assert!(
        (seconds(100)..=seconds(111)).contains(&expected),
        "{expected:?}"
    );
    assert_eq!(org.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_outcome_is_reported() {
    let org = org(8, 600).await;
    org.fail_next(1, Fault::okta_error(403, "E0000006"));
    org.fail_next(1, Fault::okta_error(400, "E0000001"));
    org.fail_next(1, Fault::status(200).body("<html>login</html>"));
    org.fail_next(5, Fault::reset());
    org.fail_next(2, Fault::okta_error(503, "E0000181"));
    let okta = admin(&org).build().unwrap();
    let mut given = ids(5);
    given.push("00uMissing".into());
    let (outcomes, report) = outcomes(okta.revoke_many(given).concurrency(1)).await;
    let found: Vec<_> = outcomes
        .iter()
        .map(|user| (user.outcome, user.attempts, user.status))
        .collect();
    assert_eq!(
        found,
        [
            (Outcome::Forbidden, 1, Some(403)),
            (Outcome::Rejected, 1, Some(400)),
            (Outcome::Unknown, 1, Some(200)),
            (Outcome::Unknown, 5, None),
            (Outcome::Revoked, 3, Some(204)),
            (Outcome::NotFound, 1, Some(404)),
        ]
    );
    assert_eq!(outcomes[5].error_code.as_deref(), Some("E0000007"));
    assert!(outcomes[5].error_id.is_some());
    assert_eq!(
        outcomes[5].request_id.as_deref(),
        org.requests()[11].request_id()
    );
    for user in &outcomes {
        assert!(
            user.started.is_some() && user.ended >= user.started,
            "{user:?}"
        );
        assert_eq!(user.reason.is_none(), user.outcome == Outcome::Revoked);
    }
    assert_eq!(
        outcomes[4].request_id.as_deref(),
        org.requests()[10].request_id()
    );
    assert_eq!(report.not_revoked.len(), 5);
    assert_eq!(report.counts.done(), 6);
    assert!(!report.is_complete());
}

#[tokio::test]
async fn without_a_connection_users_are_not_attempted() {
    let (outcomes, _) = outcomes(unreachable().revoke_many(ids(1))).await;
    assert_eq!(outcomes[0].outcome, Outcome::NotAttempted);
    assert_eq!(outcomes[0].attempts, 1);
}

/// The first attempt may have taken effect, whatever the later ones returned.
#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_lost_response_is_unknown() {
    let org = org(1, 600).await;
    org.fail_next(1, Fault::reset().after_effect(true));
    org.fail_next(1, Fault::okta_error(429, "E0000047"));
    org.fail_next(1, Fault::okta_error(403, "E0000006"));
    let policy = RetryPolicy::default().with_max_retries(1);
    let okta = admin(&org).retry(policy).build().unwrap();
    let (outcomes, _) = outcomes(okta.revoke_many(ids(1))).await;
    assert_eq!(outcomes[0].outcome, Outcome::Unknown);
    assert_eq!((outcomes[0].attempts, outcomes[0].status), (3, Some(403)));
}

#[tokio::test(start_paused = true)]
async fn a_response_other_than_204_never_counts_as_revoked() {
    let org = org(1, 600).await;
    org.fail_next(1, Fault::status(200));
    let okta = admin(&org).build().unwrap();
    let (outcomes, _) = outcomes(okta.revoke_many(ids(1))).await;
    assert_ne!(outcomes[0].outcome, Outcome::Revoked, "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn errors_that_affect_every_user_stop_the_run() {
    for (fault, reason, most) in [
        (
            Fault::okta_error(401, "E0000011"),
            StopReason::Unauthorized,
            1,
        ),
        (Fault::okta_error(404, "E0000008"), StopReason::WrongOrg, 1),
        (
            Fault::okta_error(403, "E0000006"),
            StopReason::Forbidden,
            200,
        ),
        (
            Fault::okta_error(500, "E0000009"),
            StopReason::Unavailable,
            40,
        ),
    ] {
        let org = org(500, 600).await;
        org.fail_next(1000, fault);
        let okta = admin(&org).build().unwrap();
        let (outcomes, report) = outcomes(okta.revoke_many(ids(500)).concurrency(4)).await;
        assert_eq!(report.stopped, Some(reason));
        assert!(report.stop_detail.is_some());
        assert_eq!(outcomes.len(), 500);
        assert!(
            org.requests().len() <= most + 6,
            "{reason:?}: {}",
            org.requests().len()
        );
        let untried = with(&outcomes, Outcome::NotAttempted).len();
        assert_eq!(untried, 500 - org.requests().len(), "{reason:?}");
    }
}

/// Neither a retry nor another user would have a different result.
#[tokio::test]
async fn a_refused_proxy_password_and_a_failed_tls_handshake_stop_the_run() {
    for (reason, response) in [
        (
            StopReason::ProxyUnauthorized,
            "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        ),
        (StopReason::Tls, "HTTP/1.1 200 Connected\r\n\r\n"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::new(format!("http://{}", listener.local_addr().unwrap()));
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut socket, _)) = listener.accept().await {
                let _ = socket.read(&mut [0; 4096]).await;
                let _ = socket.write_all(response.as_bytes()).await;
                // Behind a tunnel, the response to the TLS handshake is not TLS.
                if response.contains("200") {
                    let _ = socket.read(&mut [0; 4096]).await;
                    let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                }
                open.push(socket);
            }
        });
        let okta = Client::builder("https://acme.okta.com")
            .credentials(Credentials::api_token("00token"))
            .proxy(proxy.basic_auth("ada", "hush"))
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        let (outcomes, report) = outcomes(okta.revoke_many(ids(10)).concurrency(1)).await;
        assert_eq!(report.stopped, Some(reason), "{report:?}");
        assert!(report.stop_detail.is_some());
        assert_eq!(with(&outcomes, Outcome::NotAttempted).len(), 10);
        assert_eq!(report.requests, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn read_only_mode_pauses_the_run() {
    let org = org(40, 600).await;
    org.fail_next(10, Fault::okta_error(503, "E0000010"));
    let okta = admin(&org).build().unwrap();
    let start = Instant::now();
    let (_, report) = outcomes(okta.revoke_many(ids(40)).concurrency(4)).await;
    assert_eq!((report.counts.revoked, report.stopped), (40, None));
    // Four users got the 503 at once; then one user probed every 30 s, and got it six times.
    let took = start.elapsed();
    assert!((seconds(180)..seconds(220)).contains(&took), "{took:?}");
    assert!(
        report
            .waits
            .iter()
            .any(|wait| wait.reason == WaitReason::ReadOnly)
    );
}

#[tokio::test(start_paused = true)]
async fn read_only_mode_for_an_hour_stops_the_run() {
    let org = org(5, 600).await;
    org.fail_next(1000, Fault::okta_error(503, "E0000010"));
    let okta = admin(&org).build().unwrap();
    let (outcomes, report) = outcomes(okta.revoke_many(ids(5)).concurrency(2)).await;
    assert_eq!(report.stopped, Some(StopReason::ReadOnly));
    assert_eq!(outcomes.len(), 5);
    assert!(cleared(&org).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_run_and_reports_the_users_left() {
    let org = org(100, 20).await;
    let okta = admin(&org).build().unwrap();
    let start = Instant::now();
    let (outcomes, report) =
        outcomes(okta.revoke_many(ids(100)).share(1.0).deadline(seconds(15))).await;
    assert!(start.elapsed() <= seconds(15), "{:?}", start.elapsed());
    assert_eq!(report.stopped, Some(StopReason::Deadline));
    assert_eq!(with(&outcomes, Outcome::Revoked).len(), 40);
    assert_eq!(with(&outcomes, Outcome::NotAttempted).len(), 60);
    assert_eq!(org.requests().len(), 40);
}

#[tokio::test(start_paused = true)]
async fn requests_without_a_response_at_the_deadline_are_unknown() {
    let org = org(3, 600).await;
    org.fail_next(100, Fault::hang());
    let okta = admin(&org).build().unwrap();
    let run = okta
        .revoke_many(ids(3))
        .deadline(seconds(20))
        .concurrency(2);
    let (outcomes, report) = outcomes(run).await;
    assert_eq!(report.stopped, Some(StopReason::Deadline));
    assert_eq!(with(&outcomes, Outcome::Unknown).len(), 2);
    assert_eq!(with(&outcomes, Outcome::NotAttempted).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn cancelling_waits_for_requests_in_flight_and_sends_no_more() {
    let org = org(100, 20).await;
    org.set_latency(Duration::from_millis(500));
    let okta = admin(&org).build().unwrap();
    let mut run = okta.revoke_many(ids(100)).share(1.0).start().unwrap();
    let handle = run.handle();
    tokio::spawn(async move {
        sleep(Duration::from_millis(750)).await;
        handle.cancel();
    });
    let start = Instant::now();
    let mut outcomes = Vec::new();
    while let Some(outcome) = run.next().await {
        outcomes.push(outcome);
    }
    // The first call goes alone, and the others are in flight until 1 s. The
    // next window is not waited for.
    assert!(start.elapsed() < seconds(2), "{:?}", start.elapsed());
    assert_eq!(org.requests().len(), 20);
    let revoked: HashSet<_> = with(&outcomes, Outcome::Revoked)
        .into_iter()
        .map(String::from)
        .collect();
    assert_eq!(revoked, cleared(&org));
    assert_eq!(
        revoked.len() + with(&outcomes, Outcome::NotAttempted).len(),
        100
    );
    assert_eq!(run.report().stopped, Some(StopReason::Cancelled));
    assert_eq!(org.requests().len(), revoked.len());
}

#[tokio::test]
async fn after_a_stop_the_remaining_users_are_reported() {
    let org = org(2, 600).await;
    let okta = admin(&org).build().unwrap();
    let many = okta.revoke_many(["00u00000", "a/b", "00u00001"]);
    assert!(format!("{many:?}").contains("concurrency"), "{many:?}");
    let mut run = many.start().unwrap();
    let handle = run.handle();
    handle.cancel();
    let outcomes: Vec<_> = run.by_ref().collect().await;
    let reasons: Vec<_> = outcomes
        .iter()
        .map(|user| user.reason.as_deref().unwrap())
        .collect();
    let stopped = "not sent: the run was stopped because it was cancelled";
    assert_eq!([reasons[0], reasons[2]], [stopped; 2]);
    assert!(reasons[1].contains("\"a/b\""), "{reasons:?}");
    assert_eq!(with(&outcomes, Outcome::NotAttempted).len(), 3);
    let report = run.report();
    assert_eq!(report.counts.not_attempted, 3);
    assert_eq!(report.not_revoked, outcomes);
    for shown in [format!("{run:?}"), format!("{handle:?}")] {
        assert!(shown.contains("not_attempted: 3"), "{shown}");
    }
    assert!(org.requests().is_empty());
}

/// One request is allowed in each window of 10 s.
#[tokio::test(start_paused = true)]
async fn waiting_is_reported_only_while_nothing_is_in_flight_and_the_run_continues() {
    let org = org(3, 1).await;
    let okta = admin(&org).build().unwrap();
    let mut run = okta
        .revoke_many(ids(3))
        .share(1.0)
        .concurrency(1)
        .start()
        .unwrap();
    let handle = run.handle();
    assert_eq!(run.next().await.unwrap().outcome, Outcome::Revoked);
    assert!(timeout(seconds(1), run.next()).await.is_err());
    let progress = handle.progress();
    assert!(progress.waiting.is_some() && progress.expected_end.is_some());

    org.fail_next(1, Fault::hang());
    assert!(timeout(seconds(20), run.next()).await.is_err());
    assert_eq!(handle.progress().waiting, None);

    handle.cancel();
    let progress = handle.progress();
    assert_eq!((progress.waiting, progress.expected_end), (None, None));
}

#[tokio::test(start_paused = true)]
async fn the_report_names_the_ten_slowest() {
    let org = org(13, 600).await;
    let late = |tenths| Fault::late(Duration::from_millis(100 * tenths));
    for number in 0..12_u64 {
        org.fail_next(1, late(number * 7 % 12));
    }
    let okta = admin(&org).build().unwrap();
    let many = okta.revoke_many(ids(13)).concurrency(1);
    let mut run = many.start().unwrap();
    let handle = run.handle();
    for _ in 0..12 {
        assert_eq!(run.next().await.unwrap().outcome, Outcome::Revoked);
    }
    handle.cancel();
    assert_eq!(run.next().await.unwrap().outcome, Outcome::NotAttempted);
    let slowest = run.report().slowest;
    let tenths: Vec<_> = slowest
        .iter()
        .map(|user| user.took.unwrap().as_millis() / 100)
        .collect();
    assert_eq!(tenths, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_a_run_that_waits_for_ids() {
    let org = org(1, 600).await;
    let okta = admin(&org).build().unwrap();
    let endless = stream::iter(ids(1)).chain(stream::pending());
    let mut run = okta.revoke_stream(endless).start().unwrap();
    assert_eq!(run.next().await.unwrap().outcome, Outcome::Revoked);
    let handle = run.handle();
    tokio::spawn(async move {
        sleep(seconds(1)).await;
        handle.cancel();
    });
    let start = Instant::now();
    assert!(timeout(seconds(60), run.next()).await.unwrap().is_none());
    // Without a wake-up, the run would only be polled again at the timeout.
    assert!(start.elapsed() < seconds(2), "{:?}", start.elapsed());
    assert_eq!(run.report().stopped, Some(StopReason::Cancelled));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_run_that_waits_for_ids() {
    let org = org(1, 600).await;
    let okta = admin(&org).build().unwrap();
    let never = okta.revoke_stream(stream::pending::<String>());
    let mut run = never.deadline(seconds(10)).start().unwrap();
    assert!(timeout(seconds(60), run.next()).await.unwrap().is_none());
    assert_eq!(run.report().stopped, Some(StopReason::Deadline));
}

#[cfg(feature = "service-app")]
#[tokio::test(start_paused = true)]
async fn cancelling_does_not_wait_for_a_token_and_sends_nothing_after_it_arrives() {
    let org = org(8, 600).await;
    org.set_token_latency(seconds(20));
    let okta = crate::support::automation(&org).build().unwrap();
    let mut run = okta.revoke_many(ids(8)).start().unwrap();
    let handle = run.handle();
    tokio::spawn(async move {
        sleep(seconds(5)).await;
        handle.cancel();
    });
    let start = Instant::now();
    while let Some(user) = run.next().await {
        assert_eq!(
            (user.outcome, user.attempts),
            (Outcome::NotAttempted, 0),
            "{user:?}"
        );
    }
    assert!(start.elapsed() < seconds(6), "{:?}", start.elapsed());
    let report = run.report();
    assert_eq!((cleared(&org).len(), report.requests), (0, 0));
    assert!(report.slowest.is_empty());
}

#[cfg(feature = "service-app")]
#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_stops_the_run() {
    let org = org(100, 600).await;
    org.fail_next_token(1000, Fault::status(503).header("retry-after", "600"));
    let okta = crate::support::automation(&org).build().unwrap();
    let (_, report) = outcomes(okta.revoke_many(ids(100))).await;
    assert_eq!(report.stopped, Some(StopReason::Unavailable));
    // With a deadline, the first user's wait shows that no user can be sent before it.
    let in_time = okta.revoke_many(ids(100)).deadline(seconds(60));
    let (_, report) = outcomes(in_time.concurrency(1)).await;
    assert_eq!(report.stopped, Some(StopReason::Deadline));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_or_cancellation_after_the_end_changes_nothing() {
    let org = org(2, 600).await;
    let okta = admin(&org).build().unwrap();
    let many = okta.revoke_many(ids(2)).deadline(seconds(10));
    let mut run = many.start().unwrap();
    let _ = run.next().await;
    let _ = run.next().await;
    // Every user is revoked, and only then does the deadline pass.
    sleep(seconds(20)).await;
    for _ in 0..2 {
        assert!(run.next().await.is_none());
        assert!(run.report().is_complete(), "{}", run.report().to_json());
        run.handle().cancel();
    }
    assert!(run.report().is_complete(), "{}", run.report().to_json());
}

#[tokio::test(start_paused = true)]
async fn progress_can_be_watched_from_elsewhere() {
    let org = org(30, 10).await;
    let okta = admin(&org).build().unwrap();
    let mut run = okta.revoke_many(ids(30)).share(1.0).start().unwrap();
    let mut handle = run.handle();
    let watcher = tokio::spawn(async move {
        let (mut ends, mut most_in_flight) = (Vec::new(), 0);
        loop {
            let Some(progress) = handle.changed().await else {
                panic!("the run ended without finishing");
            };
            most_in_flight = progress.in_flight.max(most_in_flight);
            if let Some(waiting) = &progress.waiting {
                if ends.last() != Some(&waiting.until) {
                    ends.push(waiting.until);
                }
                assert_eq!(waiting.reason, WaitReason::WindowExhausted);
                assert!(progress.expected_end.is_some());
            }
            assert_eq!(progress.total, Some(30));
            if progress.finished {
                assert_eq!(handle.changed().await, None);
                return (ends, most_in_flight, progress);
            }
        }
    });
    while run.next().await.is_some() {}
    let (ends, most_in_flight, last) = watcher.await.unwrap();
    // The system's clock stands still in virtual time, so that the second window that was
    // waited for may seem to end no later than the first.
    assert!(!ends.is_empty() && ends.is_sorted(), "{ends:?}");
    assert!((1..=30).contains(&most_in_flight), "{most_in_flight}");
    assert_eq!((last.counts.revoked, last.in_flight), (30, 0));
    assert_eq!(run.report().waits[0].times, 2);
}

#[tokio::test(start_paused = true)]
async fn a_run_dropped_early_never_reports_completion() {
    let org = org(3, 600).await;
    let okta = admin(&org).build().unwrap();
    let mut run = okta.revoke_many(ids(3)).concurrency(1).start().unwrap();
    let mut handle = run.handle();
    assert!(!run.report().is_complete());
    assert_eq!(run.next().await.unwrap().outcome, Outcome::Revoked);
    assert!(!run.report().is_complete());
    drop(run);
    let last = handle.changed().await.unwrap();
    assert_eq!((last.counts.revoked, last.finished), (1, false));
    assert_eq!(handle.changed().await, None);
}

#[tokio::test(start_paused = true)]
async fn slow_responses_postpone_the_expected_end() {
    let org = org(100, 10_000).await;
    org.set_latency(seconds(2));
    let okta = admin(&org).build().unwrap();
    let mut run = okta.revoke_many(ids(100)).concurrency(2).start().unwrap();
    let handle = run.handle();
    run.next().await;
    let end = handle.progress().expected_end.unwrap();
    let left = end.duration_since(std::time::SystemTime::now()).unwrap();
    // 99 users are left, two at a time.
    assert!((seconds(95)..seconds(105)).contains(&left), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn shares_and_concurrency_out_of_range_are_refused() {
    let org = org(1, 600).await;
    let okta = admin(&org).build().unwrap();
    for share in [0.0, -1.0, 1.1, f64::NAN] {
        let error = okta.revoke_many(ids(1)).share(share).start().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(&share.to_string()), "{error}");
    }
    assert!(okta.revoke_many(ids(1)).concurrency(0).start().is_err());
    assert!(
        okta.revoke_many(ids(1))
            .concurrency(0)
            .plan()
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn a_policy_without_retries_still_waits_for_the_window() {
    let org = org(30, 10).await;
    // A response dated a second after it was counted makes its window look shorter.
    org.set_latency(Duration::ZERO);
    let okta = admin(&org).retry(RetryPolicy::never()).build().unwrap();
    org.spend(10);
    let (_, report) = outcomes(okta.revoke_many(ids(30)).share(1.0)).await;
    assert_eq!(report.counts.revoked, 30);
    assert_eq!(report.rate_limited, 1);
}

/// The 429s have no rate-limit headers, as from a proxy.
#[tokio::test(start_paused = true)]
async fn repeated_429s_give_up_after_20_rounds() {
    let org = org(1, 600).await;
    org.fail_next(1000, Fault::okta_error(429, "E0000047"));
    let okta = admin(&org).retry(RetryPolicy::never()).build().unwrap();
    let (outcomes, report) = outcomes(okta.revoke_many(ids(1))).await;
    assert_eq!(outcomes[0].outcome, Outcome::Rejected);
    assert_eq!((outcomes[0].attempts, report.rate_limited), (21, 21));
}

#[tokio::test(start_paused = true)]
async fn the_report_can_be_written_as_json_and_csv() {
    let org = org(1, 600).await;
    let okta = admin(&org).build().unwrap();
    let ids = ["00u00000", "=cmd(),\"x\"", "00uGone", "-1"];
    let (_, report) = outcomes(okta.revoke_many(ids)).await;
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["counts"]["revoked"], 1);
    assert_eq!(json["not_revoked"][1]["outcome"], "not_found");
    assert!(
        json["caveats"][0]
            .as_str()
            .unwrap()
            .contains("Web and native apps")
    );
    let csv = report.to_csv();
    let lines: Vec<_> = csv.split("\r\n").collect();
    assert!(lines[0].starts_with("user,outcome,attempts,status"));
    let reason = ",\"the org has no such user; check the id, and that it is of this org";
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("00uGone,not_found,1,404,E0000007,")
                && line.contains(reason)
                && line.ends_with('"')),
        "{csv}"
    );
    assert!(csv.contains("\"'=cmd(),\"\"x\"\"\""), "{csv}");
    assert!(csv.contains("\r\n\"'-1\",not_found"), "{csv}");
    assert_eq!(report.summary(), "revoked 1, not_found 3");
}
