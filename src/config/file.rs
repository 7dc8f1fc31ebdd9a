//! Reads files up to a limit, and only if nobody else can write them. Warns if others can
//! read a secret.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    path::Path,
};

use secrecy::SecretString;
use tracing::warn;

use crate::trusted_file;

/// In bytes; far more than settings, keys and certificates take.
pub(super) const MAX_LENGTH: u64 = 1024 * 1024;

/// Reads a small text file. The error says what is wrong with it, but does not name the
/// path, which may be a misplaced secret.
pub(super) fn read(path: &Path) -> Result<(SecretString, Metadata), String> {
    // Checked before it is opened: opening a pipe would block until it has a writer.
    let found = fs::metadata(path).map_err(unreadable)?;
    if !found.is_file() {
        return Err("cannot be read: it is not a regular file".to_owned());
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    trusted_file::check(path, &metadata).map_err(|why| format!("is not trusted: {why}"))?;
    let mut bytes = Vec::new();
    file.take(MAX_LENGTH.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_LENGTH {
        return Err("is invalid: it is larger than 1 MiB".to_owned());
    }
    let text =
        String::from_utf8(bytes).map_err(|_| "is invalid: it is not UTF-8 text".to_owned())?;
    Ok((text.into(), metadata))
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
