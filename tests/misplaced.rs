//! Secrets in the wrong place: each kind of secret is put into each setting, variable and
//! builder method, and no piece of it may appear in any output.

use std::{collections::HashMap, error::Error as _, fmt::Debug, path::Path};

use okta_user_sessions::{
    Client, ClientBuilder, Config, ConfigSources, Credentials, Error, PrivateKey, Proxy,
    SessionClient, SessionCredentials,
};
use serde_json::Value;

use crate::support::{Log, own_builder};

const PEM: &str = include_str!("keys/p256-pkcs8.pem");
const JWT: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6Ik5xWTcifQ.eyJzdWIiOiIwMHViMG9OR1RTV1RCS09MR0xOUiIsImV4cCI6MTc4NX0.w5pXq0Zt7nLrB2vGhJkY3sUeWmDfTa8cQxR1oPiKbN4yVjC6HgMuSzEl9dAItF";

/// A private key, an API token, an access token, a session cookie, a password.
const SECRETS: [&str; 5] = [
    PEM,
    "00QCjAl4MlV-WPXM0Aelo0ScZIbkLJ1wL_qMhNaJvf",
    JWT,
    "idx=eyJ6aXAiOiJERUYiLCJ2ZXIiOiIxIn0K9fQ2xLw7RtYbVn3mPzXcS5dHgJk",
    "Tr0ub4dor&3xQ9zW",
];

/// A piece of this length does not occur in a text by chance.
const PIECE: usize = 6;

/// Places for a secret within a URL.
const FORMS: [&str; 9] = [
    "https://%",
    "https://%@acme.okta.com",
    "https://ada:%@acme.okta.com",
    "https://acme.okta.com/%",
    "https://acme.okta.com?%",
    "https://acme.okta.com#%",
    "https://acme.okta.com:%",
    "https://acme.okta.com %",
    "http://%",
];

/// The output so far, and the secret that must not appear in it.
struct Seen<'a> {
    place: String,
    secret: &'a str,
}

impl Seen<'_> {
    fn check(&self, text: &str) {
        let text = text.to_lowercase();
        for part in self.secret.split_ascii_whitespace() {
            // A cookie's name and the labels of PEM are not secret.
            let part = part.trim_start_matches("idx=").to_lowercase();
            if part.contains("--") || part == "private" || part == "key-----" {
                continue;
            }
            for piece in part.as_bytes().windows(PIECE) {
                let piece = std::str::from_utf8(piece).unwrap();
                assert!(
                    !text.contains(piece),
                    "{}: {piece:?} in\n{text}",
                    self.place
                );
            }
        }
    }

    fn debug(&self, shown: &impl Debug) {
        self.check(&format!("{shown:?} {shown:#?}"));
    }

    fn result<T: Debug>(&self, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(made) => {
                self.debug(&made);
                Some(made)
            }
            Err(error) => {
                self.debug(&error);
                self.check(&format!("{error} {error:#}"));
                let mut source = error.source();
                while let Some(error) = source {
                    self.check(&format!("{error} {error:?}"));
                    source = error.source();
                }
                None
            }
        }
    }

    fn config(&self, config: &Config) {
        self.debug(config);
        self.check(&config.explain());
        self.result(config.credentials());
        self.result(config.session_credentials());
        self.result(Client::from_config(config));
        self.result(SessionClient::from_config(config));
    }
}

/// Runs `check` for every secret, and then searches the log.
fn with_every_secret(place: &str, forms: &[&str], check: impl Fn(&Seen, String)) {
    for secret in SECRETS {
        for form in forms {
            let seen = Seen {
                place: format!("{place} {form}"),
                secret,
            };
            let log = Log::default();
            let subscriber = tracing_subscriber::fmt()
                .with_writer(log.clone())
                .with_max_level(tracing::Level::TRACE)
                .finish();
            tracing::subscriber::with_default(subscriber, || {
                check(&seen, form.replace('%', secret));
            });
            seen.check(&log.text());
        }
    }
}

fn raw_and_in_urls() -> Vec<&'static str> {
    [&["%"], &FORMS[..]].concat()
}

/// The settings that the schema lists, like `okta.client.orgUrl`.
fn settings() -> Vec<String> {
    fn walk(path: &str, schema: &Value, found: &mut Vec<String>) {
        match schema.get("properties").and_then(Value::as_object) {
            Some(properties) => {
                for (name, schema) in properties {
                    let path = format!("{path}.{name}");
                    walk(path.trim_start_matches('.'), schema, found);
                }
            }
            None => found.push(path.to_owned()),
        }
    }
    let schema = serde_json::to_value(schemars::schema_for!(Config)).unwrap();
    let mut found = Vec::new();
    walk("", &schema, &mut found);
    assert!(found.len() > 25, "{found:?}");
    found
}

