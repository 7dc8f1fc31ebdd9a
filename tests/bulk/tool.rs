//! `examples/revoke` as a program, the way its users run it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use futures_util::future::join_all;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
};

use super::{journal::Folder, *};

// Runs the example's unit tests here, because cargo does not build an example as a program
// if it also runs its tests.
#[allow(dead_code)]
#[path = "../../examples/revoke/input.rs"]
mod input;

/// The program, which `cargo test` builds next to this binary.
fn tool() -> PathBuf {
    let here = env::current_exe().unwrap();
    let name = format!("examples/revoke{}", env::consts::EXE_SUFFIX);
    let path = here.parent().and_then(Path::parent).unwrap().join(name);
    assert!(path.exists(), "run cargo build --examples first");
    path
}

struct Printed {
    status: i32,
    out: String,
    err: String,
}

async fn run(org: &MockOrg, folder: &Folder, arguments: &[&str], input: &str) -> Printed {
    finish(start(org, folder, arguments), input).await
}

fn start(org: &MockOrg, folder: &Folder, arguments: &[&str]) -> Child {
    started(Command::new(tool()).args(arguments), org, folder)
}

fn started(command: &mut Command, org: &MockOrg, folder: &Folder) -> Child {
    command
        .current_dir(&folder.0)
        .env("HOME", &folder.0)
        .env("OKTA_CLIENT_ORGURL", org.url())
        .env("OKTA_CLIENT_TOKEN", org.issue_api_token())
        .env("OKTA_TESTING_TESTINGDISABLEHTTPSCHECK", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn finish(mut child: Child, input: &str) -> Printed {
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    Printed {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn a_list_is_planned_revoked_reported_and_resumed() {
    let org = org(20, 600).await;
    let folder = Folder::new("tool");
    let list = format!(
        "name,userId\nAda,{}\nGone,00uGone\nBad,a/b\n",
        ids(20).join("\nX,")
    );
    fs::write(folder.0.join("users.csv"), list).unwrap();
    fs::write(folder.0.join("keep.txt"), "00u00007\n").unwrap();
    let list = ["--file", "users.csv", "--exclude", "keep.txt"];
    let dry = run(&org, &folder, &[&list[..], &["--dry-run"]].concat(), "").await;
    assert_eq!(dry.status, 0, "{}", dry.err);
    assert!(
        dry.err
            .contains(&format!("20 users to revoke in {}", org.url()))
            && dry.err.contains("a/b"),
        "{}",
        dry.err
    );

    let asked = run(&org, &folder, &list, "y\n").await;
    assert_eq!(asked.status, 2, "{}", asked.err);
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    assert!(org.requests().is_empty());

    let kept = ["--yes", "--journal", "run.jsonl", "--report", "report.json"];
    let first = run(&org, &folder, &[&list[..], &kept].concat(), "").await;
    assert_eq!(first.status, 1, "{}", first.err);
    assert_eq!(
        first.out.matches("revoked 00u").count(),
        19,
        "{}",
        first.out
    );
    assert!(
        first.out.contains("not_found 00uGone (status 404"),
        "{}",
        first.out
    );
    assert!(first.err.contains("Web and native apps"), "{}", first.err);
    let report = fs::read_to_string(folder.0.join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["counts"]["revoked"], 19);

    let before = org.requests().len();
    let again = run(&org, &folder, &[&list[..], &kept].concat(), "").await;
    assert_eq!(again.status, 1);
    assert!(
        again.err.contains("19 users were revoked then"),
        "{}",
        again.err
    );
    assert_eq!(org.requests().len(), before + 1);
    assert!(!cleared(&org).contains("00u00007"));
}

/// Options for many users, which have no effect with ids on the command line.
const FOR_MANY: [&[&str]; 9] = [
    &["--file", "users"],
    &["--exclude", "users"],
    &["--dry-run"],
    &["--share", "0.5"],
    &["--concurrency", "32"],
    &["--deadline", "30m"],
    &["--journal", "run.jsonl"],
    &["--report", "report.json"],
    &["--yes"],
];

#[tokio::test]
async fn options_that_have_no_effect_with_ids_on_the_command_line_are_refused() {
    let org = org(1, 600).await;
    let folder = Folder::new("ignored");
    fs::write(folder.0.join("users"), "00u00000\n").unwrap();
    let refused = |options: Vec<&'static str>, id_first: bool| {
        let (org, folder) = (&org, &folder);
        async move {
            let mut arguments = options.clone();
            arguments.insert(if id_first { 0 } else { options.len() }, "00u00000");
            let printed = run(org, folder, &arguments, "").await;
            assert_eq!(printed.status, 2, "{arguments:?}: {}", printed.err);
            for option in options.iter().filter(|option| option.starts_with("--")) {
                let named = printed.err.contains(option);
                assert!(named, "{arguments:?}: {}", printed.err);
            }
            assert!(printed.out.is_empty(), "{}", printed.out);
        }
    };
    let harmless: [&[&str]; 2] = [&["--oauth-tokens", "true"], &["--forget-devices", "false"]];
    for (at, &one) in FOR_MANY.iter().enumerate() {
        let others = FOR_MANY[at + 1..].iter();
        let pairs = others.map(|&other| refused([one, other].concat(), at % 2 == 0));
        join_all(pairs).await;
        refused(one.to_vec(), true).await;
        let with_harmless = harmless.map(|other| [one, other].concat());
        for options in with_harmless {
            let arguments: Vec<_> = [&options[..], &["00u00000"]].concat();
            let printed = run(&org, &folder, &arguments, "").await;
            assert_eq!(printed.status, 2, "{arguments:?}: {}", printed.err);
            assert!(printed.err.contains(one[0]), "{}", printed.err);
        }
    }
    for dashed in ["--dry-run", "\u{2013}dry-run", "\u{2014}dry-run"] {
        let printed = run(&org, &folder, &["00u00000", "--", dashed], "").await;
        assert_eq!(printed.status, 2, "{}", printed.err);
        assert!(printed.err.contains("looks like an option"));
    }
    let both = ["--file", "users", "--dry-run", "--report", "report.json"];
    let printed = run(&org, &folder, &both, "").await;
    assert_eq!(printed.status, 2, "{}", printed.err);
    assert!(printed.err.contains("--report"), "{}", printed.err);
    assert!(org.requests().is_empty());
    assert!(!folder.journal().exists() && !folder.0.join("report.json").exists());

    // The others have an effect.
    let printed = run(
        &org,
        &folder,
        &[harmless.concat(), vec!["00u00000"]].concat(),
        "",
    )
    .await;
    assert_eq!(printed.status, 0, "{}", printed.err);
    assert_eq!(
        org.requests()[0].query(),
        Some("forgetDevices=false&oauthTokens=true")
    );
}

#[tokio::test]
async fn an_ambiguous_list_is_refused_with_its_line() {
    let org = org(3, 600).await;
    let folder = Folder::new("ambiguous");
    fs::write(folder.0.join("good"), "00u00000\n00u00001\n").unwrap();
    for (text, why) in [
        ("id,name\n00u00000,\"Ada\n00u00001,Bob\n", "line 2 opens"),
        ("\"00u00000\n00u00001\n", "line 1 opens"),
        ("00u00001\n\"00u00000\n", "line 2 opens"),
        ("id,name\n00u00000,\"Ada\" x\n", "line 2 has text next to"),
        (
            "name,id\nLovelace, 00u00002,00u00000\n",
            "line 2 has 3 fields",
        ),
        ("00u00001\n00u00000,00u00002\n", "line 2 has 2 fields"),
    ] {
        fs::write(folder.0.join("bad"), text).unwrap();
        for lists in [["bad", "good"], ["good", "bad"]] {
            let [file, exclude] = lists;
            let arguments = ["--file", file, "--exclude", exclude, "--yes"];
            let printed = run(&org, &folder, &arguments, "").await;
            assert_eq!(printed.status, 2, "{text:?}: {}", printed.err);
            let named = printed.err.contains(why) && printed.err.contains("bad: ");
            assert!(named, "{text:?}: {}", printed.err);
        }
    }
    assert!(org.requests().is_empty());
}

#[tokio::test]
async fn a_list_can_come_from_standard_input() {
    let org = org(3, 600).await;
    let folder = Folder::new("stdin");
    let all = run(&org, &folder, &["--file", "-", "--yes"], &ids(3).join("\n")).await;
    assert_eq!((all.status, cleared(&org).len()), (0, 3), "{}", all.err);
    for nobody in ["", "userId\n"] {
        let nobody = run(&org, &folder, &["--file", "-", "--yes"], nobody).await;
        assert_eq!(nobody.status, 2, "{}", nobody.err);
    }
    let bad = run(&org, &folder, &["--file", "none.txt", "--yes"], "").await;
    assert_eq!(bad.status, 2);
    assert!(bad.err.contains("none.txt"), "{}", bad.err);

    // A list of exclusions that is empty by mistake would exclude nobody.
    fs::write(folder.0.join("keep.txt"), "\n").unwrap();
    let before = org.requests().len();
    let arguments = ["--file", "-", "--exclude", "keep.txt", "--yes"];
    let nobody = run(&org, &folder, &arguments, "00u00000").await;
    assert_eq!(nobody.status, 2, "{}", nobody.err);
    assert!(nobody.err.contains("keep.txt"), "{}", nobody.err);
    assert_eq!(org.requests().len(), before);
}

/// As with `2>&1 | head`: messages that cannot be written change nothing.
#[tokio::test]
async fn a_closed_standard_error_changes_nothing() {
    let org = org(20, 600).await;
    let folder = Folder::new("unread");
    let list = ["--file", "-", "--yes", "--report", "report.json"];
    let mut child = start(&org, &folder, &list);
    drop(child.stderr.take());
    let all = finish(child, &ids(20).join("\n")).await;
    assert_eq!((all.status, cleared(&org).len()), (0, 20), "{}", all.out);
    assert!(folder.0.join("report.json").exists());
}

#[tokio::test]
async fn the_report_does_not_overwrite_what_the_run_needs() {
    let org = org(3, 600).await;
    let folder = Folder::new("same");
    for (name, users) in [("users", 3), ("keep", 1)] {
        fs::write(folder.0.join(name), ids(users).join("\n")).unwrap();
    }
    for report in ["./users", "keep", "run.jsonl"] {
        let list = [
            "--file",
            "users",
            "--exclude",
            "keep",
            "--journal",
            "run.jsonl",
        ];
        let report = ["--yes", "--report", report];
        let refused = run(&org, &folder, &[&list[..], &report].concat(), "").await;
        assert_eq!(refused.status, 2, "{}", refused.err);
        assert!(refused.err.contains("another file"), "{}", refused.err);
    }
    assert!(
        fs::read_to_string(folder.0.join("users"))
            .unwrap()
            .contains("00u")
    );
    assert!(org.requests().is_empty());
}

#[tokio::test]
async fn a_run_with_nothing_left_to_do_is_reported() {
    let org = org(3, 600).await;
    let folder = Folder::new("nothing");
    let users = ids(3).join("\n");
    let list = ["--file", "-", "--journal", "run.jsonl"];
    let first = run(&org, &folder, &[&list[..], &["--yes"]].concat(), &users).await;
    assert_eq!(first.status, 0, "{}", first.err);
    let report = ["--report", "report.json"];
    let again = run(&org, &folder, &[&list[..], &report].concat(), &users).await;
    assert_eq!(again.status, 0, "{}", again.err);
    let report = fs::read_to_string(folder.0.join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["counts"]["already_revoked"], 3);
    assert_eq!(org.requests().len(), 3);
}

/// Ctrl-C once: requests in flight are waited for.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_waits_for_requests_in_flight_and_reports_the_users_left() {
    let org = org(200, 20).await;
    let folder = Folder::new("interrupt");
    fs::write(folder.0.join("users"), ids(200).join("\n")).unwrap();
    let child = start(&org, &folder, &["--file", "users", "--yes"]);
    let kill = format!("kill -INT {}", child.id().unwrap());
    let watched = org.clone();
    let interrupt = tokio::spawn(async move {
        while watched.requests().len() < 5 {
            sleep(Duration::from_millis(10)).await;
        }
        let sent = Command::new("sh").args(["-c", &kill]).status().await;
        assert!(sent.unwrap().success());
    });
    let printed = finish(child, "").await;
    interrupt.await.unwrap();
    assert_eq!(printed.status, 1, "{}", printed.err);
    assert!(printed.err.contains("cancelled"), "{}", printed.err);
    let revoked = printed
        .out
        .lines()
        .filter(|line| line.starts_with("revoked "))
        .count();
    assert_eq!(revoked, cleared(&org).len());
    assert_eq!(printed.out.lines().count(), 200);
}

/// Runs the program in a shell, as `$0`.
#[cfg(unix)]
async fn by_shell(org: &MockOrg, folder: &Folder, script: &str) -> Printed {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(tool());
    finish(started(&mut shell, org, folder), "").await
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_closed_standard_output_causes_no_panic() {
    let org = org(1, 600).await;
    let folder = Folder::new("unread");
    for script in [
        "exec $0 --explain-settings >/dev/full",
        "exec $0 .. 2>/dev/full",
        "exec $0 --file users 2>/dev/full",
    ] {
        let printed = by_shell(&org, &folder, script).await;
        assert_eq!(printed.status, 2, "{script}: {}", printed.err);
    }
    assert!(org.requests().is_empty());
}

/// The report's path may be another name of the list, or a link to it.
#[cfg(unix)]
#[tokio::test]
async fn a_report_that_would_overwrite_the_list_is_refused() {
    let org = org(1, 600).await;
    let folder = Folder::new("same");
    let list = folder.0.join("users");
    fs::write(&list, "00u00000\n").unwrap();
    fs::hard_link(&list, folder.0.join("hard")).unwrap();
    std::os::unix::fs::symlink("users", folder.0.join("soft")).unwrap();
    for script in [
        "$0 --file users --yes --report ./users",
        "$0 --file users --yes --report hard",
        "$0 --file users --yes --report soft",
        "$0 --file - --yes --report users <users",
        "$0 --file - --yes --exclude users --report hard <users",
        "$0 --file users --yes --journal new --report new",
    ] {
        let printed = by_shell(&org, &folder, script).await;
        assert_eq!(printed.status, 2, "{script}: {}", printed.err);
        assert!(printed.err.contains("name another file"), "{}", printed.err);
    }
    assert_eq!(fs::read_to_string(&list).unwrap(), "00u00000\n");
    assert!(org.requests().is_empty());
}

/// The pipe's reader is gone once the check that the report can be written has passed.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_ends_writing_a_report_that_nobody_reads() {
    let org = org(1, 600).await;
    let folder = Folder::new("pipe");
    fs::write(folder.0.join("users"), "00u00000\n").unwrap();
    let script = "mkfifo pipe; : <pipe & \
                  $0 --file users --yes --report pipe 2>said & \
                  until grep -q '^note' said; do sleep 0.1; done; \
                  sleep 0.5; kill -INT $!; wait $!";
    let printed = timeout(seconds(20), by_shell(&org, &folder, script)).await;
    assert_eq!(printed.expect("it hangs").status, 1);
    let said = fs::read_to_string(folder.0.join("said")).unwrap();
    assert!(
        said.contains("revoked 1") && said.contains("was not written"),
        "{said}"
    );
}

/// With a full disk, nothing is sent that is not in the journal.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_the_run_before_the_next_request() {
    let org = org(400, 600).await;
    let folder = Folder::new("full");
    fs::write(folder.0.join("users"), ids(400).join("\n")).unwrap();
    let limited = format!(
        "trap '' XFSZ; ulimit -f 16; exec {} --file users --share 1 --yes --journal run.jsonl",
        tool().display()
    );
    let printed = finish(
        started(Command::new("sh").args(["-c", &limited]), &org, &folder),
        "",
    )
    .await;
    assert_eq!(printed.status, 1, "{}", printed.err);
    assert!(
        printed.err.contains("the journal cannot be written"),
        "{}",
        printed.err
    );
    let journal = fs::read_to_string(folder.journal()).unwrap();
    let lines = journal
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let announced: HashSet<String> = lines
        .filter_map(|line: serde_json::Value| Some(line["sending"]["user"].as_str()?.to_owned()))
        .collect();
    let sent: HashSet<String> = org
        .requests()
        .iter()
        .map(|request| request.path().split('/').nth(4).unwrap().to_owned())
        .collect();
    assert!(!sent.is_empty() && sent.len() < 400);
    assert!(
        sent.is_subset(&announced),
        "{:?}",
        sent.difference(&announced)
    );

    let list = ["--file", "users", "--share", "1", "--yes"];
    let resumed = [&list[..], &["--journal", "run.jsonl"]].concat();
    let resumed = run(&org, &folder, &resumed, "").await;
    assert_eq!(resumed.status, 0, "{}", resumed.err);
    assert_eq!(cleared(&org).len(), 400);
}
