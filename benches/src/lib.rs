//! The two that are compared, and what they are measured with.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use okta_user_sessions::{Client, Credentials, RetryPolicy};
use reqwest::{
    Certificate, StatusCode,
    header::{ACCEPT, AUTHORIZATION, USER_AGENT},
    redirect,
};

pub const USER: &str = "00ub0oNGTSWTBKOLGLNR";
const TOKEN: &str = "00aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789abcd";
const CA: &str = include_str!("../../tests/tls/ca.pem");

/// Under valgrind, loading root certificates takes its time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// A user whose first attempt the server has fail, each time.
pub const FLAKY_USER: &str = "00uFLAKYaSWTBKOLGLNR";

/// What revokes.
#[derive(Clone)]
pub enum Subject {
    Ours(Client, &'static str),
    /// What one writes without this crate: no retry, no rate limiter, the same request.
    Plain(reqwest::Client, String),
}

impl Subject {
    /// `plain`; `ours`; ours with a token that is bound to a key, `dpop`; or
    /// ours with an attempt that fails before each that succeeds, `retried`.
    pub fn new(name: &str, url: &str) -> Self {
        let https = url.starts_with("https");
        match name {
            "ours" | "dpop" | "retried" => {
                let mut builder = Client::builder(url)
                    .allow_loopback_http(true)
                    .connect_timeout(CONNECT_TIMEOUT)
                    .retry(RetryPolicy::default().with_backoff_base(Duration::from_micros(1)))
                    .credentials(credentials(name));
                if https {
                    builder = builder.ca_certificates(CA);
                }
                let user = if name == "retried" { FLAKY_USER } else { USER };
                Self::Ours(builder.build().expect("a client"), user)
            }
            "plain" => {
                let mut builder = reqwest::Client::builder()
                    .redirect(redirect::Policy::none())
                    .no_proxy()
                    .connect_timeout(CONNECT_TIMEOUT);
                if https {
                    let ca = Certificate::from_pem(CA.as_bytes()).expect("a certificate");
                    builder = builder.tls_certs_merge([ca]);
                }
                Self::Plain(builder.build().expect("a client"), url.to_owned())
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
            Self::Plain(http, url) => {
                let response = http
                    .delete(format!("{url}/api/v1/users/{USER}/sessions"))
                    .query(&[("oauthTokens", true)])
                    .header(AUTHORIZATION, format!("SSWS {TOKEN}"))
                    .header(ACCEPT, "application/json")
                    .header(USER_AGENT, "plain/1.0")
                    .timeout(Duration::from_secs(30))
                    .send()
                    .await
                    .expect("sent");
                assert_eq!(response.status(), StatusCode::NO_CONTENT);
                assert!(response.bytes().await.expect("a body").is_empty());
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

fn credentials(name: &str) -> Credentials {
    #[cfg(feature = "service-app")]
    if name == "dpop" {
        let key = include_str!("../../tests/keys/p256-pkcs8.pem");
        let key = okta_user_sessions::PrivateKey::from_pem(key).expect("a key");
        return Credentials::dpop_access_token(TOKEN, key);
    }
    assert_ne!(name, "dpop", "it needs the feature service-app");
    Credentials::api_token(TOKEN)
}

/// A server in a process of its own, so that what it costs is not counted.
pub struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
    pub url: String,
}

impl Server {
    /// `kind` is `http1`, `tls-http1` or `tls-http2`.
    pub fn start(program: &Path, kind: &str) -> Self {
        let mut process = Command::new(program)
            .arg(kind)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let output = process.stdout.take().expect("it is piped");
        let mut server = Self {
            process,
            output: BufReader::new(output),
            url: String::new(),
        };
        server.url = server.line();
        server
    }

    /// Ends it, and says how many connections it was asked for.
    pub fn connections(mut self) -> u64 {
        drop(self.process.stdin.take());
        self.line().parse().expect("a number")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the server speaks");
        line.trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// CPU time that this process has used, in user and kernel.
pub fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.try_into().expect("it is not negative")
}

/// Resident memory in KiB as Linux reports it; 0 on other systems.
pub fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
        .and_then(|kib| kib.trim().parse().ok())
        .unwrap_or(0)
}
