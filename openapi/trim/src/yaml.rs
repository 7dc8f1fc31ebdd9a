//! Writing a document: the same bytes every time, in an order that people expect.

use serde::{Serialize, Serializer, ser::SerializeMap, ser::SerializeSeq};
use serde_json::Value;

use crate::{
    document::{Result, parse},
    grammar::{Child, Kind},
};

/// The document as YAML, below a comment.
pub fn write(document: &Value, comment: &str) -> Result<String> {
    let mut options = serde_saphyr::SerializerOptions::default();
    options.prefer_block_scalars = true;
    options.compact_list_indent = false;
    let ordered = Ordered {
        kind: Child::One(Kind::Document),
        value: document,
    };
    let body = serde_saphyr::to_string_with_options(&ordered, options)
        .map_err(|e| format!("cannot be written as YAML: {e}"))?;
    let mut text = String::new();
    for line in comment.lines() {
        text.push_str(format!("# {line}").trim_end());
        text.push('\n');
    }
    text.push_str(&body);

    // Read as we do and as build.rs does: what is written has to be what is meant.
    let by_build: std::result::Result<Value, _> = serde_saphyr::from_str(&text);
    if parse(&text)? != *document || by_build.ok().as_ref() != Some(document) {
        return Err("the YAML that was written reads back differently; \
                    this is a flaw of the YAML library, please report it"
            .into());
    }
    Ok(text)
}

/// A value that serializes in the order of the grammar; names that someone
/// chose, and data, in alphabetical order.
struct Ordered<'a> {
    kind: Child,
    value: &'a Value,
}

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.value {
            Value::Object(object) => {
                let mut entries: Vec<_> = object.iter().collect();
                let rank = |key: &str| match self.kind {
                    Child::One(kind) => kind.rank(key),
                    _ => 0,
                };
                entries.sort_by(|(a, _), (b, _)| (rank(a), a).cmp(&(rank(b), b)));
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    let kind = match self.kind {
                        Child::One(kind) => kind.child(key).unwrap_or(Child::One(Kind::Data)),
                        Child::Each(kind) => Child::One(kind),
                        Child::Prose | Child::Words => Child::One(Kind::Data),
                    };
                    map.serialize_entry(key, &Ordered { kind, value })?;
                }
                map.end()
            }
            Value::Array(list) => {
                let kind = match self.kind {
                    Child::Each(kind) => Child::One(kind),
                    _ => Child::One(Kind::Data),
                };
                let mut elements = serializer.serialize_seq(Some(list.len()))?;
                for value in list {
                    elements.serialize_element(&Ordered { kind, value })?;
                }
                elements.end()
            }
            other => other.serialize(serializer),
        }
    }
}
