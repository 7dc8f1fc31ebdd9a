//! Proxies that refuse or hang, and malformed settings of a proxy.

use std::{
    env,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use okta_user_sessions::{
    Client, ClientBuilder, Config, ConfigSources, Credentials, Effect, ErrorKind, Proxy,
    RetryPolicy,
};
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::support::{ADA, own_builder};

/// A proxy that responds to each CONNECT with these bytes, or never. Returns its URL and a
/// counter of CONNECTs.
async fn proxy(response: Option<&'static str>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connects = Arc::new(AtomicUsize::new(0));
    let counted = connects.clone();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let read = socket.read(&mut head).await.unwrap();
            assert!(head[..read].starts_with(b"CONNECT acme.okta.com:443 "));
            counted.fetch_add(1, SeqCst);
            if let Some(response) = response {
                socket.write_all(response.as_bytes()).await.unwrap();
            }
            open.push(socket);
        }
    });
    (url, connects)
}

fn through(proxy: &str) -> ClientBuilder<Client> {
    Client::builder("https://acme.okta.com")
        .credentials(Credentials::api_token("00token"))
        .proxy(Proxy::new(proxy).basic_auth("ada", "hush"))
}

#[tokio::test(start_paused = true)]
async fn a_refused_proxy_password_is_not_retried() {
    let response = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    let (url, connects) = proxy(Some(response)).await;
    let okta = through(&url).build().unwrap();
    let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect(), error.attempts()),
        (ErrorKind::ProxyUnauthorized, Effect::None, 1)
    );
    assert_eq!(connects.load(SeqCst), 1);
    let text = format!("{error} {error:?}");
    assert!(text.contains("proxy setting"), "{text}");
    assert!(!text.contains("hush") && !text.contains("ada"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn other_refusals_of_a_proxy_are_retried() {
    let (url, connects) = proxy(Some("HTTP/1.1 503 Busy\r\n\r\n")).await;
    let okta = through(&url).build().unwrap();
    let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect(), error.attempts()),
        (ErrorKind::NotConnected, Effect::None, 5)
    );
    assert_eq!(connects.load(SeqCst), 5);
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_that_outlasts_the_attempt_has_no_effect() {
    let (url, _) = proxy(None).await;
    let okta = through(&url)
        .retry(RetryPolicy::never().with_attempt_timeout(Duration::from_secs(5)))
        .build()
        .unwrap();
    let error = okta.revoke_user_sessions(ADA).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (ErrorKind::NotConnected, Effect::None)
    );
}

/// What a proxy is sent as `Proxy-Authorization`.
async fn authorization(okta: impl FnOnce(u16) -> Client) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let okta = okta(listener.local_addr().unwrap().port());
    let proxy = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        socket.write_all(b"HTTP/1.1 502 No\r\n\r\n").await.unwrap();
        String::from_utf8(head).unwrap()
    });
    okta.revoke_user_sessions(ADA).await.unwrap_err();
    let head = proxy.await.unwrap();
    let mut lines = head.lines();
    let line = lines.find_map(|line| {
        let (name, value) = line.split_once(": Basic ")?;
        name.eq_ignore_ascii_case("proxy-authorization")
            .then_some(value)
    });
    let decoded = STANDARD.decode(line.unwrap()).unwrap();
    String::from_utf8(decoded).unwrap()
}

/// Each printable ASCII character alone, percent signs that look like encodings, and text of
/// every kind.
fn logins() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]",
        "p%[0-9a-f]{2}ss",
        " [%@:/?#{}+=&]{1,8} ",
        "[^\\p{C}\u{feff}]{1,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_proxy_gets_the_user_name_and_password_as_they_were_set(
        username in logins(),
        password in logins(),
        way in 0..3,
    ) {
        prop_assume!(!username.contains(':'));
        // A whole value like `${NAME}` or `{name}` is refused.
        prop_assume!(!username.trim().starts_with(['{', '$']) && !password.trim().starts_with("${"));
        let expected = format!("{username}:{password}");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let sent = runtime.block_on(authorization(|port| {
            let base = Config::default()
                .with_org_url("https://acme.okta.com")
                .with_token("00token")
                .with_max_retries(0);
            let config = match way {
                0 => base
                    .with_proxy("127.0.0.1", port)
                    .with_proxy_credentials(&username, password.as_str()),
                1 => {
                    // JSON's strings are YAML's.
                    let text = |text: &str| serde_json::to_string(text).unwrap();
                    let yaml = format!(
                        "okta:\n  client:\n    proxy:\n      host: 127.0.0.1\n      port: {port}\n      username: {}\n      password: {}\n",
                        text(&username),
                        text(&password),
                    );
                    base.merge(yaml.parse().unwrap())
                }
                _ => {
                    let variables = [
                        ("OKTA_CLIENT_PROXY_HOST", "127.0.0.1".to_owned()),
                        ("OKTA_CLIENT_PROXY_PORT", port.to_string()),
                        ("OKTA_CLIENT_PROXY_USERNAME", username.clone()),
                        ("OKTA_CLIENT_PROXY_PASSWORD", password.clone()),
                    ];
                    let sources = ConfigSources::empty().with_variables(variables);
                    base.merge(Config::load_from(&sources).unwrap())
                }
            };
            Client::from_config(&config).unwrap()
        }));
        prop_assert_eq!(sent, expected);
    }
}

