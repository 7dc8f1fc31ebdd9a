//! Settings from files, the environment and code. Nothing else of this crate
//! reads either.

mod connection;
mod credentials;
mod explain;
mod file;
#[cfg(feature = "schemars")]
mod schema;
mod setting;
mod source;
mod sources;
mod value;
mod yaml;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};

use self::{
    setting::Setting,
    source::Source,
    value::{Raw, Value},
};
use crate::Error;

pub use self::{sources::ConfigSources, value::AuthorizationMode};

/// Settings as Okta's other SDKs read them, each with the place it came from.
///
/// [`load`](Self::load) looks at, and what comes later wins:
///
/// 1. `~/.okta/okta.yaml`
/// 2. the project's `okta.yaml`, `.okta.yaml` or `.okta/okta.yaml`, the nearest
///    from the working directory upward
/// 3. the environment: `OKTA_CLIENT_ORGURL` or `OKTA_CLIENT_ORG_URL`, and so on
/// 4. what the program sets: [`with_org_url`](Self::with_org_url) and the others
///
/// ```no_run
/// use okta_user_sessions::{Client, Config};
///
/// # fn f() -> Result<(), okta_user_sessions::Error> {
/// let config = Config::load()?;
/// eprintln!("{}", config.explain());
/// let okta = Client::from_config(&config)?;
/// # Ok(()) }
/// ```
///
/// # The file
///
/// ```
/// use okta_user_sessions::{Client, Config};
///
/// let config: Config = r#"
/// # yaml-language-server: $schema=./okta.schema.json
/// okta:
///   client:
///     orgUrl: "https://acme.okta.com"
///     token: "00token"
///     connectionTimeout: 30 # seconds
///     requestTimeout: 0     # seconds; 0: this crate's own default
///     rateLimit:
///       maxRetries: 4
///     proxy:
///       host: null
///       port: null
///       username: null
///       password: null
/// "#
/// .parse()?;
/// # #[cfg(any(feature = "rustls", feature = "native-tls"))]
/// let okta = Client::from_config(&config)?;
/// # Ok::<(), okta_user_sessions::Error>(())
/// ```
///
/// The first line, for editors that use the YAML language server, makes them
/// complete and check the keys; `okta.schema.json` is in this crate's
/// repository. It also lists all keys, with their meaning.
///
/// - Each key is also a variable: its path in upper case, joined by `_`, with or
///   without `_` before the capital letters of the key. Empty ones count as unset.
/// - The credential is `token` (SSWS), `accessToken` (Bearer), or `clientId`,
///   `privateKey` and `scopes` (PrivateKey). `authorizationMode` decides if there
///   are several; without it that is an error.
/// - `sessionCookie` (`OKTA_SESSION_COOKIE`), like `idx=…`, is this crate's own,
///   and so are `caCertificates`, `clientCertificate` and `proxy.noProxy`.
/// - Timeouts are seconds. `requestTimeout` limits a whole call with its retries.
/// - Without `proxy.host`, the proxy is that of the environment (`HTTPS_PROXY`,
///   `NO_PROXY`) or, with the feature `system-proxy`, of the system.
/// - What cannot be read, is of the wrong type, out of range or not known under
///   `okta.client` is an error that names file, line and key. Keys that only
///   Okta's other SDKs use are left out, which `explain` tells.
/// - A file that holds a secret and that other users can read, or that they can
///   change, draws a warning (`tracing`).
///
/// `Debug` shows what [`explain`](Self::explain) does; neither shows a secret.
#[derive(Clone, Default)]
pub struct Config {
    entries: BTreeMap<Setting, Entry>,
    notes: Vec<String>,
    /// What `~/` stands for.
    home: Option<PathBuf>,
}

#[derive(Clone)]
struct Entry {
    value: Value,
    source: Source,
}

impl Config {
    /// Reads the user's file, the project's file and the environment.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), naming the
    /// place, for what cannot be read or is not understood. That nothing is
    /// configured is no error here; making a client of it is one.
    pub fn load() -> Result<Self, Error> {
        Self::load_from(&ConfigSources::system()?)
    }

