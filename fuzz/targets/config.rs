//! Settings are understood or refused; neither shows a secret.

#![no_main]

use std::{collections::HashMap, ffi::OsString};

use libfuzzer_sys::fuzz_target;
use okta_user_sessions::{Client, Config, ConfigSources, Error, SessionClient};

/// What the seeds have for a token, key, cookie and password. It has digits: what
/// is a word of letters may be shown.
const SECRET: &str = "00SecretOfTheSeeds0123456789abcdefghijkl";

const SECRETS: [&str; 5] = [
    "okta.client.token ",
    "okta.client.accessToken ",
    "okta.client.privateKey ",
    "okta.client.sessionCookie ",
    "okta.client.proxy.password ",
];

fuzz_target!(|text: &str| {
    // A file, and the environment after a line of its own.
    let (file, environment) = text.split_once("\n%\n").unwrap_or((text, ""));
    let variables: HashMap<String, OsString> = environment
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let sources = ConfigSources::empty().with_environment(move |name| variables.get(name).cloned());
    let file: Result<Config, Error> = file.parse();
    let environment = Config::load_from(&sources);
    for config in [&file, &environment] {
        check(config);
    }
    if let (Ok(file), Ok(environment)) = (file, environment) {
        let config = file.merge(environment);
        shows_no_secret(&config);
        // Nothing of these may be a secret in the wrong place.
        let config = config
            .with_org_url("http://127.0.0.1:1")
            .with_testing_disable_https_check(true);
        for refused in [
            Client::from_config(&config).err(),
            SessionClient::from_config(&config).err(),
        ] {
            let text = refused.map(|error| format!("{error} {error:?}"));
            assert!(!text.unwrap_or_default().contains(SECRET));
        }
    }
});

fn check(config: &Result<Config, Error>) {
    match config {
        Ok(config) => shows_no_secret(config),
        Err(error) => {
            for text in [error.to_string(), format!("{error:?}")] {
                assert!(!text.contains(SECRET), "{text}");
            }
            assert!(!error.to_string().contains(char::is_control), "{error:?}");
        }
    }
}

fn shows_no_secret(config: &Config) {
    for line in config
        .explain()
        .lines()
        .chain(format!("{config:?}").lines())
    {
        let secret = SECRETS
            .iter()
            .any(|path| line.trim_start().starts_with(path));
        assert!(!secret || !line.contains(SECRET), "{line}");
        assert!(
            !line.starts_with("note:") || !line.contains(SECRET),
            "{line}"
        );
    }
}
