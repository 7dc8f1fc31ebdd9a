//! Operations that upstream no longer has: refusing, or keeping our own copy.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::{
    cut::{self, Place},
    document::{Result, elements, entries, escape},
    references,
};

/// Says what is gone, and what is left of it in `upstream`.
pub fn describe_missing(id: &str, upstream: &Value, current: Option<&Value>) -> Result<String> {
    let mut text = format!("upstream no longer has the operation {id}");
    let Some((current, place)) = current.and_then(|c| Some((c, find(c, id)?))) else {
        return Ok(text);
    };
    text.push_str(&format!(" ({})", place.name()));
    text.push_str(&what_is_there(&place, upstream)?);
    let left = left_behind(current, &place, upstream)?;
    if !left.is_empty() {
        text.push_str(&format!(
            "; left behind, with nothing that refers to it: {}",
            left.join(", ")
        ));
    }
    Ok(text)
}

/// What is where the operation was: another, which is likely its new name. The name of
/// a path parameter may have changed with it.
pub fn what_is_there(place: &Place, upstream: &Value) -> Result<String> {
    let same_path = |path: &str| nameless(path) == nameless(&place.path);
    let operations = cut::operations(upstream)?;
    let there = operations.iter().find_map(|(id, places)| {
        let found = places
            .iter()
            .find(|p| p.method == place.method && same_path(&p.path))?;
        Some(format!(
            "; in its place is the operation {id} ({})",
            found.name()
        ))
    });
    let has_path = entries(upstream.get("paths")).any(|(path, _)| same_path(path));
    Ok(there.unwrap_or_else(|| match has_path {
        true => "; its path is still there, without this method".into(),
        false => "; its path is gone too".into(),
    }))
}

/// A path without the names of its parameters.
fn nameless(path: &str) -> String {
    let steps = path.split('/');
    let steps: Vec<_> = steps
        .map(|step| if step.starts_with('{') { "{}" } else { step })
        .collect();
    steps.join("/")
}

/// What the operation used in `with`, and what `without` has but no longer uses.
pub fn left_behind(with: &Value, place: &Place, without: &Value) -> Result<Vec<String>> {
    let was_used = references::used_by(with, &place.pointer())?;
    let candidates: Vec<_> = was_used
        .into_iter()
        .filter(|pointer| without.pointer(pointer).is_some())
        .collect();
    // A reference of some other operation that leads nowhere is not our business:
    // then all that we can say is nothing.
    let used: BTreeSet<String> = match references::used(without) {
        Ok(used) => used,
        Err(_) => return Ok(Vec::new()),
    };
    Ok(candidates
        .into_iter()
        .filter(|pointer| !used.contains(pointer))
        .map(|pointer| format!("#{pointer}"))
        .collect())
}

/// Where an operation is, `None` if it is nowhere or ambiguous.
fn find(document: &Value, id: &str) -> Option<Place> {
    let operations = cut::operations(document).ok()?;
    cut::place(&operations, id).ok()?.cloned()
}

/// Copies an operation, and the components that it needs and `document` does
/// not have, from the current specification. Returns pointers of what is copied.
pub fn copy(id: &str, current: Option<&Value>, document: &mut Value) -> Result<Vec<String>> {
    let missing = || format!("{id} cannot be pinned: openapi/user-sessions.yaml does not have it");
    let current = current.ok_or_else(missing)?;
    let place = find(current, id).ok_or_else(missing)?;
    let item_pointer = format!("/paths/{}", escape(&place.path));
    let item = current.pointer(&item_pointer).ok_or_else(missing)?;
    let mut operation = item.get(&place.method).cloned().ok_or_else(missing)?;

    let paths = member(document, "paths")?;
    match paths.get_mut(&place.path).and_then(Value::as_object_mut) {
        // Others live on this path: what ours shared with it becomes its own.
        Some(theirs) => {
            let parameters: Vec<Value> = elements(item.get("parameters"))
                .chain(elements(operation.get("parameters")))
                .cloned()
                .collect();
            if let Some(operation) = operation.as_object_mut()
                && !parameters.is_empty()
            {
                operation.insert("parameters".into(), Value::Array(parameters));
            }
            theirs.insert(place.method.clone(), operation);
        }
        None => {
            let mut item = item.clone();
            if let Some(item) = item.as_object_mut() {
                let others = crate::grammar::methods().filter(|m| *m != place.method);
                others.for_each(|method| drop(item.remove(method)));
            }
            paths.insert(place.path.clone(), item);
        }
    }

    let mut copied = vec![place.pointer()];
    for pointer in references::used_by(current, &place.pointer())? {
        let (Some(component), None) = (current.pointer(&pointer), document.pointer(&pointer))
        else {
            continue;
        };
        // `used_by` gives `/components/section/name` only.
        let mut steps = pointer.splitn(4, '/').skip(2);
        if let (Some(section), Some(name)) = (steps.next(), steps.next()) {
            let section = member_of(member(document, "components")?, section)?;
            let name = name.replace("~1", "/").replace("~0", "~");
            section.insert(name, component.clone());
            copied.push(pointer);
        }
    }
    Ok(copied)
}

fn member<'a>(document: &'a mut Value, key: &str) -> Result<&'a mut Map<String, Value>> {
    let object = document
        .as_object_mut()
        .ok_or("the document is not an object")?;
    member_of(object, key)
}

fn member_of<'a>(
    object: &'a mut Map<String, Value>,
    key: &str,
) -> Result<&'a mut Map<String, Value>> {
    object
        .entry(key)
        .or_insert_with(|| Value::Object(Map::new()))
        .as_object_mut()
        .ok_or_else(|| format!("`{key}` is not an object").into())
}
