//! `upstream.toml`: which release the specification was cut from, and how.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::document::Result;

const HEADER: &str = "\
# Which release of okta/okta-management-openapi-spec (folder dist) user-sessions.yaml
# was cut from. `cargo spec trim` writes this file and reads `operations` from it;
# that is the one line to edit by hand. `cargo spec check` compares the hashes.

";

/// The file as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The ids of the operations to keep.
    pub operations: Vec<String>,
    /// Missing before the first trim.
    pub upstream: Option<Upstream>,
    pub trimmed: Option<Trimmed>,
    /// Operations that upstream no longer has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pinned: BTreeMap<String, Pinned>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    pub release: String,
    pub file: String,
    /// `info.version`, which does not follow the releases.
    pub version: String,
    pub sha256: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trimmed {
    /// Of user-sessions.yaml.
    pub sha256: String,
    /// Of overlay.yaml.
    pub overlay_sha256: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// The release whose definition is kept.
    pub from: String,
    /// The first release, of those trimmed, without the operation. An earlier one may
    /// lack it too.
    pub first_seen_without: String,
}

impl Record {
    pub fn read(text: &str) -> Result<Self> {
        let record: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        if record.operations.is_empty() {
            return Err("`operations` is empty: name the operations to keep".into());
        }
        Ok(record)
    }

    pub fn write(&self) -> Result<String> {
        let body = toml::to_string(self).map_err(|e| e.to_string())?;
        Ok(format!("{HEADER}{body}"))
    }
}

/// The SHA-256 of a text, in hexadecimal.
pub fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether this is how Okta names its releases: `2025.08.0`.
pub fn is_release(name: &str) -> bool {
    let parts: Vec<_> = name.split('.').map(str::len).collect();
    matches!(parts[..], [4, 2, 1 | 2]) && name.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// The release that a file name starts with, like `2025.08.0-management.yaml`.
pub fn release_in(file: &str) -> Option<&str> {
    let end = file
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(file.len());
    let release = file.get(..end)?.trim_end_matches('.');
    (release.matches('.').count() == 2).then_some(release)
}
