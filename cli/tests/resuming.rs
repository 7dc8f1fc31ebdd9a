//! A journal by default, and resuming from it.

use okta_mock_org::{Fault, MockOrg, MockUser, ServiceApp};

use super::support::*;

const KEY: &str = include_str!("../../tests/keys/p256.jwk");

#[tokio::test]
async fn a_run_of_several_users_can_be_resumed_without_foresight() {
    let org = org(4, 600).await;
    let folder = Folder::new("foresight");
    folder.write("users.csv", format!("id,name\n{},x\n", ids(4).join(",x\n")));
    folder.write("keep.txt", "00u00003\n");
    org.fail_next(1, Fault::reset().after_effect(true));
    let list = [
        "revoke",
        "--file",
        "users.csv",
        "--exclude",
        "keep.txt",
        "--yes",
    ];
    let options = ["--oauth-tokens", "--concurrency", "1"];
    without_retries(&folder);
    let first = run(&org, &folder, &[&list[..], &options].concat()).await;
    assert_eq!(first.status, 1, "{}", first.err);
    let command = "to resume: okta-sessions revoke --resume\n";
    assert!(first.err.contains(command), "{}", first.err);
    assert_eq!(folder.state(".jsonl").len(), 1);
    assert_eq!(folder.state(".run.json").len(), 1);

    let before = org.requests().len();
    // The list is not needed again.
    std::fs::remove_file(folder.0.join("users.csv")).unwrap();
    let again = run(&org, &folder, &["revoke", "--resume", "--yes"]).await;
    assert_eq!(again.status, 0, "{}", again.err);
    assert!(
        again.err.contains("2 revoked by the run that this resumes"),
        "{}",
        again.err
    );
    let requests = org.requests();
    assert_eq!(requests.len(), before + 1);
    assert!(
        requests
            .iter()
            .all(|request| request.query() == Some("oauthTokens=true"))
    );
    assert!(!cleared(&org).contains("00u00003"));

    // Nothing is left.
    assert_eq!(folder.state(".run.json").len(), 0);
    let third = run(&org, &folder, &["revoke", "--resume", "--yes"]).await;
    assert_eq!(third.status, 2, "{}", third.err);
    assert!(third.err.contains("no run of http://"), "{}", third.err);
}

#[tokio::test]
async fn only_runs_of_the_same_org_are_resumed() {
    let org = org(2, 600).await;
    let other = super::support::org(2, 600).await;
    let folder = Folder::new("orgs");
    org.fail_next(2, Fault::status(502));
    without_retries(&folder);
    let first = run(&org, &folder, &["revoke", "--yes", "00u00000", "00u00001"]).await;
    assert_eq!(first.status, 1, "{}", first.err);
    let refused = run(&other, &folder, &["revoke", "--resume", "--yes"]).await;
    assert_eq!(refused.status, 2, "{}", refused.err);
    assert!(other.requests().is_empty());
    let resumed = run(&org, &folder, &["revoke", "--resume", "--yes"]).await;
    assert_eq!(resumed.status, 0, "{}", resumed.err);
}

/// Nobody was reached, so everybody is left.
#[tokio::test]
async fn a_run_without_a_network_can_be_resumed() {
    let folder = Folder::new("network");
    without_retries(&folder);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let url = format!("http://127.0.0.1:{port}");
    let mut command = tokio::process::Command::new(TOOL);
    command.args(["revoke", "--yes", "00u00000", "00u00001"]);
    let cut_off = finish(started_for(&mut command, &url, "00token", &folder), "").await;
    assert_eq!(cut_off.status, 1, "{}", cut_off.err);
    assert!(
        cut_off
            .err
            .contains("to resume: okta-sessions revoke --resume"),
        "{}",
        cut_off.err
    );

    let org = MockOrg::builder().port(port).start().await.unwrap();
    for id in ids(2) {
        org.add_user(MockUser::new(id).sessions(1));
    }
    let resumed = run(&org, &folder, &["revoke", "--resume", "--yes"]).await;
    assert_eq!(resumed.status, 0, "{}", resumed.err);
    assert_eq!(cleared(&org).len(), 2);
}

/// Nothing was sent, so everybody is left.
#[tokio::test]
async fn a_run_that_got_no_access_token_can_be_resumed() {
    let org = org(3, 600).await;
    org.add_service_app(ServiceApp::new("0oaApp").public_key(KEY));
    let folder = Folder::new("no-token");
    folder.write("users", format!("{}\nbad/id\n", ids(3).join("\n")));
    without_retries(&folder);
    let revoke = |arguments: &'static [&'static str]| {
        let mut command = tokio::process::Command::new(TOOL);
        command
            .args(["revoke", "--yes"])
            .args(arguments)
            .env("OKTA_CLIENT_AUTHORIZATIONMODE", "PrivateKey")
            .env("OKTA_CLIENT_CLIENTID", "0oaApp")
            .env("OKTA_CLIENT_PRIVATEKEY", KEY);
        finish(started(&mut command, &org, &folder), "")
    };
    org.fail_next_token(10, Fault::status(502));
    let first = revoke(&["--file", "users"]).await;
    assert_eq!(first.status, 2, "{}", first.err);
    let command = "to resume: okta-sessions revoke --resume\n";
    assert!(first.err.contains(command), "{}", first.err);

    org.clear_faults();
    let resumed = revoke(&["--resume"]).await;
    assert_eq!(cleared(&org).len(), 3, "{}", resumed.err);
    // Resuming would do nothing for the id that cannot be sent.
    assert_eq!(resumed.status, 1, "{}", resumed.err);
    assert_eq!(folder.state(".run.json").len(), 0);
}

