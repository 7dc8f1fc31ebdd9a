//! Tokens and cookies reach the server exactly as they were set, or are refused.

use okta_user_sessions::SessionCredentials;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    runtime::Builder,
};

use super::*;

/// The value of a header of the one request that `call` makes to this server's port.
fn header<F: Future>(name: &str, call: impl FnOnce(u16) -> F) -> String {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(socket.read_u8().await.unwrap());
            }
            let response = b"HTTP/1.1 400 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            socket.write_all(response).await.unwrap();
            String::from_utf8(head).unwrap()
        };
        let (head, _) = futures_util::future::join(server, call(port)).await;
        let values = head.lines().filter_map(|line| {
            let (header, value) = line.split_once(": ")?;
            header.eq_ignore_ascii_case(name).then(|| value.to_owned())
        });
        values.collect::<Vec<_>>().join("\n")
    })
}

fn from_file(key: &str, value: &str) -> Result<Config, Error> {
    // JSON's strings are YAML's.
    client(&format!("{key}: {}", serde_json::to_string(value).unwrap())).parse()
}

fn from_variable(key: &str, value: &str) -> Result<Config, Error> {
    let name = format!("OKTA_CLIENT_{}", key.to_uppercase());
    Config::load_from(&ConfigSources::empty().with_variables([(name, value)]))
}

fn of_port(config: Config, port: u16) -> Config {
    config
        .with_org_url(format!("http://127.0.0.1:{port}"))
        .with_testing_disable_https_check(true)
        .with_max_retries(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn tokens_arrive_as_they_were_set_or_are_refused(
        token in "[!-~]{1,20}",
        access in any::<bool>(),
        in_file in any::<bool>(),
    ) {
        let (key, scheme) = if access { ("accessToken", "Bearer") } else { ("token", "SSWS") };
        let read = if in_file { from_file } else { from_variable };
        let config = read(key, &token);
        let is_placeholder = token.contains(['{', '}']);
        let usable = config.and_then(|config| {
            Client::from_config(&of_port(config.clone(), 1)).map(|_| config)
        });
        prop_assert_eq!(usable.is_err(), is_placeholder, "{:?}", usable);
        if let Ok(config) = usable {
            let sent = header("authorization", |port| async move {
                let okta = Client::from_config(&of_port(config, port)).unwrap();
                okta.revoke_user_sessions("00u1").await
            });
            prop_assert_eq!(sent, format!("{} {}", scheme, token));
        }
    }

    #[test]
    fn cookies_arrive_as_they_were_set_or_are_refused(value in "[!-~]{1,20}", in_file in any::<bool>()) {
        let read = if in_file { from_file } else { from_variable };
        let config = read("sessionCookie", &format!("idx={value}")).unwrap();
        let usable = SessionClient::from_config(&of_port(config.clone(), 1));
        // `cookie-octet` of RFC 6265.
        let is_cookie = !value.contains(['"', ',', ';', '\\']);
        let is_placeholder = value.split('=').next_back().is_some_and(|last| {
            let inner = last.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            inner.is_some_and(|inner| !inner.is_empty() && inner.bytes().all(|b| b.is_ascii_alphabetic()))
        });
        prop_assert_eq!(usable.is_ok(), is_cookie && !is_placeholder, "{:?}", usable);
        if usable.is_ok() {
            let sent = header("cookie", |port| async move {
                let me = SessionClient::from_config(&of_port(config, port)).unwrap();
                me.end_user_sessions().await
            });
            prop_assert_eq!(sent, format!("idx={value}"));
            let direct = SessionCredentials::idx(value.clone());
            let sent = header("cookie", |port| async move {
                let me = SessionClient::builder(format!("http://127.0.0.1:{port}"))
                    .allow_loopback_http(true)
                    .credentials(direct)
                    .retry(okta_user_sessions::RetryPolicy::never())
                    .build()
                    .unwrap();
                me.end_user_sessions().await
            });
            prop_assert_eq!(sent, format!("idx={value}"));
        }
    }
}
