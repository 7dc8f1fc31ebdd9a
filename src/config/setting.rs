//! The list of settings and the kind of value that each takes. `keys.rs` has their names in
//! files and in the environment.

use super::{
    keys::{KEYS, Meaning},
    value::Kind,
};

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
    UseProxy,
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
    pub(super) kind: Kind,
    /// The description in the JSON Schema.
    #[cfg_attr(
        not(feature = "schemars"),
        allow(dead_code, reason = "only the schema shows it")
    )]
    pub(super) help: &'static str,
}

impl Setting {
    pub(super) const ALL: [Self; 23] = [
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
        Self::UseProxy,
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
        let (kind, help) = match self {
            Self::OrgUrl => (
                Kind::Text,
                "The org's URL, like https://acme.okta.com, not that of the admin console.",
            ),
            Self::AuthorizationMode => (
                Kind::Mode,
                "Which credential to use: SSWS (token), Bearer or BearerToken (accessToken), or PrivateKey (clientId, privateKey). Needed only if several are set.",
            ),
            Self::Token => (
                Kind::Secret,
                "An administrator's API token. With authorizationMode Bearer and no accessToken, an OAuth 2.0 access token.",
            ),
            Self::AccessToken => (
                Kind::Secret,
                "An OAuth 2.0 access token with the scope okta.users.manage.",
            ),
            Self::ClientId => (Kind::Text, "The client id of a service app."),
            Self::Scopes => (
                Kind::Words,
                "The scopes that a service app requests. Default: okta.users.manage. A list, or text separated by commas or spaces.",
            ),
            Self::PrivateKey => (
                Kind::Key,
                "A service app's private key: PEM, a JWK as text or as keys and values, or the path of a file that holds one, also under keyFilePath. A relative path starts at this file's folder.",
            ),
            Self::PrivateKeyId => (
                Kind::Text,
                "Which of the app's keys the private key is (kid).",
            ),
            Self::SessionCookie => (
                Kind::Secret,
                "A signed-in user's session cookie, like idx=... or sid=..., for ending one's own sessions.",
            ),
            Self::ConnectionTimeout => (
                Kind::Seconds,
                "How long connecting may take, in seconds; from 1000 on, in milliseconds, as Okta's SDK for .NET writes it. Default, also for 0: 10.",
            ),
            Self::RequestTimeout => (
                Kind::Seconds,
                "How long a whole call may take with all its retries and waits, in seconds; from 1000 on, in milliseconds, as Okta's SDK for .NET writes it. Default, also for 0: 120.",
            ),
            Self::MaxRetries => (
                Kind::Count {
                    least: 0,
                    most: 1000,
                },
                "How often a failed call is retried. Default: 4. With 0, it is sent exactly once.",
            ),
            Self::UseProxy => (
                Kind::Flag,
                "With false, the settings under proxy are not used. Default: true.",
            ),
            Self::ProxyHost => (
                Kind::Text,
                "The host of the HTTP proxy, which replaces the proxy of the environment or the system.",
            ),
            Self::ProxyPort => (
                Kind::Count {
                    least: 1,
                    most: 65535,
                },
                "The proxy's port.",
            ),
            Self::ProxyUsername => (Kind::Login, "The user name for the proxy."),
            Self::ProxyPassword => (Kind::Password, "The password for the proxy."),
            Self::NoProxy => (
                Kind::Words,
                "Hosts that are reached without the proxy: domains, addresses and networks, each with an optional port, as in the variable NO_PROXY.",
            ),
            Self::CaCertificates => (
                Kind::Paths,
                "PEM files of certificate authorities to trust in addition to the system's. A relative path starts at this file's folder.",
            ),
            Self::ClientCertificate => (
                Kind::Path,
                "A PEM file with a client certificate and its private key, for mutual TLS. A relative path starts at this file's folder.",
            ),
            Self::UserAgentExtra => (
                Kind::Text,
                "The caller's own name and version, added to the User-Agent.",
            ),
            Self::DisableHttpsCheck => (
                Kind::Flag,
                "Allow an http URL of the local machine (localhost, 127.0.0.0/8, [::1]), for tests.",
            ),
            Self::DisableRequestIdCheck => (
                Kind::Flag,
                "Accept a success response without Okta's header X-Okta-Request-Id, for test servers that do not send it and front ends that drop it.",
            ),
        };
        Spec { kind, help }
    }

    /// The name in files, which messages use.
    pub(super) fn path(self) -> &'static str {
        KEYS.iter()
            .find(|key| key.meaning == Meaning::Read(self))
            .map_or("", |key| key.path)
    }

    /// The name in the environment that messages use.
    pub(super) fn variable(self) -> String {
        self.path().replace('.', "_").to_ascii_uppercase()
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
