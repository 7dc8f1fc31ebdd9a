//! Where a value came from.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::setting::Setting;
use crate::Error;

/// Where a value came from.
#[derive(Clone)]
pub(super) enum Source {
    File {
        path: Arc<Path>,
        line: u64,
        trust: Trust,
    },
    /// Text that the program itself read.
    Text {
        line: u64,
    },
    Variable(String),
    Code,
}

/// How far a source is trusted, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trust {
    /// The file that a search upward found: written by whoever wrote the project.
    Project,
    /// The user's own file.
    Home,
    /// The program, what it was given as text or named by path, and its environment.
    Program,
}

impl Source {
    pub(super) fn trust(&self) -> Trust {
        match self {
            Self::File { trust, .. } => *trust,
            Self::Text { .. } | Self::Variable(_) | Self::Code => Trust::Program,
        }
    }

    /// What `path` means, if it stood there.
    pub(super) fn resolve(&self, path: &str, home: Option<&Path>) -> PathBuf {
        if let (Some(rest), Some(home)) = (path.strip_prefix("~/"), home) {
            return home.join(rest);
        }
        match self {
            Self::File { path: file, .. } => match file.parent() {
                Some(folder) => folder.join(path),
                None => PathBuf::from(path),
            },
            Self::Text { .. } | Self::Variable(_) | Self::Code => PathBuf::from(path),
        }
    }

    /// The error that a setting's value is invalid, and why.
    pub(super) fn refuse(&self, key: Setting, reason: impl fmt::Display) -> Error {
        Error::invalid(format!("{self}: {} {reason}", key.path()))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, .. } => write!(f, "{} line {line}", path.display()),
            Self::Text { line } => write!(f, "line {line}"),
            Self::Variable(name) => f.write_str(name),
            Self::Code => f.write_str("set by the program"),
        }
    }
}
