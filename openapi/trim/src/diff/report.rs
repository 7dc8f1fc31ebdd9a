//! What a comparison found, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// How much a change matters to those who call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Only words changed.
    Documentation,
    /// What worked before works on.
    Compatible,
    /// Something that worked before may not.
    Breaking,
}

impl Class {
    pub fn name(self) -> &'static str {
        match self {
            Self::Documentation => "documentation",
            Self::Compatible => "compatible",
            Self::Breaking => "breaking",
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub class: Class,
    /// What changed and how, in words.
    pub what: String,
    /// Where: in the new document, or in the old one if it is gone.
    pub path: String,
    pub old: Option<Value>,
    pub new: Option<Value>,
}

/// All changes, the worst first.
#[derive(Debug)]
pub struct Report {
    pub changes: Vec<Change>,
    /// What was compared, and what could not be.
    pub old_version: String,
    pub new_version: String,
    pub notes: Vec<String>,
}

impl Report {
    /// Sorts, and leaves one of what was found twice: a schema that is both sent
    /// and received is compared both ways.
    pub fn tidy(&mut self) {
        self.changes
            .sort_by(|a, b| (b.class, &a.path, &a.what).cmp(&(a.class, &b.path, &b.what)));
        let mut kept: Vec<Change> = Vec::new();
        for change in self.changes.drain(..) {
            let same = |k: &Change| k.path == change.path && k.what == change.what;
            if !kept.iter().any(same) {
                kept.push(change);
            }
        }
        self.changes = kept;
    }

    fn worst(&self) -> Option<Class> {
        self.changes.iter().map(|change| change.class).max()
    }

    /// The exit status: which class was worst.
    pub fn status(&self) -> u8 {
        match self.worst() {
            None => 0,
            Some(Class::Documentation) => 10,
            Some(Class::Compatible) => 11,
            Some(Class::Breaking) => 12,
        }
    }

    pub fn text(&self) -> String {
        let mut text = format!("From {} to {}:", self.old_version, self.new_version);
        if self.changes.is_empty() {
            text.push_str(" nothing changed for our operations");
        }
        text.push('\n');
        for change in &self.changes {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{:<14}{}", change.class.name(), change.what);
            if let (Some(old), Some(new)) = (&change.old, &change.new) {
                let _ = writeln!(text, "{:14}from {old} to {new}", "");
            }
            let _ = writeln!(text, "{:14}at {}", "", change.path);
        }
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        text
    }

    pub fn json(&self) -> String {
        let changes: Vec<Value> = self
            .changes
            .iter()
            .map(|change| {
                let mut object = json!({
                    "class": change.class.name(),
                    "what": change.what,
                    "path": change.path,
                });
                for (name, value) in [("old", &change.old), ("new", &change.new)] {
                    if let Some(value) = value {
                        object[name] = value.clone();
                    }
                }
                object
            })
            .collect();
        let report = json!({
            "old": self.old_version,
            "new": self.new_version,
            "worst": self.worst().map(Class::name),
            "changes": changes,
            "notes": self.notes,
        });
        format!("{report:#}")
    }
}
