//! An operation: where it is, what it takes, what it answers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Class, Comparison, Node, node::pairs, schema::Way};
use crate::{
    cut::Place,
    document::{Failure, Result},
    grammar::Kind,
};

impl Comparison {
    /// Compares an operation that both have.
    pub fn operation(
        &mut self,
        id: &str,
        (old_root, was): (&Value, &Place),
        (new_root, is): (&Value, &Place),
    ) -> Result<()> {
        let (old_root, new_root) = (Node::root(old_root), Node::root(new_root));
        let (old_item, old) = find(&old_root, was)?;
        let (new_item, new) = find(&new_root, is)?;
        if was != is {
            let (was, is) = (Value::from(was.name()), Value::from(is.name()));
            let what = format!("{id}: moved");
            self.change(Class::Breaking, what, &new.pointer, Some(&was), Some(&is));
        }
        self.prose(Kind::Operation, id, &old, &new);
        self.prose(Kind::PathItem, id, &old_item, &new_item);
        self.field(Class::Documentation, id, "tags", &old, &new);
        self.field(Class::Compatible, id, "deprecated", &old, &new);
        self.field(Class::Breaking, id, "callbacks", &old, &new);
        self.parameters(id, (&old_item, &old), (&new_item, &new))?;
        self.body(id, old.get("requestBody"), new.get("requestBody"))?;
        self.responses(id, &old, &new)?;
        self.security(id, (&old_root, &old), (&new_root, &new));
        self.servers(
            id,
            [&old_root, &old_item, &old],
            [&new_root, &new_item, &new],
        );
        Ok(())
    }

    fn parameters(&mut self, id: &str, old: (&Node, &Node), new: (&Node, &Node)) -> Result<()> {
        let mut old = parameters(old.0, old.1)?;
        for (key, new) in parameters(new.0, new.1)? {
            let subject = format!("{id}: {} parameter {}", key.0, key.1);
            let Some(old) = old.remove(&key) else {
                let (class, how) = match new.is_true("required") {
                    true => (Class::Breaking, "added, and required"),
                    false => (Class::Compatible, "added"),
                };
                self.add(class, format!("{subject} {how}"), new.pointer);
                continue;
            };
            self.prose(Kind::Parameter, &subject, &old, &new);
            self.required(&subject, &old, &new);
            for key in ["style", "explode", "allowReserved", "allowEmptyValue"] {
                self.field(Class::Breaking, &subject, key, &old, &new);
            }
            self.field(Class::Compatible, &subject, "deprecated", &old, &new);
            self.optional_schema(&subject, old.get("schema"), new.get("schema"), Way::Sent)?;
            self.content(&subject, &old, &new, Way::Sent)?;
        }
        for ((place, name), old) in old {
            let what = format!("{id}: {place} parameter {name} removed");
            self.add(Class::Breaking, what, old.pointer);
        }
        Ok(())
    }

    /// Whether an input has to be given.
    fn required(&mut self, subject: &str, old: &Node, new: &Node) {
        let pointer = format!("{}/required", new.pointer);
        match (old.is_true("required"), new.is_true("required")) {
            (false, true) => self.add(
                Class::Breaking,
                format!("{subject} is required now"),
                pointer,
            ),
            (true, false) => self.add(
                Class::Compatible,
                format!("{subject} is no longer required"),
                pointer,
            ),
            _ => {}
        }
    }

    fn body(&mut self, id: &str, old: Option<Node>, new: Option<Node>) -> Result<()> {
        let subject = format!("{id}: request body");
        let old = old.map(|n| n.resolved(Kind::RequestBody)).transpose()?;
        let new = new.map(|n| n.resolved(Kind::RequestBody)).transpose()?;
        match (old, new) {
            (None, None) => {}
            (Some(old), None) => {
                self.add(Class::Breaking, format!("{subject} removed"), old.pointer);
            }
            (None, Some(new)) if new.is_true("required") => {
                let what = format!("{subject} added, and required");
                self.add(Class::Breaking, what, new.pointer);
            }
            (None, Some(new)) => {
                self.add(Class::Compatible, format!("{subject} added"), new.pointer);
            }
            (Some(old), Some(new)) => {
                self.prose(Kind::RequestBody, &subject, &old, &new);
                self.required(&subject, &old, &new);
                self.content(&subject, &old, &new, Way::Sent)?;
            }
        }
        Ok(())
    }

    fn responses(&mut self, id: &str, old: &Node, new: &Node) -> Result<()> {
        let mut old = responses(old);
        for (status, new) in responses(new) {
            let subject = format!("{id}: response {status}");
            let Some(old) = old.remove(&status) else {
                self.add(
                    status_class(&status),
                    format!("{subject} added"),
                    new.pointer,
                );
                continue;
            };
            let old = old.resolved(Kind::Response)?;
            let new = new.resolved(Kind::Response)?;
            self.prose(Kind::Response, &subject, &old, &new);
            self.content(&subject, &old, &new, Way::Received)?;
            self.headers(&subject, &old, &new)?;
            self.field(Class::Compatible, &subject, "links", &old, &new);
        }
        for (status, old) in old {
            let what = format!("{id}: response {status} removed");
            self.add(status_class(&status), what, old.pointer);
        }
        Ok(())
    }

