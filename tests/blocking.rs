//! The blocking clients over real HTTP, from threads; they are refused in a runtime.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use okta_mock_org::{Fault, MockOrg, MockUser};
use okta_user_sessions::{
    ClientBuilder, Credentials, Effect, Error, ErrorKind, Outcome, RetryPolicy, SessionCredentials,
    StopReason,
    blocking::{Client, Run, SessionClient},
};
use tokio::runtime::{Builder, Runtime};

use crate::support::{ADA, org};

/// An org, and the runtime that it runs in.
fn home() -> (Runtime, MockOrg) {
    let runtime = Runtime::new().unwrap();
    let org = runtime.block_on(org());
    (runtime, org)
}

fn admin(org: &MockOrg) -> ClientBuilder<Client> {
    Client::builder(org.url())
        .allow_loopback_http(true)
        .credentials(Credentials::api_token(org.issue_api_token()))
}

fn client(org: &MockOrg) -> Client {
    admin(org).build().unwrap()
}

fn milliseconds(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[test]
fn clients_can_be_shared_and_cloned_and_runs_can_move() {
    fn shared<T: Send + Sync + Clone>() {}
    fn send<T: Send>() {}
    shared::<Client>();
    shared::<SessionClient>();
    send::<Run>();
}

#[test]
fn revokes_and_ends_with_the_options_given() {
    let (_runtime, org) = home();
    let laptop = org.sign_in(ADA);
    let me = SessionClient::builder(org.url())
        .allow_loopback_http(true)
        .credentials(SessionCredentials::idx(laptop.as_str()))
        .build()
        .unwrap();

    me.end_user_sessions().send().unwrap();
    assert!(org.is_signed_in(&laptop));
    me.end_user_sessions().keep_current(false).send().unwrap();
    assert!(!org.is_signed_in(&laptop));
    assert!(me.rate_limit().is_some());

    let receipt = client(&org)
        .revoke_user_sessions(ADA)
        .oauth_tokens(true)
        .forget_devices(false)
        .send()
        .unwrap();
    let requests = org.requests();
    let last = requests.last().unwrap();
    assert_eq!(last.query(), Some("forgetDevices=false&oauthTokens=true"));
    assert_eq!(last.request_id(), receipt.request_id());
    assert_eq!(receipt.status(), 204);
    assert_eq!(org.user(ADA).unwrap().refresh_tokens, 0);
}

#[test]
fn errors_report_their_effect() {
    let (_runtime, org) = home();
    let policy = RetryPolicy::default().with_deadline(milliseconds(300));
    let okta = admin(&org).retry(policy).build().unwrap();

    let error = okta.revoke_user_sessions("..").send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(org.requests().len(), 0);

    let error = okta.revoke_user_sessions("00uNobody").send().unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (ErrorKind::NotFound, Effect::None)
    );

    org.fail_next(1, Fault::hang());
    let started = Instant::now();
    let error = okta.revoke_user_sessions(ADA).send().unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (ErrorKind::TimedOut, Effect::Unknown)
    );
    assert!(started.elapsed() >= milliseconds(300));
}

#[cfg(feature = "service-app")]
#[test]
fn a_service_app_fetches_its_token_once_for_all_threads() {
    let (_runtime, org) = home();
    let okta = Client::builder(org.url())
        .allow_loopback_http(true)
        .credentials(crate::support::service_app(&org))
        .build()
        .unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| okta.revoke_user_sessions(ADA).send().unwrap());
        }
    });
    assert_eq!(org.tokens_issued(), 1);
    assert_eq!(org.log().len(), 4);
}

#[test]
fn calls_of_many_threads_are_concurrent_and_share_one_rate_limiter() {
    let (_runtime, org) = home();
    let okta = client(&org);
    // From the first response, the rate limiter learns how many requests are allowed.
    okta.revoke_user_sessions(ADA).send().unwrap();
    org.set_latency(milliseconds(500));
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let okta = okta.clone();
            thread::spawn(move || okta.revoke_user_sessions(ADA).send())
        })
        .collect();
    for call in calls {
        call.join().unwrap().unwrap();
    }
    assert_eq!(org.peak_in_flight(), 8);
    assert_eq!(okta.rate_limit().unwrap().remaining(), 600 - 9);
}

#[test]
fn a_connection_closed_between_two_calls_costs_no_attempt() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let (closed, is_closed) = mpsc::channel();
    thread::spawn(move || {
        for connection in server.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 4096]).unwrap();
            let response = b"HTTP/1.1 204 No Content\r\nx-okta-request-id: 1\r\n\r\n";
            connection.write_all(response).unwrap();
            thread::sleep(milliseconds(50));
            drop(connection);
            closed.send(()).unwrap();
        }
    });
    let okta = Client::builder(url)
        .allow_loopback_http(true)
        .credentials(Credentials::api_token("00token"))
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    for _ in 0..3 {
        okta.revoke_user_sessions(ADA).send().unwrap();
        is_closed.recv().unwrap();
        thread::sleep(milliseconds(50));
    }
}

