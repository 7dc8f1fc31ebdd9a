//! A place in one of the two documents.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    document::{Result, entries, escape, resolve},
    grammar::{self, Kind},
};

/// A value, with where it is.
#[derive(Clone)]
pub struct Node<'a> {
    document: &'a Value,
    pub pointer: String,
    pub value: &'a Value,
}

impl<'a> Node<'a> {
    pub fn root(document: &'a Value) -> Self {
        Self {
            document,
            pointer: String::new(),
            value: document,
        }
    }

    pub fn get(&self, key: &str) -> Option<Self> {
        Some(Self {
            document: self.document,
            pointer: format!("{}/{}", self.pointer, escape(key)),
            value: self.value.get(key)?,
        })
    }

    /// The entries of an object, extensions aside where `kind` knows any.
    pub fn entries(&self, kind: Kind) -> Vec<(&'a str, Self)> {
        entries(Some(self.value))
            .filter(|(key, _)| !kind.is_extension(key))
            .filter_map(|(key, _)| Some((key.as_str(), self.get(key)?)))
            .collect()
    }

    pub fn elements(&self) -> Vec<Self> {
        let list = self.value.as_array().into_iter().flatten();
        list.enumerate()
            .map(|(at, value)| Self {
                document: self.document,
                pointer: format!("{}/{at}", self.pointer),
                value,
            })
            .collect()
    }

    /// What a `$ref` stands for, or the node itself.
    pub fn resolved(mut self, kind: Kind) -> Result<Self> {
        for _ in 0..16 {
            let Some(reference) = grammar::reference(kind, self.value) else {
                return Ok(self);
            };
            self = self.follow(reference)?;
        }
        Err(format!("the $ref at #{} leads back to itself", self.pointer).into())
    }

    /// What a reference elsewhere in the same document leads to.
    pub fn follow(&self, reference: &str) -> Result<Self> {
        let (pointer, value) = resolve(self.document, reference)?;
        Ok(Self {
            document: self.document,
            pointer,
            value,
        })
    }

    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.value.get(key)?.as_str()
    }

    pub fn is_true(&self, key: &str) -> bool {
        self.value.get(key).and_then(Value::as_bool) == Some(true)
    }
}

/// The members of two maps, by name.
pub fn pairs<'a>(
    old: Option<Node<'a>>,
    new: Option<Node<'a>>,
) -> Vec<(Option<Node<'a>>, Option<Node<'a>>, String)> {
    let names = |node: &Option<Node<'a>>| -> BTreeMap<String, Node<'a>> {
        let entries = node
            .as_ref()
            .map_or_else(Vec::new, |n| n.entries(Kind::Data));
        entries
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v))
            .collect()
    };
    let (mut old, mut new) = (names(&old), names(&new));
    let mut all: Vec<String> = old.keys().chain(new.keys()).cloned().collect();
    all.sort();
    all.dedup();
    all.into_iter()
        .map(|name| (old.remove(&name), new.remove(&name), name))
        .collect()
}
