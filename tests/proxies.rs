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

use okta_user_sessions::{
    Client, ClientBuilder, Credentials, Effect, ErrorKind, Proxy, RetryPolicy,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::support::ADA;

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
        .http_client_builder(|| reqwest::Client::builder().no_proxy())
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
