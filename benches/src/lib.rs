//! The two that are compared, and what they are measured with.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
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

/// What revokes.
#[derive(Clone)]
pub enum Subject {
    Ours(Client),
    /// What one writes without this crate: no retry, no gate, the same request.
    Plain(reqwest::Client, String),
}

impl Subject {
    /// `ours` or `plain`.
    pub fn new(name: &str, url: &str) -> Self {
        let https = url.starts_with("https");
        match name {
            "ours" => {
                let mut builder = Client::builder(url)
                    .allow_loopback_http(true)
                    .retry(RetryPolicy::never())
                    .credentials(Credentials::api_token(TOKEN));
                if https {
                    builder = builder.ca_certificates(CA);
                }
                Self::Ours(builder.build().expect("a client"))
            }
            "plain" => {
                let mut builder = reqwest::Client::builder()
                    .redirect(redirect::Policy::none())
                    .no_proxy()
                    .connect_timeout(Duration::from_secs(10));
                if https {
                    let ca = Certificate::from_pem(CA.as_bytes()).expect("a certificate");
                    builder = builder.tls_certs_merge([ca]);
                }
                Self::Plain(builder.build().expect("a client"), url.to_owned())
            }
            other => panic!("{other} is neither `ours` nor `plain`"),
        }
    }

    pub async fn revoke(&self) {
        match self {
            Self::Ours(okta) => {
                okta.revoke_user_sessions(USER)
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

    /// So many calls, `at_once` of them at a time.
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

/// A server in a process of its own, so that what it costs is not counted.
pub struct Server {
    process: Child,
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
        let mut url = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output)
            .read_line(&mut url)
            .expect("the server tells its URL");
        Self {
            process,
            url: url.trim().to_owned(),
        }
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

/// Resident memory in KiB, as Linux tells it; elsewhere 0.
pub fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
        .and_then(|kib| kib.trim().parse().ok())
        .unwrap_or(0)
}
