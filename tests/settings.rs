//! The settings of a client: URL, credentials, headers.

use okta_user_sessions::{
    Client, Credentials, Effect, ErrorKind, SessionClient, SessionCredentials,
};

fn refusal(result: Result<impl Sized, okta_user_sessions::Error>) -> String {
    let Err(error) = result else {
        panic!("it was not refused")
    };
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.effect(), Effect::None);
    error.to_string()
}

fn client(url: &str) -> Result<Client, okta_user_sessions::Error> {
    Client::builder(url)
        .credentials(Credentials::api_token("00token"))
        .build()
}

#[test]
fn invalid_org_urls_are_refused_with_the_reason() {
    for (url, reason) in [
        ("", "empty"),
        ("acme.okta.com", "not a URL"),
        ("https://", "not a URL"),
        ("http://acme.okta.com", "must be https"),
        ("http://127.0.0.1:8080", "allow_loopback_http"),
        ("http://localhost", "allow_loopback_http"),
        ("ftp://acme.okta.com", "must be https"),
        ("https:/acme.okta.com", "not a URL"),
        ("https:acme.okta.com", "not a URL"),
        ("https:///acme.okta.com", "not a URL"),
        ("https:\\\\acme.okta.com", "not a URL"),
        ("https://acme-admin.okta.com.", "not a valid domain"),
        ("https://acme.okta.com.com.", "not a valid domain"),
        ("https://acme..okta.com", "not a valid domain"),
        ("https://acme.okta.com,evil.example", "not a valid domain"),
        ("https://%7ByourOktaDomain%7D", "not a valid domain"),
        ("https://{yourOktaDomain}", "placeholder"),
        ("https://acme-admin.okta.com", "https://acme.okta.com"),
        (
            "https://acme-admin.oktapreview.com",
            "https://acme.oktapreview.com",
        ),
        (
            "https://acme-admin.okta-emea.com",
            "https://acme.okta-emea.com",
        ),
        (
            "https://acme-admin.okta-gov.com",
            "https://acme.okta-gov.com",
        ),
        ("https://ACME-ADMIN.okta.mil", "https://acme.okta.mil"),
        (
            "https://acme-admin.okta-miltest.com",
            "https://acme.okta-miltest.com",
        ),
        (
            "https://acme-admin.trex-govcloud.com",
            "https://acme.trex-govcloud.com",
        ),
        ("https://acme.okta.com.com", ".com.com"),
        ("https://https://acme.okta.com", ":// twice"),
        ("https://acme.okta.com/oauth2/default", "path"),
        ("https://acme.okta.com#x", "path, query"),
        ("https://ac me.okta.com", "white space"),
        ("https://acme.okta.com\n", "white space"),
    ] {
        let text = refusal(client(url));
        assert!(text.contains(reason), "{url:?}: {text}");
        let length = format!("got {} characters", url.chars().count());
        assert!(
            url.is_empty() || text.contains("the host given is ") || text.contains(&length),
            "{text}"
        );
    }
    let text = refusal(client("https://acme.okta.com?token=hunter2"));
    assert!(
        text.contains("path, query") && !text.contains("hunter2"),
        "{text}"
    );
    let text = refusal(client("https://ada:hunter2@acme.okta.com"));
    assert!(
        text.contains("password") && !text.contains("hunter2"),
        "{text}"
    );
}

#[test]
fn valid_org_urls_are_accepted() {
    for url in [
        "https://acme.okta.com",
        "https://acme.okta.com/",
        "HTTPS://ACME.OKTA.COM",
        "https://login.acme-admin.example",
        "https://acme-admin.example.com",
        "https://127.0.0.1:8443",
    ] {
        client(url).unwrap();
    }
    for url in [
        "http://127.0.0.1:1",
        "http://127.8.9.1",
        "http://[::1]:80",
        "http://localhost:3000",
    ] {
        Client::builder(url)
            .allow_loopback_http(true)
            .credentials(Credentials::api_token("00token"))
            .build()
            .unwrap();
    }
    // The switch allows http for this machine only.
    for url in [
        "http://acme.okta.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "http://0.0.0.0",
    ] {
        let builder = Client::builder(url).allow_loopback_http(true);
        let text = refusal(
            builder
                .credentials(Credentials::api_token("00token"))
                .build(),
        );
        assert!(text.contains("must be https"), "{text}");
    }
}

#[test]
fn malformed_credentials_are_refused_without_showing_them() {
    let url = "https://acme.okta.com";
    for (token, reason) in [
        ("", "empty"),
        ("{apiToken}", "placeholder"),
        ("SSWS 00secret", "scheme"),
        ("bearer 00secret", "scheme"),
        ("00secret\n", "line break"),
        ("00 secret", "white space"),
        ("00secr\u{e9}t", "character"),
    ] {
        let text = refusal(
            Client::builder(url)
                .credentials(Credentials::api_token(token))
                .build(),
        );
        assert!(text.contains(reason) && !text.contains("00sec"), "{text}");
        let text = refusal(
            Client::builder(url)
                .credentials(Credentials::access_token(token))
                .build(),
        );
        assert!(text.contains(reason) && !text.contains("00sec"), "{text}");
    }
    for (name, value, reason) in [
        ("idx", "", "empty"),
        ("", "secret", "session cookie's name"),
        ("i dx", "secret", "session cookie's name"),
        ("idx", "secret; sid=1", "not allowed in a cookie"),
        ("idx", "sec\r\nret", "not allowed in a cookie"),
    ] {
        let credentials = SessionCredentials::cookie(name, value);
        let text = refusal(SessionClient::builder(url).credentials(credentials).build());
        let shown = text.replace("session", "");
        assert!(text.contains(reason) && !shown.contains("sec"), "{text}");
    }
    for origin in [
        "app.example.com",
        "https://app.example.com/",
        "https://a b",
        "data:x",
    ] {
        let credentials = SessionCredentials::idx("value").origin(origin);
        let text = refusal(SessionClient::builder(url).credentials(credentials).build());
        let length = format!("(got {} characters", origin.len());
        assert!(text.contains("origin") && text.contains(&length), "{text}");
    }
    assert!(refusal(Client::builder(url).build()).contains("no credentials"));
}

#[test]
fn headers_that_would_break_a_request_are_refused() {
    for (name, value, reason) in [
        ("Authorization", "x", "other methods"),
        ("cookie", "x", "other methods"),
        ("Host", "x", "other methods"),
        ("content-length", "x", "other methods"),
        ("Transfer-Encoding", "chunked", "other methods"),
        ("DPoP", "x", "other methods"),
        ("a b", "x", "its name is not"),
        ("x-a", "b\r\nc", "not allowed in a header"),
    ] {
        let builder = Client::builder("https://acme.okta.com").header(name, value);
        let text = refusal(
            builder
                .credentials(Credentials::api_token("00token"))
                .build(),
        );
        assert!(text.contains(reason) && text.contains("header 1"), "{text}");
    }
    let builder = Client::builder("https://acme.okta.com").user_agent_suffix("a\nb");
    let text = refusal(
        builder
            .credentials(Credentials::api_token("00token"))
            .build(),
    );
    assert!(text.contains("User-Agent"), "{text}");
}
