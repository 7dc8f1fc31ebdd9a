//! Settings from files, the environment and code.

mod as_it_was_set;
mod faults;
mod other_programs;
mod other_sdks;
mod trust;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use okta_user_sessions::{
    AuthorizationMode, Client, Config, ConfigSources, Effect, Error, ErrorKind, SessionClient,
};
use proptest::prelude::*;

use crate::support::Log;

const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/p256-pkcs8.pem");

/// A folder that is removed when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("okta-user-sessions-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn with(self, files: &[(&str, &str)]) -> Self {
        for (name, text) in files {
            let file = self.0.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        self
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn sources(folder: &Path, variables: &[(&str, &str)]) -> ConfigSources {
    let variables: HashMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    ConfigSources::empty()
        .with_home(folder.join("home"))
        .with_working_directory(folder.join("home/project/deep"))
        .with_environment(move |name| variables.get(name).map(Into::into))
}

fn load(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Config, Error> {
    let folder = Folder::new()
        .with(&[("home/project/deep/x", "")])
        .with(files);
    Config::load_from(&sources(&folder.0, variables))
}

/// `okta.client` with these lines.
fn client(lines: &str) -> String {
    let lines: Vec<String> = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!("okta:\n  client:\n{}", lines.concat())
}

fn org(url: &str) -> String {
    client(&format!("orgUrl: https://{url}"))
}

fn refusal(result: Result<impl Sized, Error>) -> String {
    let Err(error) = result else {
        panic!("it was not refused")
    };
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.effect(), Effect::None);
    error.to_string()
}

#[test]
fn later_sources_override_earlier_ones() {
    let home = ("home/.okta/okta.yaml", org("home.okta.com"));
    let project = ("home/project/okta.yaml", org("project.okta.com"));
    let dot = ("home/project/.okta.yaml", org("dot.okta.com"));
    let folder = ("home/project/.okta/okta.yaml", org("folder.okta.com"));
    let deep = ("home/project/deep/okta.yaml", org("deep.okta.com"));
    let empty = ("home/project/okta.yaml", String::new());
    let variable = ("OKTA_CLIENT_ORGURL", "https://variable.okta.com");
    for (files, variables, wins) in [
        (vec![&home], vec![], "home.okta.com"),
        (vec![&home, &project], vec![], "project.okta.com"),
        (vec![&home, &dot], vec![], "dot.okta.com"),
        (vec![&home, &folder], vec![], "folder.okta.com"),
        (vec![&home, &project, &deep], vec![], "deep.okta.com"),
        // The nearest file counts, even if it sets nothing.
        (vec![&home, &empty], vec![], "home.okta.com"),
        (vec![&home, &project], vec![variable], "variable.okta.com"),
        (
            vec![&project],
            vec![("OKTA_CLIENT_ORGURL", "")],
            "project.okta.com",
        ),
        (
            vec![&project],
            vec![("OKTA_CLIENT_ORGURL", " ")],
            "project.okta.com",
        ),
    ] {
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let config = load(&files, &variables).unwrap();
        assert!(config.explain().contains(wins), "{wins}: {config:?}");
        let config = config.with_org_url("https://code.okta.com").explain();
        assert!(
            config.contains("code.okta.com") && !config.contains(wins),
            "{config}"
        );
    }
    for pair in [[&project, &dot], [&project, &folder], [&dot, &folder]] {
        let files = pair.map(|(name, text)| (*name, text.as_str()));
        let text = refusal(load(&files, &[]));
        assert!(text.contains("in the same place"), "{text}");
        assert!(pair.iter().all(|(name, _)| text.contains(name)), "{text}");
    }
    assert!(
        load(&[], &[])
            .unwrap()
            .explain()
            .contains("nothing is configured")
    );
}

#[test]
fn a_chosen_file_or_none_replaces_the_search() {
    let folder = Folder::new().with(&[
        ("home/.okta/okta.yaml", &org("home.okta.com")),
        ("home/project/deep/okta.yaml", &org("project.okta.com")),
        ("chosen.yaml", &org("chosen.okta.com")),
    ]);
    let found = sources(&folder.0, &[("OKTA_CLIENT_TOKEN", "00token")]);
    let chosen = found.clone().with_file(folder.0.join("chosen.yaml"));
    for (sources, wins) in [
        (&found, Some("project.okta.com")),
        (&chosen, Some("chosen.okta.com")),
        (&found.clone().without_files(), None),
    ] {
        let config = Config::load_from(sources).unwrap().explain();
        for org in ["home.okta.com", "project.okta.com", "chosen.okta.com"] {
            assert_eq!(config.contains(org), wins == Some(org), "{config}");
        }
        assert!(config.contains("(OKTA_CLIENT_TOKEN)"), "{config}");
    }
    // The program named the file, so it may say where the environment's token goes.
    let file = folder.0.join("chosen.yaml");
    fs::write(&file, org("okta.example.com")).unwrap();
    let config = Config::load_from(&chosen).unwrap();
    assert!(Client::from_config(&config).is_ok());
    fs::remove_file(&file).unwrap();
    let text = refusal(Config::load_from(&chosen));
    assert!(text.contains("chosen.yaml: cannot be read"), "{text}");
}

#[test]
fn every_variable_has_both_spellings() {
    for (joined, split, value, key) in [
        (
            "OKTA_CLIENT_ORGURL",
            "OKTA_CLIENT_ORG_URL",
            "https://a.okta.com",
            "orgUrl",
        ),
        (
            "OKTA_CLIENT_OKTADOMAIN",
            "OKTA_CLIENT_OKTA_DOMAIN",
            "https://a.okta.com",
            "orgUrl",
        ),
        ("OKTA_CLIENT_TOKEN", "OKTA_CLIENT_TOKEN", "t", "token"),
        (
            "OKTA_CLIENT_AUTHORIZATIONMODE",
            "OKTA_CLIENT_AUTHORIZATION_MODE",
            "SSWS",
            "authorizationMode",
        ),
        (
            "OKTA_CLIENT_CLIENTID",
            "OKTA_CLIENT_CLIENT_ID",
            "0oa",
            "clientId",
        ),
        ("OKTA_CLIENT_SCOPES", "OKTA_CLIENT_SCOPES", "a b", "scopes"),
        (
            "OKTA_CLIENT_PRIVATEKEY",
            "OKTA_CLIENT_PRIVATE_KEY",
            "k",
            "privateKey",
        ),
        (
            "OKTA_CLIENT_PRIVATEKEYID",
            "OKTA_CLIENT_PRIVATE_KEY_ID",
            "k",
            "privateKeyId",
        ),
        (
            "OKTA_CLIENT_ACCESSTOKEN",
            "OKTA_CLIENT_ACCESS_TOKEN",
            "t",
            "accessToken",
        ),
        (
            "OKTA_CLIENT_SESSIONCOOKIE",
            "OKTA_CLIENT_SESSION_COOKIE",
            "idx=x",
            "sessionCookie",
        ),
        (
            "OKTA_SESSION_COOKIE",
            "OKTA_SESSION_COOKIE",
            "idx=x",
            "sessionCookie",
        ),
        (
            "OKTA_CLIENT_CONNECTIONTIMEOUT",
            "OKTA_CLIENT_CONNECTION_TIMEOUT",
            "5",
            "connectionTimeout",
        ),
        (
            "OKTA_CLIENT_REQUESTTIMEOUT",
            "OKTA_CLIENT_REQUEST_TIMEOUT",
            "5",
            "requestTimeout",
        ),
        (
            "OKTA_CLIENT_RATELIMIT_MAXRETRIES",
            "OKTA_CLIENT_RATE_LIMIT_MAX_RETRIES",
            "2",
            "rateLimit.maxRetries",
        ),
        (
            "OKTA_CLIENT_PROXY_HOST",
            "OKTA_CLIENT_PROXY_HOST",
            "p",
            "proxy.host",
        ),
        (
            "OKTA_CLIENT_PROXY_PORT",
            "OKTA_CLIENT_PROXY_PORT",
            "80",
            "proxy.port",
        ),
        (
            "OKTA_CLIENT_PROXY_USERNAME",
            "OKTA_CLIENT_PROXY_USERNAME",
            "u",
            "proxy.username",
        ),
        (
            "OKTA_CLIENT_PROXY_PASSWORD",
            "OKTA_CLIENT_PROXY_PASSWORD",
            "p",
            "proxy.password",
        ),
        (
            "OKTA_CLIENT_PROXY_NOPROXY",
            "OKTA_CLIENT_PROXY_NO_PROXY",
            "h",
            "proxy.noProxy",
        ),
        ("NO_PROXY", "no_proxy", "h", "proxy.noProxy"),
        (
            "OKTA_CLIENT_USERAGENTEXTRA",
            "OKTA_CLIENT_USER_AGENT_EXTRA",
            "x",
            "userAgentExtra",
        ),
        (
            "OKTA_CLIENT_CACERTIFICATES",
            "OKTA_CLIENT_CA_CERTIFICATES",
            "x",
            "caCertificates",
        ),
        (
            "OKTA_CLIENT_CLIENTCERTIFICATE",
            "OKTA_CLIENT_CLIENT_CERTIFICATE",
            "x",
            "clientCertificate",
        ),
        (
            "OKTA_TESTING_TESTINGDISABLEHTTPSCHECK",
            "OKTA_TESTING_TESTING_DISABLE_HTTPS_CHECK",
            "true",
            "testingDisableHttpsCheck",
        ),
        (
            "OKTA_TESTING_DISABLEHTTPSCHECK",
            "OKTA_TESTING_DISABLE_HTTPS_CHECK",
            "true",
            "testingDisableHttpsCheck",
        ),
        (
            "OKTA_TESTING_TESTINGDISABLEREQUESTIDCHECK",
            "OKTA_TESTING_TESTING_DISABLE_REQUEST_ID_CHECK",
            "true",
            "testingDisableRequestIdCheck",
        ),
    ] {
        for name in [joined, split] {
            let text = load(&[], &[(name, value)]).unwrap().explain();
            assert!(text.contains(&format!(".{key} ")), "{name}: {text}");
            assert!(text.contains(&format!("({name})")), "{name}: {text}");
        }
    }
    let both = |other| {
        load(
            &[],
            &[
                ("OKTA_CLIENT_CLIENTID", "0oa"),
                ("OKTA_CLIENT_CLIENT_ID", other),
            ],
        )
    };
    both("0oa").unwrap();
    let text = refusal(both("0ob"));
    assert!(
        text.contains("OKTA_CLIENT_CLIENTID") && text.contains("differ"),
        "{text}"
    );
}

#[test]
fn invalid_settings_are_refused_with_file_line_and_key() {
    for (yaml, parts) in [
        // Syntax.
        ("okta:\n\tclient: {}", &["line 2", "YAML"][..]),
        ("okta: [", &["YAML"]),
        ("okta: 'x", &["YAML"]),
        ("okta: *x", &["line 1", "YAML"]),
        ("okta: {}\n---\nokta: {}", &["more than one"]),
        // Duplicates.
        (
            "okta:\n  client:\n    token: a\n    token: b",
            &["line 4", "twice"],
        ),
        (
            "okta:\n  client:\n    orgUrl: https://a.b\n    oktaDomain: https://a.b",
            &["line 4", "orgUrl", "twice"],
        ),
        // Types.
        ("okta: x", &["line 1", "okta must contain keys"]),
        ("- x", &["line 1", "the file must contain keys"]),
        (
            "okta:\n  client: [x]",
            &["line 2", "okta.client must contain keys"],
        ),
        (
            "okta:\n  client:\n    token: [x]",
            &["line 3", "okta.client.token must be text"],
        ),
        (
            "okta:\n  client:\n    token: {apiToken}",
            &["line 3", "okta.client.token", "placeholder"],
        ),
        (
            "okta:\n  client:\n    scopes: {a: b}",
            &["line 3", "okta.client.scopes must be text or a list"],
        ),
        (
            "okta:\n  client:\n    scopes: [[a]]",
            &["line 3", "okta.client.scopes must be text or a list"],
        ),
        (
            "okta:\n  client:\n    rateLimit: 4",
            &["line 3", "okta.client.rateLimit must contain keys"],
        ),
        // Unknown.
        (
            "okta:\n  client:\n    orgul: x",
            &["line 3", "okta.client.orgul", "did you mean orgUrl?"],
        ),
        (
            "okta:\n  client:\n    tokn: x",
            &["line 3", "okta.client.tokn", "did you mean token?"],
        ),
        (
            "okta:\n  client:\n    rateLimit:\n      maxRetry: 1",
            &[
                "line 4",
                "okta.client.rateLimit.maxRetry",
                "did you mean maxRetries?",
            ],
        ),
        (
            "okta:\n  client:\n    flux: x",
            &[
                "line 3",
                "okta.client contains an unknown key",
                "4 characters",
                "remove it",
            ],
        ),
        (
            "okta:\n  client:\n    00hunter2token: x",
            &[
                "line 3",
                "okta.client contains an unknown key",
                "14 characters",
                "not shown",
            ],
        ),
        (
            "okta:\n  clients: {}",
            &["line 2", "okta.clients", "did you mean client?"],
        ),
        (
            "okat:\n  client: {}",
            &["line 1", "okat", "did you mean okta?"],
        ),
        (
            "okta:\n  testing:\n    disableHttpCheck: true",
            &["line 3", "did you mean disableHttpsCheck?"],
        ),
        // Ranges.
        (
            "okta:\n  client:\n    connectionTimeout: 3600001",
            &[
                "line 3",
                "connectionTimeout must be below 1000, in seconds, or from 1000",
                "got 7 characters",
                "milliseconds",
            ],
        ),
        (
            "okta:\n  client:\n    token: ${OKTA_TOKEN}",
            &[
                "line 3",
                "okta.client.token is a reference like ${NAME}",
                "own variable",
            ],
        ),
        (
            "okta:\n  client:\n    orgUrl: '${{ secrets.ORG }}'",
            &["line 3", "okta.client.orgUrl is a reference"],
        ),
        (
            "client:\n  orgUrl: https://acme.okta.com",
            &["client: without okta: above it", "put okta: above it"],
        ),
        (
            "okta:\n  client:\n    requestTimeout: -1",
            &["line 3", "requestTimeout must be a number of seconds"],
        ),
        (
            "okta:\n  client:\n    requestTimeout: .nan",
            &["line 3", "requestTimeout"],
        ),
        (
            "okta:\n  client:\n    requestTimeout: soon",
            &["line 3", "requestTimeout", "got 4 characters"],
        ),
        (
            "okta:\n  client:\n    rateLimit:\n      maxRetries: 1001",
            &["line 4", "maxRetries", "from 0 to 1000"],
        ),
        (
            "okta:\n  client:\n    rateLimit: {maxRetries: 1.5}",
            &["line 3", "maxRetries must be a number from 0 to 1000"],
        ),
        (
            "okta:\n  client:\n    proxy: {port: 0}",
            &["line 3", "proxy.port", "from 1 to 65535"],
        ),
        (
            "okta:\n  client:\n    authorizationMode: Basic",
            &[
                "line 3",
                "must be SSWS, Bearer or PrivateKey",
                "got 5 characters",
            ],
        ),
        (
            "okta:\n  testing:\n    testingDisableHttpsCheck: maybe",
            &["line 3", "must be true or false"],
        ),
    ] {
        let text = refusal(yaml.parse::<Config>());
        for part in parts {
            assert!(text.contains(part), "{yaml}\n{text}\nlacks {part}");
        }
        // Where they are found, these are other programs' files.
        if yaml == "- x"
            || yaml == "okta: x"
            || yaml.starts_with("okat")
            || yaml.starts_with("client")
        {
            continue;
        }
        let text = refusal(load(&[("home/.okta/okta.yaml", yaml)], &[]));
        assert!(text.contains("home/.okta/okta.yaml line "), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let text = refusal(load(&[], &[("OKTA_CLIENT_REQUESTTIMEOUT", "3600001")]));
    assert!(
        text.starts_with("OKTA_CLIENT_REQUESTTIMEOUT: okta.client.requestTimeout"),
        "{text}"
    );
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    let folder = Folder::new();
    let text = refusal(Config::from_file(folder.0.join("none.yaml")));
    assert!(text.contains("none.yaml: cannot be read"), "{text}");
    let text = refusal(Config::from_file(&folder.0));
    assert!(text.contains("not a regular file"), "{text}");
    let file = folder.0.join("okta.yaml");
    fs::write(&file, [b'#', 0xff, 0xfe]).unwrap();
    assert!(refusal(Config::from_file(&file)).contains("UTF-8"));
    fs::write(&file, vec![b'#'; 1024 * 1024 + 1]).unwrap();
    assert!(refusal(Config::from_file(&file)).contains("1 MiB"));
    fs::write(&file, vec![b'#'; 1024 * 1024]).unwrap();
    Config::from_file(&file).unwrap();
    let bomb = format!(
        "a: &a [x,x,x,x,x,x,x,x,x]\n{}okta: {{}}\n",
        ('b'..='j')
            .zip('a'..)
            .map(|(b, a)| format!("{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n"))
            .collect::<String>()
    );
    let deep = "[".repeat(10_000);
    for yaml in [bomb.as_str(), deep.as_str()] {
        refusal(yaml.parse::<Config>());
    }
}

/// The examples in Okta's documentation, with an API token and with a private key, and
/// other keys that its SDKs read.
#[test]
fn documented_okta_files_are_read_unchanged() {
    let config: Config = r#"okta:
  client:
    connectionTimeout: 30 # seconds
    orgUrl: "https://acme.okta.com" # i.e. https://dev-123456.okta.com
    proxy:
      port: null
      host: null
      username: null
      password: null
    token: 00yourApiToken
    requestTimeout: 0 # seconds
    rateLimit:
      maxRetries: 4
    logging:
      enabled: true
      logLevel: INFO
    cache:
      enabled: true
      defaultTtl: 300
  oauth2:
    issuer: https://acme.okta.com/oauth2/default
other: 1
"#
    .parse()
    .unwrap();
    Client::from_config(&config).unwrap();
    assert_eq!(
        config.explain(),
        "\
okta.client.orgUrl                https://acme.okta.com  (line 4)
okta.client.token                 (set, not shown)       (line 10)
okta.client.connectionTimeout     30 s                   (line 3)
okta.client.requestTimeout        0 s                    (line 11)
okta.client.rateLimit.maxRetries  4                      (line 13)
note: line 14: okta.client.logging is for Okta's other SDKs and is not used: this crate reports to tracing
note: line 17: okta.client.cache is for Okta's other SDKs and is not used: nothing is cached
note: using okta.client.token, the only credential configured
note: okta.client.requestTimeout is 0: the default of this crate applies
"
    );

    let key: String = fs::read_to_string(KEY)
        .unwrap()
        .lines()
        .map(|line| format!("        {line}\n"))
        .collect();
    let config: Config = format!(
        r#"
okta:
  client:
    connectionTimeout: 30 # seconds
    orgUrl: "https://acme.okta.com"
    proxy:
      port: null
      host: null
      username: null
      password: null
    authorizationMode: "PrivateKey"
    clientId: "0oa1234567890"
    scopes:
      - okta.users.read
      - okta.users.manage
    privateKey: |
{key}
    privateKeyId: "kid"
    requestTimeout: 0 # seconds
    rateLimit:
      maxRetries: 4
"#
    )
    .parse()
    .unwrap();
    Client::from_config(&config).unwrap();
    assert!(
        config
            .explain()
            .contains("okta.users.read okta.users.manage"),
        "{config:?}"
    );

    // The documentation's example, with its placeholders.
    let placeholders = client("orgUrl: \"https://{yourOktaDomain}\"\ntoken: x")
        .parse()
        .unwrap();
    let text = refusal(Client::from_config(&placeholders));
    assert!(
        text.contains("line 3: okta.client.orgUrl is a placeholder"),
        "{text}"
    );
}

#[test]
fn the_credential_of_the_effective_mode_is_used() {
    let app = format!("clientId: 0oa\nprivateKey: {KEY}");
    let token = "token: 00token";
    let access = "accessToken: ey";
    let mode = |mode: &str| format!("authorizationMode: {mode}");
    for (lines, result) in [
        (vec![token.to_owned()], Ok("Token { scheme: \"SSWS\"")),
        // The name in Okta's SDK for .NET.
        (
            vec![token.to_owned(), mode("BearerToken")],
            Ok("Token { scheme: \"Bearer\""),
        ),
        (vec![access.to_owned()], Ok("Token { scheme: \"Bearer\"")),
        (vec![app.clone()], Ok("okta.users.manage")),
        (
            vec![app.clone(), "scopes: okta.a,okta.b okta.c".into()],
            Ok("\"okta.a\", \"okta.b\", \"okta.c\""),
        ),
        (vec![app.clone(), token.into(), mode("ssws")], Ok("SSWS")),
        (
            vec![app.clone(), token.into(), mode("PRIVATEKEY")],
            Ok("0oa"),
        ),
        (
            vec![access.into(), token.into(), mode("Bearer")],
            Ok("Bearer"),
        ),
        // Okta's SDK for Go reads the access token from `token`.
        (vec![token.into(), mode("Bearer")], Ok("Bearer")),
        (vec![], Err("no credentials are set")),
        (
            vec![token.into(), access.into()],
            Err(
                "several credentials are set: okta.client.token (line 4, mode SSWS), okta.client.accessToken (line 5, mode Bearer)",
            ),
        ),
        (
            vec![token.into(), app.clone()],
            Err("OKTA_CLIENT_AUTHORIZATIONMODE"),
        ),
        (
            vec![access.into(), mode("SSWS")],
            Err("okta.client.token is not set"),
        ),
        (
            vec![app.clone(), mode("Bearer")],
            Err("okta.client.accessToken is not set"),
        ),
        (
            vec!["clientId: 0oa".into()],
            Err("okta.client.privateKey is not set"),
        ),
        (
            vec!["clientId: 0oa".into(), mode("PrivateKey")],
            Err("okta.client.privateKey is not set"),
        ),
        (
            vec![format!("privateKey: {KEY}")],
            Err("okta.client.clientId is not set"),
        ),
        (
            vec!["clientId: 0oa\nprivateKey: hunter2".into()],
            Err("neither PEM nor a JWK"),
        ),
        (
            vec!["clientId: 0oa\nprivateKey: '{\"kty\":\"hunter2\"}'".into()],
            Err("line 5: okta.client.privateKey is invalid"),
        ),
        (
            vec!["token: '{apiToken}'".into()],
            Err("line 4: okta.client.token is a placeholder"),
        ),
        (
            vec!["token: SSWS hunter2".into()],
            Err("line 4: okta.client.token contains white space"),
        ),
        (
            vec!["clientId: '{yourClientId}'\nprivateKey: x".into()],
            Err("line 4: okta.client.clientId is a placeholder"),
        ),
    ] {
        let yaml = client(&format!(
            "orgUrl: https://acme.okta.com\n{}",
            lines.join("\n")
        ));
        let config: Config = yaml.parse().unwrap();
        match result {
            Ok(part) => {
                Client::from_config(&config).unwrap();
                let shown = format!("{:?}", config.credentials().unwrap());
                assert!(shown.contains(part), "{yaml}\n{shown}");
            }
            Err(part) => {
                let text = refusal(Client::from_config(&config));
                assert!(
                    text.contains(part) && !text.contains("hunter2"),
                    "{yaml}\n{text}"
                );
            }
        }
    }
    for (lines, result) in [
        ("sessionCookie: idx=abc", Ok("idx")),
        (
            "sessionCookie: sid=a=b\naccessToken: ey\ntoken: x",
            Ok("sid"),
        ),
        ("accessToken: ey\ntoken: x", Ok("Bearer")),
        ("token: ey\nauthorizationMode: Bearer", Ok("Bearer")),
        ("token: x", Err("OKTA_SESSION_COOKIE")),
        (
            "sessionCookie: hunter2",
            Err("line 4: okta.client.sessionCookie has no name"),
        ),
    ] {
        let config: Config = client(&format!("orgUrl: https://acme.okta.com\n{lines}"))
            .parse()
            .unwrap();
        match result {
            Ok(part) => {
                SessionClient::from_config(&config).unwrap();
                let shown = format!("{:?}", config.session_credentials().unwrap());
                assert!(shown.contains(part), "{shown}");
            }
            Err(part) => {
                let text = refusal(SessionClient::from_config(&config));
                assert!(text.contains(part) && !text.contains("hunter2"), "{text}");
            }
        }
    }
}

#[test]
fn a_client_names_the_source_of_each_unusable_setting() {
    for (lines, part) in [
        ("token: x", "okta.client.orgUrl is not set"),
        (
            "orgUrl: https://acme-admin.okta.com",
            "line 3: okta.client.orgUrl",
        ),
        ("orgUrl: http://127.0.0.1:1", "testingDisableHttpsCheck"),
        (
            "orgUrl: https://acme.okta.com\n  hunter2",
            "line 3: okta.client.orgUrl is invalid: it contains white space",
        ),
        (
            "proxy: {port: 80}",
            "line 4: okta.client.proxy.port is set, but okta.client.proxy.host is not",
        ),
        (
            "proxy: {host: p, password: hunter2}",
            "proxy.username is not",
        ),
        (
            "proxy: {host: 'http://u:hunter2@p'}",
            "line 4: okta.client.proxy.host must be a host",
        ),
        (
            "proxy: {host: 'socks5://p'}",
            "line 4: okta.client.proxy.host must be a host",
        ),
        (
            "userAgentExtra: \"a\\nb\"",
            "line 4: okta.client.userAgentExtra contains a character",
        ),
        (
            "caCertificates: /none/ca.pem",
            "line 4: okta.client.caCertificates names a file (/none/ca.pem) that cannot be read",
        ),
        (
            "caCertificates: Cargo.toml",
            "a file without a PEM certificate (10 characters",
        ),
        (
            "clientCertificate: /none/me.pem",
            "names a file (/none/me.pem) that cannot be read",
        ),
        (
            "clientCertificate: Cargo.toml",
            "client certificate must be PEM",
        ),
    ] {
        let org = if lines.contains("orgUrl") || lines.starts_with("token") {
            ""
        } else {
            "orgUrl: https://acme.okta.com\n"
        };
        let yaml =
            client(&format!("{org}{lines}\naccessToken: x")).replace("\n    accessToken: x", "");
        let config: Config = yaml.parse().unwrap();
        let text = refusal(Client::from_config(&config.with_token("00token")));
        assert!(text.contains(part), "{yaml}\n{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn code_can_set_everything_and_paths_are_relative_to_the_file() {
    let config = Config::default()
        .with_org_url("https://acme.okta.com")
        .with_authorization_mode(AuthorizationMode::PrivateKey)
        .with_token("hunter2")
        .with_access_token("hunter2")
        .with_client_id("0oa")
        .with_scopes(["okta.users.manage"])
        .with_private_key(KEY)
        .with_private_key_id("kid")
        .with_session_cookie("idx=hunter2")
        .with_connection_timeout(Duration::from_secs(5))
        .with_request_timeout(Duration::from_secs(5000))
        .with_max_retries(0)
        .with_proxy("::1", 8080)
        .with_proxy_credentials("ada", "hunter2")
        .with_no_proxy(["intranet"])
        .with_user_agent_extra("offboarding/1")
        .with_testing_disable_https_check(true);
    Client::from_config(&config).unwrap();
    SessionClient::from_config(&config).unwrap();
    assert!(!config.explain().contains("hunter2"), "{config:?}");

    let yaml = client("orgUrl: https://acme.okta.com\nclientId: 0oa\nprivateKey: keys/key.pem");
    let key = fs::read_to_string(KEY).unwrap();
    let home_key = yaml.replace("keys/", "~/keys/");
    for (file, yaml, place) in [
        ("home/project/okta.yaml", &yaml, "home/project/keys/key.pem"),
        ("home/project/okta.yaml", &home_key, "home/keys/key.pem"),
    ] {
        let folder =
            Folder::new().with(&[("home/project/deep/x", ""), (file, yaml), (place, &key)]);
        let config = Config::load_from(&sources(&folder.0, &[])).unwrap();
        Client::from_config(&config).unwrap();
    }
}

#[test]
fn limits_reach_the_client() {
    let config: Config = client(
        "orgUrl: https://acme.okta.com\ntoken: x\nrequestTimeout: 1.5\nrateLimit: {maxRetries: 7}",
    )
    .parse()
    .unwrap();
    let shown = format!("{:?}", Client::from_config(&config).unwrap());
    assert!(shown.contains("max_retries: 7, deadline: 1.5s"), "{shown}");
    let config = config.with_request_timeout(Duration::ZERO);
    let shown = format!("{:?}", Client::from_config(&config).unwrap());
    assert!(shown.contains("max_retries: 7, deadline: 120s"), "{shown}");
}

/// Only the owner should be able to read a file with a secret.
#[cfg(unix)]
#[test]
fn an_exposed_file_draws_a_warning() {
    use std::os::unix::fs::PermissionsExt;

    let secret = client("orgUrl: https://acme.okta.com\ntoken: x");
    let public = org("acme.okta.com");
    for (text, mode, warning) in [
        (&secret, 0o600, None),
        (&secret, 0o644, Some("can read")),
        (&secret, 0o640, Some("can read")),
        (&public, 0o644, None),
    ] {
        let folder = Folder::new().with(&[("okta.yaml", text)]);
        let file = folder.0.join("okta.yaml");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).finish();
        tracing::subscriber::with_default(subscriber, || Config::from_file(&file)).unwrap();
        let log = log.text();
        match warning {
            Some(warning) => {
                assert!(
                    log.contains("WARN") && log.contains(warning),
                    "{mode:o}: {log}"
                );
                assert!(log.contains("okta.yaml"), "{log}");
            }
            None => assert_eq!(log, "", "{mode:o}"),
        }
    }
}

/// The proxy gets a CONNECT for the org with the proxy's password, and nothing else.
#[tokio::test]
async fn calls_go_through_the_configured_proxy() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let proxy = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            text.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(b"HTTP/1.1 502 No\r\n\r\n").await.unwrap();
        String::from_utf8(text).unwrap()
    });
    let yaml = format!(
        "orgUrl: https://acme.okta.com\ntoken: 00token\nrateLimit: {{maxRetries: 0}}\nproxy: {{host: 127.0.0.1, port: {port}, username: ada, password: lovelace}}"
    );
    let okta = Client::from_config(&client(&yaml).parse().unwrap()).unwrap();
    let error = okta.revoke_user_sessions("00u1").await.unwrap_err();
    assert_eq!(error.effect(), Effect::None, "{error:?}");
    let request = proxy.await.unwrap();
    assert!(
        request.starts_with("CONNECT acme.okta.com:443 "),
        "{request}"
    );
    // ada:lovelace
    assert!(
        request
            .to_lowercase()
            .contains("proxy-authorization: basic ywrhomxvdmvsywnl"),
        "{request}"
    );
    assert!(!request.contains("00token"), "{request}");
}

/// An org behind a private certificate authority that asks for a client
/// certificate.
#[tokio::test]
async fn configured_certificates_are_trusted_and_shown() {
    let port = tls_server().await;
    let tls = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");
    let ca = format!("caCertificates: [{tls}/ca.pem]");
    let me = format!("clientCertificate: {tls}/client.pem");
    for (lines, result) in [
        (format!("{ca}\n{me}"), Ok(())),
        (me, Err(Some(ErrorKind::Tls))),
        // The server refuses only after the connection was made.
        (ca, Err(None)),
    ] {
        let yaml = client(&format!(
            "orgUrl: https://127.0.0.1:{port}\ntoken: 00token\nrateLimit: {{maxRetries: 0}}\n{lines}"
        ));
        let okta = Client::from_config(&yaml.parse().unwrap()).unwrap();
        let actual = okta.revoke_user_sessions("00u1").await;
        match (actual, result) {
            (Ok(receipt), Ok(())) => assert_eq!(receipt.status(), 204),
            (Err(error), Err(kind)) => {
                assert!(kind.is_none_or(|kind| error.kind() == kind), "{error:?}");
            }
            (actual, _) => panic!("{lines}: {actual:?}"),
        }
    }
}

/// Responds with 204 to clients that present a certificate signed by `ca.pem`.
async fn tls_server() -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::{
        TlsAcceptor,
        rustls::{
            RootCertStore, ServerConfig,
            crypto::aws_lc_rs,
            pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
            server::WebPkiClientVerifier,
        },
    };

    let provider = std::sync::Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(include_bytes!("tls/ca.pem")).unwrap();
    roots.add(ca).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
        .build()
        .unwrap();
    let own = include_bytes!("tls/server.pem");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(own).unwrap()],
            PrivateKeyDer::from_pem_slice(own).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut text = Vec::new();
            while !text.ends_with(b"\r\n\r\n") {
                text.push(stream.read_u8().await.unwrap());
            }
            stream
                .write_all(b"HTTP/1.1 204 No Content\r\nX-Okta-Request-Id: 1\r\n\r\n")
                .await
                .unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    port
}

