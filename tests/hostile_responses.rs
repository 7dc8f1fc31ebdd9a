//! Servers that lie about the end of a response, or are not Okta: none of them can cause a
//! false success, or an effect of `None` if the request may have taken effect.

use std::{
    io::{Read, Write},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use okta_mock_org::Fault;
use okta_user_sessions::{
    Client, Config, Credentials, Effect, Error, ErrorKind, Receipt, RetryPolicy, SessionClient,
    SessionCredentials,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::support::{
    ADA,
    http2::{self, END_STREAM, Script, data, goaway, goaway_saying, headers, rst_stream},
};

const ID: (&str, &str) = ("x-okta-request-id", "req1");

struct Both {
    okta: Client,
    me: SessionClient,
}

impl Both {
    /// Each call is sent once, over HTTP/2 if the URL is https.
    fn new(url: &str, allow_missing_request_id: bool) -> Self {
        let okta = Client::builder(url)
            .allow_loopback_http(true)
            .allow_missing_request_id(allow_missing_request_id)
            .ca_certificates(http2::CA)
            .credentials(Credentials::api_token("00token"))
            .retry(RetryPolicy::never().with_attempt_timeout(Duration::from_secs(5)));
        let me = SessionClient::builder(url)
            .allow_loopback_http(true)
            .allow_missing_request_id(allow_missing_request_id)
            .ca_certificates(http2::CA)
            .credentials(SessionCredentials::idx("cookie"))
            .retry(RetryPolicy::never().with_attempt_timeout(Duration::from_secs(5)));
        Self {
            okta: okta.build().unwrap(),
            me: me.build().unwrap(),
        }
    }

    async fn revoke(&self) -> Result<Receipt, Error> {
        self.okta.revoke_user_sessions(ADA).await
    }

    async fn end(&self) -> Result<Receipt, Error> {
        self.me.end_user_sessions().keep_current(true).await
    }
}

fn assert_unknown(result: Result<Receipt, Error>, what: &str) -> Error {
    let error = result.expect_err(what);
    assert_eq!(error.effect(), Effect::Unknown, "{what}: {error:?}");
    error
}

/// Responds to the first request of each connection with the same bytes, and closes it.
struct Http1 {
    url: String,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Http1 {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let response = bytes.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let response: Vec<u8> = response.lock().unwrap().clone();
                let mut request = Vec::new();
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    if socket.read_buf(&mut request).await.unwrap_or(0) == 0 {
                        break;
                    }
                }
                let _ = socket.write_all(&response).await;
                let _ = socket.shutdown().await;
            }
        });
        Self { url, bytes }
    }

    fn play(&self, response: impl Into<Vec<u8>>) {
        *self.bytes.lock().unwrap() = response.into();
    }
}

/// How a server can stop in the middle of an HTTP/2 response.
fn stops(stream: u32) -> Vec<(String, Vec<u8>, bool)> {
    let mut stops = vec![("closes the connection".to_owned(), Vec::new(), true)];
    // Every error code of RFC 9113 §7, and two that it does not define.
    for code in (0..=13).chain([14, u32::MAX]) {
        stops.push((
            format!("resets with {code}"),
            rst_stream(stream, code),
            false,
        ));
        for last in [0, stream] {
            let name = format!("goes away with {code} after stream {last}");
            stops.push((name, goaway(last, code), true));
        }
    }
    stops
}

#[cfg(feature = "http2")]
#[tokio::test]
async fn a_200_whose_http2_stream_is_cut_off_is_not_a_success() {
    let long = [ID, ("content-length", "5000")];
    let html = [ID, ("content-type", "text/html")];
    let begins = [
        ("a length", &long[..], &b""[..]),
        ("a length and its beginning", &long, b"{}"),
        ("no length", &[ID], b""),
        ("an empty object", &[ID], b"{}"),
        ("white space", &[ID], b" \n "),
        ("a web page", &html, b""),
        ("no request id", &[], b""),
    ];
    let server = http2::Server::start().await;
    // A response must be complete even if the request id is not required.
    let both = Both::new(&server.url, true);
    for (name, fields, body) in begins {
        for case in 0..stops(1).len() {
            let fields: Vec<(String, String)> = fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            server.play(move |stream| {
                let fields: Vec<_> = fields.iter().map(|(n, v)| (&**n, &**v)).collect();
                let (_, stop, close) = stops(stream).swap_remove(case);
                let mut bytes = headers(stream, 0, 200, &fields);
                bytes.extend(data(stream, 0, body));
                bytes.extend(stop);
                Script { bytes, close }
            });
            let what = format!("{name}, {}", stops(1)[case].0);
            assert_unknown(both.end().await, &what);
        }
    }
}

