//! What changed between two releases, for our operations.
//!
//! Each operation is read as one tree in which every `$ref` is followed, so that it does
//! not matter where a definition is written down. Two trees are compared value by value,
//! without extensions (`x-`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use serde_json::{Map, Value, json};

use crate::{
    cut::{self, Place},
    document::{Failure, Result, elements, entries, resolve},
    grammar::{
        self,
        Child::{self, Each, One, Prose, Words},
        Kind,
    },
    pin, references,
};

/// How much a change matters to those who call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Only words changed.
    Documentation,
    /// An optional input, a field or an error more; or an error less.
    Compatible,
    /// Everything else: what worked before may not, so someone has to look.
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
    /// Where, what and how, in words.
    pub what: String,
    pub old: Option<Value>,
    pub new: Option<Value>,
}

/// All changes, the worst first.
#[derive(Debug)]
pub struct Report {
    pub changes: Vec<Change>,
    /// The names of what was compared, and what could not be.
    pub old: String,
    pub new: String,
    pub notes: Vec<String>,
}

/// Compares two documents, each with the name to call it by, for these operations.
pub fn compare(old: (&str, &Value), new: (&str, &Value), operations: &[String]) -> Result<Report> {
    let old = Side::read(old, operations)?;
    let new = Side::read(new, operations)?;
    let mut report = Report {
        changes: Vec::new(),
        old: old.name.into(),
        new: new.name.into(),
        notes: Vec::new(),
    };
    for id in operations {
        match (old.place(id)?, new.place(id)?) {
            (None, None) => report.notes.push(format!("{id} is in neither document")),
            (None, Some(place)) => {
                let what = format!("operation {id} added ({})", place.name());
                report.add(Class::Compatible, what, None, None);
            }
            (Some(place), None) => {
                let within = |e: Failure| e.within(new.name);
                let there = pin::what_is_there(place, new.document).map_err(within)?;
                let left = pin::left_behind(old.document, place, new.document).map_err(within)?;
                let mut what = format!("operation {id} removed ({}){there}", place.name());
                if !left.is_empty() {
                    what += &format!("; left behind, unused: {}", left.join(", "));
                }
                report.add(Class::Breaking, what, None, None);
            }
            (Some(was), Some(is)) => {
                let (was, is) = (old.tree(was)?, new.tree(is)?);
                let at = [id.clone()];
                report.compare(&at, One(Kind::Operation), Some(&was), Some(&is));
            }
        }
    }
    let schemes = "/components/securitySchemes";
    for (name, was) in entries(old.ours.pointer(schemes)) {
        if let Some(is) = new.ours.pointer(schemes).and_then(|s| s.get(name)) {
            let at = [format!("security scheme {name}")];
            report.compare(&at, One(Kind::SecurityScheme), Some(was), Some(is));
        }
    }
    for side in [&old, &new] {
        for scheme in references::undeclared(&side.ours) {
            let note = format!(
                "{} does not declare the security scheme {scheme}",
                side.name
            );
            report.notes.push(note);
        }
    }
    // A component that several refer to was found several times.
    let key = |change: &Change| (std::cmp::Reverse(change.class), change.what.clone());
    report.changes.sort_by_key(key);
    report.changes.dedup();
    Ok(report)
}

/// One of the two documents.
struct Side<'a> {
    name: &'a str,
    document: &'a Value,
    operations: BTreeMap<String, Vec<Place>>,
    /// Our operations, and the components that they use.
    ours: Value,
}

impl<'a> Side<'a> {
    fn read((name, document): (&'a str, &'a Value), wanted: &[String]) -> Result<Self> {
        let read = || {
            let operations = cut::operations(document)?;
            let mut places = Vec::new();
            for id in wanted {
                places.extend(cut::place(&operations, id)?);
            }
            if places.is_empty() {
                return Err(cut::none_of(wanted, document));
            }
            let mut ours = cut::keep(document, &places)?;
            cut::prune(&mut ours)?;
            Ok(Self {
                name,
                document,
                operations,
                ours,
            })
        };
        read().map_err(|e: Failure| e.within(name))
    }

