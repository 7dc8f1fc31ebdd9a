//! No `Debug`, `Display`, log or span shows a secret.

use okta_mock_org::Fault;
use okta_user_sessions::{Client, Credentials, RetryPolicy, SessionClient, SessionCredentials};

use crate::support::{ADA, log, org};

const TOKEN: &str = "00hunter2token";
const COOKIE: &str = "hunter2cookie";
const XSRF: &str = "hunter2xsrf";

#[tokio::test]
async fn no_secret_is_ever_shown() {
    let log = log();
    let org = org().await;
    let mut shown = Vec::new();
    let credentials = Credentials::api_token(TOKEN);
    shown.push(format!("{credentials:?}"));
    shown.push(format!("{:?}", Credentials::access_token(TOKEN)));
    let session = SessionCredentials::idx(COOKIE).origin("https://app.example.com");
    shown.push(format!(
        "{session:?} {:?}",
        SessionCredentials::access_token(TOKEN)
    ));
    let builder = Client::builder(org.url())
        .allow_loopback_http(true)
        .credentials(credentials)
        .header("x-xsrf", XSRF);
    shown.push(format!("{builder:?}"));
    let okta = builder.retry(RetryPolicy::never()).build().unwrap();
    let me = SessionClient::builder(org.url())
        .allow_loopback_http(true)
        .credentials(session)
        .header("x-xsrf", XSRF)
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    shown.push(format!("{okta:?} {me:?} {okta:#?}"));
    let call = okta.revoke_user_sessions(ADA);
    shown.push(format!("{call:?} {:?}", me.end_user_sessions()));

    okta.revoke_user_sessions(ADA).await.unwrap_err();
    shown.push(format!("{org:?} {:?}", org.requests()));

    // A server that echoes the secrets in every place it can.
    for echo in [
        format!("{TOKEN} SSWS {TOKEN} {XSRF}"),
        format!("idx={COOKIE} {COOKIE} {XSRF}"),
    ] {
        let okta_s = format!(
            r#"{{"errorCode":"{echo}","errorSummary":"{echo}","errorId":"{echo}","errorCauses":[{{"errorSummary":"{echo}"}}]}}"#
        );
        for fault in [
            Fault::status(401).body(okta_s.as_str()),
            Fault::status(429).body(okta_s.as_str()),
            Fault::status(500).body(echo.as_str()),
            Fault::status(200).body(okta_s.as_str()),
            Fault::status(400)
                .body(okta_s)
                .header("x-okta-request-id", &echo),
            Fault::status(302).header("location", &format!("/?{echo}")),
            Fault::status(204).header("x-okta-request-id", &echo),
            Fault::reset(),
            Fault::raw(echo.as_str()),
            Fault::cut_after(30),
        ] {
            org.fail_next(1, fault);
            let result = match echo.contains(TOKEN) {
                true => okta.revoke_user_sessions(ADA).await,
                false => me.end_user_sessions().await,
            };
            shown.push(format!("{result:?} {result:#?}"));
            let Err(error) = result else { continue };
            shown.push(format!("{error} {error:#}"));
            shown.extend(error.error_summary().map(str::to_owned));
            shown.extend(error.error_code().map(str::to_owned));
            let mut source = std::error::Error::source(&error);
            while let Some(error) = source {
                shown.push(format!("{error} {error:?}"));
                source = error.source();
            }
        }
    }

    let log = log.text();
    assert!(log.contains("okta_call"), "the log is not captured: {log}");
    shown.push(log);
    for text in shown {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