#[cfg(feature = "http2")]
#[tokio::test]
async fn an_http2_response_that_ends_is_a_success() {
    let responses: [fn(u32) -> Vec<u8>; 4] = [
        |stream| headers(stream, END_STREAM, 200, &[ID]),
        |stream| {
            let mut bytes = headers(stream, 0, 200, &[ID, ("content-length", "2")]);
            bytes.extend(data(stream, END_STREAM, b"{}"));
            bytes
        },
        |stream| {
            let mut bytes = headers(stream, 0, 200, &[ID]);
            bytes.extend(data(stream, 0, b"{"));
            bytes.extend(data(stream, 0, b"}"));
            bytes.extend(data(stream, END_STREAM, b""));
            bytes
        },
        // RFC 9113 §8.1: a server that is done may reset with NO_ERROR.
        |stream| {
            let mut bytes = headers(stream, END_STREAM, 200, &[ID]);
            bytes.extend(rst_stream(stream, 0));
            bytes
        },
    ];
    let server = http2::Server::start().await;
    let both = Both::new(&server.url, false);
    for (case, response) in responses.into_iter().enumerate() {
        server.play(move |stream| Script {
            bytes: response(stream),
            close: false,
        });
        let receipt = both.end().await;
        let receipt = receipt.unwrap_or_else(|error| panic!("{case}: {error:?}"));
        assert_eq!(receipt.request_id(), Some("req1"));
    }
    server.play(|stream| Script {
        bytes: headers(stream, END_STREAM, 204, &[ID]),
        close: false,
    });
    assert_eq!(both.revoke().await.unwrap().status(), 204);
}

#[cfg(feature = "http2")]
#[tokio::test]
async fn a_204_with_http2_content_or_without_its_end_is_not_a_success() {
    let responses: [fn(u32) -> Vec<u8>; 3] = [
        |stream| {
            let mut bytes = headers(stream, 0, 204, &[ID]);
            bytes.extend(data(stream, END_STREAM, b"<html>"));
            bytes
        },
        // A 200 may have an empty object as its body, but a 204 has no content.
        |stream| {
            let mut bytes = headers(stream, 0, 204, &[ID]);
            bytes.extend(data(stream, END_STREAM, b"{}"));
            bytes
        },
        |stream| {
            let mut bytes = headers(stream, 0, 204, &[ID]);
            bytes.extend(rst_stream(stream, 0));
            bytes
        },
    ];
    let server = http2::Server::start().await;
    let both = Both::new(&server.url, false);
    for response in responses {
        server.play(move |stream| Script {
            bytes: response(stream),
            close: false,
        });
        assert_unknown(both.revoke().await, "revoke");
        assert_unknown(both.end().await, "end");
    }
}

#[tokio::test]
async fn a_200_whose_http1_framing_does_not_show_its_end_is_not_a_success() {
    let server = Http1::start().await;
    let both = Both::new(&server.url, true);
    for framing in [
        "",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: gzip, identity\r\n",
        "Transfer-Encoding: Okta\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: identity\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5000\r\n",
        "Content-Length: 0\r\nContent-Length: 5000\r\n",
        "Content-Length: -0\r\n",
    ] {
        for version in ["1.1", "1.0"] {
            for body in ["", "{}", " ", "0\r\n\r\n"] {
                let head = format!("HTTP/{version} 200 OK\r\nX-Okta-Request-Id: req1\r\n{framing}");
                server.play(format!("{head}\r\n{body}"));
                let what = format!("{version} {framing:?} {body:?}");
                assert_unknown(both.end().await, &what);
            }
        }
    }
}

#[tokio::test]
async fn a_200_that_shows_its_end_is_a_success() {
    let server = Http1::start().await;
    let both = Both::new(&server.url, false);
    for (framing, body) in [
        ("Content-Length: 0", ""),
        ("Content-Length: 2", "{}"),
        ("Transfer-Encoding: chunked", "0\r\n\r\n"),
        ("Transfer-Encoding: Chunked", "2\r\n{}\r\n0\r\n\r\n"),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\nX-Okta-Request-Id: req1\r\n{framing}");
        server.play(format!("{head}\r\n\r\n{body}"));
        let receipt = both.end().await;
        let receipt = receipt.unwrap_or_else(|error| panic!("{framing}: {error:?}"));
        assert_eq!(receipt.request_id(), Some("req1"));
    }
}