    fn place(&self, id: &str) -> Result<Option<&Place>> {
        cut::place(&self.operations, id).map_err(|e| e.within(self.name))
    }

    /// All that there is to an operation, without references.
    fn tree(&self, place: &Place) -> Result<Value> {
        let nothing = Value::Null;
        let item = self.ours.pointer("/paths").and_then(|p| p.get(&place.path));
        let item = item.unwrap_or(&nothing);
        let operation = item.get(&place.method).unwrap_or(&nothing);
        let mut parameters = Map::new();
        for list in [item, operation].map(|holder| holder.get("parameters")) {
            for parameter in elements(list) {
                let parameter = self.expand(Kind::Parameter, parameter, &[])?;
                let text = |key| parameter.get(key).and_then(Value::as_str).unwrap_or("?");
                let name = format!("{} {}", text("in"), text("name"));
                parameters.insert(name, parameter);
            }
        }
        // The innermost that there are count.
        let servers = [operation, item, &self.ours];
        let servers = servers.into_iter().find_map(|holder| holder.get("servers"));
        let mut tree = self.expand(Kind::Operation, operation, &[])?;
        if let Some(tree) = tree.as_object_mut() {
            tree.insert("place".into(), place.name().into());
            tree.insert("parameters".into(), parameters.into());
            tree.insert("security".into(), self.security(operation));
            tree.insert("servers".into(), servers.cloned().unwrap_or(Value::Null));
        }
        Ok(tree)
    }

    /// The scopes of each alternative, in an order of ours.
    fn security(&self, operation: &Value) -> Value {
        let alternatives = references::requirements(&self.ours, operation).map(|alternative| {
            let schemes: Vec<_> = entries(Some(alternative)).collect();
            let names: Vec<_> = schemes.iter().map(|(name, _)| name.as_str()).collect();
            let scopes = schemes
                .iter()
                .flat_map(|(_, scopes)| elements(Some(scopes)));
            let scopes: BTreeSet<_> = scopes.filter_map(Value::as_str).collect();
            (names.join(" and "), json!(scopes))
        });
        Value::Object(alternatives.collect())
    }

    /// `within` are the references on the way here: a schema may refer to itself.
    fn expand(&self, kind: Kind, value: &Value, within: &[&str]) -> Result<Value> {
        if let Some(reference) = grammar::reference(kind, value) {
            let mut expanded = json!({});
            if !within.contains(&reference) {
                let (_, target) = resolve(&self.ours, reference)?;
                expanded = self.expand(kind, target, &[within, &[reference]].concat())?;
            }
            // The name of a schema becomes that of a type.
            if kind == Kind::Schema
                && let Some(expanded) = expanded.as_object_mut()
            {
                expanded.insert("$ref".into(), reference.into());
            }
            return Ok(expanded);
        }
        let Some(object) = value.as_object() else {
            return Ok(value.clone());
        };
        let mut expanded = Map::new();
        for (key, value) in object {
            let value = match (kind.child(key), value) {
                (Some(One(kind)), _) => self.expand(kind, value, within)?,
                (Some(Each(kind)), Value::Object(map)) => map
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), self.expand(kind, value, within)?)))
                    .collect::<Result<_>>()
                    .map(Value::Object)?,
                (Some(Each(kind)), Value::Array(list)) => list
                    .iter()
                    .map(|value| self.expand(kind, value, within))
                    .collect::<Result<_>>()
                    .map(Value::Array)?,
                _ => value.clone(),
            };
            expanded.insert(key.clone(), value);
        }
        Ok(Value::Object(expanded))
    }
}

impl Report {
    fn add(&mut self, class: Class, what: String, old: Option<&Value>, new: Option<&Value>) {
        self.changes.push(Change {
            class,
            what,
            old: old.cloned(),
            new: new.cloned(),
        });
    }