/// Asserts that it is refused, and that the error says what to do.
fn assert_refused<T>(result: Result<T, Error>) {
    let error = result.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.effect(), Effect::None);
    let text = error.to_string();
    assert!(
        text.contains("runtime") && text.contains("okta_user_sessions::Client"),
        "{text}"
    );
}

#[test]
fn inside_a_runtime_calls_are_refused_without_a_panic() {
    let (runtime, org) = home();
    let okta = client(&org);
    let cookie = SessionCredentials::idx("value");
    let me = SessionClient::builder(org.url())
        .allow_loopback_http(true)
        .credentials(cookie.clone());
    let made_outside = me.build().unwrap();
    let refused = |okta: &Client| {
        assert_refused(okta.revoke_user_sessions(ADA).send());
        assert_refused(okta.revoke_many([ADA]).plan());
        assert_refused(okta.revoke_many([ADA]).start());
    };

    runtime.block_on(async {
        assert_refused(admin(&org).build());
        let me = SessionClient::builder(org.url()).credentials(cookie);
        assert_refused(me.build());
        refused(&okta);
        assert_refused(made_outside.end_user_sessions().send());
        // Dropping these values here causes no panic.
        drop(made_outside);
        drop(client_made_elsewhere(&org));
    });
    let clone = okta.clone();
    let task = runtime.spawn(async move { refused(&clone) });
    runtime.block_on(task).unwrap();
    let clone = okta.clone();
    let task = runtime.spawn_blocking(move || refused(&clone));
    runtime.block_on(task).unwrap();
    Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(async { refused(&okta) });
    assert_eq!(org.requests().len(), 0);

    okta.revoke_user_sessions(ADA).send().unwrap();
}

/// A client whose only owner is in the runtime that calls this.
fn client_made_elsewhere(org: &MockOrg) -> Client {
    thread::scope(|scope| scope.spawn(|| client(org)).join().unwrap())
}

fn org_with(users: &[&'static str]) -> (Runtime, MockOrg) {
    let (runtime, org) = home();
    for &user in users {
        org.add_user(MockUser::new(user).sessions(1));
    }
    (runtime, org)
}

const USERS: [&str; 3] = ["00u1", "00u2", "00u3"];

#[test]
fn a_run_is_an_iterator_of_one_outcome_for_each_user() {
    let (_runtime, org) = org_with(&USERS);
    let okta = client(&org);
    let ids = ["00u1", "00u2", "00uNobody", "00u3", "00u1"];
    let plan = okta.revoke_many(ids).exclude(["00u2"]).plan().unwrap();
    assert_eq!((plan.users, plan.duplicates, plan.excluded), (3, 1, 1));
    assert_eq!(org.requests().len(), 0);

    let mut run = okta.revoke_many(ids).exclude(["00u2"]).start().unwrap();
    let mut outcomes: Vec<_> = run.by_ref().map(|user| (user.user, user.outcome)).collect();
    outcomes.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        outcomes,
        [
            ("00u1".to_owned(), Outcome::Revoked),
            ("00u3".to_owned(), Outcome::Revoked),
            ("00uNobody".to_owned(), Outcome::NotFound),
        ]
    );
    let counts = run.report().counts;
    assert_eq!((counts.revoked, counts.excluded), (2, 1));
    assert_eq!(run.handle().progress().counts, counts);
}

#[test]
fn ids_may_come_from_an_iterator_that_blocks_on_its_own_runtime() {
    let (_runtime, org) = org_with(&USERS);
    let database = Builder::new_current_thread().build().unwrap();
    let ids = USERS.map(str::to_owned).into_iter();
    let ids = ids.map(move |id| database.block_on(async { id }));
    let run = client(&org).revoke_many(ids).start().unwrap();
    assert_eq!(
        run.filter(|user| user.outcome == Outcome::Revoked).count(),
        3
    );
}

#[test]
fn a_run_moved_into_a_runtime_is_cancelled_and_reports_nobody_revoked() {
    let (runtime, org) = org_with(&USERS);
    let mut run = client(&org)
        .revoke_many(USERS)
        .concurrency(1)
        .start()
        .unwrap();
    assert_eq!(run.next().unwrap().outcome, Outcome::Revoked);
    let (rest, report) = runtime.block_on(async {
        let rest: Vec<_> = run.by_ref().collect();
        (rest, run.report())
    });
    assert_eq!(rest.len(), 2);
    assert!(
        rest.iter()
            .all(|user| user.outcome == Outcome::NotAttempted)
    );
    assert_eq!(report.stopped, Some(StopReason::Cancelled));
    assert!(report.stop_detail.unwrap().contains("runtime"));
    assert_eq!(org.log().len(), 1);
}
