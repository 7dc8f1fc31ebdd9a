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
    /// A variable of Terraform's, which is read behind everything else.
    Terraform {
        name: &'static str,
        /// The org that Terraform's variables name.
        org: Option<Arc<str>>,
    },
    Code,
}

/// How much a source is trusted, the least trusted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trust {
    /// The file that the search upward found, written by the author of the project.
    Project,
    /// The user's own file.
    Home,
    /// The program, the text or path that it passes, and its environment.
    Program,
}

impl Source {
    pub(super) fn is_terraform(&self) -> bool {
        matches!(self, Self::Terraform { .. })
    }

    pub(super) fn trust(&self) -> Trust {
        match self {
            Self::File { trust, .. } => *trust,
            Self::Text { .. } | Self::Variable(_) | Self::Terraform { .. } | Self::Code => {
                Trust::Program
            }
        }
    }

    /// Resolves a path that this source contains.
    pub(super) fn resolve(&self, path: &str, home: Option<&Path>) -> PathBuf {
        if let (Some(rest), Some(home)) = (path.strip_prefix("~/"), home) {
            return home.join(rest);
        }
        match self {
            Self::File { path: file, .. } => match file.parent() {
                Some(folder) => folder.join(path),
                None => PathBuf::from(path),
            },
            Self::Text { .. } | Self::Variable(_) | Self::Terraform { .. } | Self::Code => {
                PathBuf::from(path)
            }
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
            Self::Terraform { name, .. } => write!(f, "{name}, a variable of Terraform"),
            Self::Code => f.write_str("set by the program"),
        }
    }
}