#[tokio::test]
async fn only_a_204_confirms_a_revocation() {
    let server = Http1::start().await;
    let both = Both::new(&server.url, false);
    server.play("HTTP/1.1 200 OK\r\nX-Okta-Request-Id: req1\r\nContent-Length: 0\r\n\r\n");
    let error = assert_unknown(both.revoke().await, "200");
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
    assert_eq!(both.end().await.unwrap().status(), 200);
    server.play("HTTP/1.1 204 No Content\r\nX-Okta-Request-Id: req1\r\n\r\n");
    assert_eq!(both.revoke().await.unwrap().status(), 204);
    // Okta's own tests also end sessions with a 204.
    assert_eq!(both.end().await.unwrap().status(), 204);
}

#[tokio::test]
async fn a_success_needs_oktas_request_id_unless_it_may_be_missing() {
    let server = Http1::start().await;
    let (strict, lenient) = (Both::new(&server.url, false), Both::new(&server.url, true));
    let long = "i".repeat(129);
    for field in [
        String::new(),
        "X-Okta-Request-Id:\r\n".to_owned(),
        "X-Request-Id: req1\r\n".to_owned(),
        // Longer than any of Okta's.
        format!("X-Okta-Request-Id: {long}\r\n"),
    ] {
        server.play(format!("HTTP/1.1 204 No Content\r\n{field}\r\n"));
        for result in [strict.revoke().await, strict.end().await] {
            let error = assert_unknown(result, &field);
            assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
            assert_eq!(error.request_id(), None);
            assert!(error.to_string().contains("X-Okta-Request-Id"), "{error}");
        }
        for result in [lenient.revoke().await, lenient.end().await] {
            assert_eq!(result.unwrap().request_id(), None);
        }
    }
    server.play("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n");
    assert_unknown(lenient.end().await, "a captive portal's empty page");
}

#[tokio::test]
async fn a_configuration_can_allow_a_missing_request_id() {
    let server = Http1::start().await;
    server.play("HTTP/1.1 204 No Content\r\n\r\n");
    let config = Config::default()
        .with_org_url(&server.url)
        .with_token("00token")
        .with_testing_disable_https_check(true);
    let okta = Client::from_config(&config).unwrap();
    assert_unknown(okta.revoke_user_sessions(ADA).await, "by default");
    let config = config.with_testing_disable_request_id_check(true);
    let okta = Client::from_config(&config).unwrap();
    okta.revoke_user_sessions(ADA).await.unwrap();
}

#[tokio::test]
async fn a_refusal_that_okta_did_not_make_has_an_unknown_effect() {
    let server = Http1::start().await;
    let both = Both::new(&server.url, false);
    for status in (400..=431).chain([444, 451, 460, 494, 495, 496, 497, 499]) {
        for body in [
            "",
            "<html><title>Blocked</title></html>",
            r#"{"error":"forbidden"}"#,
            r#"{"errorCode":"FORBIDDEN"}"#,
            r#"{"errorCode":"E0000006"#,
        ] {
            server.play(format!(
                "HTTP/1.1 {status} No\r\nContent-Length: {}\r\nWWW-Authenticate: Basic realm=\"a, Bearer b\", error=\"x\"\r\n\r\n{body}",
                body.len()
            ));
            let error = assert_unknown(both.revoke().await, &format!("{status} {body}"));
            let kind = match status {
                429 => ErrorKind::RateLimited,
                _ => ErrorKind::Rejected,
            };
            assert_eq!(error.kind(), kind, "{status} {body}");
        }
    }
}

#[tokio::test]
async fn a_refusal_by_okta_has_no_effect() {
    let server = Http1::start().await;
    let both = Both::new(&server.url, false);
    let id = "X-Okta-Request-Id: req1\r\n";
    let challenge = "WWW-Authenticate: DPoP error=\"invalid_dpop_proof\"\r\n";
    let code = r#"{"errorCode":"E0000006"}"#;
    for status in [400, 401, 403, 404, 405, 429] {
        for (fields, body) in [(id, ""), (challenge, ""), ("", code), (id, "<html>")] {
            server.play(format!(
                "HTTP/1.1 {status} No\r\n{fields}Content-Length: {}\r\n\r\n{body}",
                body.len()
            ));
            let error = both.revoke().await.unwrap_err();
            assert_eq!(error.effect(), Effect::None, "{status} {fields}{body}");
        }
    }
}

