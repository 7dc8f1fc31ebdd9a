//! Compiled in the copy of the crate that `new_options.rs` makes, whose
//! specification has the new options.

use std::{env, fs, process::Command, thread};

use okta_mock_org::{MockOrg, MockUser};
use okta_user_sessions::{
    Client, Credentials, SessionClient, SessionCredentials, blocking,
    options::{KeepCurrentMode, RevokeUserSessionsMode},
};
use serde_json::{Value, json};

const USER: &str = "00uAda";

/// What the last request asked for.
fn last(org: &MockOrg) -> (Option<String>, Vec<u8>) {
    let requests = org.requests();
    let last = requests.last().unwrap();
    (last.query().map(str::to_owned), last.body().to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_new_options_are_everywhere() {
    let org = MockOrg::start().await.unwrap();
    org.add_user(MockUser::new(USER).sessions(1));
    let token = org.issue_api_token();
    let okta = Client::builder(org.url())
        .allow_loopback_http(true)
        .credentials(Credentials::api_token(&*token))
        .build()
        .unwrap();

    // The single call: the one option of a release, then all types.
    okta.revoke_user_sessions(USER).sign_out_apps(true).await.unwrap();
    assert_eq!(last(&org).0.as_deref(), Some("signOutApps=true"));
    okta.revoke_user_sessions(USER)
        .audit_note("a b&c")
        .grace_period(-5)
        .mode(RevokeUserSessionsMode::HardStop)
        .await
        .unwrap();
    let query = "auditNote=a+b%26c&gracePeriod=-5&mode=HARD_STOP";
    assert_eq!(last(&org).0.as_deref(), Some(query));

    // In a body.
    let cookie = org.sign_in(USER);
    let me = SessionClient::builder(org.url())
        .allow_loopback_http(true)
        .credentials(SessionCredentials::idx(&*cookie))
        .build()
        .unwrap();
    me.end_user_sessions()
        .sign_out_apps(false)
        .audit_note("why")
        .grace_period(5)
        .mode(KeepCurrentMode::Soft)
        .await
        .unwrap();
    let body: Value = serde_json::from_slice(&last(&org).1).unwrap();
    assert_eq!(
        body,
        json!({"signOutApps": false, "auditNote": "why", "gracePeriod": 5, "mode": "SOFT"})
    );
    me.end_user_sessions().await.unwrap();
    assert_eq!(last(&org).1, b"");

    // The bulk run, its journal and its report.
    let journal = env::temp_dir().join(format!("new-options-{}.jsonl", std::process::id()));
    let many = || okta.revoke_many([USER]).journal(&journal);
    let mut run = many().sign_out_apps(true).start().unwrap();
    while run.next().await.is_some() {}
    assert_eq!(last(&org).0.as_deref(), Some("signOutApps=true"));
    let report: Value = serde_json::from_str(&run.report().to_json()).unwrap();
    assert_eq!(report["options"]["sign_out_apps"], true);
    assert_eq!(report["options"]["mode"], Value::Null);
    let text = fs::read_to_string(&journal).unwrap();
    let header: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(header["header"]["sign_out_apps"], true);
    drop(run);
    let refused = many().plan().await.unwrap_err().to_string();
    assert!(refused.contains("sign_out_apps"), "{refused}");
    assert!(many().sign_out_apps(true).plan().await.is_ok());
    fs::remove_file(&journal).unwrap();

    // The blocking call and the blocking run.
    let (url, secret) = (org.url(), token.to_string());
    let blocking = thread::spawn(move || {
        let okta = blocking::Client::builder(url)
            .allow_loopback_http(true)
            .credentials(Credentials::api_token(secret))
            .build()
            .unwrap();
        okta.revoke_user_sessions(USER).sign_out_apps(true).send().unwrap();
        let run = okta.revoke_many([USER]).sign_out_apps(true).start();
        assert_eq!(run.unwrap().count(), 1);
    });
    blocking.join().unwrap();
    for request in org.requests().iter().rev().take(2) {
        assert_eq!(request.query(), Some("signOutApps=true"));
    }

    // The tool.
    let mut tool = Command::new(env::var_os("TOOL").unwrap());
    let help = tool.args(["revoke", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("--sign-out-apps[=<true|false>]"), "{help}");
    assert!(help.contains("Also sign the user out of apps"), "{help}");
    assert!(help.contains("--mode <SOFT|HARD_STOP>"), "{help}");
    let flags = ["revoke", "--sign-out-apps", "--mode", "SOFT", "--grace-period", "7", USER];
    let revoked = Command::new(env::var_os("TOOL").unwrap())
        .args(flags)
        .current_dir(env::temp_dir())
        .env("OKTA_CLIENT_ORGURL", org.url())
        .env("OKTA_CLIENT_TOKEN", &*token)
        .env("OKTA_TESTING_TESTINGDISABLEHTTPSCHECK", "true")
        .output()
        .unwrap();
    assert!(revoked.status.success(), "{revoked:?}");
    let query = "gracePeriod=7&mode=SOFT&signOutApps=true";
    assert_eq!(last(&org).0.as_deref(), Some(query));
}
