//! Cutting a document down to some operations and what they use.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{
    document::{Failure, Result, elements, entries, escape, resolve},
    grammar, references,
};

/// Where an operation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub path: String,
    pub method: String,
}

impl Place {
    /// `POST /path`, as people write it.
    pub fn name(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), self.path)
    }

    pub fn pointer(&self) -> String {
        format!("/paths/{}/{}", escape(&self.path), self.method)
    }
}

/// Every operation of a document, by its id.
pub fn operations(document: &Value) -> Result<BTreeMap<String, Vec<Place>>> {
    let mut found: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    for (path, item) in entries(document.get("paths")) {
        let item = path_item(document, item)?;
        for method in grammar::methods() {
            let id = item.get(method).and_then(|o| o.get("operationId"));
            if let Some(id) = id.and_then(Value::as_str) {
                found.entry(id.into()).or_default().push(Place {
                    path: path.clone(),
                    method: method.into(),
                });
            }
        }
    }
    Ok(found)
}

/// The one place of an operation, `None` if it is not there.
pub fn place<'a>(
    operations: &'a BTreeMap<String, Vec<Place>>,
    id: &str,
) -> Result<Option<&'a Place>> {
    match operations.get(id).map_or(&[][..], Vec::as_slice) {
        [] => Ok(None),
        [place] => Ok(Some(place)),
        several => {
            let names: Vec<_> = several.iter().map(Place::name).collect();
            Err(format!(
                "operationId {id} is used more than once: {}",
                names.join(", ")
            )
            .into())
        }
    }
}

/// Why a document without any of the operations is refused: it is of another API, and
/// says nothing about ours.
pub fn none_of(wanted: &[String], document: &Value) -> Failure {
    let title = document.pointer("/info/title").and_then(Value::as_str);
    format!(
        "this has none of the operations {}; its title is {:?}. Take a release of Okta's \
         management API, such as management-minimal.yaml",
        wanted.join(", "),
        title.unwrap_or_default()
    )
    .into()
}

/// A path item, also if it is only referred to.
fn path_item<'a>(document: &'a Value, mut item: &'a Value) -> Result<&'a Value> {
    for _ in 0..8 {
        match item.get("$ref").and_then(Value::as_str) {
            Some(reference) => item = resolve(document, reference)?.1,
            None => return Ok(item),
        }
    }
    Err("the $ref of a path leads back to itself".into())
}

/// The document with these places only, and still all components.
pub fn keep(document: &Value, places: &[&Place]) -> Result<Value> {
    let mut kept = Map::new();
    for (path, item) in entries(document.get("paths")) {
        let methods: BTreeSet<&str> = places
            .iter()
            .filter(|place| place.path == *path)
            .map(|place| place.method.as_str())
            .collect();
        if methods.is_empty() {
            continue;
        }
        let mut item = path_item(document, item)?.clone();
        if let Some(item) = item.as_object_mut() {
            item.retain(|key, _| {
                !grammar::methods().any(|m| m == key) || methods.contains(key.as_str())
            });
        }
        kept.insert(path.clone(), item);
    }
    let mut result = Map::new();
    for (key, value) in entries(Some(document)) {
        if key != "paths" {
            result.insert(key.clone(), value.clone());
        }
    }
    result.insert("paths".into(), Value::Object(kept));
    Ok(Value::Object(result))
}

/// Drops the components and the OAuth scopes that nothing uses.
pub fn prune(document: &mut Value) -> Result<()> {
    let used = references::used(document)?;
    let scopes = scopes(document);
    let Some(components) = document
        .get_mut("components")
        .and_then(Value::as_object_mut)
    else {
        return Ok(());
    };
    for (section, members) in components.iter_mut() {
        let Some(members) = members.as_object_mut() else {
            continue;
        };
        members.retain(|name, _| {
            used.contains(&format!("/components/{}/{}", escape(section), escape(name)))
        });
        if section == "securitySchemes" {
            for (name, scheme) in members {
                let needed = scopes.get(name);
                keep_scopes(scheme, |scope| needed.is_some_and(|n| n.contains(scope)));
            }
        }
    }
    components.retain(|_, members| members.as_object().is_some_and(|m| !m.is_empty()));
    let is_empty = components.is_empty();
    if let Some(document) = document.as_object_mut()
        && is_empty
    {
        document.remove("components");
    }
    Ok(())
}

/// The scopes that the operations ask for, by security scheme.
fn scopes(document: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, item) in entries(document.get("paths")) {
        for operation in grammar::methods().filter_map(|method| item.get(method)) {
            for requirement in references::requirements(document, operation) {
                for (scheme, scopes) in entries(Some(requirement)) {
                    let scopes = elements(Some(scopes)).filter_map(Value::as_str);
                    let known = found.entry(scheme.clone()).or_default();
                    known.extend(scopes.map(String::from));
                }
            }
        }
    }
    found
}

fn keep_scopes(scheme: &mut Value, is_needed: impl Fn(&str) -> bool) {
    let flows = scheme.get_mut("flows").and_then(Value::as_object_mut);
    for (_, flow) in flows.into_iter().flatten() {
        if let Some(scopes) = flow.get_mut("scopes").and_then(Value::as_object_mut) {
            scopes.retain(|scope, _| is_needed(scope));
        }
    }
}
