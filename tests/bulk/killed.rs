//! Runs killed at any moment and resumed: no user is lost or wrongly reported revoked.

use std::{
    env, fs,
    process::{Command, Stdio},
    time::Duration,
};

use super::*;

const USERS: usize = 1000;
const ORG: &str = "TEST_KILLED_ORG";
const TOKEN: &str = "TEST_KILLED_TOKEN";
const JOURNAL: &str = "TEST_KILLED_JOURNAL";

/// What the killed process does. Run as a test by itself, it does nothing.
#[tokio::test]
async fn the_process_that_is_killed() {
    let (Ok(url), Ok(token), Ok(journal)) = (env::var(ORG), env::var(TOKEN), env::var(JOURNAL))
    else {
        return;
    };
    let okta = Client::builder(url)
        .allow_loopback_http(true)
        .credentials(Credentials::api_token(token))
        .build()
        .unwrap();
    let run = okta
        .revoke_many(ids(USERS))
        .share(1.0)
        .concurrency(8)
        .journal(journal);
    let (_, report) = outcomes(run).await;
    assert!(report.is_complete(), "{}", report.to_json());
}

/// The users that are revoked according to the journal.
fn claimed(journal: &str) -> HashSet<String> {
    let text = fs::read_to_string(journal).unwrap_or_default();
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines
        .filter(|line| line["outcome"]["outcome"] == "revoked")
        .map(|line| line["outcome"]["user"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_fifty_kills_no_user_is_lost_or_wrongly_reported_revoked() {
    let org = MockOrg::builder()
        .rate_limit(1_000_000, seconds(60))
        .latency(Duration::from_millis(20))
        .start()
        .await
        .unwrap();
    for id in ids(USERS) {
        org.add_user(MockUser::new(id).sessions(1));
    }
    let journal = format!(
        "{}/killed-{}.jsonl",
        env!("CARGO_TARGET_TMPDIR"),
        std::process::id()
    );
    let token = org.issue_api_token();
    let process = || {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "bulk::killed::the_process_that_is_killed"])
            .envs([(ORG, &org.url()), (TOKEN, &token), (JOURNAL, &journal)])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let mut partway = 0;
    for kill in 0..50 {
        let before = org.requests().len();
        let mut child = process().spawn().unwrap();
        // Every fifth process is killed while it starts, the others while they send.
        let starting = kill % 5 == 0;
        while !starting && org.requests().len() == before && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1)).await;
        }
        sleep(Duration::from_micros(fastrand::u64(..30_000))).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let claimed = claimed(&journal);
        let cleared = cleared(&org);
        assert!(
            claimed.is_subset(&cleared),
            "{:?}",
            claimed.difference(&cleared)
        );
        partway += usize::from(!claimed.is_empty() && claimed.len() < USERS);
    }
    assert!(partway >= 30, "only {partway} kills came partway");
    let status = process().status().unwrap();
    assert!(status.success());
    assert_eq!(cleared(&org).len(), USERS);
    assert_eq!(claimed(&journal).len(), USERS);
    fs::remove_file(&journal).unwrap();
}