    fn compare(&mut self, at: &[String], child: Child, old: Option<&Value>, new: Option<&Value>) {
        // The scopes of a scheme are those that our operations need, which are compared
        // with these.
        if old == new || child == One(Kind::Scopes) {
            return;
        }
        let nothing = Map::new();
        let (kind, was, is) = match (child, old, new) {
            (One(kind), Some(Value::Object(was)), Some(Value::Object(is)))
                if kind != Kind::Data =>
            {
                (Some(kind), was, is)
            }
            // To have none of them is to have an empty map of them.
            (Each(_), Some(Value::Object(was)), Some(Value::Object(is))) => (None, was, is),
            (Each(_), Some(Value::Object(was)), None) => (None, was, &nothing),
            (Each(_), None, Some(Value::Object(is))) => (None, &nothing, is),
            _ => {
                let how = match (old, new) {
                    (None, _) => "added",
                    (_, None) => "removed",
                    _ => "changed",
                };
                let what = format!("{} {how}", at.join(", "));
                return self.add(class(at, child, old, new), what, old, new);
            }
        };
        // A component has a name of its own, whatever led there.
        let name = was.get("$ref").filter(|name| is.get("$ref") == Some(name));
        let name = name.and_then(Value::as_str);
        let component = name.and_then(|name| name.strip_prefix("#/components/schemas/"));
        let at = match component {
            Some(name) if kind.is_some() => vec![format!("schema {name}")],
            _ => at.to_vec(),
        };
        let keys: BTreeSet<_> = was.keys().chain(is.keys()).collect();
        for key in keys {
            let child = match (kind, child) {
                (Some(kind), _) if kind.is_extension(key) => continue,
                (Some(kind), _) => kind.child(key).unwrap_or(One(Kind::Data)),
                (None, Each(kind)) => One(kind),
                (None, other) => other,
            };
            let at = [&at[..], std::slice::from_ref(key)].concat();
            self.compare(&at, child, was.get(key), is.get(key));
        }
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
        let mut text = format!("From {} to {}:", self.old, self.new);
        if self.changes.is_empty() {
            text.push_str(" nothing changed for our operations");
        }
        text.push('\n');
        for change in &self.changes {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{:<14}{}", change.class.name(), change.what);
            let _ = match (&change.old, &change.new) {
                (Some(old), Some(new)) => writeln!(text, "{:14}from {old} to {new}", ""),
                (None, Some(new)) => writeln!(text, "{:14}{new}", ""),
                (Some(old), None) => writeln!(text, "{:14}was {old}", ""),
                (None, None) => Ok(()),
            };
        }
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        text
    }

    pub fn json(&self) -> String {
        let changes = self.changes.iter().map(|change| {
            let mut object = json!({"class": change.class.name(), "what": change.what});
            for (name, value) in [("old", &change.old), ("new", &change.new)] {
                if let Some(value) = value {
                    object[name] = value.clone();
                }
            }
            object
        });
        let report = json!({
            "old": self.old,
            "new": self.new,
            "worst": self.worst().map(Class::name),
            "changes": changes.collect::<Vec<_>>(),
            "notes": self.notes,
        });
        format!("{report:#}")
    }
}

fn class(at: &[String], child: Child, old: Option<&Value>, new: Option<&Value>) -> Class {
    let name = at.last().map_or("", String::as_str);
    let is_required = new.and_then(|new| new.get("required")) == Some(&Value::Bool(true));
    let is_new = old.is_none();
    match child {
        Prose | Words => Class::Documentation,
        One(Kind::Data) if ["tags", "title"].contains(&name) => Class::Documentation,
        One(Kind::Data) if name == "deprecated" => Class::Compatible,
        // Our client treats all errors alike, listed or not.
        One(Kind::Response) if name.starts_with(['4', '5']) => Class::Compatible,
        One(Kind::Parameter | Kind::RequestBody) if is_new && !is_required => Class::Compatible,
        // A field that has to be there changes `required`, too.
        One(Kind::Schema)
            if is_new && at.iter().rev().nth(1).is_some_and(|s| s == "properties") =>
        {
            Class::Compatible
        }
        _ => Class::Breaking,
    }
}
