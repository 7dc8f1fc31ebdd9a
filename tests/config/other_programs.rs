//! Files called `okta.yaml` that are other programs', and variables that are not ours.

use super::*;

fn variables(folder: &Path, variables: &[(&str, &str)]) -> Config {
    let sources = sources(folder, &[]).with_variables(variables.iter().copied());
    Config::load_from(&sources).unwrap()
}

/// An OpenAPI document of several megabytes.
fn openapi(megabytes: usize) -> String {
    let path = "  /api/v1/users/{id}:\n    get:\n      description: a user of okta\n";
    format!(
        "openapi: 3.0.3\ninfo: {{title: Okta}}\npaths:\n{}",
        path.repeat(megabytes * 1024 * 1024 / path.len())
    )
}

#[test]
fn files_of_other_programs_are_passed_over_with_the_reason() {
    let large = openapi(5);
    let medium = openapi(1).split_off(500_000);
    let ours = org("acme.okta.com");
    for (text, reason) in [
        ("terraform:\n  backend: s3\n", "has no okta.client"),
        (
            "okta:\n  oauth2:\n    issuer: https://acme.okta.com\n",
            "has no okta.client",
        ),
        ("okta: enabled\n", "has no okta.client"),
        ("- a\n- b\n", "has no okta.client"),
        ("meta: {}\ndata: [1, 2]\n", "has no okta.client"),
        ("a: {{ .Values.x }}\n", "has no okta.client"),
        ("a: 1\n---\nb: 2\n", "more than one YAML document"),
        ("okat:\n  client: {}\n", "did you mean okta?"),
        (
            "client:\n  orgUrl: https://x.okta.com\n",
            "client: without okta: above it",
        ),
        (large.as_str(), "larger than 1 MiB"),
        (medium.as_str(), "has no okta.client"),
    ] {
        let start: String = text.chars().take(60).collect();
        let foreign = ("home/project/deep/okta.yaml", text);
        // The search goes on beside it and above it.
        for other in [
            "home/project/deep/.okta.yaml",
            "home/project/okta.yaml",
            "home/.okta/okta.yaml",
        ] {
            let config = load(
                &[foreign, (other, &ours)],
                &[("OKTA_CLIENT_TOKEN", "00token")],
            );
            let config = config.unwrap_or_else(|error| panic!("{start}: {error}"));
            let text = config.explain();
            assert!(text.contains("https://acme.okta.com"), "{start}: {text}");
            assert!(
                text.contains("deep/okta.yaml was passed over: it ") && text.contains(reason),
                "{start}: {text}"
            );
            if other != "home/.okta/okta.yaml" {
                Client::from_config(&config).unwrap();
            }
        }
        // What is needed does not come from elsewhere.
        let config = load(&[foreign], &[("OKTA_CLIENT_TOKEN", "00token")]).unwrap();
        let error = refusal(Client::from_config(&config));
        assert!(error.contains("okta.client.orgUrl is not set"), "{error}");
        assert!(
            error.contains("deep/okta.yaml was passed over") && error.contains(reason),
            "{error}"
        );
        // The program named it.
        let folder = Folder::new().with(&[("okta.yaml", text)]);
        refusal(Config::from_file(folder.0.join("okta.yaml")));
    }
}

#[test]
fn files_that_cannot_be_read_are_passed_over() {
    let folder = Folder::new().with(&[
        ("home/project/deep/okta.yaml/x", ""),
        (
            "home/.okta/okta.yaml",
            &client("orgUrl: https://acme.okta.com\ntoken: x"),
        ),
    ]);
    fs::write(
        folder.0.join("home/project/.okta.yaml"),
        [0xff, 0xfe, b'o', 0],
    )
    .unwrap();
    let config = variables(&folder.0, &[]);
    let text = config.explain();
    assert!(
        text.contains("deep/okta.yaml was passed over: it cannot be read"),
        "{text}"
    );
    assert!(
        text.contains("project/.okta.yaml was passed over: it is invalid: it is UTF-16"),
        "{text}"
    );
    Client::from_config(&config).unwrap();
}

#[test]
fn a_broken_file_of_ours_is_an_error() {
    for text in [
        "okta:\n\tclient: {}",
        "\u{feff}okta:\n  client: {}\n---\nx: 1",
        "{\"okta\": {\"client\": ",
        "okta:\n  clients: {}",
    ] {
        refusal(load(&[("home/project/okta.yaml", text)], &[]));
    }
    let large = format!(
        "okta:\n  client:\n    token: x\n{}",
        "# x\n".repeat(300_000)
    );
    let text = refusal(load(&[("home/project/okta.yaml", &large)], &[]));
    assert!(text.contains("larger than 1 MiB"), "{text}");
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    let text = format!(
        "\u{feff}{}",
        client("orgUrl: https://acme.okta.com\ntoken: x")
    );
    let config = load(&[("home/.okta/okta.yaml", &text)], &[]).unwrap();
    Client::from_config(&config).unwrap();
    Client::from_config(&text.parse().unwrap()).unwrap();
}

#[test]
fn a_file_passed_over_draws_a_warning() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        load(&[("home/project/okta.yaml", "a: b")], &[]).unwrap();
    });
    let log = log.text();
    assert!(
        log.contains("WARN") && log.contains("project/okta.yaml was passed over"),
        "{log}"
    );
}