    fn headers(&mut self, subject: &str, old: &Node, new: &Node) -> Result<()> {
        for (old, new, name) in pairs(old.get("headers"), new.get("headers")) {
            let subject = format!("{subject}, header {name}");
            match (old, new) {
                (Some(old), Some(new)) => {
                    let (old, new) = (old.resolved(Kind::Header)?, new.resolved(Kind::Header)?);
                    self.prose(Kind::Header, &subject, &old, &new);
                    let (old, new) = (old.get("schema"), new.get("schema"));
                    self.optional_schema(&subject, old, new, Way::Received)?;
                }
                (Some(old), None) => {
                    self.add(Class::Breaking, format!("{subject} removed"), old.pointer);
                }
                (None, Some(new)) => {
                    self.add(Class::Compatible, format!("{subject} added"), new.pointer);
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// The media types of a body or a response.
    fn content(&mut self, subject: &str, old: &Node, new: &Node, way: Way) -> Result<()> {
        let had_content = old
            .get("content")
            .is_some_and(|c| !c.entries(Kind::Data).is_empty());
        for (old, new, name) in pairs(old.get("content"), new.get("content")) {
            let subject = format!("{subject}, {name}");
            match (old, new) {
                (Some(old), Some(new)) => {
                    self.prose(Kind::MediaType, &subject, &old, &new);
                    self.field(Class::Breaking, &subject, "encoding", &old, &new);
                    self.optional_schema(&subject, old.get("schema"), new.get("schema"), way)?;
                }
                (Some(old), None) => {
                    self.add(Class::Breaking, format!("{subject} removed"), old.pointer);
                }
                // An answer that had no body, and has one, is another answer.
                (None, Some(new)) => {
                    let class = match (way, had_content) {
                        (Way::Received, false) => Class::Breaking,
                        _ => Class::Compatible,
                    };
                    self.add(class, format!("{subject} added"), new.pointer);
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn servers(&mut self, id: &str, old: [&Node; 3], new: [&Node; 3]) {
        // The innermost that has any counts.
        let servers = |nodes: [&Node; 3]| -> Vec<(Option<Value>, Option<Value>)> {
            let inner = nodes
                .iter()
                .rev()
                .find_map(|node| node.value.get("servers"));
            let list = inner.and_then(Value::as_array).into_iter().flatten();
            list.map(|server| {
                let mut variables = server.get("variables").cloned();
                let each = variables.as_mut().and_then(Value::as_object_mut);
                for (_, variable) in each.into_iter().flatten() {
                    if let Some(variable) = variable.as_object_mut() {
                        variable.remove("description");
                    }
                }
                (server.get("url").cloned(), variables)
            })
            .collect()
        };
        if servers(old) != servers(new) {
            let what = format!("{id}: servers changed");
            self.add(Class::Breaking, what, "/servers".into());
        }
    }
}

/// Success and redirects decide what a call means; our client treats all
/// errors alike, listed or not.
fn status_class(status: &str) -> Class {
    match status.starts_with(['2', '3']) {
        true => Class::Breaking,
        false => Class::Compatible,
    }
}

fn find<'a>(root: &Node<'a>, place: &Place) -> Result<(Node<'a>, Node<'a>)> {
    let missing = || Failure::from(format!("{} is not where it was found", place.name()));
    let item = root.get("paths").and_then(|paths| paths.get(&place.path));
    let item = item.ok_or_else(missing)?.resolved(Kind::PathItem)?;
    let operation = item.get(&place.method).ok_or_else(missing)?;
    Ok((item, operation))
}

/// The parameters of an operation over those of its path.
fn parameters<'a>(
    item: &Node<'a>,
    operation: &Node<'a>,
) -> Result<BTreeMap<(String, String), Node<'a>>> {
    let mut found = BTreeMap::new();
    for node in [item, operation] {
        let list = node
            .get("parameters")
            .map_or_else(Vec::new, |p| p.elements());
        for parameter in list {
            let parameter = parameter.resolved(Kind::Parameter)?;
            let place = parameter.text("in").unwrap_or("?").to_owned();
            let mut name = parameter.text("name").unwrap_or("?").to_owned();
            if place == "header" {
                name.make_ascii_lowercase();
            }
            found.insert((place, name), parameter);
        }
    }
    Ok(found)
}

/// The responses of an operation; `4xx` is `4XX`.
fn responses<'a>(operation: &Node<'a>) -> BTreeMap<String, Node<'a>> {
    let responses = operation.get("responses");
    let entries = responses.map_or_else(Vec::new, |r| r.entries(Kind::Responses));
    entries
        .into_iter()
        .map(|(status, node)| (status.to_uppercase(), node))
        .collect()
}
