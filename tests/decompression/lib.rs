//! Another crate in a program may switch on reqwest's decompression. It is off in
//! our client, but its wrapper around every body hides whether an HTTP/2 stream
//! ended (see `read` in `src/pipeline/transport/native/mod.rs`). It still never
//! reports a false success: a 200 whose end nothing else proves is reported as unknown.

#![cfg(all(test, feature = "decompression"))]

#[allow(dead_code, reason = "the library's own tests use the rest")]
#[path = "../support/http2.rs"]
mod http2;

use http2::{END_STREAM, Script, data, headers, rst_stream};
use okta_user_sessions::{
    Effect, Error, Receipt, RetryPolicy, SessionClient, SessionClients, SessionCredentials,
};

const ID: (&str, &str) = ("x-okta-request-id", "req1");

async fn end_sessions(response: fn(u32) -> Vec<u8>) -> Result<Receipt, Error> {
    let server = http2::Server::start().await;
    server.play(move |stream| Script {
        bytes: response(stream),
        close: false,
    });
    let me = SessionClient::builder(&server.url)
        .ca_certificates(http2::CA)
        .credentials(SessionCredentials::idx("cookie"))
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    me.end_user_sessions().await
}

#[tokio::test]
async fn a_response_that_ends_with_its_headers_or_has_a_length_is_a_success() {
    let responses: [fn(u32) -> Vec<u8>; 3] = [
        |stream| headers(stream, END_STREAM, 200, &[ID]),
        |stream| headers(stream, END_STREAM, 204, &[ID]),
        |stream| {
            let mut bytes = headers(stream, 0, 200, &[ID, ("content-length", "2")]);
            bytes.extend(data(stream, END_STREAM, b"{}"));
            bytes
        },
    ];
    for response in responses {
        end_sessions(response).await.unwrap();
    }
}

#[tokio::test]
async fn a_response_whose_end_is_not_proven_is_unknown() {
    let responses: [fn(u32) -> Vec<u8>; 3] = [
        |stream| {
            let mut bytes = headers(stream, 0, 200, &[ID]);
            bytes.extend(rst_stream(stream, 0));
            bytes
        },
        |stream| {
            let mut bytes = headers(stream, 0, 200, &[ID, ("content-length", "5000")]);
            bytes.extend(data(stream, 0, b"{}"));
            bytes.extend(rst_stream(stream, 0));
            bytes
        },
        // The price: this is a success, but nothing proves it.
        |stream| {
            let mut bytes = headers(stream, 0, 200, &[ID]);
            bytes.extend(data(stream, END_STREAM, b"{}"));
            bytes
        },
    ];
    for response in responses {
        let error = end_sessions(response).await.unwrap_err();
        assert_eq!(error.effect(), Effect::Unknown);
    }
}

#[tokio::test]
async fn compressed_responses_are_neither_requested_nor_decoded() {
    // gzip of nothing: decoded, it would pass for an empty body.
    let error = end_sessions(|stream| {
        let gzip = [
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        let fields = [ID, ("content-encoding", "gzip")];
        let mut bytes = headers(stream, 0, 200, &fields);
        bytes.extend(data(stream, END_STREAM, &gzip));
        bytes
    })
    .await
    .unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown);
    assert!(error.to_string().contains("content"), "{error}");
}

/// It would send the cookies of one user for the next.
#[test]
fn many_users_do_not_share_a_cookie_store() {
    let build = |make: fn() -> reqwest::ClientBuilder| {
        SessionClients::builder("https://acme.okta.com")
            .http_client_builder(make)
            .build()
    };
    build(reqwest::Client::builder).unwrap();
    build(|| reqwest::Client::builder().cookie_store(false)).unwrap();
    for make in [
        || reqwest::Client::builder().cookie_store(true),
        || reqwest::Client::builder().cookie_provider(reqwest::cookie::Jar::default().into()),
    ] {
        let error = build(make).unwrap_err();
        assert!(error.to_string().contains("cookie store"), "{error}");
    }
}
