//! OpenAPI Overlay 1.0: our corrections and wording, applied in their order.

use jsonpath_rust::{
    parser::{model::JpQuery, parse_json_path},
    query::js_path_process,
};
use serde_json::Value;

use crate::document::{Failure, Result, elements, entries, escape, plain};

/// One action: what to change, and why.
#[derive(Debug)]
struct Action {
    target: String,
    path: JpQuery,
    reason: String,
    change: Change,
}

#[derive(Debug)]
enum Change {
    /// Fills in what is missing.
    Update(Value),
    /// Removes what is still as it was when the action was written (`x-was`).
    Remove(Value),
}

/// An overlay that was read and found to be in order.
#[derive(Debug)]
pub struct Overlay(Vec<Action>);

impl Overlay {
    pub fn read(overlay: &Value) -> Result<Self> {
        let version = overlay.get("overlay").map(plain).unwrap_or_default();
        if !version.starts_with("1.0") {
            return Err(format!("`overlay` is {version:?}, not 1.0.x").into());
        }
        allow_only(overlay, &["overlay", "info", "extends", "actions"])?;
        for field in ["title", "version"] {
            if overlay.pointer(&format!("/info/{field}")).is_none() {
                return Err(format!("`info.{field}` is missing").into());
            }
        }
        let actions = elements(overlay.get("actions"))
            .enumerate()
            .map(|(at, action)| {
                Action::read(action).map_err(|e| e.within(format!("action {}", at + 1)))
            })
            .collect::<Result<Vec<_>>>()?;
        if actions.is_empty() {
            return Err("`actions` is missing or empty".into());
        }
        Ok(Self(actions))
    }

    /// Applies all actions, and tells of all that do not fit. An action that matches
    /// nothing does not, unless it removes something from `pinned`, where an earlier
    /// trim has done so.
    pub fn apply(&self, document: &mut Value, pinned: &[String]) -> Result<()> {
        let mut failures = Vec::new();
        for (at, action) in self.0.iter().enumerate() {
            if let Err(failure) = action.apply(document, pinned) {
                let place = format!(
                    "action {} ({}; its reason: {})",
                    at + 1,
                    action.target,
                    action.reason.trim()
                );
                failures.push(failure.within(place).to_string());
            }
        }
        match failures.is_empty() {
            true => Ok(()),
            false => Err(failures.join("\n").into()),
        }
    }
}

impl Action {
    fn read(action: &Value) -> Result<Self> {
        allow_only(action, &["target", "description", "update", "remove"])?;
        let text = |field: &str| action.get(field).and_then(Value::as_str);
        let target = text("target").ok_or("`target` is missing")?;
        let path = parse_json_path(target)
            .map_err(|e| format!("`target` {target} is not a JSONPath (RFC 9535): {e}"))?;
        let reason = text("description")
            .filter(|reason| !reason.trim().is_empty())
            .ok_or("`description` is missing: say why the change is made")?;
        let change = match (action.get("update"), action.get("remove")) {
            (Some(update), None | Some(Value::Bool(false))) => Change::Update(update.clone()),
            (None, Some(Value::Bool(true))) => {
                let was = action.get("x-was");
                Change::Remove(was.cloned().ok_or(
                    "`x-was` is missing: `remove` needs the value that it was written for",
                )?)
            }
            _ => return Err("it needs either `update` or `remove: true`".into()),
        };
        Ok(Self {
            target: target.into(),
            path,
            reason: reason.into(),
            change,
        })
    }

    fn apply(&self, document: &mut Value, pinned: &[String]) -> Result<()> {
        let mut places = find(&self.path, document)?;
        if places.is_empty() {
            if matches!(self.change, Change::Remove(_)) && self.is_done(document, pinned)? {
                return Ok(());
            }
            return Err(format!(
                "matches nothing; {}. Upstream may have changed: compare with `cargo spec \
                 diff`, then correct the target or drop the action",
                self.nearest(document)?
            )
            .into());
        }
        // From the end, so that removing from a list moves nothing still to come.
        places.sort_by_key(|place| std::cmp::Reverse(order(place)));
        for place in places {
            let pointer = pointer(&place);
            // Gone only if it was in something that this action removed.
            let Some(value) = document.pointer_mut(&pointer) else {
                continue;
            };
            match &self.change {
                Change::Remove(was) if value != was => {
                    return Err(format!(
                        "`x-was` is {was}, but #{pointer} is {value} now. Decide whether the \
                         reason still holds, and write the new value or drop the action"
                    )
                    .into());
                }
                Change::Remove(_) => remove(document, &place)?,
                Change::Update(update) => {
                    let is_pinned = pinned.iter().any(|p| is_within(&pointer, p));
                    update_target(value, update, is_pinned)
                        .map_err(|e| e.within(format!("#{pointer}")))?;
                }
            }
        }
        Ok(())
    }

    /// What is there instead: the names in the nearest place above the target.
    fn nearest(&self, document: &Value) -> Result<String> {
        let mut above = self.path.clone();
        while above.segments.pop().is_some() {
            let places = find(&above, document)?;
            let Some(pointer) = places.first().map(|place| pointer(place)) else {
                continue;
            };
            let names: Vec<String> = match document.pointer(&pointer) {
                Some(Value::Object(object)) => object.keys().cloned().collect(),
                Some(Value::Array(list)) => list
                    .iter()
                    .map(|element| {
                        element
                            .get("name")
                            .map_or_else(|| element.to_string(), plain)
                    })
                    .collect(),
                _ => continue,
            };
            let names = match names[..] {
                [] => "nothing".into(),
                _ => names.join(", "),
            };
            return Ok(format!("#{pointer} has {names}"));
        }
        Ok("the document is empty".into())
    }

