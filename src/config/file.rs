//! Reads files up to a limit, and only if nobody else can write them. Tells settings files
//! from other programs' files of that name. Warns if others can read a secret.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _},
    path::Path,
};

use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use tracing::warn;

use super::yaml::{self, Contents, Owner};
use crate::trusted_file;

/// In bytes; far more than settings, keys and certificates take.
pub(super) const MAX_LENGTH: u64 = 1024 * 1024;

/// Reads a small text file with a key or certificates. The error says what is wrong with
/// it, but does not name the path, which may be a misplaced secret.
pub(super) fn read(path: &Path) -> Result<(SecretString, Metadata), String> {
    let read = open(path)?;
    trusted_file::check(path, &read.metadata).map_err(|why| format!("is not trusted: {why}"))?;
    Ok((read.text()?, read.metadata))
}

/// A file called `okta.yaml`, which may be another program's.
pub(super) enum SettingsFile {
    Ours(Box<(Contents, Metadata)>),
    /// Another program's, or unreadable, for this reason.
    PassedOver(String),
    /// Ours, but it must not or cannot be used, for this reason.
    Refused(String),
}

/// Reads a settings file.
pub(super) fn settings(path: &Path) -> SettingsFile {
    let read = match open(path) {
        Ok(read) => read,
        Err(reason) => return SettingsFile::PassedOver(reason),
    };
    let contents = match read.text() {
        Ok(text) => yaml::read(text.expose_secret()),
        Err(reason) if yaml::mentions_okta(&String::from_utf8_lossy(&read.bytes)) => {
            return SettingsFile::Refused(reason);
        }
        Err(reason) => return SettingsFile::PassedOver(reason),
    };
    match &contents.belongs_to {
        Owner::Another(reason) => return SettingsFile::PassedOver(reason.clone().into_owned()),
        Owner::Nobody if !contents.faults.is_empty() => {
            return SettingsFile::PassedOver(yaml::NO_CLIENT.to_owned());
        }
        Owner::Nobody | Owner::Us => {}
    }
    // Not before it is known to be ours: anybody may have a file of this name.
    match trusted_file::check(path, &read.metadata) {
        Ok(()) => SettingsFile::Ours(Box::new((contents, read.metadata))),
        Err(why) => SettingsFile::Refused(format!("is not trusted: {why}")),
    }
}

/// What was read of a file: all of it, or a little more than [`MAX_LENGTH`].
struct Read {
    bytes: Zeroizing<Vec<u8>>,
    metadata: Metadata,
}

fn open(path: &Path) -> Result<Read, String> {
    // Checked before it is opened: opening a pipe would block until it has a writer.
    let found = fs::metadata(path).map_err(unreadable)?;
    if !found.is_file() {
        return Err("cannot be read: it is not a regular file".to_owned());
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_LENGTH.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(Read { bytes, metadata })
}

impl Read {
    /// Editors on Windows begin a file with a byte order mark, which is not part of the text.
    fn text(&self) -> Result<SecretString, String> {
        if u64::try_from(self.bytes.len()).unwrap_or(u64::MAX) > MAX_LENGTH {
            return Err("is invalid: it is larger than 1 MiB".to_owned());
        }
        let is_utf16 =
            self.bytes.starts_with(&[0xff, 0xfe]) || self.bytes.starts_with(&[0xfe, 0xff]);
        if is_utf16 {
            return Err("is invalid: it is UTF-16, not UTF-8 text; save it as UTF-8".to_owned());
        }
        let text = str::from_utf8(&self.bytes)
            .map_err(|_| "is invalid: it is not UTF-8 text".to_owned())?;
        Ok(text.strip_prefix('\u{feff}').unwrap_or(text).into())
    }
}

fn unreadable(error: io::Error) -> String {
    format!("cannot be read: {error}")
}

/// Warns if `path` holds a secret and other users of this machine can read it.
pub(super) fn warn_if_exposed(path: &Path, metadata: &Metadata, holds_secret: bool) {
    if holds_secret && is_exposed(metadata) {
        warn!(
            name: "okta_exposed_file",
            target: "okta_user_sessions",
            { okta.file = %path.display() },
            "other users can read this file, which holds a credential; chmod 600 it"
        );
    }
}

#[cfg(unix)]
fn is_exposed(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;

    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_exposed(_: &Metadata) -> bool {
    false
}
