//! The journal and resuming.

use std::{fs, path::PathBuf};

use super::*;

/// A folder of one test, gone afterwards.
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
async fn a_line_before_sending_and_one_after_the_answer() {
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
async fn resuming_skips_the_revoked_and_repeats_the_rest() {
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
    assert_eq!((plan.users, plan.revoked_before), (4, 2));
    assert!(plan.resumes.is_some());
    let (second, report) = outcomes(
        okta.revoke_many(ids(6))
            .concurrency(1)
            .journal(folder.journal()),
    )
    .await;
    assert_eq!(
        with(&second, Outcome::Revoked),
        ["00u00000", "00u00001", "00u00004", "00u00005"]
    );
    assert_eq!(
        (report.counts.revoked_before, report.resumes.is_some()),
        (2, true)
    );
    assert_eq!(report.summary(), "revoked 4, revoked_before 2");
    assert_eq!(org.requests().len() - before, 4);
}

#[tokio::test]
async fn a_torn_last_line_does_not_count() {
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
    // What was torn is gone, and every line is one again.
    assert_eq!(
        with(&run(&okta, 2, &folder).await.0, Outcome::Revoked).len(),
        0
    );
    folder.lines();
}

#[tokio::test]
async fn a_torn_first_line_is_begun_anew() {
    let org = org(1, 600).await;
    let folder = Folder::new("torn-header");
    let okta = admin(&org).build().unwrap();
    run(&okta, 1, &folder).await;
    let whole = fs::read(folder.journal()).unwrap();
    let header = whole.iter().position(|&byte| byte == b'\n').unwrap();
    for length in 0..=header {
        fs::write(folder.journal(), &whole[..length]).unwrap();
        drop(
            okta.revoke_many(ids(1))
                .journal(folder.journal())
                .start()
                .unwrap(),
        );
        assert_eq!(folder.lines().len(), 1, "{length}");
    }
}

/// To open it for reading would wait for a writer, and to read it for lines.
#[cfg(unix)]
#[tokio::test]
async fn a_journal_that_is_no_file_is_refused() {
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
        assert!(error.to_string().contains("no regular file"), "{error}");
    }
}

#[tokio::test]
async fn another_run_s_journal_is_refused() {
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
        // No line is whole, and none is the beginning of a journal.
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

    // A file of another kind is not read into memory, nor cut.
    fs::write(folder.journal(), vec![b'x'; 2 << 20]).unwrap();
    assert!(many().start().unwrap_err().to_string().contains("longer"));
    assert_eq!(fs::metadata(folder.journal()).unwrap().len(), 2 << 20);
}

/// As another version of this crate, with fewer options or more, would leave it.
#[tokio::test]
async fn an_option_that_a_journal_lacks_was_not_set_and_an_unknown_one_is_refused() {
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
                .contains("its oauth_tokens is not set, this run's true"),
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
            .contains("its sign_out_apps is true, this run's not set"),
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

/// One that is not there yet would be begun; this one cannot be. Windows does not
/// tell them apart.
#[cfg(unix)]
#[tokio::test]
async fn a_plan_tells_that_the_journal_cannot_be_opened() {
    let org = org(1, 600).await;
    let folder = Folder::new("not-a-folder");
    fs::write(folder.journal(), "").unwrap();
    let okta = admin(&org).build().unwrap();
    let below = folder.journal().join("run.jsonl");
    let plan = okta.revoke_many(ids(1)).journal(below).plan().await;
    assert_eq!(plan.unwrap_err().kind(), ErrorKind::Journal);
}

#[tokio::test]
async fn a_journal_that_cannot_be_is_an_error_before_anything_is_sent() {
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