    /// Reads the files and the environment that `sources` stands for.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_from(sources: &ConfigSources) -> Result<Self, Error> {
        let mut config = Self::default();
        for path in sources.files()? {
            config = config.merge(Self::read(&path)?);
        }
        Ok(config.merge(Self::environment(sources)?))
    }

    /// Reads one file, and nothing else.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load); also if there is no such file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let mut config = Self::read(path.as_ref())?;
        config.home = std::env::home_dir();
        Ok(config)
    }

    /// Reads the environment, and nothing else.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn from_env() -> Result<Self, Error> {
        Self::environment(&ConfigSources::system()?)
    }

    /// Adds settings that win over those there are.
    ///
    /// ```no_run
    /// use okta_user_sessions::Config;
    ///
    /// # fn f() -> Result<(), okta_user_sessions::Error> {
    /// let config = Config::from_file("/etc/offboarding/okta.yaml")?.merge(Config::from_env()?);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn merge(mut self, later: Self) -> Self {
        self.entries.extend(later.entries);
        self.notes.extend(later.notes);
        self.home = later.home.or(self.home);
        self
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let (text, metadata) = file::read(path)
            .map_err(|reason| Error::invalid(format!("{}: {reason}", path.display())))?;
        let shared: Arc<Path> = Arc::from(path);
        let config = Self::parse(&text, |line| Source::File {
            path: shared.clone(),
            line,
        })?;
        file::warn_if_exposed(path, &metadata, config.holds_secret());
        Ok(config)
    }

    fn parse(text: &SecretString, source: impl Fn(u64) -> Source) -> Result<Self, Error> {
        let contents = yaml::read(text.expose_secret()).map_err(|refusal| {
            Error::invalid(format!("{}: {}", source(refusal.line), refusal.reason))
        })?;
        let mut config = Self::default();
        for found in contents.found {
            config.insert(found.key, source(found.line), found.raw)?;
        }
        for key in contents.not_needed {
            config.notes.push(format!(
                "{}: {} is for Okta's other SDKs and is not used",
                source(key.line),
                key.path
            ));
        }
        Ok(config)
    }

    fn environment(sources: &ConfigSources) -> Result<Self, Error> {
        let mut config = Self {
            home: sources.home.clone(),
            ..Self::default()
        };
        for key in Setting::ALL {
            if let Some((source, raw)) = sources.variable(key)? {
                config.insert(key, source, raw)?;
            }
        }
        Ok(config)
    }

    fn insert(&mut self, key: Setting, source: Source, raw: Raw) -> Result<(), Error> {
        let value =
            Value::read(key.spec().kind, raw).map_err(|reason| source.refuse(key, reason))?;
        if let Some(value) = value {
            self.entries.insert(key, Entry { value, source });
        }
        Ok(())
    }

    fn holds_secret(&self) -> bool {
        self.entries
            .values()
            .any(|entry| matches!(entry.value, Value::Secret(_)))
    }

    fn set(mut self, key: Setting, value: Value) -> Self {
        let source = Source::Code;
        self.entries.insert(key, Entry { value, source });
        self
    }
}

/// What the program sets wins over files and the environment.
impl Config {
    /// The org's URL, like `https://acme.okta.com`.
    #[must_use]
    pub fn with_org_url(self, url: impl Into<String>) -> Self {
        self.set(Setting::OrgUrl, Value::Text(url.into()))
    }

    /// Which credential counts, if several are set.
    #[must_use]
    pub fn with_authorization_mode(self, mode: AuthorizationMode) -> Self {
        self.set(Setting::AuthorizationMode, Value::Mode(mode))
    }

    /// An administrator's API token.
    #[must_use]
    pub fn with_token(self, token: impl Into<SecretString>) -> Self {
        self.set(Setting::Token, Value::Secret(token.into()))
    }

    /// An OAuth 2.0 access token.
    #[must_use]
    pub fn with_access_token(self, token: impl Into<SecretString>) -> Self {
        self.set(Setting::AccessToken, Value::Secret(token.into()))
    }

    /// A service app's client id.
    #[must_use]
    pub fn with_client_id(self, id: impl Into<String>) -> Self {
        self.set(Setting::ClientId, Value::Text(id.into()))
    }

