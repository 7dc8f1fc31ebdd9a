//! The journal and resuming.

use std::{fs, path::PathBuf};

use super::*;

/// The folder of one test, removed afterwards.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn journal(&self) -> PathBuf {
        self.0.join("run.jsonl")
    }

    fn lines(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.journal()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

async fn run(okta: &Client, count: usize, folder: &Folder) -> (Vec<UserOutcome>, Report) {
    outcomes(okta.revoke_many(ids(count)).journal(folder.journal())).await
}

#[tokio::test]
async fn a_line_is_written_before_sending_and_one_after_the_response() {
    let org = org(1, 600).await;
    let folder = Folder::new("lines");
    let okta = admin(&org).build().unwrap();
    run(&okta, 1, &folder).await;
    let lines = folder.lines();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["header"]["org"], org.url());
    assert_eq!(lines[0]["header"]["format"], 1);
    assert_eq!(lines[1]["sending"]["user"], "00u00000");
    assert_eq!(lines[2]["outcome"]["outcome"], "revoked");
    assert_eq!(
        lines[2]["outcome"]["request_id"].as_str(),
        org.requests()[0].request_id()
    );
}

#[tokio::test]
async fn resuming_skips_the_revoked_and_repeats_the_others_last() {
    let org = org(6, 600).await;
    let folder = Folder::new("resume");
    let okta = admin(&org).retry(RetryPolicy::never()).build().unwrap();
    org.fail_next(1, Fault::okta_error(403, "E0000006"));
    org.fail_next(1, Fault::reset().after_effect(true));
    let (first, _) = outcomes(
        okta.revoke_many(ids(4))
            .concurrency(1)
            .journal(folder.journal()),
    )
    .await;
    assert_eq!(with(&first, Outcome::Revoked), ["00u00002", "00u00003"]);
    let before = org.requests().len();

    let plan = okta
        .revoke_many(ids(6))
        .journal(folder.journal())
        .plan()
        .await
        .unwrap();
    assert_eq!((plan.users, plan.already_revoked), (4, 2));
    assert!(plan.resumed_from.is_some());
    let (second, report) = outcomes(
        okta.revoke_many(ids(6))
            .concurrency(1)
            .journal(folder.journal()),
    )
    .await;
    assert_eq!(
        with(&second, Outcome::Revoked),
        ["00u00004", "00u00005", "00u00000", "00u00001"]
    );
    assert_eq!(
        (report.counts.already_revoked, report.resumed_from.is_some()),
        (2, true)
    );
    assert_eq!(report.summary(), "revoked 4, already_revoked 2");
    assert_eq!(org.requests().len() - before, 4);
}

#[tokio::test]
async fn a_partial_last_line_is_ignored() {
    let org = org(2, 600).await;
    let folder = Folder::new("torn");
    let okta = admin(&org).build().unwrap();
    run(&okta, 2, &folder).await;
    let whole = fs::read(folder.journal()).unwrap();
    let last = whole[..whole.len() - 1]
        .iter()
        .rposition(|&byte| byte == b'\n')
        .unwrap()
        + 1;
    for length in last..whole.len() {
        fs::write(folder.journal(), &whole[..length]).unwrap();
        let plan = okta
            .revoke_many(ids(2))
            .journal(folder.journal())
            .plan()
            .await
            .unwrap();
        assert_eq!(plan.users, 1, "{length}");
    }
    run(&okta, 2, &folder).await;
    // The partial line is gone, and every line is valid again.
    assert_eq!(
        with(&run(&okta, 2, &folder).await.0, Outcome::Revoked).len(),
        0
    );
    folder.lines();
}

#[tokio::test]
async fn a_partial_first_line_is_rewritten_if_it_names_the_org() {
    let org = org(1, 600).await;
    let folder = Folder::new("torn-header");
    let okta = admin(&org).build().unwrap();
    run(&okta, 1, &folder).await;
    let whole = fs::read(folder.journal()).unwrap();
    let header = whole.iter().position(|&byte| byte == b'\n').unwrap();
    let with_org = format!("{{\"header\":{{\"format\":1,\"org\":\"{}\"", org.url()).len();
    for length in 0..=header {
        fs::write(folder.journal(), &whole[..length]).unwrap();
        let begun = okta.revoke_many(ids(1)).journal(folder.journal()).start();
        if length == 0 || length >= with_org {
            drop(begun.unwrap());
            assert_eq!(folder.lines().len(), 1, "{length}");
        } else {
            let error = begun.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("delete it if"), "{error}");
            assert_eq!(fs::read(folder.journal()).unwrap(), &whole[..length]);
        }
    }
}