#[test]
fn unknown_variables_are_named_with_the_nearest_name() {
    let folder = Folder::new();
    let config = variables(
        &folder.0,
        &[
            ("OKTA_CLIENT_ORG_UL", "https://acme.okta.com"),
            ("OKTA_CLIENT_XYZZY", "00secret-value"),
            ("OKTA_CLIENT_00aQz1bVeryLongTokenThatIsNoName123", "x"),
            ("OKTA_CLIENT_CACHE_ENABLED", "true"),
            ("OKTA_CLIENT_RATE_LIMIT_MAX_BACKOFF", "30"),
            ("OKTA_HTTP_PROXY", "http://localhost:1"),
            ("OKTA_CLIENT_TOKEN", "x"),
            ("OKTA_CLIENT_USER_AGENT_EXTRA", "app/1"),
            ("OKTA_CLIENT_USERAGENT", "app/1"),
            ("OKTA_DOMAIN", "x"),
            ("PATH", "/bin"),
        ],
    );
    let text = config.explain();
    for note in [
        "note: OKTA_CLIENT_ORG_UL is unknown and not used; did you mean OKTA_CLIENT_ORG_URL?\n",
        "note: OKTA_CLIENT_XYZZY is unknown and not used\n",
        "note: OKTA_CLIENT_CACHE_ENABLED is not used: nothing is cached\n",
        "note: OKTA_CLIENT_RATE_LIMIT_MAX_BACKOFF is not used: ",
        "note: OKTA_HTTP_PROXY is not used: ",
        "note: OKTA_CLIENT_USERAGENT is not used: ",
    ] {
        assert!(text.contains(note), "{note}{text}");
    }
    assert!(
        !text.contains("VeryLong")
            && !text.contains("secret")
            && !text.contains("OKTA_DOMAIN")
            && !text.contains("USER_AGENT_EXTRA is"),
        "{text}"
    );
}

#[test]
fn terraforms_variables_are_read_behind_all_others() {
    let folder = Folder::new();
    let org = [
        ("OKTA_ORG_NAME", "dev-1"),
        ("OKTA_BASE_URL", "oktapreview.com"),
    ];
    let app = [
        ("OKTA_API_CLIENT_ID", "0oaTf"),
        ("OKTA_API_PRIVATE_KEY", KEY),
        ("OKTA_API_PRIVATE_KEY_ID", "kid"),
        ("OKTA_API_SCOPES", "okta.users.manage,okta.users.read"),
    ];
    let config = variables(&folder.0, &[&org[..], &app].concat());
    let text = config.explain();
    assert!(text.contains("https://dev-1.oktapreview.com"), "{text}");
    assert!(
        text.contains("(OKTA_API_CLIENT_ID, a variable of Terraform)"),
        "{text}"
    );
    Client::from_config(&config).unwrap();

    let config = variables(
        &folder.0,
        &[("OKTA_ORG_NAME", "acme"), ("OKTA_API_TOKEN", "00tf")],
    );
    assert!(
        config.explain().contains("https://acme.okta.com "),
        "{config:?}"
    );
    Client::from_config(&config).unwrap();

    // Another credential replaces all of Terraform's, in whatever order they are merged.
    let own = |config: Config| {
        let text = config.explain();
        assert!(!text.contains("0oaTf  "), "{text}");
        assert!(
            text.contains(
                "OKTA_API_CLIENT_ID, a variable of Terraform, is not used: okta.client.token is set"
            ),
            "{text}"
        );
        Client::from_config(&config).unwrap();
    };
    own(variables(
        &folder.0,
        &[&org[..], &app, &[("OKTA_CLIENT_TOKEN", "x")]].concat(),
    ));
    own(variables(&folder.0, &[&org[..], &app].concat()).with_token("x"));
    let file: Config = client("token: x").parse().unwrap();
    let environment = variables(&folder.0, &[&org[..], &app].concat());
    own(file.clone().merge(environment.clone()));
    own(environment.merge(file));
}

#[test]
fn terraforms_credential_is_not_sent_to_another_org() {
    let folder = Folder::new().with(&[("home/project/okta.yaml", &org("stranger.okta.com"))]);
    let terraform = [("OKTA_ORG_NAME", "acme"), ("OKTA_API_TOKEN", "00tf")];
    let config =
        variables(&folder.0.join("none"), &terraform).with_org_url("https://other.okta.com");
    let text = config.explain();
    assert!(
        text.contains(
            "OKTA_API_TOKEN, a variable of Terraform, is not used: it is for another org"
        ),
        "{text}"
    );
    refusal(Client::from_config(&config));

    let sources = sources(&folder.0, &terraform);
    let config = Config::load_from(&sources).unwrap();
    assert!(
        config.explain().contains("https://stranger.okta.com"),
        "{config:?}"
    );
    refusal(Client::from_config(&config));
    // Without a name of its own, the token is for whichever org is set.
    let config = variables(
        &folder.0.join("none"),
        &[
            ("OKTA_CLIENT_ORGURL", "https://acme.okta.com"),
            ("OKTA_API_TOKEN", "00tf"),
        ],
    );
    Client::from_config(&config).unwrap();
}
