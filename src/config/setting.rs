//! The list of settings: the name of each in files and in the environment, and its kind of
//! value.

use super::value::Kind;

/// One setting. The order is that of [`Config::explain`](super::Config::explain).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Setting {
    OrgUrl,
    AuthorizationMode,
    Token,
    AccessToken,
    ClientId,
    Scopes,
    PrivateKey,
    PrivateKeyId,
    SessionCookie,
    ConnectionTimeout,
    RequestTimeout,
    MaxRetries,
    ProxyHost,
    ProxyPort,
    ProxyUsername,
    ProxyPassword,
    NoProxy,
    CaCertificates,
    ClientCertificate,
    UserAgentExtra,
    DisableHttpsCheck,
    DisableRequestIdCheck,
}

/// The properties of a setting.
pub(super) struct Spec {
    /// The path of the key in a file.
    pub(super) path: &'static str,
    /// The path of the same setting in another of Okta's SDKs.
    pub(super) alias: Option<&'static str>,
    pub(super) kind: Kind,
    /// The description in the JSON Schema.
    #[cfg_attr(
        not(feature = "schemars"),
        allow(dead_code, reason = "only the schema shows it")
    )]
    pub(super) help: &'static str,
}

impl Setting {
    pub(super) const ALL: [Self; 22] = [
        Self::OrgUrl,
        Self::AuthorizationMode,
        Self::Token,
        Self::AccessToken,
        Self::ClientId,
        Self::Scopes,
        Self::PrivateKey,
        Self::PrivateKeyId,
        Self::SessionCookie,
        Self::ConnectionTimeout,
        Self::RequestTimeout,
        Self::MaxRetries,
        Self::ProxyHost,
        Self::ProxyPort,
        Self::ProxyUsername,
        Self::ProxyPassword,
        Self::NoProxy,
        Self::CaCertificates,
        Self::ClientCertificate,
        Self::UserAgentExtra,
        Self::DisableHttpsCheck,
        Self::DisableRequestIdCheck,
    ];

    pub(super) fn spec(self) -> Spec {
        let (path, kind, help) = match self {
            Self::OrgUrl => (
                "okta.client.orgUrl",
                Kind::Text,
                "The org's URL, like https://acme.okta.com, not that of the admin console.",
            ),
            Self::AuthorizationMode => (
                "okta.client.authorizationMode",
                Kind::Mode,
                "Which credential to use: SSWS (token), Bearer or BearerToken (accessToken), or PrivateKey (clientId, privateKey). Needed only if several are set.",
            ),
            Self::Token => (
                "okta.client.token",
                Kind::Secret,
                "An administrator's API token. With authorizationMode Bearer and no accessToken, an OAuth 2.0 access token.",
            ),
            Self::AccessToken => (
                "okta.client.accessToken",
                Kind::Secret,
                "An OAuth 2.0 access token with the scope okta.users.manage.",
            ),
            Self::ClientId => (
                "okta.client.clientId",
                Kind::Text,
                "The client id of a service app.",
            ),
            Self::Scopes => (
                "okta.client.scopes",
                Kind::Words,
                "The scopes that a service app requests. Default: okta.users.manage. A list, or text separated by commas or spaces.",
            ),
            Self::PrivateKey => (
                "okta.client.privateKey",
                Kind::Secret,
                "A service app's private key: PEM, a JWK, or the path of a file that holds one. A relative path starts at this file's folder.",
            ),
            Self::PrivateKeyId => (
                "okta.client.privateKeyId",
                Kind::Text,
                "Which of the app's keys the private key is (kid).",
            ),
            Self::SessionCookie => (
                "okta.client.sessionCookie",
                Kind::Secret,
                "A signed-in user's session cookie, like idx=... or sid=..., for ending one's own sessions.",
            ),
            Self::ConnectionTimeout => (
                "okta.client.connectionTimeout",
                Kind::Seconds,
                "How long connecting may take, in seconds. Default, also for 0: 10.",
            ),
            Self::RequestTimeout => (
                "okta.client.requestTimeout",
                Kind::Seconds,
                "How long a whole call may take with all its retries and waits, in seconds. Default, also for 0: 120.",
            ),
            Self::MaxRetries => (
                "okta.client.rateLimit.maxRetries",
                Kind::Count {
                    least: 0,
                    most: 1000,
                },
                "How often a failed call is retried. Default: 4. With 0, it is sent exactly once.",
            ),
            Self::ProxyHost => (
                "okta.client.proxy.host",
                Kind::Text,
                "The host of the HTTP proxy, which replaces the proxy of the environment or the system.",
            ),
            Self::ProxyPort => (
                "okta.client.proxy.port",
                Kind::Count {
                    least: 1,
                    most: 65535,
                },
                "The proxy's port.",
            ),
            Self::ProxyUsername => (
                "okta.client.proxy.username",
                Kind::Text,
                "The user name for the proxy.",
            ),
            Self::ProxyPassword => (
                "okta.client.proxy.password",
                Kind::Secret,
                "The password for the proxy.",
            ),
            Self::NoProxy => (
                "okta.client.proxy.noProxy",
                Kind::Words,
                "Hosts that are reached without the proxy, as in the variable NO_PROXY.",
            ),
            Self::CaCertificates => (
                "okta.client.caCertificates",
                Kind::Paths,
                "PEM files of certificate authorities to trust in addition to the system's. A relative path starts at this file's folder.",
            ),
            Self::ClientCertificate => (
                "okta.client.clientCertificate",
                Kind::Path,
                "A PEM file with a client certificate and its private key, for mutual TLS. A relative path starts at this file's folder.",
            ),
            Self::UserAgentExtra => (
                "okta.client.userAgentExtra",
                Kind::Text,
                "The caller's own name and version, added to the User-Agent.",
            ),
            Self::DisableHttpsCheck => (
                "okta.testing.testingDisableHttpsCheck",
                Kind::Flag,
                "Allow an http URL of the local machine (localhost, 127.0.0.0/8, [::1]), for tests.",
            ),
            Self::DisableRequestIdCheck => (
                "okta.testing.testingDisableRequestIdCheck",
                Kind::Flag,
                "Accept a success response without Okta's header X-Okta-Request-Id, for test servers that do not send it and front ends that drop it.",
            ),
        };
        let alias = match self {
            Self::OrgUrl => Some("okta.client.oktaDomain"),
            Self::DisableHttpsCheck => Some("okta.testing.disableHttpsCheck"),
            _ => None,
        };
        Spec {
            path,
            alias,
            kind,
            help,
        }
    }

