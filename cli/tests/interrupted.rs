//! Signals, full disks, and output that nobody reads.

#![cfg(unix)]

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use okta_mock_org::MockOrg;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
    sync::Notify,
    time::{sleep, timeout},
};

use super::support::*;

/// Sends a signal once a few requests have arrived.
async fn signal_while_running(org: &MockOrg, child: &Child, signal: &str) {
    let id = child.id().unwrap().to_string();
    while org.requests().len() < 5 {
        sleep(std::time::Duration::from_millis(10)).await;
    }
    let sent = Command::new("kill")
        .args(["-s", signal, &id])
        .status()
        .await;
    assert!(sent.unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupt_and_terminate_wait_for_requests_in_flight_and_writes_the_report() {
    for signal in ["INT", "TERM"] {
        let org = org(200, 20).await;
        let folder = Folder::new(&format!("signal-{signal}"));
        folder.write("users", ids(200).join("\n"));
        let list = ["revoke", "--file", "users", "--yes", "--verbose"];
        let report = ["--report", "report.json"];
        let child = start(&org, &folder, &[&list[..], &report].concat());
        signal_while_running(&org, &child, signal).await;
        let printed = finish(child, "").await;
        assert_eq!(printed.status, 1, "{signal}: {}", printed.err);
        let revoked = printed
            .out
            .lines()
            .filter(|line| line.starts_with("revoked "));
        assert_eq!(revoked.count(), cleared(&org).len());
        // Those who were not tried are one line, and what to do next is last.
        let untried = printed
            .out
            .lines()
            .filter(|line| line.starts_with("not_attempted "));
        assert_eq!(untried.count(), 1, "{}", printed.out);
        assert!(printed.err.contains("cancelled"), "{}", printed.err);
        let last = printed.err.lines().last();
        assert_eq!(last, Some("to resume: okta-sessions revoke --resume"));
        let report: serde_json::Value = serde_json::from_str(&folder.read("report.json")).unwrap();
        assert_eq!(report["counts"]["revoked"], cleared(&org).len());
        let mode = std::fs::metadata(folder.0.join("report.json"))
            .unwrap()
            .permissions();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
            0o600
        );
    }
}

/// As with `2>&1 | head`: messages that cannot be written change nothing.
#[tokio::test]
async fn a_closed_standard_error_changes_nothing() {
    let org = org(20, 600).await;
    let folder = Folder::new("unread-err");
    let list = ["revoke", "--file", "-", "--yes", "--report", "report.json"];
    let mut child = start(&org, &folder, &list);
    drop(child.stderr.take());
    let all = finish(child, &ids(20).join("\n")).await;
    assert_eq!((all.status, cleared(&org).len()), (0, 20), "{}", all.out);
    assert!(folder.has("report.json"));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn output_that_cannot_be_written_causes_no_panic_and_no_success() {
    let org = org(1, 600).await;
    let folder = Folder::new("unread-out");
    folder.write("exposed.yaml", "okta:\n  client:\n    token: 00token\n");
    for (script, status) in [
        ("exec $0 config >/dev/full", 2),
        ("exec $0 journal users >/dev/full", 2),
        ("exec $0 revoke .. 2>/dev/full", 2),
        ("exec $0 revoke --file users 2>/dev/full", 2),
        // The library warns of this file.
        ("exec $0 config --config exposed.yaml 2>/dev/full", 0),
        ("exec $0 revoke 00u00000 >/dev/full", 1),
    ] {
        let printed = by_shell(&org, &folder, script).await;
        assert_eq!(printed.status, status, "{script}: {}", printed.err);
    }
    assert_eq!(org.requests().len(), 1);
}

/// The pipe's reader is gone once the check that the report can be written has passed,
/// long before Okta responds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_ends_writing_a_report_that_nobody_reads() {
    let org = org(1, 600).await;
    org.set_latency(seconds(1));
    let folder = Folder::new("pipe");
    folder.write("users", "00u00000\n");
    let script = "mkfifo pipe; : <pipe & \
                  $0 revoke --file users --yes --report pipe 2>said & \
                  until grep -q '^note' said; do sleep 0.1; done; \
                  sleep 0.5; kill -INT $!; wait $!";
    let printed = timeout(seconds(20), by_shell(&org, &folder, script)).await;
    assert_eq!(printed.expect("it hangs").status, 1);
    let said = folder.read("said");
    assert!(
        said.contains("revoked 1") && said.contains("was not written"),
        "{said}"
    );
}

/// A pager that is not scrolled, or a paused terminal: the program cannot stop in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_a_program_whose_output_nobody_reads() {
    let org = org(1000, 10_000).await;
    let folder = Folder::new("blocked");
    folder.write("users", ids(1000).join("\n"));
    let list = ["revoke", "--file", "users", "--yes", "--output", "json"];
    let mut child = start(&org, &folder, &list);
    signal_while_running(&org, &child, "CONT").await;
    let mut sent = 0;
    while org.requests().len() != sent {
        sent = org.requests().len();
        sleep(seconds(1)).await;
    }
    assert!(sent < 1000, "the output was read");
    signal_while_running(&org, &child, "TERM").await;
    let ends = timeout(seconds(1), child.wait()).await;
    assert!(ends.is_err(), "one signal ended it: {ends:?}");
    signal_while_running(&org, &child, "TERM").await;
    let ended = timeout(seconds(20), child.wait()).await;
    assert_eq!(ended.expect("it hangs").unwrap().code(), Some(1));
}

