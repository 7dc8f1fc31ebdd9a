//! Schemas. Whether a change breaks depends on who makes the value: of what is
//! sent, more may become acceptable; of what is received, less may come.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Class, Comparison, Node, node::pairs};
use crate::{
    document::Result,
    grammar::{Child, Kind},
};

/// Which way a value travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    Sent,
    Received,
}

impl Way {
    /// More values are possible than before.
    pub fn wider(self) -> Class {
        match self {
            Self::Sent => Class::Compatible,
            Self::Received => Class::Breaking,
        }
    }

    pub fn narrower(self) -> Class {
        match self {
            Self::Sent => Class::Breaking,
            Self::Received => Class::Compatible,
        }
    }

    pub fn class(self, is_wider: bool) -> Class {
        if is_wider {
            self.wider()
        } else {
            self.narrower()
        }
    }
}

/// Limits, and whether a higher one allows more.
const LIMITS: [(&str, bool); 10] = [
    ("maximum", true),
    ("exclusiveMaximum", true),
    ("maxLength", true),
    ("maxItems", true),
    ("maxProperties", true),
    ("minimum", false),
    ("exclusiveMinimum", false),
    ("minLength", false),
    ("minItems", false),
    ("minProperties", false),
];

impl Comparison {
    pub fn optional_schema(
        &mut self,
        subject: &str,
        old: Option<Node>,
        new: Option<Node>,
        way: Way,
    ) -> Result<()> {
        match (old, new) {
            (Some(old), Some(new)) => self.schema(subject, old, new, way),
            (None, Some(new)) => {
                self.add(
                    way.narrower(),
                    format!("{subject}: schema added"),
                    new.pointer,
                );
                Ok(())
            }
            (Some(old), None) => {
                self.add(
                    way.wider(),
                    format!("{subject}: schema removed"),
                    old.pointer,
                );
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    pub fn schema(&mut self, subject: &str, old: Node, new: Node, way: Way) -> Result<()> {
        let old = old.resolved(Kind::Schema)?;
        let new = new.resolved(Kind::Schema)?;
        if !self
            .seen
            .insert((old.pointer.clone(), new.pointer.clone(), way))
        {
            return Ok(());
        }
        // A component has a name of its own, whoever led here.
        let component = new.pointer.strip_prefix("/components/schemas/");
        let component = component.filter(|name| !name.contains('/'));
        let subject =
            &component.map_or_else(|| subject.to_owned(), |name| format!("schema {name}"));

        self.prose(Kind::Schema, subject, &old, &new);
        let keys: BTreeSet<&str> = old
            .entries(Kind::Schema)
            .into_iter()
            .chain(new.entries(Kind::Schema))
            .map(|(key, _)| key)
            .collect();
        for key in keys {
            match key {
                "title" => self.field(Class::Documentation, subject, key, &old, &new),
                "deprecated" => self.field(Class::Compatible, subject, key, &old, &new),
                "enum" => self.values(subject, &old, &new, way),
                "nullable" => {
                    if old.is_true(key) != new.is_true(key) {
                        self.field(way.class(new.is_true(key)), subject, key, &old, &new);
                    }
                }
                "required" => self.required_properties(subject, &old, &new, way),
                "properties" => self.properties(subject, &old, &new, way)?,
                "additionalProperties" => self.additional(subject, &old, &new, way)?,
                "items" => {
                    let subject = format!("{subject}, items");
                    self.optional_schema(&subject, old.get(key), new.get(key), way)?;
                }
                "discriminator" => self.discriminator(subject, &old, &new, way)?,
                "allOf" | "oneOf" | "anyOf" => self.members(subject, key, &old, &new, way)?,
                _ if LIMITS.iter().any(|(limit, _)| *limit == key) => {
                    self.limit(subject, key, &old, &new, way);
                }
                _ if Kind::Schema.child(key) == Some(Child::Prose) => {}
                // The type, its format, a default: whatever it was, it is another.
                _ => self.field(Class::Breaking, subject, key, &old, &new),
            }
        }
        Ok(())
    }

    fn values(&mut self, subject: &str, old: &Node, new: &Node, way: Way) {
        let list = |node: &Node<'_>| node.value.get("enum").and_then(Value::as_array).cloned();
        match (list(old), list(new)) {
            (Some(was), Some(is)) => {
                let pointer = format!("{}/enum", new.pointer);
                for value in is.iter().filter(|v| !was.contains(v)) {
                    let what = format!("{subject}: enum value {value} added");
                    self.add(way.wider(), what, pointer.clone());
                }
                for value in was.iter().filter(|v| !is.contains(v)) {
                    let what = format!("{subject}: enum value {value} removed");
                    self.add(way.narrower(), what, pointer.clone());
                }
            }
            (was, _) => self.field(way.class(was.is_some()), subject, "enum", old, new),
        }
    }

    fn required_properties(&mut self, subject: &str, old: &Node, new: &Node, way: Way) {
        let pointer = format!("{}/required", new.pointer);
        let has = |node: &Node<'_>, name: &str| {
            let list = node.value.get("required").and_then(Value::as_array);
            list.is_some_and(|list| list.iter().any(|n| n == name))
        };
        let properties = new.get("properties");
        let in_old = old.get("properties");
        for (name, _) in properties.map_or_else(Vec::new, |p| p.entries(Kind::Data)) {
            // One that is new is told as such.
            if in_old.as_ref().is_none_or(|old| old.get(name).is_none()) {
                continue;
            }
            let (class, how) = match (has(old, name), has(new, name)) {
                (false, true) => (way.narrower(), "is required now"),
                (true, false) => (way.wider(), "is no longer required"),
                _ => continue,
            };
            let what = format!("{subject}: field {name} {how}");
            self.add(class, what, pointer.clone());
        }
    }

    fn properties(&mut self, subject: &str, old: &Node, new: &Node, way: Way) -> Result<()> {
        let required = new.value.get("required").and_then(Value::as_array);
        for (was, is, name) in pairs(old.get("properties"), new.get("properties")) {
            let subject = format!("{subject}, field {name}");
            match (was, is) {
                (Some(was), Some(is)) => self.schema(&subject, was, is, way)?,
                (Some(was), None) => {
                    self.add(Class::Breaking, format!("{subject} removed"), was.pointer);
                }
                (None, Some(is)) => {
                    let is_required = required.is_some_and(|r| r.iter().any(|n| *n == name));
                    let (class, how) = match way == Way::Sent && is_required {
                        true => (Class::Breaking, "added, and required"),
                        false => (Class::Compatible, "added"),
                    };
                    self.add(class, format!("{subject} {how}"), is.pointer);
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// `additionalProperties`: anything unless said otherwise.
    fn additional(&mut self, subject: &str, old: &Node, new: &Node, way: Way) -> Result<()> {
        let key = "additionalProperties";
        // None at all, some, any.
        let width = |node: &Node<'_>| match node.value.get(key) {
            Some(Value::Bool(false)) => 0,
            Some(Value::Object(schema)) if !schema.is_empty() => 1,
            _ => 2,
        };
        match (width(old), width(new)) {
            (1, 1) => {
                let subject = format!("{subject}, further fields");
                self.optional_schema(&subject, old.get(key), new.get(key), way)?;
            }
            (was, is) if was != is => {
                self.field(way.class(is > was), subject, key, old, new);
            }
            _ => {}
        }
        Ok(())
    }

    fn limit(&mut self, subject: &str, key: &str, old: &Node, new: &Node, way: Way) {
        let higher_allows_more = LIMITS.iter().any(|(limit, more)| *limit == key && *more);
        let number = |node: &Node<'_>| node.value.get(key).and_then(Value::as_f64);
        let is_wider = match (number(old), number(new)) {
            (Some(was), Some(is)) => (is > was) == higher_allows_more,
            (None, Some(_)) => false,
            (Some(_), None) => true,
            // The exclusive ones are booleans in OpenAPI 3.0.
            (None, None) => !new.is_true(key),
        };
        self.field(way.class(is_wider), subject, key, old, new);
    }
}
