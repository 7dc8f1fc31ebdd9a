//! Reading files: bounded, and with a warning if others can read a secret.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    path::Path,
};

use secrecy::SecretString;
use tracing::warn;

/// Far more than settings, keys and certificates take.
pub(super) const LONGEST: u64 = 1024 * 1024;

/// Reads a small text file. The error says what is wrong with it and names no
/// path, for what was taken for a path may be a secret.
pub(super) fn read(path: &Path) -> Result<(SecretString, Metadata), String> {
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let found = fs::metadata(path).map_err(unreadable)?;
    if !found.is_file() {
        return Err("cannot be read: it is not a file".to_owned());
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(LONGEST.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LONGEST {
        return Err("is refused: it is larger than 1 MiB".to_owned());
    }
    let text =
        String::from_utf8(bytes).map_err(|_| "is refused: it is not UTF-8 text".to_owned())?;
    Ok((text.into(), metadata))
}

fn unreadable(error: io::Error) -> String {
    format!("cannot be read: {error}")
}

/// Warns if other users of this machine can read `path` and it holds a secret,
/// or can change it and so say where secrets are sent.
pub(super) fn warn_if_exposed(path: &Path, metadata: &Metadata, holds_secret: bool) {
    if let Some(what) = exposed(metadata, holds_secret) {
        warn!(
            name: "okta_exposed_file",
            target: "okta_user_sessions",
            { okta.file = %path.display() },
            "other users can {what} this file, which is used for credentials; chmod 600 it"
        );
    }
}

#[cfg(unix)]
fn exposed(metadata: &Metadata, holds_secret: bool) -> Option<&'static str> {
    use std::os::unix::fs::PermissionsExt;

    let mode = metadata.permissions().mode();
    if mode & 0o022 != 0 {
        Some("change")
    } else if holds_secret && mode & 0o077 != 0 {
        Some("read")
    } else {
        None
    }
}

#[cfg(not(unix))]
fn exposed(_: &Metadata, _: bool) -> Option<&'static str> {
    None
}
