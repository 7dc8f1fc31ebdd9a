//! The keys of `okta.yaml`: those of this crate and of Okta's SDKs, and what each means here.
//!
//! One file often serves several programs, so a key that only another SDK uses is no
//! mistake. The list is also the source of the JSON Schema, of the variables' names and of
//! the tables in `docs/configuration.md`.
//!
//! Where the SDKs state their keys (repositories of `okta` on GitHub):
//!
//! - .NET: `okta-sdk-dotnet`, `README.md` and `src/Okta.Sdk/Client/Configuration.cs`
//! - Java: `okta-sdk-java`, `README.md` and `.../client/ClientBuilder.java`
//! - Node: `okta-sdk-nodejs`, `README.md`, `src/config-loader.js` and `src/client.js`
//! - Python: `okta-sdk-python`, `README.md` and `okta/config/config_setter.py`
//! - Go: `okta-sdk-golang`, `README.md` and `okta/configuration.go`
//! - Terraform: `terraform-provider-okta`, `docs/index.md`

use super::setting::Setting;

/// One key of a file.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub(super) path: &'static str,
    /// The SDKs that have it; empty if only this crate does.
    #[cfg_attr(not(test), allow(dead_code, reason = "shown in the documentation"))]
    pub(super) sdks: &'static str,
    pub(super) meaning: Meaning,
}

/// What this crate makes of a key or variable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Read(Setting),
    /// It has no meaning here, for this reason. Keys below it have none either.
    Ignored(&'static str),
}

/// A variable of Terraform's provider for Okta.
#[derive(Clone, Copy)]
pub(super) struct TerraformVariable {
    pub(super) name: &'static str,
    pub(super) meaning: Meaning,
}

const ALL: &str = ".NET, Java, Node, Python, Go";
const NO_CACHE: &str = "nothing is cached";
const OWN_HTTP: &str = "this crate has its own HTTP client";
const TRACING: &str = "this crate reports to `tracing`";
const LIMITER: &str =
    "the rate limiter is always on, and every wait ends with the call's time limit";
const OWN_TOKENS: &str = "this crate renews access tokens itself";
const OWN_PROOFS: &str = "DPoP is used where Okta asks for it, with a key of the client's own";

