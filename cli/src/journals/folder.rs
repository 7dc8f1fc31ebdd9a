//! The journals of runs for which nobody named one, with what it takes to resume them.
//!
//! A run has two files, named by its time and org: `….jsonl`, its journal, and, until it is
//! finished, `….run.json`, its users, exclusions and options.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use etcetera::BaseStrategy;
use okta_user_sessions::options::RevokeUserSessionsOptions;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

/// What a run is made of.
#[derive(Debug, Serialize, Deserialize)]
pub struct SavedRun {
    pub org: String,
    pub options: RevokeUserSessionsOptions,
    pub ids: Vec<String>,
    pub exclude: Vec<String>,
}

/// The files of a run in the folder.
#[derive(Debug)]
pub struct Kept {
    pub journal: PathBuf,
    saved: PathBuf,
}

/// The folder, which may not exist yet.
#[derive(Debug)]
pub struct Folder(PathBuf);

const SAVED: &str = ".run.json";

impl Folder {
    /// That of the user: `~/.local/state/okta-sessions`, or what the platform has.
    pub fn of_user() -> Result<Self, String> {
        let base = etcetera::choose_base_strategy().map_err(|error| {
            format!("there is no folder for the journal ({error}); name a file with --journal, or give --no-journal")
        })?;
        let state = base.state_dir().unwrap_or_else(|| base.data_dir());
        Ok(Self(state.join("okta-sessions")))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Saves a run, so that it can be resumed.
    pub fn save(&self, run: &SavedRun) -> Result<Kept, String> {
        self.create().and_then(|()| self.save_new(run)).map_err(|error| {
            format!(
                "the journal cannot be kept in {}: {error}; name a file with --journal, or give --no-journal",
                self.0.display()
            )
        })
    }

    /// The newest run of the org that is not finished.
    pub fn newest(&self, org: &str) -> Result<(Kept, SavedRun), String> {
        let none = || format!("there is no run of {org} to resume in {}", self.0.display());
        let folder = fs::metadata(&self.0).map_err(|_| none())?;
        private(&folder).map_err(|problem| format!("{}: {problem}", self.0.display()))?;
        let entries = fs::read_dir(&self.0).map_err(|_| none())?;
        let mut saved: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with(SAVED))
            .collect();
        // Their names begin with the time.
        saved.sort();
        for path in saved.into_iter().rev() {
            let problem = |problem: String| format!("{}: {problem}", path.display());
            let run = read(&path).map_err(problem)?;
            if run.org == org {
                return Ok((Kept::at(path), run));
            }
        }
        Err(none())
    }

    fn create(&self) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.0)?;
        private(&fs::metadata(&self.0)?)
    }

    fn save_new(&self, run: &SavedRun) -> io::Result<Kept> {
        let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let host = run.org.rsplit('/').next().unwrap_or_default();
        let name = format!("{time}-{host}").replace(':', "-");
        let path = self.0.join(name + SAVED);
        // Only its owner can read it. A part of it would keep every other run from being
        // resumed, so it appears whole or not at all.
        let mut file = NamedTempFile::new_in(&self.0)?;
        file.write_all(&serde_json::to_vec(run)?)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(&path)?;
        #[cfg(unix)]
        File::open(&self.0)?.sync_all()?;
        Ok(Kept::at(path))
    }
}

impl Kept {
    fn at(saved: PathBuf) -> Self {
        let name = saved.to_string_lossy();
        let name = name.strip_suffix(SAVED).unwrap_or(&name);
        Self {
            journal: PathBuf::from(format!("{name}.jsonl")),
            saved,
        }
    }

    /// Records that nothing is left to do. The journal stays.
    pub fn finished(&self) -> io::Result<()> {
        fs::remove_file(&self.saved)
    }
}

fn read(path: &Path) -> Result<SavedRun, String> {
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().and_then(|metadata| private(&metadata));
    metadata.map_err(|error| error.to_string())?;
    let mut text = String::new();
    io::Read::read_to_string(&mut file, &mut text).map_err(|error| error.to_string())?;
    serde_json::from_str(&text)
        .map_err(|error| format!("it is not a saved run ({error}); remove it if it is not needed"))
}

/// Others could take users off the list, or put them on it.
#[cfg(unix)]
fn private(metadata: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;

    let user = rustix::process::geteuid().as_raw();
    match who_can_change(metadata.mode(), metadata.uid(), user) {
        None => Ok(()),
        Some(problem) => Err(io::Error::other(problem)),
    }
}

#[cfg(unix)]
fn who_can_change(mode: u32, owner: u32, user: u32) -> Option<String> {
    const ROOT: u32 = 0;
    if mode & 0o022 != 0 {
        let problem = "other users can change it; take their permission away (chmod go-w)";
        return Some(problem.into());
    }
    let trusted = owner == user || owner == ROOT;
    (!trusted).then(|| {
        format!(
            "it belongs to user {owner}, who can change it; if you trust what is in it, make it yours (chown {user})"
        )
    })
}

#[cfg(not(unix))]
fn private(_: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::who_can_change;

    #[test]
    fn only_files_that_the_user_or_root_alone_can_change_are_resumed() {
        const USER: u32 = 1000;
        for (mode, owner, trusted) in [
            (0o100_600, USER, true),
            (0o100_644, 0, true),
            (0o100_644, 1001, false),
            (0o100_620, USER, false),
            (0o100_602, 0, false),
        ] {
            let problem = who_can_change(mode, owner, USER);
            assert_eq!(problem.is_none(), trusted, "{mode:o} {owner}: {problem:?}");
        }
    }
}