#[tokio::test]
async fn a_run_with_unmatched_exclusions_can_be_resumed() {
    let org = org(2, 600).await;
    let folder = Folder::new("unmatched-resumed");
    folder.write("keep", "somebody@acme.com\n");
    org.fail_next(2, Fault::status(502));
    without_retries(&folder);
    let typed = ["revoke", "--yes", "00u00000", "00u00001"];
    let exclude = ["--exclude", "keep", "--allow-unmatched-exclusions"];
    let first = run(&org, &folder, &[&typed[..], &exclude].concat()).await;
    assert_eq!(first.status, 1, "{}", first.err);
    let resumed = run(&org, &folder, &["revoke", "--resume", "--yes"]).await;
    assert_eq!(resumed.status, 0, "{}", resumed.err);
}

/// A full disk must not keep an earlier run from being resumed.
#[cfg(unix)]
#[tokio::test]
async fn a_run_that_cannot_be_saved_leaves_nothing() {
    let org = org(2, 600).await;
    let folder = Folder::new("unsaved");
    org.fail_next(2, Fault::status(502));
    without_retries(&folder);
    let first = run(&org, &folder, &["revoke", "--yes", "00u00000", "00u00001"]).await;
    assert_eq!(first.status, 1, "{}", first.err);
    folder.write("users", ids(400).join("\n"));
    let limited = "trap '' XFSZ; ulimit -f 1; exec $0 revoke --file users --yes";
    let unsaved = by_shell(&org, &folder, limited).await;
    assert_eq!(unsaved.status, 2, "{}", unsaved.err);
    assert!(unsaved.err.contains("cannot be kept"), "{}", unsaved.err);
    let resumed = run(&org, &folder, &["revoke", "--resume", "--yes"]).await;
    assert_eq!(resumed.status, 0, "{}", resumed.err);
    assert_eq!(cleared(&org).len(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn what_others_can_change_is_not_resumed() {
    use std::{fs, os::unix::fs::PermissionsExt};

    let org = org(2, 600).await;
    let folder = Folder::new("others");
    org.fail_next(2, Fault::status(502));
    without_retries(&folder);
    let first = run(&org, &folder, &["revoke", "--yes", "00u00000", "00u00001"]).await;
    assert_eq!(first.status, 1, "{}", first.err);
    let saved = folder.state(".run.json").remove(0);
    for (path, mode) in [
        (saved.clone(), 0o600),
        (folder.state(".jsonl").remove(0), 0o600),
        (saved.parent().unwrap().to_owned(), 0o700),
    ] {
        assert_eq!(
            fs::metadata(path).unwrap().permissions().mode() & 0o777,
            mode
        );
    }
    fs::set_permissions(&saved, fs::Permissions::from_mode(0o622)).unwrap();
    let before = org.requests().len();
    let refused = run(&org, &folder, &["revoke", "--resume", "--yes"]).await;
    assert_eq!(refused.status, 2, "{}", refused.err);
    assert!(
        refused.err.contains("other users can change it"),
        "{}",
        refused.err
    );
    assert_eq!(org.requests().len(), before);
}

#[tokio::test]
async fn a_journal_is_told_in_words() {
    let org = org(3, 600).await;
    let folder = Folder::new("words");
    org.fail_next(1, Fault::okta_error(403, "E0000006"));
    let typed = [
        "00u00000",
        "00u00001",
        "--concurrency",
        "1",
        "--journal",
        "run.jsonl",
    ];
    run(&org, &folder, &[&["revoke", "--yes"][..], &typed].concat()).await;
    let told = run(&org, &folder, &["journal", "run.jsonl"]).await;
    assert_eq!(told.status, 0, "{}", told.err);
    for text in ["1 user\n", "  forbidden 00u00000: ", &*org.url()] {
        assert!(told.out.contains(text), "{text}: {}", told.out);
    }
    assert!(!told.out.contains("00u00001"), "{}", told.out);

    // A request whose response is not recorded.
    let cut = folder.read("run.jsonl").lines().next().unwrap().to_owned();
    let sending = "{\"sending\":{\"user\":\"00u\\u001b[1m\",\"at\":\"2026-01-01T00:00:00.000Z\"}}";
    folder.write("cut.jsonl", format!("{cut}\n{sending}\n{{\"outc"));
    let told = run(&org, &folder, &["journal", "cut.jsonl"]).await;
    assert!(
        told.out.contains("unknown 00u\\u{1b}[1m: a request"),
        "{}",
        told.out
    );
    for (text, why) in [
        ("", "not a journal"),
        ("00u1\n", "line 1"),
        (sending, "not a journal"),
    ] {
        folder.write("other", text);
        let refused = run(&org, &folder, &["journal", "other"]).await;
        assert_eq!(refused.status, 2);
        assert!(refused.err.contains(why), "{text}: {}", refused.err);
    }
}

/// Settings by which each call is made once.
fn without_retries(folder: &Folder) {
    folder.write(
        "okta.yaml",
        "okta:\n  client:\n    rateLimit:\n      maxRetries: 0\n",
    );
}