/// The first key of a setting is the name that messages use.
pub(super) const KEYS: &[Key] = &[
    read(
        "okta.client.orgUrl",
        "Java, Node, Python, Go",
        Setting::OrgUrl,
    ),
    read("okta.client.oktaDomain", ".NET", Setting::OrgUrl),
    read(
        "okta.client.authorizationMode",
        ALL,
        Setting::AuthorizationMode,
    ),
    read("okta.client.token", ALL, Setting::Token),
    read("okta.client.accessToken", ".NET", Setting::AccessToken),
    read(
        "okta.client.oauth2.accessToken",
        "Java",
        Setting::AccessToken,
    ),
    read("okta.client.clientId", ALL, Setting::ClientId),
    read("okta.client.scopes", ALL, Setting::Scopes),
    read("okta.client.privateKey", ALL, Setting::PrivateKey),
    read(
        "okta.client.privateKey.keyFilePath",
        "Java",
        Setting::PrivateKey,
    ),
    read("okta.client.jwk", "Go", Setting::PrivateKey),
    read("okta.client.privateKeyId", "Go", Setting::PrivateKeyId),
    read("okta.client.kid", "Java, Python", Setting::PrivateKeyId),
    read("okta.client.keyId", "Node", Setting::PrivateKeyId),
    read("okta.client.sessionCookie", "", Setting::SessionCookie),
    read(
        "okta.client.connectionTimeout",
        ".NET, Java, Python, Go",
        Setting::ConnectionTimeout,
    ),
    read(
        "okta.client.requestTimeout",
        ".NET, Java, Python, Go",
        Setting::RequestTimeout,
    ),
    read(
        "okta.client.rateLimit.maxRetries",
        ".NET, Java, Python, Go",
        Setting::MaxRetries,
    ),
    read("okta.client.maxRetries", ".NET", Setting::MaxRetries),
    read("okta.client.useProxy", ".NET", Setting::UseProxy),
    read(
        "okta.client.proxy.host",
        ".NET, Java, Python, Go",
        Setting::ProxyHost,
    ),
    read(
        "okta.client.proxy.port",
        ".NET, Java, Python, Go",
        Setting::ProxyPort,
    ),
    read(
        "okta.client.proxy.username",
        ".NET, Java, Python, Go",
        Setting::ProxyUsername,
    ),
    read(
        "okta.client.proxy.password",
        ".NET, Java, Python, Go",
        Setting::ProxyPassword,
    ),
    read("okta.client.proxy.noProxy", "", Setting::NoProxy),
    read("okta.client.caCertificates", "", Setting::CaCertificates),
    read(
        "okta.client.clientCertificate",
        "",
        Setting::ClientCertificate,
    ),
    read("okta.client.userAgentExtra", "Go", Setting::UserAgentExtra),
    read(
        "okta.testing.testingDisableHttpsCheck",
        "Python",
        Setting::DisableHttpsCheck,
    ),
    read(
        "okta.testing.disableHttpsCheck",
        "Java, Go",
        Setting::DisableHttpsCheck,
    ),
    read(
        "okta.client.disableHttpsCheck",
        ".NET",
        Setting::DisableHttpsCheck,
    ),
    read(
        "okta.testing.testingDisableRequestIdCheck",
        "",
        Setting::DisableRequestIdCheck,
    ),
    ignored(
        "okta.client.privateKey.algorithm",
        "Java",
        "the key itself says how it signs",
    ),
    ignored(
        "okta.client.authenticationScheme",
        "Java",
        "`authorizationMode`, or the credential that is set, says how to authenticate",
    ),
    ignored(
        "okta.client.clientAssertion",
        "Go",
        "Okta accepts an assertion only once, so a new one is signed with `privateKey` for each token request",
    ),
    ignored(
        "okta.client.encryptionType",
        "Go",
        "`jwk` says what kind of key it is",
    ),
    ignored("okta.client.oauth", "not documented", OWN_TOKENS),
    ignored("okta.client.oauthTokenRenewalOffset", "Python", OWN_TOKENS),
    ignored("okta.client.dpopEnabled", "Python", OWN_PROOFS),
    ignored("okta.client.dpopKeyRotationInterval", "Python", OWN_PROOFS),
    ignored("okta.client.rateLimit.enable", "Go", LIMITER),
    ignored("okta.client.rateLimit.maxBackoff", "Go", LIMITER),
    ignored("okta.client.backoff", "not documented", LIMITER),
    ignored("okta.client.cache", "Java, Python, Go", NO_CACHE),
    ignored("okta.client.cacheManager", "Java, Python, Go", NO_CACHE),
    ignored("okta.client.cacheStore", "Node", NO_CACHE),
    ignored("okta.client.cacheMiddleware", "Node", NO_CACHE),
    ignored(
        "okta.client.defaultCacheMiddlewareResponseBufferSize",
        "Node",
        NO_CACHE,
    ),
    ignored("okta.client.logging", "Python", TRACING),
    ignored("okta.client.debug", "not documented", TRACING),
    ignored("okta.client.requestExecutor", "Node, Python", OWN_HTTP),
    ignored("okta.client.httpClient", "Python", OWN_HTTP),
    ignored("okta.client.connectionPool", "not documented", OWN_HTTP),
    ignored(
        "okta.client.timeout",
        ".NET",
        "`connectionTimeout` and `requestTimeout` are read",
    ),
    ignored(
        "okta.client.sslContext",
        "Python",
        "`caCertificates` and `clientCertificate` are read",
    ),
    ignored(
        "okta.client.httpsProxy",
        "Node",
        "`proxy` and the variable `HTTPS_PROXY` are read",
    ),
    ignored(
        "okta.client.userAgent",
        ".NET, Node, Python",
        "this crate names itself; `userAgentExtra` is added",
    ),
    ignored(
        "okta.client.disableOktaDomainCheck",
        ".NET",
        "every org URL is checked",
    ),
    ignored("okta.client.tempFolderPath", ".NET", "no file is written"),
    ignored("okta.client.dateTimeFormat", ".NET", "no date is sent"),
];

