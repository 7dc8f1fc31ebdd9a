//! The report's file. It appears whole, or not at all.

use std::{
    ffi::OsStr,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

/// Checks that the report can be written, and overwrites none of the run's own files.
pub fn check(report: &Path, own_files: &[&Path]) -> Result<(), String> {
    let place = |problem: String| format!("the report {}: {problem}", report.display());
    if own_files.iter().any(|file| is_same_file(report, file)) {
        return Err(place(
            "the run needs this file for something else; name another file".into(),
        ));
    }
    let writable = match Target::of(report) {
        Target::File(path) => NamedTempFile::new_in(folder(&path)).map(drop),
        Target::Other => OpenOptions::new().append(true).open(report).map(drop),
    };
    writable.map_err(|error| place(error.to_string()))
}

/// Writes a temporary file that only its owner can read, and renames it.
pub fn write(report: &Path, text: &str) -> io::Result<()> {
    match Target::of(report) {
        Target::File(path) => {
            let mut file = NamedTempFile::new_in(folder(&path))?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        }
        Target::Other => fs::write(report, text),
    }
}

enum Target {
    /// A file that exists, or not yet.
    File(PathBuf),
    /// A pipe or a device, which cannot be replaced.
    Other,
}

impl Target {
    fn of(report: &Path) -> Self {
        match fs::metadata(report) {
            Ok(metadata) if !metadata.is_file() => Target::Other,
            // What a link leads to is replaced, not the link.
            _ => Target::File(fs::canonicalize(report).unwrap_or_else(|_| report.to_owned())),
        }
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether both are the same file, even by different names and links.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let other = if other.as_os_str() == "-" {
        Path::new("/dev/stdin")
    } else {
        other
    };
    let is = |same: Option<bool>| same == Some(true);
    is(identity(one).map(|one| identity(other) == Some(one)))
        || is(place(one).map(|one| place(other) == Some(one)))
}

/// Where a file is or would be, if there is none yet.
fn place(file: &Path) -> Option<(PathBuf, &OsStr)> {
    Some((fs::canonicalize(folder(file)).ok()?, file.file_name()?))
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;

    let file = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}
