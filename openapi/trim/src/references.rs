//! Which components are in use: every `$ref` and security requirement, followed to its
//! end.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    document::{Failure, Result, elements, entries, escape, resolve},
    grammar::{self, Kind},
};

/// Pointers of the components that the paths, and what these refer to, use.
///
/// Fails where a reference leads nowhere, or to what is neither a component nor
/// one of the paths.
pub fn used(document: &Value) -> Result<BTreeSet<String>> {
    let mut search = Search {
        document,
        used: BTreeSet::new(),
    };
    for (path, item) in entries(document.get("paths")) {
        search.walk(&format!("/paths/{}", escape(path)), Kind::PathItem, item)?;
    }
    Ok(search.used)
}

/// Pointers of the components that one operation uses.
pub fn used_by(document: &Value, pointer: &str) -> Result<BTreeSet<String>> {
    let mut search = Search {
        document,
        used: BTreeSet::new(),
    };
    if let Some(operation) = document.pointer(pointer) {
        search.walk(pointer, Kind::Operation, operation)?;
    }
    let item = pointer.rsplit_once('/').map_or("", |(item, _)| item);
    let shared = document.pointer(item).and_then(|v| v.get("parameters"));
    for parameter in elements(shared) {
        search.walk(item, Kind::Parameter, parameter)?;
    }
    Ok(search.used)
}

struct Search<'a> {
    document: &'a Value,
    used: BTreeSet<String>,
}

impl Search<'_> {
    fn walk(&mut self, at: &str, kind: Kind, value: &Value) -> Result<()> {
        if let Some(reference) = grammar::reference(kind, value) {
            return self.follow(at, kind, reference);
        }
        if kind == Kind::Operation {
            self.follow_security(at, value)?;
        }
        for (way, kind, child) in grammar::children(kind, value) {
            let way: String = way
                .iter()
                .map(|step| format!("/{}", escape(step)))
                .collect();
            self.walk(&format!("{at}{way}"), kind, child)?;
        }
        Ok(())
    }

    fn follow(&mut self, at: &str, kind: Kind, reference: &str) -> Result<()> {
        let (pointer, target) =
            resolve(self.document, reference).map_err(|e| e.within(format!("#{at}")))?;
        let mut steps = pointer.splitn(5, '/').skip(1);
        match (steps.next(), steps.next(), steps.next(), steps.next()) {
            (Some("components"), Some(section), Some(name), rest) => {
                // A component is kept as a whole, also if only a part is used.
                let component = format!("/components/{section}/{name}");
                let is_new = self.used.insert(component.clone());
                match section_kind(section) {
                    Some(whole) if is_new && rest.is_some() => {
                        let value = self.document.pointer(&component);
                        self.walk(&component, whole, value.unwrap_or(&Value::Null))
                    }
                    Some(_) if !is_new => Ok(()),
                    _ => self.walk(&pointer, kind, target),
                }
            }
            // Walked anyway, if that path is kept; else `resolve` has failed.
            (Some("paths"), ..) => Ok(()),
            _ => Err(Failure::from(format!(
                "#{at}: $ref {reference} leads to a place that is not kept; \
                 only components and the paths of kept operations are"
            ))),
        }
    }

    fn follow_security(&mut self, at: &str, operation: &Value) -> Result<()> {
        for scheme in requirements(self.document, operation).flat_map(|r| entries(Some(r))) {
            let reference = scheme_reference(scheme.0);
            // One release names schemes and declares none; see `undeclared`.
            if resolve(self.document, &reference).is_ok() {
                self.follow(&format!("{at}/security"), Kind::SecurityScheme, &reference)?;
            }
        }
        Ok(())
    }
}

fn section_kind(section: &str) -> Option<Kind> {
    match Kind::Components.child(section) {
        Some(grammar::Child::Each(kind)) => Some(kind),
        _ => None,
    }
}

fn scheme_reference(name: &str) -> String {
    format!("#/components/securitySchemes/{}", escape(name))
}

/// Security schemes that operations name and nothing declares.
pub fn undeclared(document: &Value) -> BTreeSet<String> {
    let items = entries(document.get("paths")).map(|(_, item)| item);
    items
        .flat_map(|item| grammar::methods().filter_map(|method| item.get(method)))
        .flat_map(|operation| requirements(document, operation))
        .flat_map(|requirement| entries(Some(requirement)))
        .filter(|(name, _)| resolve(document, &scheme_reference(name)).is_err())
        .map(|(name, _)| name.clone())
        .collect()
}

/// The security requirements of an operation: its own, or else the document's.
pub fn requirements<'a>(
    document: &'a Value,
    operation: &'a Value,
) -> impl Iterator<Item = &'a Value> {
    let own = operation.get("security");
    elements(own.or_else(|| document.get("security")))
}
