//! The `openapi` folder of the repository: the only place that is written to.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use similar::TextDiff;

use crate::{
    document::{Failure, Result, parse, read},
    record::{Record, Upstream, sha256},
    trim::{Input, Output, trim},
};

const SPECIFICATION: &str = "user-sessions.yaml";
const OVERLAY: &str = "overlay.yaml";
const RECORD: &str = "upstream.toml";

pub struct Folder(PathBuf);

impl Folder {
    /// The folder given, or the one of the repository that we are in.
    pub fn find(given: Option<PathBuf>) -> Result<Self> {
        if let Some(given) = given {
            return Ok(Self(given));
        }
        let here = env::current_dir().map_err(|e| format!("the current directory: {e}"))?;
        here.ancestors()
            .map(|above| above.join("openapi"))
            .find(|folder| folder.join(RECORD).is_file())
            .map(Self)
            .ok_or_else(|| {
                format!("no openapi/{RECORD} here or above; name the folder with --openapi").into()
            })
    }

    pub fn record(&self) -> Result<Record> {
        let path = self.0.join(RECORD);
        Record::read(&read(&path)?).map_err(|e| e.within(path.display()))
    }

    /// Writes both files, or neither. Returns what a person should know.
    pub fn trim(
        &self,
        upstream: &Path,
        release: Option<&str>,
        keep_pinned: &[String],
    ) -> Result<Vec<String>> {
        let record = self.record()?;
        let made = self.make(upstream, release, &record, keep_pinned)?;
        self.write(SPECIFICATION, &made.specification)?;
        self.write(RECORD, &made.record)?;
        Ok(made.notes)
    }

    /// Fails if a trim would write something else.
    pub fn check(&self, upstream: Option<&Path>) -> Result<()> {
        let record = self.record()?;
        self.check_hashes(&record)?;
        let Some(upstream) = upstream else {
            return Ok(());
        };
        let release = recorded_release(&record, upstream)?;
        let made = self.make(upstream, release, &record, &[])?;
        let mut differences = String::new();
        for (name, made) in [(SPECIFICATION, &made.specification), (RECORD, &made.record)] {
            let is = read(&self.0.join(name))?;
            let difference = TextDiff::from_lines(&is, made)
                .unified_diff()
                .header(
                    name,
                    &format!("{name} as trimmed from {}", upstream.display()),
                )
                .to_string();
            differences.push_str(&difference);
        }
        if differences.is_empty() {
            return Ok(());
        }
        Err(format!(
            "{differences}\n`cargo spec trim {}` would write something else",
            upstream.display()
        )
        .into())
    }

    fn check_hashes(&self, record: &Record) -> Result<()> {
        let Some(trimmed) = &record.trimmed else {
            return Err(format!("{RECORD} has no hashes yet; run `cargo spec trim`").into());
        };
        let advice = "Do not edit it: change overlay.yaml, then run `cargo spec trim` \
                      with the release that upstream.toml names";
        let specification = read(&self.0.join(SPECIFICATION))?;
        if sha256(&specification) != trimmed.sha256 {
            return Err(format!("{SPECIFICATION} is not what was trimmed. {advice}").into());
        }
        if sha256(&read(&self.0.join(OVERLAY))?) != trimmed.overlay_sha256 {
            return Err(format!(
                "{OVERLAY} has changed since {SPECIFICATION} was trimmed. \
                 Run `cargo spec trim` with the release that {RECORD} names"
            )
            .into());
        }
        let document = parse(&specification)?;
        let mut given: Vec<_> = crate::cut::operations(&document)?.into_keys().collect();
        let mut wanted = record.operations.clone();
        given.sort();
        wanted.sort();
        if given != wanted {
            return Err(format!(
                "{SPECIFICATION} has the operations {}, {RECORD} names {}. Run `cargo spec trim`",
                given.join(", "),
                wanted.join(", ")
            )
            .into());
        }
        Ok(())
    }

    fn make(
        &self,
        upstream: &Path,
        release: Option<&str>,
        record: &Record,
        keep_pinned: &[String],
    ) -> Result<Output> {
        let current = self.0.join(SPECIFICATION);
        let current = current.is_file().then(|| read(&current)).transpose()?;
        trim(&Input {
            upstream: &read(upstream)?,
            file: file_name(upstream)?,
            release,
            overlay: &read(&self.0.join(OVERLAY))?,
            record,
            current: current.as_deref(),
            keep_pinned,
        })
    }

    /// Through a file beside it, so that an interrupted run leaves no half of it.
    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.0.join(name);
        let beside = self.0.join(format!(".{name}.new"));
        fs::write(&beside, text)
            .and_then(|()| fs::rename(&beside, &path))
            .map_err(|e| Failure::from(format!("{}: {e}", path.display())))
    }
}

fn file_name(path: &Path) -> Result<&str> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.ok_or_else(|| format!("{} has no readable file name", path.display()).into())
}

/// The release recorded for this very file, if it is the one last trimmed.
fn recorded_release<'a>(record: &'a Record, upstream: &Path) -> Result<Option<&'a str>> {
    let hash = sha256(&read(upstream)?);
    let same = |known: &&Upstream| known.sha256 == hash;
    Ok(record
        .upstream
        .as_ref()
        .filter(same)
        .map(|known| known.release.as_str()))
}
