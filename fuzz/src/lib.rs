//! What the targets share: a client in virtual time, and answers from bytes.

use okta_user_sessions::{Client, ClientBuilder};
use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};

pub type Answer = (StatusCode, HeaderMap, Vec<u8>);

pub fn builder() -> ClientBuilder<Client> {
    Client::builder("http://127.0.0.1:1").allow_loopback_http(true)
}

/// Waits take no time, and are as long as they would be.
pub fn in_virtual_time<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

/// An answer as it is written down: the status, headers one a line, an empty
/// line, the body. What no HTTP library lets through is left out.
pub fn answer(bytes: &[u8]) -> Answer {
    let (head, body) = split(bytes, b"\n\n").unwrap_or((bytes, b""));
    let mut lines = head.split(|&byte| byte == b'\n');
    let status = lines
        .next()
        .and_then(|line| StatusCode::from_bytes(line).ok());
    let mut headers = HeaderMap::new();
    for line in lines.take(100) {
        let Some((name, value)) = split(line, b":") else {
            continue;
        };
        let name = HeaderName::from_bytes(name);
        let value = HeaderValue::from_bytes(value.trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    (status.unwrap_or(StatusCode::OK), headers, body.to_vec())
}

/// Several, between lines of three dashes.
pub fn answers(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while let Some((first, rest)) = split(bytes, b"\n---\n") {
        answers.push(answer(first));
        bytes = rest;
    }
    answers.push(answer(bytes));
    answers
}

pub fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes
        .windows(mark.len())
        .position(|window| window == mark)?;
    Some((&bytes[..at], &bytes[at + mark.len()..]))
}
