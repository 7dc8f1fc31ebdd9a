//! A bare HTTP client: one connection per request, bytes in and bytes out.

use std::io;

use okta_mock_org::MockOrg;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::contract;

pub const END: &str = "/api/v1/users/me/lifecycle/delete_sessions";
pub const REVOKE_ADA: &str = "/api/v1/users/00uAda/sessions";

/// A request to send.
#[derive(Clone)]
pub struct Ask {
    method: &'static str,
    target: String,
    headers: Vec<String>,
    body: String,
}

#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Ask {
    pub fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            headers: Vec::new(),
            body: String::new(),
        }
    }

    pub fn revoke_ada(token: &str) -> Self {
        Self::new("DELETE", REVOKE_ADA).header("Authorization", format!("SSWS {token}"))
    }

    /// endUserSessions without a body.
    pub fn end(cookie: &str) -> Self {
        Self::new("POST", END)
            .header("Content-Length", "0")
            .header("Cookie", format!("idx={cookie}"))
    }

    /// endUserSessions with a JSON body.
    pub fn end_with(cookie: &str, json: &str) -> Self {
        Self::new("POST", END)
            .header("Cookie", format!("idx={cookie}"))
            .header("Content-Type", "application/json")
            .header("Content-Length", json.len().to_string())
            .body(json)
    }

    pub fn header(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.headers.push(format!("{name}: {}\r\n", value.as_ref()));
        self
    }

    /// What follows the head, as it is.
    pub fn body(mut self, body: &str) -> Self {
        self.body = body.to_owned();
        self
    }

    fn bytes(&self) -> String {
        format!(
            "{} {} HTTP/1.1\r\nHost: acme.example\r\nConnection: close\r\n{}\r\n{}",
            self.method,
            self.target,
            self.headers.concat(),
            self.body
        )
    }

    /// Sends the request and reads all that comes, up to the end.
    pub async fn exchange(&self, org: &MockOrg) -> io::Result<Vec<u8>> {
        let mut socket = connect(org).await?;
        socket.write_all(self.bytes().as_bytes()).await?;
        let mut received = Vec::new();
        socket.read_to_end(&mut received).await?;
        Ok(received)
    }

    /// Reads an answer that need not be Okta's.
    pub async fn send_faulty(&self, org: &MockOrg) -> Answer {
        Answer::parse(&self.exchange(org).await.unwrap())
    }

    /// Reads an answer of Okta's, and holds it against the specification.
    pub async fn send(&self, org: &MockOrg) -> Answer {
        let answer = self.send_faulty(org).await;
        contract::check(self.method, &self.target, &answer);
        answer
    }
}

impl Answer {
    pub fn parse(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let answer = Self {
            status: status.parse().unwrap(),
            headers,
            body: body.to_owned(),
        };
        let length = answer.header("content-length").unwrap_or("0");
        assert_eq!(length, body.len().to_string(), "a whole body");
        answer
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let first = self.headers.iter().find(|(given, _)| given == name);
        first.map(|(_, value)| value.as_str())
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(given, _)| given == name);
        named.map(|(_, value)| value.as_str())
    }

    /// A header that is a number.
    pub fn number(&self, name: &str) -> u64 {
        let value = self.header(name).unwrap_or_else(|| panic!("no {name}"));
        value.parse().unwrap()
    }

    /// Status and error code; no code for a success.
    pub fn outcome(&self) -> (u16, String) {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        let code = body["errorCode"].as_str().unwrap_or_default().to_owned();
        (self.status, code)
    }
}

pub async fn connect(org: &MockOrg) -> io::Result<TcpStream> {
    TcpStream::connect(org.url().trim_start_matches("http://")).await
}

/// What [`Answer::outcome`] is compared with.
pub fn outcome(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