/// Responds to each request with its user as the request id, and whenever it is told to, to
/// no request over all connections.
async fn unsolicited(listener: TcpListener, requests: Arc<AtomicUsize>, now: Arc<Notify>) {
    while let Ok((mut socket, _)) = listener.accept().await {
        let (requests, now) = (requests.clone(), now.clone());
        tokio::spawn(async move {
            let mut request = [0; 4096];
            loop {
                let user = tokio::select! {
                    read = socket.read(&mut request) => {
                        let Ok(length @ 1..) = read else { return };
                        requests.fetch_add(1, SeqCst);
                        let text = String::from_utf8_lossy(&request[..length]).into_owned();
                        text.split('/').nth(4).unwrap().to_owned()
                    }
                    () = now.notified() => "nobody".to_owned(),
                };
                let success = format!("HTTP/1.1 204 No\r\nX-Okta-Request-Id: {user}\r\n\r\n");
                if socket.write_all(success.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// What arrives meanwhile over an idle connection is not taken for a later response.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn responses_to_no_request_are_not_used_after_output_was_blocked() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (requests, now) = (Arc::<AtomicUsize>::default(), Arc::<Notify>::default());
    tokio::spawn(unsolicited(listener, requests.clone(), now.clone()));
    let folder = Folder::new("unsolicited");
    // Long ids, so that they fill the pipe.
    let users: Vec<String> = (0..1000)
        .map(|number| format!("00u{number:0100}"))
        .collect();
    folder.write("users", users.join("\n"));
    let mut command = Command::new(TOOL);
    command.args(["revoke", "--file", "users", "--yes", "--no-journal"]);
    command.args(["--output", "json", "--share", "1"]);
    let mut child = started_for(&mut command, &url, "00token", &folder);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut users = 0;
    while users < 1000 {
        let mut sent = 0;
        while requests.load(SeqCst) != sent {
            sent = requests.load(SeqCst);
            sleep(std::time::Duration::from_millis(200)).await;
        }
        now.notify_waiters();
        sleep(std::time::Duration::from_millis(200)).await;
        for _ in 0..100 {
            let line = lines.next_line().await.unwrap().unwrap();
            let user: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!(user["outcome"], "revoked", "{line}");
            assert_eq!(user["request_id"], user["user"], "{line}");
            users += 1;
        }
    }
}

/// With a full disk, nothing is sent that is not in the journal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_the_run_before_the_next_request() {
    let org = org(400, 600).await;
    let folder = Folder::new("full");
    folder.write("users", ids(400).join("\n"));
    let options = "--file users --share 1 --yes --journal run.jsonl";
    let limited = format!("trap '' XFSZ; ulimit -f 16; exec $0 revoke {options}");
    let printed = by_shell(&org, &folder, &limited).await;
    assert_eq!(printed.status, 1, "{}", printed.err);
    let why = "the journal cannot be written";
    assert!(printed.err.contains(why), "{}", printed.err);
    let journal = folder.read("run.jsonl");
    let announced: HashSet<String> = journal
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|line| Some(line["sending"]["user"].as_str()?.to_owned()))
        .collect();
    let requests = org.requests();
    let sent: HashSet<String> = requests
        .iter()
        .map(|request| request.path().split('/').nth(4).unwrap().to_owned())
        .collect();
    assert!(!sent.is_empty() && sent.len() < 400);
    let unannounced: Vec<_> = sent.difference(&announced).collect();
    assert!(unannounced.is_empty(), "{unannounced:?}");

    let resumed = by_shell(&org, &folder, &format!("exec $0 revoke {options}")).await;
    assert_eq!(resumed.status, 0, "{}", resumed.err);
    assert_eq!(cleared(&org).len(), 400);
}