/// In the order in which their settings are explained.
pub(super) const TERRAFORM: &[TerraformVariable] = &[
    terraform(ORG_NAME, Meaning::Read(Setting::OrgUrl)),
    terraform(BASE_URL, Meaning::Read(Setting::OrgUrl)),
    terraform("OKTA_API_TOKEN", Meaning::Read(Setting::Token)),
    terraform("OKTA_ACCESS_TOKEN", Meaning::Read(Setting::AccessToken)),
    terraform("OKTA_API_CLIENT_ID", Meaning::Read(Setting::ClientId)),
    terraform("OKTA_API_SCOPES", Meaning::Read(Setting::Scopes)),
    terraform("OKTA_API_PRIVATE_KEY", Meaning::Read(Setting::PrivateKey)),
    terraform(
        "OKTA_API_PRIVATE_KEY_ID",
        Meaning::Read(Setting::PrivateKeyId),
    ),
    terraform(
        "OKTA_HTTP_PROXY",
        Meaning::Ignored(
            "in Terraform it replaces the org's URL, for its tests; `HTTPS_PROXY` names a proxy",
        ),
    ),
];

/// The org's name and its domain are two variables of Terraform's, but one URL.
pub(super) const ORG_NAME: &str = "OKTA_ORG_NAME";
pub(super) const BASE_URL: &str = "OKTA_BASE_URL";

/// What the variables of Okta's SDKs begin with.
pub(super) const PREFIXES: [&str; 2] = ["OKTA_CLIENT_", "OKTA_TESTING_"];

const fn read(path: &'static str, sdks: &'static str, setting: Setting) -> Key {
    Key {
        path,
        sdks,
        meaning: Meaning::Read(setting),
    }
}

const fn ignored(path: &'static str, sdks: &'static str, why: &'static str) -> Key {
    Key {
        path,
        sdks,
        meaning: Meaning::Ignored(why),
    }
}

const fn terraform(name: &'static str, meaning: Meaning) -> TerraformVariable {
    TerraformVariable { name, meaning }
}

impl Key {
    /// The key at `path`, in any case, because .NET's SDK reads `Scopes` as well.
    pub(super) fn at(path: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.path.eq_ignore_ascii_case(path))
    }

    /// The variables that set it, in both spellings that Okta's SDKs use:
    /// `OKTA_CLIENT_ORGURL` and `OKTA_CLIENT_ORG_URL`.
    pub(super) fn variables(&self) -> Vec<String> {
        let joined = self.path.replace('.', "_").to_ascii_uppercase();
        let split = split(self.path);
        match split == joined {
            true => vec![joined],
            false => vec![split, joined],
        }
    }
}

/// `okta.client.orgUrl` as `OKTA_CLIENT_ORG_URL`.
fn split(path: &str) -> String {
    let mut name = String::new();
    for character in path.chars() {
        if character.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(match character {
            '.' => '_',
            other => other.to_ascii_uppercase(),
        });
    }
    name
}

/// The group of keys at `path`, like `okta.client.proxy`, in any case.
pub(super) fn group(path: &str) -> Option<&'static str> {
    KEYS.iter().find_map(|key| {
        let (group, rest) = key.path.split_at_checked(path.len())?;
        // A private key is a value that may have parts.
        let is_group = group.eq_ignore_ascii_case(path) && rest.starts_with('.');
        (is_group && Key::at(group).is_none()).then_some(group)
    })
}

/// The name in `group` that is most similar to `name`, if any is similar.
pub(super) fn nearest(group: &str, name: &str) -> Option<&'static str> {
    let names = KEYS.iter().filter_map(|key| match group {
        "" => key.path.split('.').next(),
        group => key
            .path
            .strip_prefix(group)?
            .strip_prefix('.')?
            .split('.')
            .next(),
    });
    // Many short words are similar to `okta` and `client`.
    match group {
        "" if !name.starts_with(['o', 'O']) => None,
        "" | "okta" => most_similar(name, names, 2),
        _ => most_similar(name, names, usize::MAX),
    }
}

