//! Files and variables as Okta's other SDKs document them, with values in the place of
//! placeholders.

use super::*;

const EC: &str = include_str!("../keys/p256.jwk");

/// The members of the EC key as YAML, each at this depth.
fn ec_members(indent: &str) -> String {
    let jwk: serde_json::Value = serde_json::from_str(EC).unwrap();
    ["kty", "crv", "x", "y", "d"]
        .iter()
        .map(|name| format!("{indent}{name}: {}\n", jwk[name]))
        .collect()
}

const PROXY: &str =
    "    proxy:\n      port: null\n      host: null\n      username: null\n      password: null\n";

/// .NET: okta-sdk-dotnet, README.md. Milliseconds, and keys in another case.
fn dotnet() -> String {
    format!(
        "okta:\n  client:\n    connectionTimeout: 30000 # milliseconds\n    oktaDomain: \"https://acme.okta.com\"\n{PROXY}    authorizationMode: \"PrivateKey\"\n    clientId: \"0oa1234567890\"\n    Scopes:\n    - okta.users.manage\n    PrivateKey:\n{}    requestTimeout: 0 # milliseconds\n    rateLimit:\n      maxRetries: 4\n",
        ec_members("        ")
    )
}

/// Java: okta-sdk-java, README.md.
fn java(key_file: &str) -> String {
    format!(
        "okta:\n  client:\n    connectionTimeout: 30 # seconds\n    orgUrl: \"https://acme.okta.com\"\n{PROXY}    authenticationScheme: \"OAUTH2\"\n    authorizationMode: \"PrivateKey\"\n    clientId: \"0oa1234567890\"\n    scopes:\n    - okta.clients.read\n    - okta.clients.manage\n    privateKey:\n        keyFilePath: \"{key_file}\"\n        algorithm: \"ES256\"\n    requestTimeout: 0 # seconds\n    rateLimit:\n      maxRetries: 4\n"
    )
}

/// Node: okta-sdk-nodejs, README.md and src/config-loader.js. The key is a JSON object, whose
/// `keyId` is beside it.
fn node() -> String {
    format!(
        "okta:\n  client:\n    orgUrl: https://acme.okta.com/\n    authorizationMode: PrivateKey\n    clientId: 0oa1234567890\n    scopes: okta.users.manage okta.users.read\n    keyId: kidValue\n    privateKey:\n{}    userAgent: my-app/1.0\n",
        ec_members("      ")
    )
}

/// Python: okta-sdk-python, README.md and okta/config/config_setter.py.
const PYTHON: &str = "okta:
  client:
    connectionTimeout: 30 # seconds
    orgUrl: \"https://acme.okta.com\"
    proxy:
      port: 8080
      host: proxy.example
      username: ada
      password: hush
    token: 00token
    requestTimeout: 0 # seconds
    rateLimit:
      maxRetries: 4
    logging:
      enabled: true
      logLevel: INFO
    oauthTokenRenewalOffset: 5
    dpopEnabled: true
    dpopKeyRotationInterval: 86400
    cache: {enabled: false, defaultTti: 300, defaultTtl: 300}
  testing:
    testingDisableHttpsCheck: false
";

/// Go: okta-sdk-golang, README.md and okta/configuration.go.
fn go() -> String {
    format!(
        "okta:\n  client:\n    connectionTimeout: 30 # seconds\n    orgUrl: \"https://acme.okta.com\"\n{PROXY}    authorizationMode: \"JWK\"\n    clientId: \"0oa1234567890\"\n    scopes:\n      - okta.users.manage\n    jwk: '{}'\n    encryptionType: EC\n    clientAssertion: eyJhbGciOi\n    privateKeyId: \"kid\"\n    requestTimeout: 0 # seconds\n    rateLimit:\n      maxRetries: 4\n      maxBackoff: 30\n      enable: true\n",
        EC.trim().replace('\n', " ")
    )
}