    /// The scopes that a service app asks for; `okta.users.manage` unless set.
    #[must_use]
    pub fn with_scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        let scopes = scopes.into_iter().map(Into::into).collect();
        self.set(Setting::Scopes, Value::List(scopes))
    }

    /// A service app's private key: PEM, a JWK, or the path of a file that holds
    /// one.
    #[must_use]
    pub fn with_private_key(self, key: impl Into<SecretString>) -> Self {
        self.set(Setting::PrivateKey, Value::Secret(key.into()))
    }

    /// Which of the app's keys the private key is (`kid`).
    #[must_use]
    pub fn with_private_key_id(self, id: impl Into<String>) -> Self {
        self.set(Setting::PrivateKeyId, Value::Text(id.into()))
    }

    /// A signed-in user's session cookie with its name, like `idx=…`.
    #[must_use]
    pub fn with_session_cookie(self, cookie: impl Into<SecretString>) -> Self {
        self.set(Setting::SessionCookie, Value::Secret(cookie.into()))
    }

    /// How long making a connection may take; 10 s unless set, or zero.
    #[must_use]
    pub fn with_connection_timeout(self, limit: Duration) -> Self {
        self.set(Setting::ConnectionTimeout, Value::Seconds(limit))
    }

    /// How long a whole call may take with its retries and waits; 120 s unless
    /// set, or zero.
    #[must_use]
    pub fn with_request_timeout(self, limit: Duration) -> Self {
        self.set(Setting::RequestTimeout, Value::Seconds(limit))
    }

    /// How often a failed call is sent again; 4 unless set.
    #[must_use]
    pub fn with_max_retries(self, retries: u32) -> Self {
        self.set(Setting::MaxRetries, Value::Count(retries))
    }

    /// The HTTP proxy's host and port, instead of that of the environment.
    #[must_use]
    pub fn with_proxy(self, host: impl Into<String>, port: u16) -> Self {
        self.set(Setting::ProxyHost, Value::Text(host.into()))
            .set(Setting::ProxyPort, Value::Count(port.into()))
    }

    /// The user name and password at the proxy.
    #[must_use]
    pub fn with_proxy_credentials(
        self,
        username: impl Into<String>,
        password: impl Into<SecretString>,
    ) -> Self {
        self.set(Setting::ProxyUsername, Value::Text(username.into()))
            .set(Setting::ProxyPassword, Value::Secret(password.into()))
    }

    /// Hosts that are reached without the proxy, as `NO_PROXY` names them.
    #[must_use]
    pub fn with_no_proxy<S: Into<String>>(self, hosts: impl IntoIterator<Item = S>) -> Self {
        let hosts = hosts.into_iter().map(Into::into).collect();
        self.set(Setting::NoProxy, Value::List(hosts))
    }

    /// PEM files of certificate authorities to trust beside the system's.
    #[must_use]
    pub fn with_ca_certificates<S: Into<String>>(self, files: impl IntoIterator<Item = S>) -> Self {
        let files = files.into_iter().map(Into::into).collect();
        self.set(Setting::CaCertificates, Value::List(files))
    }

    /// A PEM file with a client certificate and its private key.
    #[must_use]
    pub fn with_client_certificate(self, file: impl Into<String>) -> Self {
        self.set(Setting::ClientCertificate, Value::Text(file.into()))
    }

    /// The program's own name and version for the `User-Agent`.
    #[must_use]
    pub fn with_user_agent_extra(self, text: impl Into<String>) -> Self {
        self.set(Setting::UserAgentExtra, Value::Text(text.into()))
    }

    /// Allows an http URL of this machine, for tests.
    #[must_use]
    pub fn with_testing_disable_https_check(self, allow: bool) -> Self {
        self.set(Setting::DisableHttpsCheck, Value::Flag(allow))
    }

    /// Accepts a success response without Okta's request id; see
    /// [`ClientBuilder::allow_missing_request_id`](crate::ClientBuilder::allow_missing_request_id).
    #[must_use]
    pub fn with_testing_disable_request_id_check(self, allow: bool) -> Self {
        self.set(Setting::DisableRequestIdCheck, Value::Flag(allow))
    }
}

/// Reads the text of an `okta.yaml`, at most 1 MiB of it.
impl FromStr for Config {
    type Err = Error;

    fn from_str(yaml: &str) -> Result<Self, Error> {
        if u64::try_from(yaml.len()).unwrap_or(u64::MAX) > file::LONGEST {
            return Err(Error::invalid(
                "the settings are refused: they are larger than 1 MiB",
            ));
        }
        Self::parse(&yaml.into(), |line| Source::Text { line })
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Config(\n{})", self.explain())
    }
}