#[test]
fn the_schema_file_matches_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/okta.schema.json");
    let schema = schemars::schema_for!(Config);
    let text = format!("{:#}\n", serde_json::to_value(schema).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(path, &text).unwrap();
    }
    let kept = fs::read_to_string(path).unwrap();
    assert!(
        kept == text,
        "okta.schema.json is not what the code says; run the tests with UPDATE_SCHEMA=1"
    );
}

const SECRET: &str = "hunter2secret";

/// No output of a configuration contains the secret.
fn assert_not_shown(text: &str) {
    let mut shown = Vec::new();
    let mut refused = |error: &Error| shown.push(format!("{error} {error:?} {error:#?}"));
    match text.parse::<Config>() {
        Err(error) => refused(&error),
        Ok(config) => {
            let config = config.with_org_url("https://acme.okta.com");
            for error in [
                Client::from_config(&config).err(),
                SessionClient::from_config(&config).err(),
            ]
            .iter()
            .flatten()
            {
                refused(error);
            }
            shown.push(format!("{config:?}"));
            shown.push(config.explain());
        }
    }
    for shown in shown {
        assert!(!shown.contains(SECRET), "{text}\n{shown}");
    }
}

/// An `okta.yaml` with a secret in each setting that takes one.
fn full() -> String {
    client(&format!(
        "orgUrl: https://acme.okta.com\ntoken: {SECRET}\naccessToken: '{SECRET}'\nsessionCookie: \"idx={SECRET}\"\nprivateKey: |\n  {SECRET}\nrequestTimeout: 5\nrateLimit:\n  maxRetries: 4\nproxy:\n  host: p\n  port: 80\n  username: u\n  password: {SECRET}"
    ))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_neither_panics_nor_reveals_a_secret(text in ".{0,400}") {
        assert_not_shown(&text);
    }

    #[test]
    fn arbitrary_bytes_in_a_file_cause_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let folder = Folder::new();
        let file = folder.0.join("okta.yaml");
        fs::write(&file, &bytes).unwrap();
        let _ = Config::from_file(&file);
    }

    #[test]
    fn a_broken_file_reveals_no_secret(
        at in any::<prop::sample::Index>(),
        insert in prop_oneof![
            Just("\n".to_owned()), Just("\t".to_owned()), Just("\"".to_owned()), Just("'".to_owned()),
            Just(":".to_owned()), Just(": ".to_owned()), Just("{".to_owned()), Just("[".to_owned()),
            Just("- ".to_owned()), Just("*".to_owned()), Just("&a ".to_owned()), Just("!!int ".to_owned()),
            Just("|".to_owned()), Just("#".to_owned()), Just("---\n".to_owned()), ".{1,5}",
        ],
    ) {
        let mut text = full();
        text.insert_str(at.index(text.len()), &insert);
        assert_not_shown(&text);
    }

    /// Where a key, number, mode or group is expected.
    #[test]
    fn a_misplaced_secret_is_not_revealed(place in 0..9_usize, tail in "[ :]{0,2}") {
        let secret = format!("{SECRET}{tail}");
        let text = match place {
            0 => format!("{secret}: x"),
            1 => client(&format!("{secret}: x")),
            2 => client(&format!("proxy:\n  {secret}: x")),
            3 => client(&format!("requestTimeout: {secret}")),
            4 => client(&format!("rateLimit: {secret}")),
            5 => client(&format!("rateLimit:\n  maxRetries: {secret}")),
            6 => client(&format!("authorizationMode: {secret}")),
            7 => format!("okta:\n  testing:\n    testingDisableHttpsCheck: {secret}"),
            _ => format!("okta:\n  client: {secret}"),
        };
        assert_not_shown(&text);
    }

    #[test]
    fn a_secret_in_any_secret_or_number_variable_is_not_revealed(
        name in prop::sample::select(vec![
            "OKTA_CLIENT_TOKEN", "OKTA_CLIENT_ACCESSTOKEN", "OKTA_CLIENT_PRIVATEKEY",
            "OKTA_SESSION_COOKIE", "OKTA_CLIENT_PROXY_PASSWORD", "OKTA_CLIENT_REQUESTTIMEOUT",
            "OKTA_CLIENT_AUTHORIZATIONMODE", "OKTA_CLIENT_PROXY_PORT",
        ]),
        tail in ".{0,8}",
    ) {
        let value = format!("{SECRET}{tail}");
        let sources = ConfigSources::empty().with_environment(move |asked| {
            (asked == name).then(|| value.clone().into())
        });
        let shown = match Config::load_from(&sources) {
            Ok(config) => {
                let config = config.with_org_url("https://a.okta.com");
                format!("{config:?} {:?}", Client::from_config(&config))
            }
            Err(error) => format!("{error} {error:?}"),
        };
        prop_assert!(!shown.contains(SECRET), "{shown}");
    }
}
