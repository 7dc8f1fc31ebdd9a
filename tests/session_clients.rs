//! The clients of many signed-in users, which share connections and the rate limiter, and
//! must not share anything of a user's.

use std::{collections::HashMap, time::Duration};

use okta_mock_org::{Fault, MockOrg, MockUser};
use okta_user_sessions::{
    ClientBuilder, ErrorKind, RetryPolicy, SessionClient, SessionClients, SessionCredentials,
};
use proptest::{prelude::*, test_runner::Config};

fn builder(org: &MockOrg) -> ClientBuilder<SessionClients> {
    SessionClients::builder(org.url()).allow_loopback_http(true)
}

/// A user with other sessions than that of the credential.
struct User {
    id: String,
    /// The whole value of the header that carries the credential.
    header: (&'static str, String),
    me: SessionClient,
}

fn user(org: &MockOrg, sessions: &SessionClients, number: usize) -> User {
    let id = format!("00uUser{number}");
    org.add_user(MockUser::new(&*id).sessions(number % 3 + 1));
    let (header, credentials) = if number.is_multiple_of(2) {
        let cookie = org.sign_in(&id);
        let header = ("cookie", format!("idx={cookie}"));
        (header, SessionCredentials::idx(cookie))
    } else {
        let token = org.issue_user_access_token(&id);
        let header = ("authorization", format!("Bearer {token}"));
        (header, SessionCredentials::access_token(token))
    };
    let me = sessions.client(credentials).unwrap();
    User { id, header, me }
}

/// What may happen to a request on its way.
fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::okta_error(503, "E0000181")),
        Just(Fault::okta_error(401, "E0000011")),
        // A cookie store would keep it, and send it for the next user.
        Just(Fault::okta_error(500, "E0000009").header("set-cookie", "idx=of-another; Path=/")),
        Just(Fault::status(502).header("set-cookie", "idx=of-another; Path=/")),
        Just(
            Fault::status(400)
                .header("dpop-nonce", "n")
                .header("www-authenticate", "DPoP error=\"use_dpop_nonce\"")
        ),
    ]
}

proptest! {
    #![proptest_config(Config { cases: 12, failure_persistence: None, ..Config::default() })]

    /// At once, with retries, over shared connections: each request has exactly one
    /// credential, each user's own, and ends that user's sessions only.
    #[test]
    fn a_credential_is_sent_for_its_own_user_only(
        faults in prop::collection::vec(fault(), 0..30),
        rounds in 1..4_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let org = MockOrg::start().await.unwrap();
            let policy = RetryPolicy::default().with_backoff_base(Duration::from_millis(1));
            let sessions = builder(&org).retry(policy).build().unwrap();
            let users: Vec<_> = (0..24).map(|number| user(&org, &sessions, number)).collect();
            for fault in faults {
                org.fail_next(1, fault);
            }
            let mut succeeded: HashMap<&str, usize> = HashMap::new();
            for _ in 0..rounds {
                let calls: Vec<_> = users
                    .iter()
                    .map(|user| tokio::spawn(user.me.end_user_sessions().into_future()))
                    .collect();
                for (call, user) in calls.into_iter().zip(&users) {
                    if call.await.unwrap().is_ok() {
                        *succeeded.entry(&user.id).or_default() += 1;
                    }
                }
            }
            for request in org.requests() {
                let credentials: Vec<_> = request
                    .headers()
                    .filter(|(name, _)| ["cookie", "authorization"].contains(name))
                    .map(|(name, value)| (name, value.to_owned()))
                    .collect();
                let owners = users.iter().filter(|user| credentials == [user.header.clone()]);
                assert_eq!(owners.count(), 1);
            }
            // What the org did, which a call's own result must agree with.
            let mut ended: HashMap<String, usize> = HashMap::new();
            for event in org.log() {
                *ended.entry(event.user_id).or_default() += 1;
            }
            for user in &users {
                let own = succeeded.get(&*user.id).copied().unwrap_or_default();
                assert_eq!(ended.get(&user.id).copied().unwrap_or_default(), own);
                let left = org.user(&user.id).unwrap().sessions;
                let kept = usize::from(user.header.0 == "cookie");
                assert!(own == 0 || left == kept, "{left} sessions are left");
            }
        });
    }
}

#[tokio::test]
async fn clients_of_many_users_share_the_rate_limiter() {
    let org = MockOrg::start().await.unwrap();
    let sessions = builder(&org).build().unwrap();
    let [ada, bob] = [0, 2].map(|number| user(&org, &sessions, number).me);
    assert!(bob.rate_limit().is_none() && sessions.rate_limit().is_none());
    ada.end_user_sessions().await.unwrap();
    let known = ada.rate_limit().unwrap();
    assert_eq!(bob.rate_limit(), Some(known.clone()));
    assert_eq!(sessions.clone().rate_limit(), Some(known));
    // Users of a later client find it, too, and the base may be gone.
    let eve = user(&org, &sessions, 4).me;
    drop((sessions, ada));
    assert!(eve.rate_limit().is_some());
    eve.end_user_sessions().await.unwrap();
}

/// A server may echo the credential of the user who called.
#[tokio::test]
async fn each_users_own_credential_is_hidden_in_errors() {
    let org = MockOrg::start().await.unwrap();
    let sessions = builder(&org).retry(RetryPolicy::never()).build().unwrap();
    for number in 0..4 {
        let user = user(&org, &sessions, number);
        let (_, value) = &user.header;
        let secret = &value[value.find([' ', '=']).unwrap() + 1..];
        let body = format!(r#"{{"errorCode":"E0000001","errorSummary":"got {value}"}}"#);
        org.fail_next(1, Fault::status(400).body(body));
        let error = user.me.end_user_sessions().await.unwrap_err();
        let text = format!("{error} {error:?} {:?} {sessions:?}", user.me);
        assert!(text.contains("got") && !text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn malformed_credentials_are_refused_without_showing_them() {
    let org = MockOrg::start().await.unwrap();
    let sessions = builder(&org).build().unwrap();
    for credentials in [
        SessionCredentials::idx("hush; idx=of-another"),
        SessionCredentials::idx(""),
        SessionCredentials::access_token("Bearer hush"),
        SessionCredentials::idx("hush").origin("https://app.example.com/"),
    ] {
        let error = sessions.client(credentials).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
    }
    assert!(org.requests().is_empty());
}

#[test]
fn faults_of_the_settings_are_reported_together() {
    let error = SessionClients::builder("http://acme.okta.com")
        .header("cookie", "idx=of-everybody")
        .build()
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("org URL") && text.contains("sets cookie itself"),
        "{text}"
    );
}

#[test]
fn the_clients_can_be_shared_by_the_threads_of_a_server() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<SessionClients>();
    shared::<SessionClient>();
}