    pub(super) fn path(self) -> &'static str {
        self.spec().path
    }

    /// The setting at `path`.
    pub(super) fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| {
            let spec = key.spec();
            spec.path == path || spec.alias == Some(path)
        })
    }

    /// The variables that set it, in both spellings that Okta's SDKs use:
    /// `OKTA_CLIENT_ORGURL` and `OKTA_CLIENT_ORG_URL`.
    pub(super) fn variables(self) -> Vec<String> {
        let spec = self.spec();
        let mut names = Vec::new();
        for path in [Some(spec.path), spec.alias].into_iter().flatten() {
            let joined = path.replace('.', "_").to_ascii_uppercase();
            let split = split(path);
            if split != joined {
                names.push(split);
            }
            names.push(joined);
        }
        names
    }

    /// Other variables that set it, used if none of Okta's own is set.
    pub(super) fn fallback_variables(self) -> &'static [&'static str] {
        match self {
            Self::SessionCookie => &["OKTA_SESSION_COOKIE"],
            Self::NoProxy => &["NO_PROXY", "no_proxy"],
            _ => &[],
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

/// Settings of Okta's other SDKs that have no meaning here. A file may contain them; the
/// keys under them are ignored.
pub(super) const NOT_NEEDED: [&str; 12] = [
    "okta.client.backoff",
    "okta.client.cache",
    "okta.client.cacheManager",
    "okta.client.cacheStore",
    "okta.client.debug",
    "okta.client.dpopEnabled",
    "okta.client.logging",
    "okta.client.oauth",
    "okta.client.rateLimit.enable",
    "okta.client.rateLimit.maxBackoff",
    "okta.client.requestExecutor",
    "okta.client.userAgent",
];

/// Whether `path` is a group of settings, like `okta.client.proxy`.
pub(super) fn is_group(path: &str) -> bool {
    Setting::ALL
        .into_iter()
        .flat_map(|key| [Some(key.spec().path), key.spec().alias])
        .flatten()
        .any(|known| {
            known
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('.'))
        })
}

/// The name in `group` that is most similar to `name`, if any is similar.
pub(super) fn nearest(group: &str, name: &str) -> Option<&'static str> {
    let given = name.to_ascii_lowercase();
    Setting::ALL
        .into_iter()
        .flat_map(|key| [Some(key.spec().path), key.spec().alias])
        .flatten()
        .filter_map(|path| match group {
            "" => path.split('.').next(),
            group => path
                .strip_prefix(group)?
                .strip_prefix('.')?
                .split('.')
                .next(),
        })
        .map(|known| (distance(&given, &known.to_ascii_lowercase()), known))
        .filter(|(distance, known)| distance.saturating_mul(2) <= known.len())
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
