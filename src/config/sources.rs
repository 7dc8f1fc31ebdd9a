//! Where settings are read from: folders and the environment.

use std::{
    env,
    ffi::OsString,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    setting::Setting,
    source::{Source, Trust},
    value::Raw,
};
use crate::{Error, faults::Faults};

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
        Ok(Self {
            home: home(),
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
        self
    }

    /// The files to read. Later ones override earlier ones.
    pub(super) fn files(&self, faults: &mut Faults) -> Vec<(PathBuf, Trust)> {
        match &self.files {
            Files::Found => self.found_files(faults),
            Files::Chosen(file) => vec![(file.clone(), Trust::Program)],
            Files::None => Vec::new(),
        }
    }

    /// The user's and the project's file, if they exist.
    fn found_files(&self, faults: &mut Faults) -> Vec<(PathBuf, Trust)> {
        let home = self.home.as_ref().map(|home| home.join(".okta/okta.yaml"));
        // The search upward may find the home's file too, by another path.
        let real = |file: &Path| fs::canonicalize(file).ok();
        let real_home = home.as_deref().and_then(real);
        let is_home = |file: &PathBuf| {
            Some(file) == home.as_ref() || (real_home.is_some() && real(file) == real_home)
        };
        let mut files = Vec::new();
        if let Some(file) = &home
            && faults.check(exists(file)) == Some(true)
        {
            files.push((file.clone(), Trust::Home));
        }
        for folder in self.searched() {
            let mut here = Vec::new();
            for name in ["okta.yaml", ".okta.yaml", ".okta/okta.yaml"] {
                let file = folder.join(name);
                if !is_home(&file) && faults.check(exists(&file)) == Some(true) {
                    here.push(file);
                }
            }
            if let [one, other, ..] = here.as_slice() {
                faults.push(Error::invalid(format!(
                    "{} and {} exist in the same place, but only one can be used; remove one",
                    one.display(),
                    other.display()
                )));
            }
            if let Some(file) = here.pop() {
                files.push((file, Trust::Project));
                break;
            }
        }
        files
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
    pub(super) fn variable(&self, key: Setting) -> Result<Option<(Source, Raw)>, Error> {
        let mut set: Option<(String, String)> = None;
        for name in key.variables() {
            let Some(value) = self.value(&name)? else {
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
        for name in key.fallback_variables() {
            if set.is_none() {
                set = self.value(name)?.map(|value| ((*name).to_owned(), value));
            }
        }
        Ok(set.map(|(name, value)| (Source::Variable(name), Raw::Text(value))))
    }

    /// An empty variable counts as unset.
    fn value(&self, name: &str) -> Result<Option<String>, Error> {
        match (self.environment)(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(text)) if text.trim().is_empty() => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(_)) => Err(Error::invalid(format!(
                "{name}: the variable is invalid: it is not UTF-8 text"
            ))),
        }
    }
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

/// A dangling link exists too; reading it is then an error.
fn exists(file: &Path) -> Result<bool, Error> {
    match fs::symlink_metadata(file) {
        Ok(_) => Ok(true),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(Error::invalid(format!(
            "{}: cannot be accessed: {error}",
            file.display()
        ))),
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