    /// Whether what this removes would be within what is pinned.
    fn is_done(&self, document: &Value, pinned: &[String]) -> Result<bool> {
        let mut parent = self.path.clone();
        parent.segments.pop();
        let places = find(&parent, document)?;
        Ok(places.iter().any(|place| {
            let pointer = pointer(place);
            pinned.iter().any(|p| is_within(&pointer, p))
        }))
    }
}

fn allow_only(object: &Value, known: &[&str]) -> Result<()> {
    for (key, _) in entries(Some(object)) {
        if !known.contains(&key.as_str()) && !key.starts_with("x-") {
            return Err(format!("`{key}` is not a field of Overlay 1.0").into());
        }
    }
    Ok(())
}

fn pointer(place: &[String]) -> String {
    place
        .iter()
        .map(|step| format!("/{}", escape(step)))
        .collect()
}

fn is_within(pointer: &str, whole: &str) -> bool {
    pointer
        .strip_prefix(whole)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What the path matches, each place once, as the steps that lead to it.
fn find(path: &JpQuery, document: &Value) -> Result<Vec<Vec<String>>> {
    let found = js_path_process(path, document).map_err(|e| e.to_string())?;
    let mut places = found
        .into_iter()
        .map(|found| steps(&found.path()))
        .collect::<Result<Vec<_>>>()?;
    places.sort();
    places.dedup();
    Ok(places)
}

/// Reads a normalized path of RFC 9535: `$['paths']['/a'][0]`.
fn steps(normalized: &str) -> Result<Vec<String>> {
    let unreadable = || Failure::from(format!("{normalized} is not a normalized path"));
    let mut rest = normalized.strip_prefix('$').ok_or_else(unreadable)?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        rest = rest.strip_prefix('[').ok_or_else(unreadable)?;
        if let Some(name) = rest.strip_prefix('\'') {
            let mut is_escaped = false;
            let end = name.find(|c| {
                let ends = c == '\'' && !is_escaped;
                is_escaped = c == '\\' && !is_escaped;
                ends
            });
            let (name, after) = name.split_at(end.ok_or_else(unreadable)?);
            // The escapes are JSON's, but for the quote.
            let json = name.replace("\\'", "'").replace('"', "\\\"");
            let name = serde_json::from_str(&format!("\"{json}\"")).map_err(|_| unreadable())?;
            steps.push(name);
            rest = after.strip_prefix("']").ok_or_else(unreadable)?;
        } else {
            let (index, after) = rest.split_once(']').ok_or_else(unreadable)?;
            steps.push(index.into());
            rest = after;
        }
    }
    Ok(steps)
}

/// Compares places by the numbers in them, not by their digits.
fn order(place: &[String]) -> Vec<(usize, String)> {
    place
        .iter()
        .map(|step| (step.parse().unwrap_or(0), step.clone()))
        .collect()
}

fn remove(document: &mut Value, place: &[String]) -> Result<()> {
    let Some((last, parent)) = place.split_last() else {
        return Err("it would remove the whole document".into());
    };
    match document.pointer_mut(&pointer(parent)) {
        Some(Value::Object(object)) => {
            object.remove(last);
        }
        Some(Value::Array(list)) => {
            if let Some(at) = last.parse().ok().filter(|at| *at < list.len()) {
                list.remove(at);
            }
        }
        _ => {}
    }
    Ok(())
}

fn update_target(value: &mut Value, update: &Value, is_pinned: bool) -> Result<()> {
    match (value, update) {
        (Value::Array(list), entry) => {
            // What is pinned went through this overlay before.
            if !is_pinned || !list.contains(entry) {
                list.push(entry.clone());
            }
            Ok(())
        }
        (value @ Value::Object(_), Value::Object(_)) => fill(value, update, is_pinned),
        (Value::Object(_), _) => Err("`update` of an object has to be an object".into()),
        _ => Err("`update` can change objects and lists only; target the object around it".into()),
    }
}

/// Objects merge, lists grow at the end, emptied wording is replaced. Anything else
/// that is there already must be the same: to replace it is to remove it first, which
/// names the value that is given up.
fn fill(value: &mut Value, update: &Value, is_pinned: bool) -> Result<()> {
    match (value, update) {
        (Value::Object(object), Value::Object(update)) => {
            for (key, new) in update {
                match object.get_mut(key) {
                    Some(old) => fill(old, new, is_pinned).map_err(|e| e.within(key))?,
                    None => {
                        object.insert(key.clone(), new.clone());
                    }
                }
            }
        }
        (Value::Array(list), Value::Array(more)) => {
            let new = more.iter().filter(|m| !is_pinned || !list.contains(m));
            let new: Vec<_> = new.cloned().collect();
            list.extend(new);
        }
        (old, new) if *old == "" || old == new => *old = new.clone(),
        // What is pinned has our wording of an earlier trim.
        (old @ Value::String(_), Value::String(new)) if is_pinned => *old = new.as_str().into(),
        (old, new) => {
            return Err(format!(
                "`update` would replace {old} by {new}. Remove the old value first, in an \
                 action of its own with that value as `x-was`, or drop this one"
            )
            .into());
        }
    }
    Ok(())
}