#[tokio::test]
async fn a_file_that_may_not_be_this_runs_journal_is_left_unchanged() {
    let org = org(1, 600).await;
    let folder = Folder::new("not-ours");
    let okta = admin(&org).build().unwrap();
    run(&okta, 1, &folder).await;
    let header = fs::read_to_string(folder.journal()).unwrap();
    let header = header.lines().next().unwrap();
    for text in [
        "{".to_owned(),
        "[".to_owned(),
        "\0".repeat(4096),
        "\u{feff}".to_owned(),
        "{\"header\":{\"format\":".to_owned(),
        "{\"event\":1}\n{\"event\":2}\n".to_owned(),
        // The headers of another org, of other options, and with an invalid time.
        header.replace(&org.url(), "https://acme.okta.com"),
        header.replace("\"started\"", "\"oauth_tokens\":true,\"started\""),
        header.replace("\"started\":\"20", "\"started\":\"xx"),
        // A whole line, but not written as a run writes it.
        format!(" {header}\n"),
        format!("{header} \n"),
        format!("{header}\r\n"),
        header.replace("}}", ",\"more\":1}}\n"),
        header.replace("\"org\"", "\"org\":\"x\",\"org\"") + "\n",
        header.replace("\"started\":\"20", "\"started\":\"\\u001b[2J20") + "\n",
    ] {
        fs::write(folder.journal(), &text).unwrap();
        let many = || okta.revoke_many(ids(1)).journal(folder.journal());
        for error in [
            many().plan().await.unwrap_err(),
            many().start().unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text:?}");
        }
        assert_eq!(fs::read_to_string(folder.journal()).unwrap(), text);
    }
}

#[tokio::test]
async fn a_line_that_no_response_can_have_caused_refuses_the_journal() {
    let org = org(1, 600).await;
    let folder = Folder::new("forged");
    let okta = admin(&org).build().unwrap();
    run(&okta, 1, &folder).await;
    let whole = fs::read_to_string(folder.journal()).unwrap();
    let plan = |text: String| {
        fs::write(folder.journal(), text).unwrap();
        okta.revoke_many(ids(1)).journal(folder.journal()).plan()
    };
    assert_eq!(plan(whole.clone()).await.unwrap().already_revoked, 1);

    let lines: Vec<_> = whole.lines().collect();
    let claim: serde_json::Value = serde_json::from_str(lines[2]).unwrap();
    let text = |field: &str| format!(",\"{field}\":{}", claim["outcome"][field]);
    let (attempts, status) = (text("attempts"), text("status"));
    for (field, instead, why) in [
        (&status, ",\"status\":200", "status is not 204"),
        (&status, ",\"status\":302", "status is not 204"),
        (&status, "", "status is not 204"),
        (&attempts, ",\"attempts\":0", "has no attempts"),
        (&attempts, ",\"attempts\":1.0", "not a journal entry"),
        (&attempts, "", "not a journal entry"),
        (&text("request_id"), "", "no request id"),
        (&text("request_id"), ",\"request_id\":\"\"", "no request id"),
        (&text("started"), "", "lacks a time"),
        (&text("started"), ",\"started\":\"today\"", "RFC 3339"),
        (&text("ended"), "", "lacks a time"),
        (&text("took_ms"), "", "lacks a time"),
        (
            &status,
            &format!("{status},\"error_code\":\"E0000006\""),
            "names an error",
        ),
        (&status, &status.repeat(2), "not a journal entry"),
        (
            &status,
            &format!("{status},\"more\":1"),
            "not a journal entry",
        ),
        (&status, &status.replace(':', ": "), "not a journal entry"),
    ] {
        assert!(lines[2].contains(field.as_str()), "{field}");
        let forged = lines[2].replace(field.as_str(), instead);
        let forged = format!("{}\n{}\n{forged}\n", lines[0], lines[1]);
        let error = plan(forged.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{forged}");
        let error = error.to_string();
        assert!(error.contains("line 3") && error.contains(why), "{error}");
    }
    // No line says that the request was about to be sent.
    let error = plan(format!("{}\n{}\n", lines[0], lines[2])).await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("line 2") && error.contains("was about to be sent"),
        "{error}"
    );
    let positional = "{\"outcome\":[\"00u00000\",\"revoked\",1]}";
    let error = plan(format!("{}\n{}\n{positional}\n", lines[0], lines[1])).await;
    assert!(error.unwrap_err().to_string().contains("line 3"));
}

