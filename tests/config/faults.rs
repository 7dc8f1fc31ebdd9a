//! All faults of a configuration are reported at once.

use std::fs;

use okta_user_sessions::{
    Client, Config, Credentials, PrivateKey, Proxy, SessionClient, SessionCredentials,
};

use super::{KEY, client, load, refusal};

fn holds_all(text: &str, faults: &[&str]) {
    for (at, fault) in faults.iter().enumerate() {
        assert!(text.contains(fault), "{text}\nlacks {fault}");
        if faults.len() > 1 {
            assert!(text.contains(&format!("({})", at + 1)), "{text}");
        }
    }
    let more = format!("({})", faults.len() + 1);
    assert!(!text.contains(&more), "{text}");
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn loading_reports_all_faults_of_all_files_and_variables() {
    let home = client("tokn: x\nconnectionTimeout: soon\nscopes: {a: b}\nproxy: 5\nflux: x");
    let project = "okta:\n  client:\n    authorizationMode: Basic\n  testing: []\n";
    let text = refusal(load(
        &[
            ("home/.okta/okta.yaml", &home),
            ("home/project/okta.yaml", project),
            ("home/project/.okta.yaml", ""),
        ],
        &[
            ("OKTA_CLIENT_PROXY_PORT", "0"),
            ("OKTA_CLIENT_CLIENTID", "0oa"),
            ("OKTA_CLIENT_CLIENT_ID", "0ob"),
        ],
    ));
    holds_all(
        &text,
        &[
            "in the same place",
            "okta.yaml line 4: okta.testing must contain keys",
            "okta.yaml line 3: okta.client.authorizationMode",
            "home/.okta/okta.yaml line 3: okta.client.tokn",
            "home/.okta/okta.yaml line 5: okta.client.scopes",
            "home/.okta/okta.yaml line 6: okta.client.proxy must contain keys",
            "home/.okta/okta.yaml line 7: okta.client contains an unknown key",
            "home/.okta/okta.yaml line 4: okta.client.connectionTimeout",
            "OKTA_CLIENT_CLIENT_ID and OKTA_CLIENT_CLIENTID",
            "OKTA_CLIENT_PROXY_PORT",
        ],
    );
    let text = refusal(load(&[("home/project/okta.yaml", project)], &[]));
    holds_all(
        &text,
        &[
            "okta.yaml line 4: okta.testing must contain keys",
            "okta.yaml line 3: okta.client.authorizationMode",
        ],
    );
}

#[test]
fn more_than_twenty_values_of_the_wrong_type_are_refused_too() {
    let lines: String = (0..100).map(|at| format!("token{at}: []\n")).collect();
    refusal(client(&lines).parse::<Config>());
    let keys = [
        "orgUrl",
        "token",
        "accessToken",
        "clientId",
        "scopes",
        "privateKey",
        "privateKeyId",
        "sessionCookie",
        "connectionTimeout",
        "requestTimeout",
        "caCertificates",
        "clientCertificate",
        "userAgentExtra",
        "authorizationMode",
        "rateLimit",
        "proxy",
    ];
    let lines: String = keys.iter().map(|key| format!("{key}: [[]]\n")).collect();
    let text = refusal(client(&lines).parse::<Config>());
    for key in keys {
        assert!(
            text.contains(&format!("okta.client.{key} ")),
            "{key}: {text}"
        );
    }
}

#[test]
fn a_client_reports_all_faults_of_its_configuration() {
    let app = client(
        "orgUrl: ftp://acme.okta.com\nuserAgentExtra: \"a\\nb\"\nproxy: {port: 80}\ncaCertificates: [/none/a.pem, /none/b.pem]\nclientCertificate: /none/c.pem\nclientId: '{clientId}'\nprivateKey: /none/key.pem",
    );
    let faults = [
        "line 8: okta.client.clientId is a placeholder",
        "line 3: okta.client.orgUrl is invalid",
        "line 4: okta.client.userAgentExtra",
        "line 5: okta.client.proxy.port",
        "/none/a.pem",
        "/none/b.pem",
        "/none/c.pem",
    ];
    let config: Config = app.parse().unwrap();
    let text = refusal(Client::from_config(&config));
    holds_all(
        &text,
        &[&faults[..], &["line 9: okta.client.privateKey"]].concat(),
    );
    let text = refusal(SessionClient::from_config(&config));
    holds_all(
        &text,
        &[&faults[..], &["okta.client.sessionCookie is not set"]].concat(),
    );

    // Faults that only the HTTP client finds are reported with the others.
    let config = client("clientCertificate: Cargo.toml\nauthorizationMode: PrivateKey");
    let text = refusal(Client::from_config(&config.parse().unwrap()));
    holds_all(
        &text,
        &[
            "okta.client.orgUrl is not set",
            "okta.client.clientId is not set",
            "okta.client.privateKey is not set",
            "the client certificate must be PEM",
        ],
    );
}

#[test]
fn a_client_reports_all_faults_of_its_builder() {
    let builder = Client::builder("http://acme.okta.com")
        .header("host", "x")
        .header("a b", "x")
        .header("x-a", "b\nc")
        .user_agent_suffix("a\nb")
        .proxy(Proxy::new("socks5://p"))
        .ca_certificates("none")
        .ca_certificates("none either")
        .client_certificate("none");
    let faults = [
        "header 1 of those",
        "header 2 of those",
        "header 3 of those",
        "User-Agent",
        "the proxy's URL",
        "a CA certificate must be PEM (BEGIN CERTIFICATE) (got 4 ",
        "a CA certificate must be PEM (BEGIN CERTIFICATE) (got 11 ",
        "the client certificate",
    ];
    let key = PrivateKey::from_text(fs::read_to_string(KEY).unwrap()).unwrap();
    let credentials = Credentials::service_app("", key, ["a b", "c d"]);
    let text = refusal(builder.credentials(credentials).build());
    let of_the_app = [
        "the org URL",
        "the client id",
        "a scope",
        "(got 3 characters",
    ];
    holds_all(&text, &[&of_the_app[..], &faults[..]].concat());

    let credentials = SessionCredentials::idx("a b").origin("none");
    let builder = SessionClient::builder("").credentials(credentials);
    let text = refusal(builder.header("host", "x").build());
    holds_all(
        &text,
        &[
            "the org URL",
            "cookie's value",
            "the origin",
            "header 1 of those",
        ],
    );
}
