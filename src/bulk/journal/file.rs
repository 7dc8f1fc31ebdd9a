//! The file of a journal: trusted, locked, and synced with its directory.

use std::{
    fmt,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::writer::JournalSink;
use crate::{Effect, Error, ErrorKind, trusted_file};

/// Opening a pipe or a terminal would block, and there is nothing in it to resume.
pub(super) fn refuse_non_file(path: &Path) -> Result<(), Error> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(refused(path, "it is not a regular file")),
        // Other problems show when it is opened.
        _ => Ok(()),
    }
}

/// Anyone who can write a journal can decide which users the run skips.
pub(super) fn refuse_untrusted(path: &Path, file: &File) -> Result<(), Error> {
    let opened = file
        .metadata()
        .map_err(|error| failed(path, "cannot be examined", error))?;
    trusted_file::check(path, &opened).map_err(|reason| refused(path, reason))
}

pub(super) fn refused(path: &Path, reason: impl fmt::Display) -> Error {
    Error::invalid(format!("the journal {path:?} is refused: {reason}"))
}

pub(super) fn failed(path: &Path, what: &str, error: io::Error) -> Error {
    let text = format!("the journal {path:?} {what}: {error}");
    Error::new(ErrorKind::Journal, Effect::None, text).with_source(error)
}

/// A file that no other run can open.
pub(super) struct LockedFile {
    pub(super) file: File,
    /// The path, until the file's name in its directory is synced.
    unsynced_name: Option<PathBuf>,
}

impl LockedFile {
    /// Opens a file, or creates it.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let mut existing = OpenOptions::new();
        // Not `append`: Windows would then not allow truncating the file.
        existing.read(true).write(true);
        let mut new = existing.clone();
        // A dangling link is not followed: it may be another user's.
        new.create_new(true);
        // The file holds the ids of people.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
        let is = |kind| move |error: &io::Error| error.kind() == kind;
        let mut file = existing.open(path);
        if file.as_ref().is_err_and(is(io::ErrorKind::NotFound)) {
            file = new.open(path);
        }
        if file.as_ref().is_err_and(is(io::ErrorKind::AlreadyExists)) {
            // Another run has just created it.
            file = existing.open(path);
        }
        let file = file.map_err(|error| failed(path, "cannot be opened", error))?;
        refuse_untrusted(path, &file)?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                file,
                unsynced_name: Some(path.to_owned()),
            }),
            Err(TryLockError::WouldBlock) => Err(Error::invalid(format!(
                "the journal {path:?} is in use by another run; wait for it, or name another file"
            ))),
            Err(TryLockError::Error(error)) => Err(failed(path, "cannot be locked", error)),
        }
    }
}

impl Drop for LockedFile {
    /// Unlocks explicitly: a child process being spawned elsewhere may briefly hold a
    /// duplicate of the descriptor, so closing the file would not release the lock.
    fn drop(&mut self) {
        // If it fails, closing the file is the fallback.
        let _ = self.file.unlock();
    }
}

impl JournalSink for LockedFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        if is_deleted(&self.file)? {
            // Nobody could resume from it.
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "it was deleted while the run was writing it",
            ));
        }
        if let Some(path) = &self.unsynced_name {
            sync_directory(path)?;
            self.unsynced_name = None;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn is_deleted(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    Ok(file.metadata()?.nlink() == 0)
}

/// Windows does not delete a file that is open.
#[cfg(not(unix))]
fn is_deleted(_: &File) -> io::Result<bool> {
    Ok(false)
}

/// Syncs the directory of the file itself, even if `path` is a link: a new file's name is
/// on disk only when its directory is.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    match fs::canonicalize(path)?.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}
