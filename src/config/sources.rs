//! Where settings are read from: folders and the environment.

use std::{
    collections::HashMap,
    env,
    ffi::OsString,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    keys::{self, BASE_URL, KEYS, Key, Meaning, ORG_NAME, TERRAFORM},
    setting::Setting,
    source::Source,
    value::{self, Raw},
};
use crate::{Error, shown};

type Lookup = Arc<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// Where [`Config::load_from`](super::Config::load_from) looks for settings.
///
/// [`Config::load`](super::Config::load) uses the folders and environment of this process.
/// A test, or a program that runs on behalf of others, can name other ones.
///
/// ```
/// use okta_user_sessions::{Config, ConfigSources};
///
/// let sources = ConfigSources::empty().with_environment(|name| match name {
///     "OKTA_CLIENT_ORGURL" => Some("https://acme.okta.com".into()),
///     _ => None,
/// });
/// let config = Config::load_from(&sources)?;
/// assert!(config.explain().contains("https://acme.okta.com"));
/// # Ok::<(), okta_user_sessions::Error>(())
/// ```
#[derive(Clone)]
pub struct ConfigSources {
    pub(super) home: Option<PathBuf>,
    working_directory: Option<PathBuf>,
    files: Files,
    environment: Lookup,
    /// The names of the variables that are set, as far as they are known.
    names: Vec<String>,
}

/// The files to read.
pub(super) struct SettingsFiles {
    pub(super) chosen: Option<PathBuf>,
    /// The user's own.
    pub(super) home: Option<PathBuf>,
    /// Where the project's may be: the paths in each folder, the nearest folder first.
    pub(super) project: Vec<Vec<PathBuf>>,
}

/// Which files are read.
#[derive(Clone, Debug)]
enum Files {
    /// Those in the home and in the project.
    Found,
    /// This one, whether it exists or not.
    Chosen(PathBuf),
    None,
}

impl ConfigSources {
    /// This process: the user's home, the working directory, the environment.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if there is
    /// no working directory.
    pub fn system() -> Result<Self, Error> {
        let working_directory = env::current_dir().map_err(|error| {
            Error::invalid(format!(
                "the working directory cannot be determined: {error}"
            ))
        })?;
        let sources = Self::empty()
            .with_working_directory(working_directory)
            .with_environment(|name| env::var_os(name));
        // A name that is not Unicode is not one of ours.
        let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        Ok(Self {
            home: home(),
            names: names.collect(),
            ..sources
        })
    }

