//! Calls awaited in a Tokio runtime without timers or I/O, or outside of any runtime.

use futures_util::FutureExt;
use okta_user_sessions::{
    Client, Credentials, Effect, Error, ErrorKind, Outcome, SessionClient, SessionCredentials,
    StopReason,
};
use tokio::runtime::{Builder, Runtime};

use crate::support::{ADA, unreachable};

fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect(), error.attempts()),
        (ErrorKind::InvalidInput, Effect::None, 0)
    );
    error.to_string()
}

fn runtime(enable: impl FnOnce(&mut Builder) -> &mut Builder) -> Runtime {
    enable(&mut Builder::new_current_thread()).build().unwrap()
}

fn me() -> SessionClient {
    SessionClient::builder("https://acme.okta.com")
        .credentials(SessionCredentials::idx("cookie"))
        .build()
        .unwrap()
}

#[test]
fn outside_of_a_runtime_a_call_is_refused() {
    let call = unreachable().revoke_user_sessions(ADA).into_future();
    let text = refusal(call.now_or_never().unwrap());
    assert!(text.contains("not in a Tokio runtime"), "{text}");
    let call = me().end_user_sessions().into_future();
    refusal(call.now_or_never().unwrap());
}

#[test]
fn in_a_runtime_without_timers_a_call_is_refused() {
    for runtime in [runtime(|builder| builder), runtime(Builder::enable_io)] {
        let call = unreachable().revoke_user_sessions(ADA).into_future();
        let text = refusal(runtime.block_on(call));
        assert!(
            text.contains("no timers") && text.contains("enable_all"),
            "{text}"
        );
        refusal(runtime.block_on(me().end_user_sessions().into_future()));
    }
}

#[test]
fn in_a_runtime_without_io_a_call_is_refused() {
    let runtime = runtime(Builder::enable_time);
    let call = unreachable().revoke_user_sessions(ADA).into_future();
    let text = refusal(runtime.block_on(call));
    assert!(
        text.contains("no I/O") && text.contains("enable_all"),
        "{text}"
    );
}

#[test]
fn a_bulk_run_outside_of_a_runtime_attempts_nobody_and_says_why() {
    let mut run = unreachable().revoke_many([ADA, "00uBob"]).start().unwrap();
    for _ in 0..2 {
        let outcome = run.next().now_or_never().unwrap().unwrap();
        assert_eq!(outcome.outcome, Outcome::NotAttempted);
    }
    assert!(run.next().now_or_never().unwrap().is_none());
    let report = run.report();
    assert!(!report.is_complete());
    let why = report.stop_detail.unwrap();
    assert!(why.contains("not in a Tokio runtime"), "{why}");
}

#[test]
fn a_bulk_run_in_a_runtime_without_io_stops_and_says_why() {
    let ids: Vec<String> = (0..30).map(|number| format!("00u{number}")).collect();
    let mut run = unreachable()
        .revoke_many(ids)
        .concurrency(1)
        .start()
        .unwrap();
    runtime(Builder::enable_time).block_on(async { while run.next().await.is_some() {} });
    let report = run.report();
    assert_eq!(report.stopped, Some(StopReason::Cancelled));
    assert_eq!((report.counts.not_attempted, report.requests), (30, 1));
    let why = report.stop_detail.unwrap();
    assert!(why.contains("no I/O"), "{why}");
}

#[test]
fn a_call_may_be_made_outside_and_awaited_inside() {
    let okta = Client::builder("http://127.0.0.1:1")
        .allow_loopback_http(true)
        .credentials(Credentials::api_token("00token"))
        .retry(okta_user_sessions::RetryPolicy::never())
        .build()
        .unwrap();
    let call = okta.revoke_user_sessions(ADA).into_future();
    let error = runtime(Builder::enable_all).block_on(call).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotConnected);
}
