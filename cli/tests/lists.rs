//! Lists are read whole, or refused before anything is sent.

use super::support::*;

#[tokio::test]
async fn an_ambiguous_list_is_refused_with_its_line() {
    let org = org(3, 600).await;
    let folder = Folder::new("ambiguous");
    folder.write("good", "00u00000\n00u00001\n");
    for (text, why) in [
        ("id,name\n00u00000,\"Ada\n00u00001,Bob\n", "line 2 opens"),
        ("00u00001\n\"00u00000\n", "line 2 "),
        ("id,name\n00u00000,\"Ada\" x\n", "line 2 has text next to"),
        (
            "name,id\nLovelace, 00u00002,00u00000\n",
            "line 2 has 3 fields",
        ),
        ("00u00001\n00u00000,00u00002\n", "line 2 "),
        ("<html>", "HTML"),
    ] {
        folder.write("bad", text);
        for lists in [["bad", "good"], ["good", "bad"]] {
            let [file, exclude] = lists;
            let arguments = ["revoke", "--file", file, "--exclude", exclude, "--yes"];
            let printed = run(&org, &folder, &arguments).await;
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
    let all = ["revoke", "--file", "-", "--yes"];
    let printed = run_with(&org, &folder, &all, &ids(3).join("\n")).await;
    assert_eq!(
        (printed.status, cleared(&org).len()),
        (0, 3),
        "{}",
        printed.err
    );
    for nobody in ["", "userId\n"] {
        let nobody = run_with(&org, &folder, &all, nobody).await;
        assert_eq!(nobody.status, 2, "{}", nobody.err);
        assert!(nobody.err.contains("standard input: "), "{}", nobody.err);
    }
    let bad = run(&org, &folder, &["revoke", "--file", "none.txt", "--yes"]).await;
    assert_eq!(bad.status, 2);
    assert!(bad.err.contains("none.txt"), "{}", bad.err);

    // A list of exclusions that is empty by mistake would exclude nobody.
    folder.write("keep.txt", "\n");
    let before = org.requests().len();
    let arguments = [&all[..], &["--exclude", "keep.txt"]].concat();
    let nobody = run_with(&org, &folder, &arguments, "00u00000").await;
    assert_eq!(nobody.status, 2, "{}", nobody.err);
    assert!(nobody.err.contains("keep.txt"), "{}", nobody.err);
    assert_eq!(org.requests().len(), before);
}

#[tokio::test]
async fn an_exclusion_that_matches_nobody_is_refused_even_with_yes() {
    let org = org(2, 600).await;
    let folder = Folder::new("unmatched");
    folder.write("keep.txt", "00u00001\nroot@acme.com\n");
    let typed = [
        "revoke",
        "00u00000",
        "00u00001",
        "--yes",
        "--exclude",
        "keep.txt",
    ];
    let refused = run(&org, &folder, &typed).await;
    assert_eq!(refused.status, 2, "{}", refused.err);
    assert!(refused.err.contains("root@acme.com"), "{}", refused.err);
    assert!(org.requests().is_empty());
    let allowed = [&typed[..], &["--allow-unmatched-exclusions"]].concat();
    let allowed = run(&org, &folder, &allowed).await;
    assert_eq!(allowed.status, 0, "{}", allowed.err);
    assert_eq!(cleared(&org), ["00u00000".to_owned()].into());
}

#[tokio::test]
async fn a_report_is_a_list_of_those_who_are_left() {
    let org = org(3, 600).await;
    let folder = Folder::new("left");
    org.fail_next(1, okta_mock_org::Fault::okta_error(403, "E0000006"));
    let first = ["revoke", "--yes", "--concurrency", "1", "--report"];
    let typed = ["left.csv", "00u00000", "00u00001"];
    let printed = run(&org, &folder, &[&first[..], &typed].concat()).await;
    assert_eq!(printed.status, 1, "{}", printed.err);
    let printed = run(&org, &folder, &["revoke", "--yes", "--file", "left.csv"]).await;
    assert_eq!(printed.status, 0, "{}", printed.err);
    assert_eq!(cleared(&org).len(), 2);
    assert_eq!(org.requests().len(), 3);
}

/// Also where an id looks like what the report makes of another, so that a spreadsheet does
/// not run it as a formula.
#[tokio::test]
async fn a_report_has_the_ids_as_they_were() {
    let org = org(1, 600).await;
    let folder = Folder::new("guarded");
    let ids = r#"["=a@acme.com", "'=b@acme.com", "''=c@acme.com", "'d@acme.com"]"#;
    folder.write("users", ids);
    let list = |file| ["revoke", "--yes", "--concurrency", "1", "--file", file];
    let first = ["--output", "csv", "--report", "left.csv"];
    let printed = run(&org, &folder, &[&list("users")[..], &first].concat()).await;
    folder.write("printed.csv", &printed.out);
    let requested = || -> Vec<String> {
        let requests = org.requests();
        requests
            .iter()
            .map(|request| request.path().to_owned())
            .collect()
    };
    let sent = requested();
    assert_eq!(sent.len(), 4, "{}", printed.err);
    for again in ["left.csv", "printed.csv"] {
        org.clear_requests();
        run(&org, &folder, &list(again)).await;
        assert_eq!(requested(), sent, "{again}");
    }
}