/// One flipped bit turns `00u00001` into `00u00000`, who was not revoked.
#[tokio::test]
async fn each_outcome_needs_its_own_request_line() {
    let org = org(2, 600).await;
    let folder = Folder::new("paired");
    let okta = admin(&org).build().unwrap();
    org.fail_next(1, Fault::okta_error(403, "E0000006"));
    let many = || okta.revoke_many(ids(2)).journal(folder.journal());
    let (first, _) = outcomes(many().concurrency(1)).await;
    assert_eq!(with(&first, Outcome::Forbidden), ["00u00000"]);
    let whole = fs::read_to_string(folder.journal()).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let flipped = lines[4].replace("00u00001", "00u00000");
    assert_ne!(flipped, lines[4]);
    let resumed = "{\"resumed\":{\"at\":\"2026-01-01T00:00:00.000Z\"}}";
    for forged in [
        [&lines[..4], &[&flipped]].concat(),
        [&lines[..], &[lines[4]]].concat(),
        [&lines[..], &[lines[2]]].concat(),
        // Another process resumed the run in between.
        [&lines[..4], &[resumed, lines[4]]].concat(),
    ] {
        let text = forged.join("\n") + "\n";
        fs::write(folder.journal(), &text).unwrap();
        let error = many().plan().await.expect_err(&text).to_string();
        assert!(
            error.contains("a request for this user was about to be sent"),
            "{error}"
        );
    }
    fs::write(folder.journal(), &whole).unwrap();
    assert_eq!(many().plan().await.unwrap().already_revoked, 1);
}

#[cfg(unix)]
#[tokio::test]
async fn a_run_whose_journal_is_deleted_stops() {
    let org = org(40, 600).await;
    let folder = Folder::new("deleted");
    let okta = admin(&org).build().unwrap();
    let many = okta.revoke_many(ids(40)).journal(folder.journal());
    let mut run = many.concurrency(1).start().unwrap();
    assert_eq!(run.next().await.unwrap().outcome, Outcome::Revoked);
    fs::remove_file(folder.journal()).unwrap();
    while run.next().await.is_some() {}
    let report = run.report();
    assert_eq!(report.stopped, Some(StopReason::Journal));
    let why = report.stop_detail.unwrap();
    assert!(why.contains("was deleted"), "{why}");
    assert!(org.requests().len() < 5, "{}", org.requests().len());
}

#[tokio::test]
async fn a_revoked_line_without_request_id_counts_only_if_such_responses_are_allowed() {
    let org = org(1, 600).await;
    let folder = Folder::new("no-request-id");
    let strict = admin(&org).build().unwrap();
    run(&strict, 1, &folder).await;
    let whole = fs::read_to_string(folder.journal()).unwrap();
    let id = org.requests()[0].request_id().unwrap().to_owned();
    let without = whole.replace(&format!(",\"request_id\":\"{id}\""), "");
    assert_ne!(without, whole);
    fs::write(folder.journal(), without).unwrap();
    let plan = |okta: &Client| okta.revoke_many(ids(1)).journal(folder.journal()).plan();
    assert!(plan(&strict).await.is_err());
    let lenient = admin(&org).allow_missing_request_id(true).build().unwrap();
    assert_eq!(plan(&lenient).await.unwrap().already_revoked, 1);
}

#[cfg(unix)]
#[tokio::test]
async fn a_journal_that_others_can_write_is_refused_with_the_fix() {
    use std::os::unix::fs::PermissionsExt;

    let org = org(1, 600).await;
    let folder = Folder::new("writable");
    let okta = admin(&org).build().unwrap();
    run(&okta, 1, &folder).await;
    let mode = |path: &PathBuf, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let metadata = fs::metadata(folder.journal()).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let many = || okta.revoke_many(ids(1)).journal(folder.journal());
    for (file, in_folder, fix) in [
        (0o620, 0o755, "chmod go-w"),
        (0o602, 0o755, "chmod go-w"),
        (0o600, 0o777, "chmod o-w"),
    ] {
        mode(&folder.journal(), file);
        mode(&folder.0, in_folder);
        for error in [
            many().plan().await.unwrap_err(),
            many().start().unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            let error = error.to_string();
            assert!(
                error.contains("run.jsonl") && error.contains(fix),
                "{error}"
            );
        }
    }
    mode(&folder.0, 0o755);
    assert!(many().start().is_ok());
}

/// Opening a pipe would block until it has a writer, and reading it until there are lines.
#[cfg(unix)]
#[tokio::test]
async fn a_journal_that_is_not_a_regular_file_is_refused() {
    let org = org(1, 600).await;
    let folder = Folder::new("fifo");
    let made = std::process::Command::new("mkfifo")
        .arg(folder.journal())
        .status();
    assert!(made.unwrap().success());
    let okta = admin(&org).build().unwrap();
    let many = || okta.revoke_many(ids(1)).journal(folder.journal());
    for error in [
        many().plan().await.unwrap_err(),
        many().start().unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("not a regular file"), "{error}");
    }
}

