//! Settings from files, the environment and code. No other module reads settings files or
//! their variables.

mod connection;
mod credentials;
mod explain;
mod file;
mod keys;
mod program;
#[cfg(feature = "schemars")]
mod schema;
mod setting;
mod source;
mod sources;
mod terraform;
mod trust;
mod value;
mod yaml;

use std::{
    collections::BTreeMap,
    fmt,
    fs::Metadata,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use self::{
    file::SettingsFile,
    setting::Setting,
    source::{Source, Trust},
    value::{Raw, Value},
    yaml::{Contents, Owner},
};
use crate::{Error, faults::Faults, shown, trace};

pub use self::{sources::ConfigSources, value::AuthorizationMode};

/// Settings as Okta's other SDKs read them, each with its source.
///
/// [`load`](Self::load) reads these sources; later ones override earlier ones:
///
/// 1. `~/.okta/okta.yaml`
/// 2. the project's `okta.yaml`, `.okta.yaml` or `.okta/okta.yaml`, the nearest
///    from the working directory upward to the project's root (the folder with
///    `.git`, `.hg`, `.jj` or `.svn`) or the home folder; if there is neither, only
///    the working directory
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
///     requestTimeout: 0     # seconds; 0: the default of this crate
///     rateLimit:
///       maxRetries: 4
///     proxy:
///       host: null
///       port: null
///       username: null
///       password: null
/// "#
/// .parse()?;
/// # #[cfg(any(feature = "__rustls", feature = "native-tls"))]
/// let okta = Client::from_config(&config)?;
/// # Ok::<(), okta_user_sessions::Error>(())
/// ```
///
/// With the first line, editors that use the YAML language server complete and check the
/// keys. `okta.schema.json` is in this crate's repository; it lists all keys with their
/// meaning.
///
/// - Each key is also a variable: its path in upper case, joined by `_`, with or
///   without `_` before the capital letters of the key. An empty variable counts as
///   unset. Terraform's variables, like `OKTA_API_TOKEN`, are read behind all others.
/// - The credential is `token` (SSWS), `accessToken` (Bearer), or `clientId`,
///   `privateKey` and `scopes` (PrivateKey). If several are set, `authorizationMode`
///   decides; without it, that is an error.
/// - `sessionCookie` (`OKTA_SESSION_COOKIE`), like `idx=…`, `caCertificates`,
///   `clientCertificate` and `proxy.noProxy` exist only in this crate.
/// - Time limits are seconds; from 1000 on, milliseconds, as Okta's SDK for .NET writes
///   them. `requestTimeout` limits a whole call with its retries.
/// - Without `proxy.host`, the proxy is that of the environment (`HTTPS_PROXY`,
///   `NO_PROXY`) or, with the feature `system-proxy`, of the system.
/// - A file without `okta.client` and `okta.testing`, and one that cannot be read, is
///   another program's: it is passed over, and `explain` says why.
/// - A value of the wrong type or out of range, and a key under `okta.client` that none of
///   Okta's SDKs has, are errors that name file, line and key. All faults are reported at
///   once. Keys that only Okta's other SDKs use are ignored; `explain` lists them.
///   `docs/configuration.md` has a table of all keys and variables.
///
/// # Which files are trusted, and which credential goes where
///
/// On Unix, a file of settings, a key or certificates must belong to the current
/// user or root, and no other user may be able to write it, to change a symbolic link to
/// it, or to replace files in its folder. A group with the same number as the owner counts
/// as the owner's private group. Anything else is an error. A file with a secret that
/// others can read causes a warning (`tracing`).
///
/// A project's file is written by the project's author, who may be a stranger. So it
/// cannot decide where your credentials go:
///
/// | credential from | `orgUrl` of the project's file | its `proxy.host`, `port` and `noProxy`, `caCertificates` and `testing` switches |
/// |---|---|---|
/// | the program, the environment | if on one of Okta's own domains | refused |
/// | `~/.okta/okta.yaml` | refused | refused |
/// | the project's file | used | used |
///
/// "Refused" is an error when a client is made. The program, the environment and
/// `~/.okta/okta.yaml` may decide for every credential, and so may a file that the
/// program names ([`from_file`](Self::from_file)). Client certificates count as
/// credentials, and so does the proxy's password for `proxy.host`.
///
/// `Debug` shows the same as [`explain`](Self::explain); neither shows a secret.
#[derive(Clone, Default)]
pub struct Config {
    entries: BTreeMap<Setting, Entry>,
    notes: Vec<String>,
    passed_over: Vec<PassedOver>,
    /// The folder that `~/` stands for.
    home: Option<PathBuf>,
}

#[derive(Clone)]
struct Entry {
    value: Value,
    source: Source,
}

/// A file of the right name that was not used.
#[derive(Clone)]
struct PassedOver {
    path: PathBuf,
    reason: String,
}

impl Config {
    /// Reads the user's file, the project's file and the environment.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if anything cannot be
    /// read, is not trusted or is invalid; it names all such places. If nothing is
    /// configured, this is not an error, but making a client is.
    pub fn load() -> Result<Self, Error> {
        Self::load_from(&ConfigSources::system()?)
    }

    /// Reads the files and the environment that `sources` stands for.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_from(sources: &ConfigSources) -> Result<Self, Error> {
        let mut faults = Faults::default();
        let files = sources.files();
        let mut config = Self::default();
        if let Some(file) = files.chosen {
            config = config.merge(Self::chosen(&file, &mut faults));
        }
        if let Some(file) = files.home {
            let found = config.found(&file, Trust::Home, &mut faults);
            config = config.merge(found.unwrap_or_default());
        }
        for folder in files.project {
            let found = folder.into_iter().filter_map(|file| {
                let found = config.found(&file, Trust::Project, &mut faults)?;
                Some((file, found))
            });
            let mut found: Vec<_> = found.collect();
            if let [(one, _), (other, _), ..] = found.as_slice() {
                faults.push(Error::invalid(format!(
                    "{} and {} exist in the same place, but only one can be used; remove one",
                    one.display(),
                    other.display()
                )));
            }
            if let Some((_, project)) = found.pop() {
                config = config.merge(project);
                break;
            }
        }
        config = config.merge(Self::environment(sources, &mut faults));
        faults.into_result()?;
        Ok(config)
    }

    /// Reads one file, and nothing else.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load); also if there is no such file, or it is another program's.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let mut faults = Faults::default();
        let mut config = Self::chosen(path.as_ref(), &mut faults);
        faults.into_result()?;
        config.home = sources::home();
        Ok(config)
    }

    /// Reads the environment, and nothing else.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn from_env() -> Result<Self, Error> {
        Self::load_from(&ConfigSources::system()?.without_files())
    }

    /// Adds settings that override the present ones.
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
        for (key, entry) in later.entries {
            let is_behind =
                |earlier: &Entry| entry.source.is_terraform() && !earlier.source.is_terraform();
            if !self.is_repeated(key, &entry) && !self.entries.get(&key).is_some_and(is_behind) {
                self.entries.insert(key, entry);
            }
        }
        self.notes.extend(later.notes);
        self.passed_over.extend(later.passed_over);
        self.home = later.home.or(self.home);
        self.put_terraform_behind();
        self
    }

    /// Whether a less trusted source repeats the org URL that is already set. The trusted
    /// source is then kept, so that the other does not decide where credentials go.
    fn is_repeated(&self, key: Setting, later: &Entry) -> bool {
        let Some(entry) = self.entries.get(&key).filter(|_| key == Setting::OrgUrl) else {
            return false;
        };
        match (&entry.value, &later.value) {
            (Value::Text(url), Value::Text(again)) => {
                url.trim_end_matches('/') == again.trim_end_matches('/')
                    && entry.source.trust() > later.source.trust()
            }
            _ => false,
        }
    }

    /// Reads a file that was found. It is passed over if it is another program's.
    fn found(&mut self, path: &Path, trust: Trust, faults: &mut Faults) -> Option<Self> {
        match file::settings(path) {
            SettingsFile::Ours(file) => Some(Self::of_file(path, trust, *file, faults)),
            SettingsFile::PassedOver(reason) => {
                let path = path.to_owned();
                let passed_over = PassedOver { path, reason };
                trace::settings_not_used(&passed_over.to_string());
                self.passed_over.push(passed_over);
                None
            }
            SettingsFile::Refused(reason) => {
                faults.push(Error::invalid(format!("{}: {reason}", path.display())));
                None
            }
        }
    }

    /// Reads the file that the program or its user named.
    fn chosen(path: &Path, faults: &mut Faults) -> Self {
        match file::settings(path) {
            SettingsFile::Ours(file) => Self::of_file(path, Trust::Program, *file, faults),
            SettingsFile::PassedOver(reason) | SettingsFile::Refused(reason) => {
                let name = path.display().to_string();
                // If there is no such file, the text may be a secret instead of a path.
                let shown = if path.exists() || shown::is_path(&name) {
                    name
                } else {
                    format!("the settings file ({})", shown::length(&name))
                };
                faults.push(Error::invalid(format!("{shown}: {reason}")));
                Self::default()
            }
        }
    }

    fn of_file(
        path: &Path,
        trust: Trust,
        (contents, metadata): (Contents, Metadata),
        faults: &mut Faults,
    ) -> Self {
        let shared: Arc<Path> = Arc::from(path);
        let source = |line| Source::File {
            path: shared.clone(),
            line,
            trust,
        };
        let config = Self::of_contents(contents, source, faults);
        file::warn_if_exposed(path, &metadata, config.holds_secret());
        config
    }

    fn of_contents(
        contents: Contents,
        source: impl Fn(u64) -> Source,
        faults: &mut Faults,
    ) -> Self {
        for fault in contents.faults {
            let place = source(fault.line);
            faults.push(Error::invalid(format!("{place}: {}", fault.reason)));
        }
        let mut config = Self::default();
        for found in contents.found {
            config.insert(found.key, source(found.line), found.raw, faults);
        }
        for key in contents.not_needed {
            config.notes.push(format!(
                "{}: {} is for Okta's other SDKs and is not used: {}",
                source(key.line),
                key.path,
                key.why.replace('`', "")
            ));
        }
        config
    }

    fn environment(sources: &ConfigSources, faults: &mut Faults) -> Self {
        let mut config = Self {
            home: sources.home.clone(),
            ..Self::default()
        };
        for key in Setting::ALL {
            if let Some(Some((source, raw))) = faults.check(sources.variable(key)) {
                config.insert(key, source, raw, faults);
            }
        }
        for (key, source, raw) in faults.check(sources.terraform()).unwrap_or_default() {
            if !config.entries.contains_key(&key) {
                config.insert(key, source, raw, faults);
            }
        }
        let unused = sources.unused_variables();
        for note in &unused.unknown {
            trace::settings_not_used(note);
        }
        config.notes.extend(unused.unknown);
        config
            .notes
            .extend(unused.known.iter().map(|note| note.replace('`', "")));
        config
    }

    fn insert(&mut self, key: Setting, source: Source, raw: Raw, faults: &mut Faults) {
        let is_jwt = |text: &str| text.trim().eq_ignore_ascii_case(value::JWT);
        if key == Setting::AuthorizationMode && matches!(&raw, Raw::Text(text) if is_jwt(text)) {
            self.notes.push(format!(
                "{source}: authorizationMode JWT is for Okta's SDK for Go and is not used: Okta accepts an assertion only once; use PrivateKey"
            ));
            return;
        }
        let value = Value::read(key.spec().kind, raw).map_err(|reason| source.refuse(key, reason));
        if let Some(Some(value)) = faults.check(value) {
            self.entries.insert(key, Entry { value, source });
        }
    }

    fn holds_secret(&self) -> bool {
        self.entries
            .values()
            .any(|entry| matches!(entry.value, Value::Secret(_)))
    }
}

/// Reads the text of an `okta.yaml`, at most 1 MiB of it.
impl FromStr for Config {
    type Err = Error;

    fn from_str(yaml: &str) -> Result<Self, Error> {
        if u64::try_from(yaml.len()).unwrap_or(u64::MAX) > file::MAX_LENGTH {
            return Err(Error::invalid(
                "the settings are invalid: they are larger than 1 MiB",
            ));
        }
        let mut faults = Faults::default();
        let contents = yaml::read(yaml.strip_prefix('\u{feff}').unwrap_or(yaml));
        if let (Owner::Another(reason), true) = (&contents.belongs_to, contents.faults.is_empty()) {
            faults.push(Error::invalid(format!("the settings: the text {reason}")));
        }
        let config = Self::of_contents(contents, |line| Source::Text { line }, &mut faults);
        faults.into_result()?;
        Ok(config)
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} was passed over: it {}",
            self.path.display(),
            self.reason
        )
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Config(\n{})", self.explain())
    }
}