fn variables(setting: &str) -> [String; 2] {
    let split: String = setting
        .chars()
        .flat_map(|c| c.is_ascii_uppercase().then_some('_').into_iter().chain([c]))
        .collect();
    [setting, split.as_str()].map(|name| name.replace('.', "_").to_uppercase())
}

fn environment(variables: &[(String, String)]) -> Result<Config, Error> {
    let variables: HashMap<String, String> = variables.iter().cloned().collect();
    let sources =
        ConfigSources::empty().with_environment(move |name| variables.get(name).map(Into::into));
    Config::load_from(&sources)
}

/// The setting in a file, at its line or as a list. JSON's strings are YAML's.
fn yaml(setting: &str, value: &str, list: bool) -> String {
    let mut text = String::new();
    for (depth, name) in setting.split('.').enumerate() {
        text.push_str(&format!("\n{}{name}:", "  ".repeat(depth)));
    }
    let value = serde_json::to_string(value).unwrap();
    if list {
        format!("{text} [{value}]\n")
    } else {
        format!("{text} {value}\n")
    }
}

/// Adds the other settings that a client needs, so that every check of the value runs.
fn complete(config: Config, setting: &str) -> Config {
    let has = |names: &[&str]| names.iter().any(|name| setting.ends_with(name));
    let config = match has(&["proxy.port", "username", "password", "noProxy"]) {
        true => config.with_proxy("proxy.example", 8080),
        false => config,
    };
    let config = match has(&["orgUrl", "oktaDomain"]) {
        true => config,
        false => config.with_org_url("https://acme.okta.com"),
    };
    if has(&["client.clientId", "scopes", "privateKeyId"]) {
        let config = config.with_private_key(PEM_PATH);
        return match has(&["client.clientId"]) {
            true => config,
            false => config.with_client_id("0oa"),
        };
    }
    match has(&[
        "client.token",
        "accessToken",
        "privateKey",
        "authorizationMode",
    ]) {
        true => config,
        false => config.with_token("00token"),
    }
}

const PEM_PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/p384-pkcs8.pem");

#[test]
fn no_setting_or_variable_shows_a_secret() {
    for setting in settings() {
        let is_url = [
            "orgUrl",
            "oktaDomain",
            "proxy.host",
            "proxy.noProxy",
            "sessionCookie",
        ]
        .iter()
        .any(|name| setting.ends_with(name));
        let forms = if is_url { raw_and_in_urls() } else { vec!["%"] };
        with_every_secret(&setting, &forms, |seen, value| {
            for list in [false, true] {
                if let Some(config) = seen.result(yaml(&setting, &value, list).parse()) {
                    seen.config(&complete(config, &setting));
                }
            }
            for name in variables(&setting) {
                if let Some(config) = seen.result(environment(&[(name, value.clone())])) {
                    seen.debug(&config);
                }
            }
        });
    }
    for name in ["OKTA_SESSION_COOKIE", "NO_PROXY"] {
        with_every_secret(name, &["%"], |seen, value| {
            if let Some(config) = seen.result(environment(&[(name.to_owned(), value)])) {
                seen.config(&config.with_org_url("https://acme.okta.com"));
            }
        });
    }
}

#[test]
fn no_key_or_text_of_a_file_shows_a_secret() {
    with_every_secret("key", &["%"], |seen, value| {
        let key = serde_json::to_string(&value).unwrap();
        for text in [
            value.clone(),
            format!("{key}: x"),
            format!("okta: {key}"),
            format!("okta:\n  {key}: x"),
            format!("okta:\n  client:\n    {key}: x\n    proxy:\n      {key}: x"),
            format!("okta:\n  client:\n    {value}: x"),
            format!("okta:\n  client:\n    token: *{value}"),
            format!("okta:\n  client:\n    token: !{value} x"),
            format!("okta:\n  client:\n    token: [{key}]\n    orgUrl: {{{key}: x}}"),
        ] {
            if let Some(config) = seen.result(text.parse()) {
                seen.config(&config);
            }
        }
        // The file's content, in the place of its path.
        seen.result(Config::from_file(&value));
        seen.result(Config::from_file(Path::new("/tmp").join(&value)));
    });
}

