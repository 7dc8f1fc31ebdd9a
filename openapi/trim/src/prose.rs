//! Dropping what is not ours: upstream's wording, examples and extensions.

use serde_json::Value;

use crate::{
    document::{entries, escape},
    grammar::{self, Child, Kind},
};

/// Drops prose, examples, extensions, and what stands beside a `$ref`, which OpenAPI 3.0
/// ignores.
pub fn strip(document: &mut Value) {
    strip_object(Kind::Document, document);
}

fn strip_object(kind: Kind, value: &mut Value) {
    let refers = grammar::reference(kind, value).is_some() && kind != Kind::PathItem;
    let Value::Object(object) = value else {
        return;
    };
    if refers {
        object.retain(|key, _| key == "$ref");
        return;
    }
    object.retain(|key, _| !kind.is_extension(key) && kind.child(key) != Some(Child::Prose));
    for (key, value) in object.iter_mut() {
        match kind.child(key) {
            Some(Child::One(kind)) => strip_object(kind, value),
            Some(Child::Each(kind)) => match value {
                Value::Object(map) => {
                    map.values_mut().for_each(|v| strip_object(kind, v));
                }
                Value::Array(list) => list.iter_mut().for_each(|v| strip_object(kind, v)),
                _ => {}
            },
            Some(Child::Words) => *value = Value::String(String::new()),
            Some(Child::Prose) | None => {}
        }
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