#[test]
fn the_file_of_each_sdk_makes_a_client() {
    for (sdk, text, says) in [
        (
            ".NET",
            dotnet(),
            &[
                "okta.client.orgUrl                https://acme.okta.com",
                "okta.client.connectionTimeout     30 s ",
                "okta.client.scopes                okta.users.manage",
                "connectionTimeout is read as milliseconds",
            ][..],
        ),
        (
            "Java",
            java(KEY),
            &[
                "okta.clients.read okta.clients.manage",
                "okta.client.connectionTimeout     30 s ",
                "okta.client.authenticationScheme is for Okta's other SDKs",
            ],
        ),
        (
            "Node",
            node(),
            &[
                "okta.client.privateKeyId",
                "okta.users.manage okta.users.read",
                "okta.client.userAgent is",
            ],
        ),
        (
            "Python",
            PYTHON.to_owned(),
            &[
                "okta.client.proxy.host",
                "oauthTokenRenewalOffset is for",
                "dpopKeyRotationInterval is for",
            ],
        ),
        (
            "Go",
            go(),
            &[
                "okta.client.authorizationMode     PrivateKey",
                "clientAssertion is for",
                "maxBackoff is for",
            ],
        ),
    ] {
        let config = load(&[("home/.okta/okta.yaml", &text)], &[])
            .unwrap_or_else(|error| panic!("{sdk}: {error}"));
        let explained = config.explain();
        for part in says {
            assert!(explained.contains(part), "{sdk}: {part}\n{explained}");
        }
        assert!(!explained.contains("passed over"), "{sdk}: {explained}");
        Client::from_config(&config).unwrap_or_else(|error| panic!("{sdk}: {error}"));
    }
}

#[test]
fn java_and_go_access_tokens_and_modes_are_read() {
    let java = "oauth2:\n  accessToken: ey";
    let config = client(&format!("orgUrl: https://acme.okta.com\n{java}"))
        .parse()
        .unwrap();
    assert!(
        Config::explain(&config).contains("okta.client.accessToken"),
        "{config:?}"
    );
    // A fixed assertion works once, so this mode is set aside.
    let config: Config = client("orgUrl: https://acme.okta.com\nauthorizationMode: JWT\ntoken: x")
        .parse()
        .unwrap();
    assert!(
        config
            .explain()
            .contains("authorizationMode JWT is for Okta's SDK for Go"),
        "{config:?}"
    );
    Client::from_config(&config).unwrap();
}

#[test]
fn numbers_from_1000_on_are_milliseconds() {
    for (number, shown) in [
        ("999", "999 s"),
        ("1000", "1 s"),
        ("1500", "1.5 s"),
        ("3600000", "3600 s"),
        ("0.5", "0.5 s"),
    ] {
        let config: Config = client(&format!("requestTimeout: {number}"))
            .parse()
            .unwrap();
        let text = config.explain();
        assert!(
            text.contains(&format!("okta.client.requestTimeout  {shown}  (")),
            "{text}"
        );
    }
}

#[test]
fn a_proxy_that_is_switched_off_is_not_used() {
    let config: Config = client("useProxy: false\nproxy: {host: '{proxy}', port: 1}\norgUrl: https://acme.okta.com\ntoken: x")
        .replace("'{proxy}'", "proxy.example")
        .parse()
        .unwrap();
    assert!(config.explain().contains("useProxy is false"), "{config:?}");
    Client::from_config(&config).unwrap();
}

#[test]
fn a_private_key_that_is_a_placeholder_or_has_no_private_part_is_refused() {
    let base = "orgUrl: https://acme.okta.com\nclientId: 0oa\n";
    let text = refusal(client(&format!("{base}privateKey: {{yourKey}}")).parse::<Config>());
    assert!(
        text.contains("okta.client.privateKey") && text.contains("placeholder"),
        "{text}"
    );
    let public = client(&format!(
        "{base}privateKey: {{kty: EC, crv: P-256, x: '{{x}}', y: '{{y}}'}}"
    ));
    let text = refusal(Client::from_config(&public.parse().unwrap()));
    assert!(text.contains("okta.client.privateKey is invalid"), "{text}");
}
