//! What changed between two releases, for our operations.
//!
//! Compares what a client sends and receives, after following every `$ref`:
//! where a definition is written down does not matter, but for schemas, whose
//! names become types. Extensions (`x-`) are not compared.

mod node;
mod operation;
mod report;
mod schema;
mod security;
mod variants;

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use crate::{
    cut::{self, Place},
    document::{Result, version},
    grammar::{Child, Kind},
    pin, references,
};
use node::Node;
pub use report::{Change, Class, Report};

/// Compares two documents for these operations.
pub fn compare(old: &Value, new: &Value, operations: &[String]) -> Result<Report> {
    let mut comparison = Comparison {
        report: Report {
            changes: Vec::new(),
            old_version: version(old),
            new_version: version(new),
            notes: Vec::new(),
        },
        seen: HashSet::new(),
    };
    let in_old = |e: crate::document::Failure| e.within("the old document");
    let in_new = |e: crate::document::Failure| e.within("the new document");
    let old_places = cut::operations(old).map_err(in_old)?;
    let new_places = cut::operations(new).map_err(in_new)?;
    let mut pairs: [Vec<&Place>; 2] = [Vec::new(), Vec::new()];
    for id in operations {
        let places = (
            cut::place(&old_places, id).map_err(in_old)?,
            cut::place(&new_places, id).map_err(in_new)?,
        );
        pairs[0].extend(places.0);
        pairs[1].extend(places.1);
        match places {
            (None, None) => comparison
                .report
                .notes
                .push(format!("{id} is in neither document")),
            (None, Some(place)) => comparison.add(
                Class::Compatible,
                format!("operation {id} added ({})", place.name()),
                place.pointer(),
            ),
            (Some(place), None) => {
                let left = pin::left_behind(old, place, new).map_err(in_old)?;
                let left = match left[..] {
                    [] => String::new(),
                    _ => format!("; left behind, unused: {}", left.join(", ")),
                };
                let what = format!("operation {id} removed ({}){left}", place.name());
                comparison.add(Class::Breaking, what, place.pointer());
            }
            (Some(was), Some(is)) => comparison.operation(id, (old, was), (new, is))?,
        }
    }
    let old = cut::keep(old, &pairs[0])?;
    let new = cut::keep(new, &pairs[1])?;
    let old_used = references::used(&old).map_err(in_old)?;
    let new_used = references::used(&new).map_err(in_new)?;
    comparison.schemas(&old_used, &new_used, &new);
    comparison.schemes((&old, &old_used), (&new, &new_used));
    for (which, document) in [("old", &old), ("new", &new)] {
        for scheme in references::undeclared(document) {
            let note =
                format!("the {which} document does not declare the security scheme {scheme}");
            comparison.report.notes.push(note);
        }
    }
    comparison.report.tidy();
    Ok(comparison.report)
}

/// The changes so far.
struct Comparison {
    report: Report,
    /// Schemas that were compared, or are being compared: they may be recursive.
    seen: HashSet<(String, String, schema::Way)>,
}

impl Comparison {
    fn add(&mut self, class: Class, what: String, pointer: String) {
        self.change(class, what, &pointer, None, None);
    }

    fn change(
        &mut self,
        class: Class,
        what: String,
        pointer: &str,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        self.report.changes.push(Change {
            class,
            what,
            path: format!("#{pointer}"),
            old: old.cloned(),
            new: new.cloned(),
        });
    }

    /// A field that is there in one, in the other, or in both and different.
    fn field(&mut self, class: Class, subject: &str, key: &str, old: &Node, new: &Node) {
        let (was, is) = (old.get(key), new.get(key));
        let (how, pointer) = match (&was, &is) {
            (None, None) => return,
            (Some(was), Some(is)) if was.value == is.value => return,
            (None, Some(is)) => ("added", &is.pointer),
            (Some(was), None) => ("removed", &was.pointer),
            (Some(_), Some(is)) => ("changed", &is.pointer),
        };
        let (old, new) = (was.as_ref().map(|n| n.value), is.as_ref().map(|n| n.value));
        self.change(class, format!("{subject}: {key} {how}"), pointer, old, new);
    }

    /// What is said about two nodes of a kind.
    fn prose(&mut self, kind: Kind, subject: &str, old: &Node, new: &Node) {
        for (key, child) in kind.fields() {
            if matches!(child, Child::Prose | Child::Words) {
                self.field(Class::Documentation, subject, key, old, new);
            }
        }
    }

    /// Schemas that our operations began to use, or that are gone.
    fn schemas(&mut self, old: &BTreeSet<String>, new: &BTreeSet<String>, document: &Value) {
        let name = |pointer: &str| {
            pointer
                .strip_prefix("/components/schemas/")
                .map(String::from)
        };
        for pointer in new.difference(old) {
            if let Some(name) = name(pointer) {
                let what = format!("schema {name} added to what our operations use");
                self.add(Class::Compatible, what, pointer.clone());
            }
        }
        for pointer in old.difference(new) {
            // What is still declared, an operation has left behind.
            if let Some(name) = name(pointer)
                && document.pointer(pointer).is_none()
            {
                self.add(
                    Class::Breaking,
                    format!("schema {name} removed"),
                    pointer.clone(),
                );
            }
        }
    }
}