#[cfg(feature = "service-app")]
#[tokio::test]
async fn a_401_that_okta_did_not_make_is_not_resent_with_a_new_token() {
    let org = crate::support::org().await;
    let okta = crate::support::automation(&org)
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    okta.revoke_user_sessions(ADA).await.unwrap();
    let before = org.requests().len();
    org.fail_next(1, Fault::status(401).after_effect(true));
    let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown);
    assert_eq!(org.requests().len(), before + 1);
}

#[tokio::test]
async fn texts_from_a_server_are_truncated() {
    let server = Http1::start().await;
    let both = Both::new(&server.url, false);
    let (id, long) = ("i".repeat(60_000), "é".repeat(20_000));
    let causes = |cause: &str, count| vec![format!(r#"{{"errorSummary":"{cause}"}}"#); count];
    for body in [
        format!(r#"{{"errorCode":"{long}","errorSummary":"x","errorId":"x"}}"#),
        format!(r#"{{"errorCode":"x","errorSummary":"{long}"}}"#),
        format!(r#"{{"errorId":"{long}"}}"#),
        format!(r#"{{"errorCauses":[{}]}}"#, causes("c", 1000).join(",")),
        format!(r#"{{"errorCauses":[{}]}}"#, causes(&long, 1).join(",")),
        format!(r#"{{"error":"{long}"}}"#),
        long.clone(),
    ] {
        server.play(format!(
            "HTTP/1.1 403 No\r\nX-Okta-Request-Id: {id}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        let error = both.revoke().await.unwrap_err();
        assert_eq!(error.request_id(), None);
        let kept = [error.error_code(), error.error_summary(), error.error_id()];
        for text in kept.into_iter().flatten().chain(error.error_causes()) {
            assert!(text.chars().count() <= 501, "{} bytes", text.len());
        }
        assert!(error.error_causes().count() <= 10);
    }
}

/// A terminal would obey them, or show the rest of the message in another order.
#[tokio::test]
async fn an_error_shows_control_characters_of_a_server_escaped() {
    let server = Http1::start().await;
    let both = Both::new(&server.url, false);
    let body = r#"{"errorSummary":"\u001b[2J\u202edekover\u2069\u200f"}"#;
    server.play(format!(
        "HTTP/1.1 403 No\r\nX-Okta-Request-Id: req1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let error = both.revoke().await.unwrap_err().to_string();
    let shown = r"\u{1b}[2J\u{202e}dekover\u{2069}\u{200f}";
    assert!(error.contains(shown), "{error}");
}

#[tokio::test]
async fn the_text_of_a_response_that_is_not_from_okta_is_reported() {
    let server = Http1::start().await;
    let both = Both::new(&server.url, false);
    for (body, told) in [
        (
            "  Access denied\n by policy 7  ",
            "Access denied by policy 7",
        ),
        (
            "<html><head><title>Blocked by\nExample</title></head><body>",
            "Blocked by Example",
        ),
        (r#"{"message":"Forbidden"}"#, r#"{"message":"Forbidden"}"#),
        ("the token 00token", "the token [hidden]"),
    ] {
        server.play(format!(
            "HTTP/1.1 403 No\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        let error = both.revoke().await.unwrap_err();
        assert_eq!(error.error_summary(), Some(told));
        assert!(error.to_string().contains("not by Okta"), "{error}");
    }
}

/// Responds to the first connection's first request with `first`, and to later requests over
/// it with a false success. Other connections get a refusal by Okta.
async fn out_of_step(first: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut responses =
            [first, "HTTP/1.1 204 No\r\nX-Okta-Request-Id: req1\r\n\r\n"].into_iter();
        while let Ok((mut socket, _)) = listener.accept().await {
            let own: Vec<_> = match responses.len() {
                0 => {
                    vec!["HTTP/1.1 403 No\r\nX-Okta-Request-Id: req2\r\nContent-Length: 0\r\n\r\n"]
                }
                _ => responses.by_ref().collect(),
            };
            tokio::spawn(async move {
                for response in own {
                    let mut request = [0; 4096];
                    if socket.read(&mut request).await.unwrap_or(0) == 0 {
                        return;
                    }
                    socket.write_all(response.as_bytes()).await.unwrap();
                }
            });
        }
    });
    url
}

/// Bytes that follow over its connection may be its content, so they are not read as the
/// response to the next request.
#[tokio::test]
async fn a_connection_is_not_used_after_a_response_whose_end_is_in_doubt() {
    for first in [
        "HTTP/1.1 204 No\r\nX-Okta-Request-Id: req1\r\nContent-Length: 52\r\n\r\n",
        "HTTP/1.1 204 No\r\nX-Okta-Request-Id: req1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 304 No\r\nContent-Length: 52\r\n\r\n",
        "HTTP/1.1 200 No\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 403 No\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 502 No\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    ] {
        let both = Both::new(&out_of_step(first).await, false);
        assert_unknown(both.revoke().await, first);
        let error = both.revoke().await.expect_err(first);
        assert_eq!(error.status(), Some(403), "{first}");
    }
}

/// It may have got that connection a moment earlier.
#[tokio::test]
async fn a_request_sharing_a_connection_with_a_response_whose_end_is_in_doubt_is_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let both = Both::new(&url, false);
    for response in [
        "HTTP/1.1 204 No\r\nX-Okta-Request-Id: req1\r\n\r\n",
        "HTTP/1.1 403 No\r\nX-Okta-Request-Id: req1\r\nContent-Length: 0\r\n\r\n",
    ] {
        let mut request = [0; 4096];
        let one = tokio::spawn(both.okta.revoke_user_sessions(ADA).into_future());
        let (mut first, _) = listener.accept().await.unwrap();
        assert_ne!(first.read(&mut request).await.unwrap(), 0);
        let other = tokio::spawn(both.okta.revoke_user_sessions(ADA).into_future());
        let (mut second, _) = listener.accept().await.unwrap();
        assert_ne!(second.read(&mut request).await.unwrap(), 0);
        let in_doubt = "HTTP/1.1 204 No\r\nX-Okta-Request-Id: req1\r\nContent-Length: 5\r\n\r\n";
        first.write_all(in_doubt.as_bytes()).await.unwrap();
        assert_unknown(one.await.unwrap(), "in doubt");
        second.write_all(response.as_bytes()).await.unwrap();
        assert_unknown(other.await.unwrap(), response);
    }
}

/// While its only thread is blocked, a runtime does not notice what arrives over an idle
/// connection.
#[tokio::test]
async fn a_response_that_came_before_its_request_is_not_used() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let both = Both::new(&format!("http://{}", listener.local_addr().unwrap()), false);
    let (send, early) = mpsc::channel();
    let (sent, is_early) = mpsc::channel();
    thread::spawn(move || {
        let mut request = [0; 4096];
        let success = b"HTTP/1.1 204 No\r\nX-Okta-Request-Id: req1\r\n\r\n";
        let (mut first, _) = listener.accept().unwrap();
        assert_ne!(first.read(&mut request).unwrap(), 0);
        first.write_all(success).unwrap();
        early.recv().unwrap();
        first.write_all(success).unwrap();
        sent.send(()).unwrap();
        let (mut second, _) = listener.accept().unwrap();
        assert_ne!(second.read(&mut request).unwrap(), 0);
        let refusal = b"HTTP/1.1 403 No\r\nX-Okta-Request-Id: req2\r\nContent-Length: 0\r\n\r\n";
        second.write_all(refusal).unwrap();
    });
    both.revoke().await.unwrap();
    send.send(()).unwrap();
    is_early.recv().unwrap();
    thread::sleep(Duration::from_millis(5));
    let error = both.revoke().await.expect_err("a response to no request");
    assert_eq!(error.status(), Some(403), "{error:?}");
}

#[cfg(feature = "http2")]
#[tokio::test]
async fn the_debug_data_of_a_goaway_is_truncated_and_redacted() {
    let server = http2::Server::start().await;
    let both = Both::new(&server.url, false);
    for words in ["you sent SSWS 00token!".to_owned(), "w".repeat(10_000)] {
        server.play(move |_| Script {
            bytes: goaway_saying(&words),
            close: true,
        });
        let error = assert_unknown(both.revoke().await, "goaway");
        let text = format!("{error:?}");
        assert!(text.contains("GOAWAY") || text.contains("http2"), "{text}");
        assert!(!text.contains("00token") && text.len() < 2000, "{text}");
    }
}

/// An OAuth error name is not an Okta error code.
#[tokio::test]
async fn an_oauth_error_named_like_an_okta_code_is_not_from_okta() {
    let server = Http1::start().await;
    let both = Both::new(&server.url, false);
    let body = r#"{"error":"E0000010"}"#;
    let length = body.len();
    server.play(format!(
        "HTTP/1.1 503 No\r\nContent-Length: {length}\r\n\r\n{body}"
    ));
    let error = assert_unknown(both.revoke().await, body);
    assert_eq!(error.kind(), ErrorKind::Server);
}