#[test]
fn no_method_of_a_configuration_shows_a_secret() {
    let base = || Config::default().with_org_url("https://acme.okta.com");
    let proxied = || base().with_proxy("proxy.example", 80).with_token("00token");
    with_every_secret("Config", &["%"], |seen, value| {
        for config in [
            base().with_token(value.clone()),
            base().with_access_token(value.clone()),
            base().with_client_id(&value).with_private_key(PEM_PATH),
            base().with_client_id("0oa").with_private_key(value.clone()),
            base()
                .with_client_id("0oa")
                .with_private_key(PEM_PATH)
                .with_private_key_id(&value)
                .with_scopes([&value]),
            base().with_session_cookie(value.clone()),
            proxied().with_proxy_credentials(&value, value.clone()),
            proxied().with_no_proxy([&value]),
            proxied().with_ca_certificates([&value]),
            proxied().with_client_certificate(&value),
            proxied().with_user_agent_extra(&value),
        ] {
            seen.config(&config);
        }
    });
    with_every_secret("Config", &raw_and_in_urls(), |seen, value| {
        seen.config(&proxied().with_org_url(&value));
        seen.config(&proxied().with_proxy(&value, 80));
    });
}

/// Without the system's certificates, because reading them each time is slow.
fn without_roots() -> reqwest::ClientBuilder {
    own_builder().tls_certs_only([])
}

#[test]
fn no_method_of_a_builder_shows_a_secret() {
    fn finish<C>(
        seen: &Seen<'_>,
        value: &str,
        builder: impl Fn(&str) -> ClientBuilder<C>,
        build: impl Fn(ClientBuilder<C>),
    ) {
        let of = || builder("https://acme.okta.com");
        let shared = || of().http_client_builder(without_roots);
        let mut builders = vec![
            builder(value).http_client_builder(without_roots),
            shared().header(value, "x"),
            shared().header(value, "a\nb"),
            shared().header("x-a", value),
            shared().user_agent_suffix(value),
            of().proxy(Proxy::new(value)),
        ];
        // Values that only the HTTP client checks.
        if value == seen.secret {
            builders.extend([
                of().proxy(Proxy::new("http://proxy.example").basic_auth(value, value)),
                of().proxy(Proxy::new("http://proxy.example").no_proxy([value])),
                of().ca_certificates(value),
                of().client_certificate(value),
            ]);
        }
        for builder in builders {
            seen.debug(&builder);
            build(builder);
        }
    }
    with_every_secret("builder", &raw_and_in_urls(), |seen, value| {
        seen.debug(
            &Proxy::new(&value)
                .basic_auth(&value, value.clone())
                .no_proxy([&value]),
        );
        finish(
            seen,
            &value,
            |url| Client::builder(url),
            |builder| {
                let builder = builder.credentials(Credentials::api_token("00token"));
                seen.result(builder.build());
            },
        );
        finish(
            seen,
            &value,
            |url| SessionClient::builder(url),
            |builder| {
                let builder = builder.credentials(SessionCredentials::idx("abc"));
                seen.result(builder.build());
            },
        );
    });
}

#[test]
fn no_credentials_show_a_secret() {
    let key = || PrivateKey::from_text(PEM).unwrap();
    with_every_secret("credentials", &["%", "%\n", " %", "%;%"], |seen, value| {
        let app = |id: &str, key, scope: &str| Credentials::service_app(id, key, [scope]);
        seen.debug(&key().with_key_id(&value));
        for credentials in [
            Credentials::api_token(value.clone()),
            Credentials::access_token(value.clone()),
            Credentials::dpop_access_token(value.clone(), key()),
            app(&value, key(), "okta.users.manage"),
            app("0oa", key(), &value),
            app("0oa", key().with_key_id(&value), "okta.users.manage"),
        ] {
            seen.debug(&credentials);
            let builder = Client::builder("https://acme.okta.com")
                .http_client_builder(without_roots)
                .credentials(credentials);
            seen.debug(&builder);
            seen.result(builder.build());
        }
        for credentials in [
            SessionCredentials::idx(value.clone()),
            SessionCredentials::cookie(&value, "x"),
            SessionCredentials::cookie(&value, ""),
            SessionCredentials::cookie(&value, value.clone()),
            SessionCredentials::access_token(value.clone()),
            SessionCredentials::idx("abc").origin(&value),
            SessionCredentials::idx("abc").origin(format!("https://{value}")),
        ] {
            seen.debug(&credentials);
            let builder = SessionClient::builder("https://acme.okta.com");
            let builder = builder.http_client_builder(without_roots);
            seen.result(builder.credentials(credentials).build());
        }
        if let Err(error) = PrivateKey::from_text(value.clone()) {
            seen.debug(&error);
            seen.check(&error.to_string());
        }
    });
}