#[tokio::test]
async fn the_journal_of_another_run_is_refused() {
    let org = org(1, 600).await;
    let folder = Folder::new("other");
    let okta = admin(&org).build().unwrap();
    run(&okta, 1, &folder).await;
    let many = || okta.revoke_many(ids(1)).journal(folder.journal());
    for (run, why) in [
        (many().oauth_tokens(true), "oauth_tokens"),
        (many().forget_devices(false), "forget_devices"),
    ] {
        let error = run.start().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(why), "{error}");
    }
    let elsewhere = super::org(1, 600).await;
    let error = admin(&elsewhere)
        .build()
        .unwrap()
        .revoke_many(ids(1))
        .journal(folder.journal())
        .start()
        .unwrap_err();
    assert!(error.to_string().contains(&org.url()), "{error}");

    for text in [
        "{}\n",
        "no journal\n",
        "\n",
        "{\"resumed\":{\"at\":\"x\"}}\n",
        // The line is not whole, and not the beginning of a journal's header.
        "00u00000",
        "{\"orgUrl\":\"https://acme.okta.com\"}",
    ] {
        fs::write(folder.journal(), text).unwrap();
        assert_eq!(
            many().start().unwrap_err().kind(),
            ErrorKind::InvalidInput,
            "{text}"
        );
        assert_eq!(fs::read_to_string(folder.journal()).unwrap(), text);
    }

    // Another kind of file is neither read into memory nor truncated.
    fs::write(folder.journal(), vec![b'x'; 2 << 20]).unwrap();
    assert!(many().start().unwrap_err().to_string().contains("too long"));
    assert_eq!(fs::metadata(folder.journal()).unwrap().len(), 2 << 20);
}

/// The journal may be of another version of this crate, with fewer or more options.
#[tokio::test]
async fn options_missing_from_a_journal_count_as_unset_and_unknown_ones_are_refused() {
    let org = org(1, 600).await;
    let folder = Folder::new("options");
    let okta = admin(&org).build().unwrap();
    let many = || okta.revoke_many(ids(1)).journal(folder.journal());
    let header = |options: &str| {
        format!(
            "{{\"header\":{{\"format\":1,\"org\":\"{}\",{options}\"started\":\"2026-01-01T00:00:00.000Z\"}}}}\n",
            org.url()
        )
    };
    for options in ["", "\"oauth_tokens\":null,", "\"sign_out_apps\":null,"] {
        fs::write(folder.journal(), header(options)).unwrap();
        many().plan().await.unwrap();
        let error = many().oauth_tokens(true).plan().await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("its oauth_tokens is not set, this run's is true"),
            "{error}"
        );
    }
    fs::write(folder.journal(), header("\"oauth_tokens\":true,")).unwrap();
    many().oauth_tokens(true).plan().await.unwrap();
    fs::write(folder.journal(), header("\"sign_out_apps\":true,")).unwrap();
    let error = many().plan().await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("its sign_out_apps is true, this run's is not set"),
        "{error}"
    );
}

#[tokio::test]
async fn a_journal_in_use_is_refused() {
    let org = org(1, 600).await;
    let folder = Folder::new("locked");
    let okta = admin(&org).build().unwrap();
    let first = okta
        .revoke_many(ids(1))
        .journal(folder.journal())
        .start()
        .unwrap();
    let error = okta
        .revoke_many(ids(1))
        .journal(folder.journal())
        .start()
        .unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    drop(first);
    assert!(
        okta.revoke_many(ids(1))
            .journal(folder.journal())
            .start()
            .is_ok()
    );
}

#[tokio::test]
async fn two_journals_in_one_file_are_refused() {
    let org = org(1, 600).await;
    let folder = Folder::new("twice");
    let okta = admin(&org).build().unwrap();
    run(&okta, 1, &folder).await;
    let whole = fs::read_to_string(folder.journal()).unwrap();
    fs::write(folder.journal(), whole.repeat(2)).unwrap();
    let many = okta.revoke_many(ids(1)).journal(folder.journal());
    let error = many.start().unwrap_err().to_string();
    assert!(error.contains("line 4 is a second header"), "{error}");
}

/// Unlike a journal that does not exist yet, this one cannot be created. Windows reports
/// the same error for both.
#[cfg(unix)]
#[tokio::test]
async fn a_plan_reports_a_journal_that_cannot_be_opened() {
    let org = org(1, 600).await;
    let folder = Folder::new("not-a-folder");
    fs::write(folder.journal(), "").unwrap();
    let okta = admin(&org).build().unwrap();
    let below = folder.journal().join("run.jsonl");
    let plan = okta.revoke_many(ids(1)).journal(below).plan().await;
    assert_eq!(plan.unwrap_err().kind(), ErrorKind::Journal);
}

#[tokio::test]
async fn a_journal_that_cannot_be_created_is_an_error_before_anything_is_sent() {
    let org = org(1, 600).await;
    let okta = admin(&org).build().unwrap();
    let error = okta
        .revoke_many(ids(1))
        .journal("/nonexistent/run.jsonl")
        .start()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal);
    assert!(
        error.to_string().contains("/nonexistent/run.jsonl"),
        "{error}"
    );
    assert!(org.requests().is_empty());
}