#[test]
fn a_proxy_user_name_with_a_colon_is_refused() {
    let proxy = Proxy::new("http://p").basic_auth("ada:hush", "x");
    let error = Client::builder("https://acme.okta.com")
        .credentials(Credentials::api_token("00token"))
        .proxy(proxy)
        .build()
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("colon") && !text.contains("hush"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_exception_is_reached_without_the_proxy() {
    for (entries, is_exception) in [
        ("*.okta.com", true),
        ("acme.okta.com:443", true),
        ("intranet  acme.okta.com", true),
        ("acme.okta.com:8443, 10.0.0.0/8", false),
    ] {
        let (url, connects) = proxy(Some("HTTP/1.1 503 Busy\r\n\r\n")).await;
        let okta = Client::builder("https://acme.okta.com")
            .credentials(Credentials::api_token("00token"))
            .proxy(Proxy::new(&url).no_proxy([entries]))
            // The host is on this machine, so that nothing leaves it.
            .http_client_builder(|| {
                own_builder().resolve("acme.okta.com", "127.0.0.1:1".parse().unwrap())
            })
            .retry(RetryPolicy::never())
            .build()
            .unwrap();
        okta.revoke_user_sessions(ADA).await.unwrap_err();
        assert_eq!(connects.load(SeqCst) == 0, is_exception, "{entries}");
    }
    let error = through("http://p")
        .proxy(Proxy::new("http://p").no_proxy(["acme.*"]))
        .build();
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("exceptions are invalid")
    );
}

const ENVIRONMENT: &str = "TEST_PROXY_OF_ENVIRONMENT";

/// The child process of the next test. Run by itself, it does nothing.
#[tokio::test]
async fn the_process_with_a_proxy_in_its_environment() {
    if env::var(ENVIRONMENT).is_err() {
        return;
    }
    let okta = Client::builder("https://acme.okta.com")
        .credentials(Credentials::api_token("00token"))
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    okta.revoke_user_sessions(ADA).await.unwrap_err();
}

/// In a URL, a password is percent-encoded.
#[tokio::test]
async fn the_password_in_a_proxy_variable_is_decoded_once() {
    for (encoded, password) in [
        ("p%40ss", "p@ss"),
        ("p%2540ss", "p%40ss"),
        ("p%C3%A9", "pé"),
    ] {
        let child = |port: u16| {
            Command::new(env::current_exe().unwrap())
                .args([
                    "proxies::the_process_with_a_proxy_in_its_environment",
                    "--exact",
                ])
                .env(
                    "HTTPS_PROXY",
                    format!("http://ada:{encoded}@127.0.0.1:{port}"),
                )
                .env("NO_PROXY", "example.com, acme.okta.com:8443")
                .env(ENVIRONMENT, "1")
                .spawn()
                .unwrap()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut child = child(listener.local_addr().unwrap().port());
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        socket.write_all(b"HTTP/1.1 502 No\r\n\r\n").await.unwrap();
        let head = String::from_utf8(head).unwrap();
        let expected = STANDARD.encode(format!("ada:{password}"));
        assert!(head.contains(&format!("Basic {expected}\r\n")), "{head}");
        drop(socket);
        assert!(child.wait().unwrap().success());
    }
}

const MARK: &str = "TEST_MALFORMED_PROXY";

/// The child process of the next test. Run by itself, it does nothing.
#[test]
fn the_process_with_a_malformed_proxy_variable() {
    if env::var(MARK).is_err() {
        return;
    }
    let builder =
        || Client::builder("https://acme.okta.com").credentials(Credentials::api_token("00token"));
    let error = builder().build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let text = error.to_string();
    assert!(
        text.contains("HTTPS_PROXY") && !text.contains("hush"),
        "{text}"
    );
    // The program's own settings take precedence over the environment.
    builder().proxy(Proxy::new("http://p")).build().unwrap();
    builder()
        .http_client_builder(|| own_builder().no_proxy())
        .build()
        .unwrap();
    Client::builder("http://127.0.0.1:1")
        .allow_loopback_http(true)
        .credentials(Credentials::api_token("00token"))
        .build()
        .unwrap();
}

#[test]
fn a_malformed_proxy_variable_is_refused_if_it_applies() {
    let name = "proxies::the_process_with_a_malformed_proxy_variable";
    let output = Command::new(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env("HTTPS_PROXY", "http://ada:hush@proxy example:8080")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env(MARK, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text} {errors}");
    assert!(text.contains("1 passed"), "{text}");
}
