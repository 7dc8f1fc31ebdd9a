//! Revoking: plan, confirmation, output and report.

use okta_mock_org::Fault;
use serde_json::Value;

use super::support::*;

#[tokio::test]
async fn a_list_is_planned_revoked_reported_and_resumed() {
    let org = org(20, 600).await;
    let folder = Folder::new("tool");
    let rows = ids(20).join("\nX,");
    folder.write(
        "users.csv",
        format!("name,userId\nAda,{rows}\nGone,00uGone\nBad,a/b\n"),
    );
    folder.write("keep.txt", "# nights\n00u00007\n");
    let list = ["revoke", "--file", "users.csv", "--exclude", "keep.txt"];
    let dry = run(&org, &folder, &[&list[..], &["--dry-run"]].concat()).await;
    assert_eq!(dry.status, 0, "{}", dry.err);
    for text in [
        &*org.url(),
        "20 to revoke, 1 excluded, 1 not sent",
        "an API token",
        "oauth_tokens: not set",
        "a/b",
        "a new file in",
        "\"userId\"",
    ] {
        assert!(dry.err.contains(text), "{text}: {}", dry.err);
    }
    let asked = run_with(&org, &folder, &list, "y\n").await;
    assert_eq!(asked.status, 2, "{}", asked.err);
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    assert!(org.requests().is_empty());

    let kept = ["--yes", "--journal", "run.jsonl", "--report", "report.json"];
    let first = run(&org, &folder, &[&list[..], &kept].concat()).await;
    assert_eq!(first.status, 1, "{}", first.err);
    // Those who were revoked are not in the way of those who were not.
    assert!(!first.out.contains("revoked 00u"), "{}", first.out);
    assert!(first.out.contains("not_found 00uGone: "), "{}", first.out);
    assert!(
        first.err.contains("revoked 19, not found 1"),
        "{}",
        first.err
    );
    assert!(first.err.contains("Web and native apps"), "{}", first.err);
    let report: Value = serde_json::from_str(&folder.read("report.json")).unwrap();
    assert_eq!(report["counts"]["revoked"], 19);

    let before = org.requests().len();
    let again = run(&org, &folder, &[&list[..], &kept].concat()).await;
    assert_eq!(again.status, 1);
    assert!(again.err.contains("revoked before 19"), "{}", again.err);
    assert_eq!(org.requests().len(), before + 1);
    assert!(!cleared(&org).contains("00u00007"));
}

#[tokio::test]
async fn one_user_needs_no_confirmation_and_gets_a_line() {
    let org = org(2, 600).await;
    let folder = Folder::new("one");
    let one = run(&org, &folder, &["revoke", "00u00000", "--oauth-tokens"]).await;
    assert_eq!(one.status, 0, "{}", one.err);
    let id = org.requests()[0].request_id().unwrap().to_owned();
    assert_eq!(
        one.out,
        format!("revoked 00u00000 (status 204, request id {id})\n")
    );
    assert_eq!(org.requests()[0].query(), Some("oauthTokens=true"));
    assert!(folder.state("").is_empty());

    let two = run(&org, &folder, &["revoke", "00u00000", "00u00001"]).await;
    assert_eq!(two.status, 2, "{}", two.err);
    assert_eq!(org.requests().len(), 1);

    let gone = run(&org, &folder, &["revoke", "00uGone"]).await;
    assert_eq!(gone.status, 1, "{}", gone.err);
    assert!(gone.out.starts_with("not_found 00uGone: "), "{}", gone.out);
}

#[tokio::test]
async fn what_looks_like_an_option_is_not_sent_as_a_user() {
    let org = org(1, 600).await;
    let folder = Folder::new("looks");
    for typed in [
        &["--", "--dry-run"][..],
        &["--", "\u{2013}dry-run"],
        &["--", "\u{2014}dry-run"],
        &["--oauth-tokens", "false"],
        &["--forget-devices", "true"],
        &[".."],
        &["a/b"],
    ] {
        let printed = run(
            &org,
            &folder,
            &[&["revoke", "--yes", "00u00000"], typed].concat(),
        )
        .await;
        assert_eq!(printed.status, 2, "{typed:?}: {}", printed.err);
    }
    assert!(org.requests().is_empty());
}

