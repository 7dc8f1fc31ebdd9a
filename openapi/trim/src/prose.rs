//! Dropping what is not ours: upstream's wording, examples and extensions.

use serde_json::Value;

use crate::{
    cut,
    document::{entries, escape, resolve},
    grammar::{self, Child, Kind},
};

/// Drops prose, examples, extensions, what stands beside a `$ref` (OpenAPI 3.0
/// ignores it) and links to operations that are gone.
pub fn strip(document: &mut Value) {
    let links = dangling_links(document);
    strip_object(Kind::Document, document, &links);
}

fn strip_object(kind: Kind, value: &mut Value, dangling: &[Value]) {
    let refers = grammar::reference(kind, value).is_some() && kind != Kind::PathItem;
    let Value::Object(object) = value else {
        return;
    };
    if refers {
        object.retain(|key, _| key == "$ref");
        return;
    }
    object.retain(|key, _| !kind.is_extension(key) && kind.child(key) != Some(Child::Prose));
    if kind == Kind::Response
        && let Some(links) = object.get_mut("links").and_then(Value::as_object_mut)
    {
        links.retain(|_, link| !dangling.contains(link));
    }
    for (key, value) in object.iter_mut() {
        match kind.child(key) {
            Some(Child::One(kind)) => strip_object(kind, value, dangling),
            Some(Child::Each(kind)) => match value {
                Value::Object(map) => {
                    map.values_mut()
                        .for_each(|v| strip_object(kind, v, dangling));
                }
                Value::Array(list) => list
                    .iter_mut()
                    .for_each(|v| strip_object(kind, v, dangling)),
                _ => {}
            },
            Some(Child::Words) => *value = Value::String(String::new()),
            Some(Child::Prose) | None => {}
        }
    }
}

/// The links that lead to an operation which the document does not have.
fn dangling_links(document: &Value) -> Vec<Value> {
    // A document with two operations of one id fails elsewhere, with a message.
    let known = cut::operations(document).unwrap_or_default();
    let is_gone = |link: &Value| {
        let target = match link.get("$ref").and_then(Value::as_str) {
            Some(reference) => match resolve(document, reference) {
                Ok((_, target)) => target,
                Err(_) => return false,
            },
            None => link,
        };
        let by_id = target.get("operationId").and_then(Value::as_str);
        let by_reference = target.get("operationRef").and_then(Value::as_str);
        by_id.is_some_and(|id| !known.contains_key(id))
            || by_reference.is_some_and(|r| resolve(document, r).is_err())
    };
    let mut found = Vec::new();
    collect(Kind::Document, document, &mut |kind, value| {
        if kind == Kind::Link && is_gone(value) {
            found.push(value.clone());
        }
    });
    found
}

fn collect<'a>(kind: Kind, value: &'a Value, visit: &mut impl FnMut(Kind, &'a Value)) {
    visit(kind, value);
    for (_, kind, child) in grammar::children(kind, value) {
        collect(kind, child, visit);
    }
}

/// Pointers of what a reader of the generated code will find no words for.
pub fn without_words(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    look("", Kind::Document, document, &mut found);
    found
}

fn look(at: &str, kind: Kind, value: &Value, found: &mut Vec<String>) {
    if grammar::reference(kind, value).is_some() {
        return;
    }
    let is_empty = |key| {
        value
            .get(key)
            .and_then(Value::as_str)
            .is_none_or(str::is_empty)
    };
    let lacks = match kind {
        Kind::Operation => is_empty("summary") || is_empty("description"),
        Kind::Parameter | Kind::Response | Kind::SecurityScheme => is_empty("description"),
        Kind::Schema => is_member(at) && is_empty("description"),
        Kind::Scopes => entries(Some(value)).any(|(_, words)| words == ""),
        _ => false,
    };
    if lacks {
        found.push(format!("#{at}"));
    }
    for (way, kind, child) in grammar::children(kind, value) {
        let way: String = way
            .iter()
            .map(|step| format!("/{}", escape(step)))
            .collect();
        look(&format!("{at}{way}"), kind, child, found);
    }
}

/// Whether a schema becomes a type or a field, by where it is.
fn is_member(pointer: &str) -> bool {
    let mut steps = pointer.rsplit('/').skip(1);
    matches!(steps.next(), Some("schemas" | "properties"))
}