/// The variable that is most similar to `name`, if any is similar. What all of them begin
/// with says nothing.
pub(super) fn nearest_variable(name: &str) -> Option<String> {
    PREFIXES.iter().find_map(|prefix| {
        let rest = name.strip_prefix(prefix)?;
        let names: Vec<String> = KEYS.iter().flat_map(Key::variables).collect();
        let known = names.iter().filter_map(|known| known.strip_prefix(prefix));
        let nearest = most_similar(rest, known, usize::MAX)?;
        Some(format!("{prefix}{nearest}"))
    })
}

/// At most half of the letters may differ, and no more than `most`.
fn most_similar<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str>,
    most: usize,
) -> Option<&'a str> {
    let given = name.to_ascii_lowercase();
    known
        .map(|known| (distance(&given, &known.to_ascii_lowercase()), known))
        .filter(|(distance, known)| *distance <= most && distance.saturating_mul(2) <= known.len())
        .min()
        .map(|(_, known)| known)
}

/// The Levenshtein distance: how many letters to insert, remove or change to turn `a` into
/// `b`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (line, x) in a.chars().enumerate() {
        let mut next = vec![line.saturating_add(1)];
        for ((y, above), diagonal) in b.chars().zip(row.iter().skip(1)).zip(&row) {
            let left = next.last().copied().unwrap_or(line);
            let change = diagonal.saturating_add(usize::from(x != y));
            next.push(change.min(above.min(&left).saturating_add(1)));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::*;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");

    fn described(meaning: Meaning) -> String {
        match meaning {
            Meaning::Read(setting) => format!("read as `{}`", short(setting.path())),
            Meaning::Ignored(why) => format!("not used: {why}"),
        }
    }

    fn short(path: &str) -> &str {
        path.strip_prefix("okta.client.").unwrap_or(path)
    }

    fn tables() -> String {
        let mut text = "| key | SDKs | here |\n|---|---|---|\n".to_owned();
        for key in KEYS {
            let sdks = match key.sdks {
                "" => "this crate",
                sdks => sdks,
            };
            let here = match key.meaning {
                Meaning::Read(setting) if setting.path() == key.path => "read".to_owned(),
                meaning => described(meaning),
            };
            text.push_str(&format!("| `{}` | {sdks} | {here} |\n", short(key.path)));
        }
        text.push_str("\n| Terraform's variable | here |\n|---|---|\n");
        for variable in TERRAFORM {
            let here = described(variable.meaning);
            text.push_str(&format!("| `{}` | {here} |\n", variable.name));
        }
        text
    }

    #[test]
    fn the_documentation_has_the_tables() {
        const BEGIN: &str = "<!-- keys: written by UPDATE_SNAPSHOTS=1 cargo test --lib -->\n";
        const END: &str = "<!-- end of keys -->";
        let page = fs::read_to_string(PAGE).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let expected = format!("{before}{BEGIN}{}{END}{after}", tables());
        if env::var("UPDATE_SNAPSHOTS").is_ok() {
            fs::write(PAGE, &expected).unwrap();
        } else {
            assert_eq!(page, expected, "run UPDATE_SNAPSHOTS=1 cargo test --lib");
        }
    }

    #[test]
    fn every_setting_has_a_key_and_no_key_or_variable_is_listed_twice() {
        for setting in Setting::ALL {
            assert!(setting.path().starts_with("okta."));
        }
        let mut names: Vec<String> = KEYS.iter().flat_map(Key::variables).collect();
        names.extend(TERRAFORM.iter().map(|variable| variable.name.to_owned()));
        names.sort();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn similar_names_are_found_and_others_are_not() {
        assert_eq!(nearest("okta.client", "tokn"), Some("token"));
        assert_eq!(nearest("okta.client", "flux"), None);
        assert_eq!(nearest("okta", "clients"), Some("client"));
        assert_eq!(nearest("okta", "oauth2"), None);
        assert_eq!(
            nearest_variable("OKTA_CLIENT_ORG_UL").as_deref(),
            Some("OKTA_CLIENT_ORG_URL")
        );
        assert_eq!(nearest_variable("OKTA_CLIENT_XYZZY"), None);
        assert_eq!(group("okta.client.PROXY"), Some("okta.client.proxy"));
        assert_eq!(group("okta.client.privateKey"), None);
    }
}