#[tokio::test]
async fn scripts_read_json_or_csv() {
    let org = org(2, 600).await;
    let folder = Folder::new("scripts");
    let typed = [
        "revoke",
        "--yes",
        "00u00000",
        "00u00001",
        "00uGone",
        "=1@x",
        "--concurrency=1",
    ];
    let json = run(&org, &folder, &[&typed[..], &["--output", "json"]].concat()).await;
    assert_eq!(json.status, 1, "{}", json.err);
    let lines: Vec<Value> = json
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let outcomes: Vec<_> = lines
        .iter()
        .map(|line| line["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["revoked", "revoked", "not_found", "not_found"]);

    let csv = run(
        &org,
        &folder,
        &[&typed[..], &["--output", "csv", "--quiet"]].concat(),
    )
    .await;
    let mut reader = csv::Reader::from_reader(csv.out.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4);
    assert_eq!(
        (&rows[0][0], &rows[0][1], &rows[0][3]),
        ("00u00000", "revoked", "204")
    );
    assert_eq!(&rows[3][0], "'=1@x");
}

#[tokio::test]
async fn a_page_for_people_says_who_was_revoked_and_who_was_not() {
    let org = org(3, 600).await;
    let folder = Folder::new("page");
    org.fail_next(1, Fault::okta_error(403, "E0000006"));
    let typed = [
        "revoke",
        "--yes",
        "--report",
        "page.html",
        "--concurrency=1",
    ];
    let users = ["00u00000", "00u00001", "<script>@x"];
    let printed = run(&org, &folder, &[&typed[..], &users].concat()).await;
    assert_eq!(printed.status, 1, "{}", printed.err);
    let page = folder.read("page.html");
    for text in [
        "2 users are not revoked.",
        "<tr><td>00u00001<td class=\"when\">20",
        "<td>forbidden<td>",
        "&lt;script&gt;@x",
        "<svg",
        "okta-sessions revoke --yes",
        "Web and native apps",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    for never in ["<script", "http-equiv", "src=", "href=", "url("] {
        assert!(!page.contains(never), "{never}: {page}");
    }
}

#[tokio::test]
async fn a_page_does_not_say_that_excluded_users_are_revoked() {
    let org = org(2, 600).await;
    let folder = Folder::new("excluded");
    for (excluded, verdict) in [
        (
            "00u00001\n",
            "every user is revoked, except for those excluded (1 user).",
        ),
        (
            "00u00000\n00u00001\n",
            "Nobody was to be revoked: 2 users are excluded.",
        ),
    ] {
        folder.write("keep", excluded);
        let typed = ["revoke", "--yes", "00u00000", "00u00001"];
        let options = ["--exclude", "keep", "--report", "page.html"];
        let printed = run(&org, &folder, &[&typed[..], &options].concat()).await;
        assert_eq!(printed.status, 0, "{}", printed.err);
        let page = folder.read("page.html");
        assert!(page.contains(verdict), "{verdict}: {page}");
    }
}

#[tokio::test]
async fn the_report_does_not_overwrite_what_the_run_needs() {
    let org = org(3, 600).await;
    let folder = Folder::new("same");
    folder.write("users", ids(3).join("\n"));
    folder.write("keep", "00u00000\n");
    folder.write("set.yaml", "okta:\n  client: {}\n");
    let list = ["revoke", "--yes", "--file", "users", "--exclude", "keep"];
    let files = ["--journal", "run.jsonl", "--config", "set.yaml"];
    for report in ["./users", "keep", "./run.jsonl", "set.yaml"] {
        let arguments = [&list[..], &files, &["--report", report]].concat();
        let refused = run(&org, &folder, &arguments).await;
        assert_eq!(refused.status, 2, "{}", refused.err);
        assert!(refused.err.contains("another file"), "{}", refused.err);
    }
    let missing = [&list[..], &["--report", "missing/report.json"]].concat();
    let refused = run(&org, &folder, &missing).await;
    assert_eq!(refused.status, 2, "{}", refused.err);
    assert!(folder.read("users").contains("00u"));
    // Nothing is left that --resume would take for a run.
    let typed = [
        "revoke",
        "--yes",
        "00u00000",
        "00u00001",
        "--report",
        "missing/x",
    ];
    assert_eq!(run(&org, &folder, &typed).await.status, 2);
    assert!(folder.state("").is_empty());
    assert!(org.requests().is_empty());
}

/// The report's path may be another name of the list, or a link to it.
#[cfg(unix)]
#[tokio::test]
async fn a_report_that_would_overwrite_the_list_by_another_name_is_refused() {
    let org = org(1, 600).await;
    let folder = Folder::new("links");
    folder.write("users", "00u00000\n");
    std::fs::hard_link(folder.0.join("users"), folder.0.join("hard")).unwrap();
    std::os::unix::fs::symlink("users", folder.0.join("soft")).unwrap();
    for script in [
        "$0 revoke --file users --yes --report ./users",
        "$0 revoke --file users --yes --report hard",
        "$0 revoke --file users --yes --report soft",
        "$0 revoke --file - --yes --report users <users",
    ] {
        let printed = by_shell(&org, &folder, script).await;
        assert_eq!(printed.status, 2, "{script}: {}", printed.err);
        assert!(printed.err.contains("name another file"), "{}", printed.err);
    }
    assert_eq!(folder.read("users"), "00u00000\n");
    assert!(org.requests().is_empty());
}

#[tokio::test]
async fn a_run_with_nothing_left_to_do_is_reported() {
    let org = org(3, 600).await;
    let folder = Folder::new("nothing");
    let users = ids(3).join("\n");
    let list = ["revoke", "--file", "-", "--journal", "run.jsonl"];
    let first = run_with(&org, &folder, &[&list[..], &["--yes"]].concat(), &users).await;
    assert_eq!(first.status, 0, "{}", first.err);
    let again = [&list[..], &["--report", "report.json"]].concat();
    let again = run_with(&org, &folder, &again, &users).await;
    assert_eq!(again.status, 0, "{}", again.err);
    let report: Value = serde_json::from_str(&folder.read("report.json")).unwrap();
    assert_eq!(report["counts"]["already_revoked"], 3);
    assert_eq!(org.requests().len(), 3);
}

#[tokio::test]
async fn settings_come_from_the_named_file_or_from_none() {
    let org = org(1, 600).await;
    let folder = Folder::new("settings");
    folder.write("okta.yaml", "okta:\n  client:\n    requestTimeout: 61\n");
    folder.write("other.yaml", "okta:\n  client:\n    requestTimeout: 62\n");
    for (arguments, shown) in [
        (&["config"][..], Some("61")),
        (&["config", "--config", "other.yaml"], Some("62")),
        (&["config", "--no-config"], None),
    ] {
        let printed = run(&org, &folder, arguments).await;
        assert_eq!(printed.status, 0, "{}", printed.err);
        let line = printed
            .out
            .lines()
            .find(|line| line.contains("requestTimeout"));
        assert_eq!(line.is_some(), shown.is_some(), "{}", printed.out);
        assert!(line.unwrap_or_default().contains(shown.unwrap_or_default()));
        assert!(printed.out.contains("(set, not shown)"), "{}", printed.out);
    }
    let missing = run(&org, &folder, &["config", "--config", "missing.yaml"]).await;
    assert_eq!(missing.status, 2, "{}", missing.err);
}

#[tokio::test]
async fn own_sessions_are_ended_with_a_cookie() {
    let org = org(1, 600).await;
    let folder = Folder::new("end");
    let cookie = format!("idx={}", org.sign_in("00u00000").as_str());
    let end = |cookie: &str, arguments: &[&str]| {
        let mut command = tokio::process::Command::new(TOOL);
        command
            .arg("end")
            .args(arguments)
            .env("OKTA_SESSION_COOKIE", cookie);
        started(&mut command, &org, &folder)
    };
    let ended = finish(end(&cookie, &["--keep-current=false"]), "").await;
    assert_eq!(ended.status, 0, "{}", ended.err);
    assert!(
        ended.out.starts_with("ended: own sessions (request id "),
        "{}",
        ended.out
    );
    assert_eq!(org.requests()[0].body(), b"{\"keepCurrent\":false}");
    let again = finish(end(&cookie, &[]), "").await;
    assert_eq!(again.status, 1, "{}", again.err);
    let none = finish(end("", &[]), "").await;
    assert_eq!(none.status, 2, "{}", none.err);
}