    /// No folders, and an empty environment.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            home: None,
            working_directory: None,
            files: Files::Found,
            environment: Arc::new(|_| None),
            names: Vec::new(),
        }
    }

    /// Looks for `.okta/okta.yaml` in this folder, the user's home. A relative path is
    /// ignored: it would depend on the folder that the program runs in.
    #[must_use]
    pub fn with_home(mut self, folder: impl Into<PathBuf>) -> Self {
        self.home = absolute(folder.into());
        self
    }

    /// Looks for the project's file in this folder and those above it, up to the
    /// project's root (which contains `.git`, `.hg`, `.jj` or `.svn`) or the home; only in
    /// this folder if there is neither.
    #[must_use]
    pub fn with_working_directory(mut self, folder: impl Into<PathBuf>) -> Self {
        self.working_directory = Some(folder.into());
        self
    }

    /// Reads this file instead of the user's and the project's. It is trusted like the
    /// program that names it, and it is an error if it does not exist.
    ///
    /// ```no_run
    /// use okta_user_sessions::{Config, ConfigSources};
    ///
    /// # fn f() -> Result<(), okta_user_sessions::Error> {
    /// let file = "/etc/offboarding/okta.yaml"; // such as the value of a flag --config
    /// let config = Config::load_from(&ConfigSources::system()?.with_file(file))?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.files = Files::Chosen(file.into());
        self
    }

    /// Reads no settings file, only the environment.
    #[must_use]
    pub fn without_files(mut self) -> Self {
        self.files = Files::None;
        self
    }

    /// Looks up variables with this function.
    #[must_use]
    pub fn with_environment(
        mut self,
        lookup: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
    ) -> Self {
        self.environment = Arc::new(lookup);
        self.names.clear();
        self
    }

    /// Uses these variables as the environment. Unlike with
    /// [`with_environment`](Self::with_environment), misspelt ones that begin with
    /// `OKTA_CLIENT_` are found.
    #[must_use]
    pub fn with_variables<N: Into<String>, V: Into<OsString>>(
        self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables: HashMap<String, OsString> = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let names = variables.keys().cloned().collect();
        let sources = self.with_environment(move |name| variables.get(name).cloned());
        Self { names, ..sources }
    }

    pub(super) fn files(&self) -> SettingsFiles {
        let none = SettingsFiles {
            chosen: None,
            home: None,
            project: Vec::new(),
        };
        match &self.files {
            Files::Found => self.found_files(),
            Files::Chosen(file) => SettingsFiles {
                chosen: Some(file.clone()),
                ..none
            },
            Files::None => none,
        }
    }

    fn found_files(&self) -> SettingsFiles {
        let home = self.home.as_ref().map(|home| home.join(".okta/okta.yaml"));
        // The search upward may find the home's file too, by another path.
        let real = |file: &Path| fs::canonicalize(file).ok();
        let real_home = home.as_deref().and_then(real);
        let is_home = |file: &PathBuf| {
            Some(file) == home.as_ref() || (real_home.is_some() && real(file) == real_home)
        };
        let in_folder = |folder: &Path| {
            let files =
                ["okta.yaml", ".okta.yaml", ".okta/okta.yaml"].map(|name| folder.join(name));
            let files = files
                .into_iter()
                .filter(|file| !is_home(file) && exists(file));
            files.collect()
        };
        SettingsFiles {
            chosen: None,
            project: self.searched().into_iter().map(in_folder).collect(),
            home: home.clone().filter(|file| exists(file)),
        }
    }

    /// The folders that may contain the project's file, the nearest first: up to the
    /// project's root or the user's home. If there is neither, the folders above may not
    /// belong to the project but to anybody, like `/tmp`.
    fn searched(&self) -> Vec<&Path> {
        let folders = self.working_directory.iter().flat_map(|it| it.ancestors());
        let folders: Vec<&Path> = folders.collect();
        let real_home = self.home.as_ref().and_then(|home| home.canonicalize().ok());
        let ends_at = folders.iter().position(|folder| {
            let is = |home: &Option<PathBuf>| home.as_deref() == Some(*folder);
            is(&self.home) || is(&real_home) || is_project_root(folder)
        });
        let searched = ends_at.map_or(1, |at| at.saturating_add(1));
        folders.into_iter().take(searched).collect()
    }

    /// The value of a setting in the environment, and its variable.
    pub(super) fn variable(&self, setting: Setting) -> Result<Option<(Source, Raw)>, Error> {
        let mut set: Option<(String, String)> = None;
        let names = KEYS
            .iter()
            .filter(|key| key.meaning == Meaning::Read(setting))
            .flat_map(Key::variables);
        let kind = setting.spec().kind;
        for name in names {
            let Some(value) = self.value(&name)?.filter(|value| !kind.is_empty(value)) else {
                continue;
            };
            match &set {
                Some((other, first)) if *first != value => {
                    return Err(Error::invalid(format!(
                        "{other} and {name} set the same setting to different values; unset one"
                    )));
                }
                Some(_) => {}
                None => set = Some((name, value)),
            }
        }
        for name in setting.fallback_variables() {
            if set.is_none() {
                let value = self.value(name)?.filter(|value| !kind.is_empty(value));
                set = value.map(|value| ((*name).to_owned(), value));
            }
        }
        Ok(set.map(|(name, value)| (Source::Variable(name), Raw::Text(value))))
    }

    /// The settings in Terraform's variables.
    pub(super) fn terraform(&self) -> Result<Vec<(Setting, Source, Raw)>, Error> {
        let get = |name| -> Result<Option<String>, Error> {
            Ok(self.value(name)?.filter(|value| !value.trim().is_empty()))
        };
        let org = match get(ORG_NAME)? {
            Some(org) => {
                let domain = get(BASE_URL)?.unwrap_or_else(|| "okta.com".to_owned());
                Some(format!("https://{}.{}", org.trim(), domain.trim()))
            }
            None => None,
        };
        let mut found = Vec::new();
        for variable in TERRAFORM {
            let Meaning::Read(setting) = variable.meaning else {
                continue;
            };
            let value = match variable.name {
                ORG_NAME => org.clone(),
                BASE_URL => None,
                name => get(name)?,
            };
            let source = Source::Terraform {
                name: variable.name,
                org: org.as_deref().map(Arc::from),
            };
            found.extend(value.map(|value| (setting, source, Raw::Text(value))));
        }
        Ok(found)
    }

    /// What to say about variables that look like settings but are not read.
    pub(super) fn unused_variables(&self) -> UnusedVariables {
        let mut unused = UnusedVariables::default();
        let mut names: Vec<&String> = self.names.iter().collect();
        names.sort();
        for name in names {
            if let Some(why) = ignored_variable(name) {
                unused.known.push(format!("{name} is not used: {why}"));
            } else if is_unknown(name) {
                let shown = match value::is_name(name) || is_variable_name(name) {
                    true => name.clone(),
                    false => format!(
                        "a variable that begins with OKTA_ ({})",
                        shown::length(name)
                    ),
                };
                unused.unknown.push(match keys::nearest_variable(name) {
                    Some(nearest) => {
                        format!("{shown} is unknown and not used; did you mean {nearest}?")
                    }
                    None => format!("{shown} is unknown and not used"),
                });
            }
        }
        unused
    }

    fn value(&self, name: &str) -> Result<Option<String>, Error> {
        let value = (self.environment)(name).map(OsString::into_string);
        value.transpose().map_err(|_| {
            Error::invalid(format!(
                "{name}: the variable is invalid: it is not UTF-8 text"
            ))
        })
    }
}

