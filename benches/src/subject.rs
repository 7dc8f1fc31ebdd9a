use std::{sync::Arc, time::Duration};

use generated::apis::{
    configuration::{ApiKey, Configuration},
    user_sessions_api::revoke_user_sessions,
};
use okta_user_sessions::{Client, Credentials, RetryPolicy};
use reqwest::{
    Certificate, StatusCode,
    header::{ACCEPT, AUTHORIZATION, USER_AGENT},
    redirect,
};

const USER: &str = "00ub0oNGTSWTBKOLGLNR";
/// A user whose first attempt the server has fail, each time.
pub const FLAKY_USER: &str = "00uFLAKYaSWTBKOLGLNR";

const CA: &str = include_str!("../tls/ca.pem");

/// Under valgrind, loading root certificates takes its time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// What a subject signs with.
#[derive(Clone, Copy)]
pub enum Token {
    OAuth,
    Api,
}

impl Token {
    /// As it is named on a command line.
    pub fn named(name: Option<&str>) -> Self {
        match name {
            None => Self::OAuth,
            Some("api-token") => Self::Api,
            Some(other) => panic!("there is no token {other}"),
        }
    }

    /// As long as Okta's.
    pub fn secret(self) -> String {
        match self {
            Self::OAuth => access_token(),
            Self::Api => "00aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789abcd".to_owned(),
        }
    }
}

/// What revokes.
#[derive(Clone)]
pub enum Subject {
    Ours(Client, &'static str),
    /// What one writes without this crate: no retry, no rate limiter, the same request.
    Plain {
        http: reqwest::Client,
        url: Arc<str>,
        token: Token,
        secret: Arc<str>,
    },
    Generated(Arc<Configuration>),
}

impl Subject {
    /// `plain`; `generated`; `ours`; ours with an access token that is bound to a key, `dpop`;
    /// or ours with an attempt that fails before each that succeeds, `retried`.
    pub fn new(name: &str, url: &str, token: Token) -> Self {
        match name {
            "plain" => Self::Plain {
                http: http_client(url, |builder| {
                    builder
                        .redirect(redirect::Policy::none())
                        .connect_timeout(CONNECT_TIMEOUT)
                }),
                url: url.into(),
                token,
                secret: token.secret().into(),
            },
            "generated" => {
                let mut configuration = Configuration {
                    base_path: url.to_owned(),
                    user_agent: Some("OpenAPI-Generator/5.1.0/rust".to_owned()),
                    // Its default would be another client, built and dropped.
                    client: http_client(url, |builder| builder),
                    basic_auth: None,
                    oauth_access_token: None,
                    bearer_access_token: None,
                    api_key: None,
                };
                match token {
                    Token::OAuth => configuration.oauth_access_token = Some(token.secret()),
                    Token::Api => {
                        configuration.api_key = Some(ApiKey {
                            prefix: Some("SSWS".to_owned()),
                            key: token.secret(),
                        });
                    }
                }
                Self::Generated(configuration.into())
            }
            "ours" | "dpop" | "retried" => {
                let mut builder = Client::builder(url)
                    .allow_loopback_http(true)
                    .connect_timeout(CONNECT_TIMEOUT)
                    .retry(RetryPolicy::default().with_backoff_base(Duration::from_micros(1)))
                    .credentials(credentials(name, token));
                if url.starts_with("https") {
                    builder = builder.ca_certificates(CA);
                }
                let user = if name == "retried" { FLAKY_USER } else { USER };
                Self::Ours(builder.build().expect("a client"), user)
            }
            other => panic!("there is no subject {other}"),
        }
    }

    pub async fn revoke(&self) {
        match self {
            Self::Ours(okta, user) => {
                okta.revoke_user_sessions(*user)
                    .oauth_tokens(true)
                    .await
                    .expect("revoked");
            }
            Self::Plain {
                http,
                url,
                token,
                secret,
            } => {
                let request = http
                    .delete(format!("{url}/api/v1/users/{USER}/sessions"))
                    .query(&[("oauthTokens", true)])
                    .header(ACCEPT, "application/json")
                    .header(USER_AGENT, "plain/1.0")
                    .timeout(Duration::from_secs(30));
                let request = match token {
                    Token::OAuth => request.bearer_auth(secret),
                    Token::Api => request.header(AUTHORIZATION, format!("SSWS {secret}")),
                };
                let response = request.send().await.expect("sent");
                assert_eq!(response.status(), StatusCode::NO_CONTENT);
                assert!(response.bytes().await.expect("a body").is_empty());
            }
            Self::Generated(configuration) => {
                revoke_user_sessions(configuration, USER, Some(true), None)
                    .await
                    .expect("revoked");
            }
        }
    }

    /// Makes this many calls, `at_once` of them at a time.
    pub async fn revoke_many(&self, calls: u64, at_once: u64) {
        let tasks: Vec<_> = (0..at_once)
            .map(|task| {
                let subject = self.clone();
                let own = calls / at_once + u64::from(task < calls % at_once);
                tokio::spawn(async move {
                    for _ in 0..own {
                        subject.revoke().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no call failed");
        }
    }
}

/// Without a proxy, as ours calls this machine.
fn http_client(
    url: &str,
    configure: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> reqwest::Client {
    // reqwest chooses no cryptography by itself then.
    #[cfg(all(feature = "ring", not(feature = "rustls")))]
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let mut builder = configure(reqwest::Client::builder().no_proxy());
    if url.starts_with("https") {
        let ca = Certificate::from_pem(CA.as_bytes()).expect("a certificate");
        builder = builder.tls_certs_merge([ca]);
    }
    builder.build().expect("a client")
}

fn credentials(name: &str, token: Token) -> Credentials {
    #[cfg(feature = "service-app")]
    if name == "dpop" {
        let key = include_str!("../../tests/keys/p256-pkcs8.pem");
        let key = okta_user_sessions::PrivateKey::from_pem(key).expect("a key");
        return Credentials::dpop_access_token(token.secret(), key);
    }
    assert_ne!(name, "dpop", "it needs the feature service-app");
    match token {
        Token::OAuth => Credentials::access_token(token.secret()),
        Token::Api => Credentials::api_token(token.secret()),
    }
}

/// 1,000 characters, as Okta's access tokens have: a JWT that is signed with RS256.
fn access_token() -> String {
    const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // Any constants of a linear congruential generator would do.
    let mut state: u64 = 1;
    let mut part = |length| -> String {
        let characters = (0..length).map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
            char::from(BASE64[(state >> 58) as usize])
        });
        characters.collect()
    };
    let (header, claims, signature) = (part(86), part(570), part(342));
    format!("{header}.{claims}.{signature}")
}