/// Variables that look like settings but are not read, each with the reason.
#[derive(Default)]
pub(super) struct UnusedVariables {
    /// Those of Okta's other SDKs.
    pub(super) known: Vec<String>,
    /// Probably mistakes.
    pub(super) unknown: Vec<String>,
}

/// Why a variable of another SDK has no meaning here.
fn ignored_variable(name: &str) -> Option<&'static str> {
    let why = |meaning| match meaning {
        Meaning::Ignored(why) => Some(why),
        Meaning::Read(_) => None,
    };
    let terraform = TERRAFORM.iter().find(|variable| variable.name == name);
    if let Some(variable) = terraform {
        return why(variable.meaning);
    }
    // `OKTA_CLIENT_USER_AGENT_EXTRA` is not below `OKTA_CLIENT_USER_AGENT`.
    if is_known(name) {
        return None;
    }
    KEYS.iter().find_map(|key| {
        let reason = why(key.meaning)?;
        let is_below = |known: String| {
            let rest = name.strip_prefix(&known);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        key.variables().into_iter().any(is_below).then_some(reason)
    })
}

/// Whether the variable sets one of our settings.
fn is_known(name: &str) -> bool {
    let read = KEYS
        .iter()
        .filter(|key| matches!(key.meaning, Meaning::Read(_)));
    read.flat_map(Key::variables).any(|known| known == name)
}

fn is_unknown(name: &str) -> bool {
    keys::PREFIXES.iter().any(|prefix| name.starts_with(prefix)) && !is_known(name)
}

/// Whether it consists of words in capitals, which no token does.
fn is_variable_name(name: &str) -> bool {
    name.len() <= 64
        && name
            .split('_')
            .all(|word| word.len() <= 24 && word.bytes().all(|byte| byte.is_ascii_uppercase()))
}

/// The user's home, unless `HOME` is set to a relative path.
pub(super) fn home() -> Option<PathBuf> {
    env::home_dir().and_then(absolute)
}

fn absolute(folder: PathBuf) -> Option<PathBuf> {
    Some(folder).filter(|folder| folder.is_absolute())
}

fn is_project_root(folder: &Path) -> bool {
    [".git", ".hg", ".jj", ".svn"]
        .iter()
        .any(|name| fs::symlink_metadata(folder.join(name)).is_ok())
}

/// A dangling link exists too, and so does what cannot be accessed.
fn exists(file: &Path) -> bool {
    match fs::symlink_metadata(file) {
        Ok(_) => true,
        Err(error) => !matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        ),
    }
}

impl fmt::Debug for ConfigSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigSources")
            .field("home", &self.home)
            .field("working_directory", &self.working_directory)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}
