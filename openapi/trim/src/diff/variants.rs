//! Schemas that are one of several, or all of several.

use super::{Class, Comparison, Node, node::pairs, schema::Way};
use crate::{document::Result, references::mapped};

impl Comparison {
    /// The members of `allOf`, `oneOf`, `anyOf`: by name, else by their place.
    pub fn members(
        &mut self,
        subject: &str,
        key: &str,
        old: &Node,
        new: &Node,
        way: Way,
    ) -> Result<()> {
        let mut old_members = named_members(old, key);
        let new_members = named_members(new, key);
        let more_is_wider = key != "allOf";
        // The first variants turn "anything" into "one of these".
        let from_nothing = old_members.is_empty();
        let to_nothing = new_members.is_empty();
        let mut added = Vec::new();
        for (name, member) in new_members {
            match old_members.iter().position(|(other, _)| *other == name) {
                Some(at) => {
                    let (_, old) = old_members.remove(at);
                    self.schema(&format!("{subject}, {key} {name}"), old, member, way)?;
                }
                None => added.push((name, member)),
            }
        }
        for (name, member) in added {
            let class = way.class(more_is_wider && !from_nothing);
            self.add(
                class,
                format!("{subject}: {key} {name} added"),
                member.pointer,
            );
        }
        for (name, member) in old_members {
            let class = way.class(!more_is_wider || to_nothing);
            self.add(
                class,
                format!("{subject}: {key} {name} removed"),
                member.pointer,
            );
        }
        Ok(())
    }

    /// The property that tells variants apart, and the variants that it tells.
    pub fn discriminator(&mut self, subject: &str, old: &Node, new: &Node, way: Way) -> Result<()> {
        let (Some(old), Some(new)) = (old.get("discriminator"), new.get("discriminator")) else {
            self.field(Class::Breaking, subject, "discriminator", old, new);
            return Ok(());
        };
        let subject = format!("{subject}, discriminator");
        self.field(Class::Breaking, &subject, "propertyName", &old, &new);
        let target = |node: &Node<'_>| node.value.as_str().map(mapped).unwrap_or_default();
        for (old, new, name) in pairs(old.get("mapping"), new.get("mapping")) {
            match (old, new) {
                (Some(old), Some(new)) => {
                    let (old, new) = (old.follow(&target(&old))?, new.follow(&target(&new))?);
                    self.schema(&format!("{subject} {name}"), old, new, way)?;
                }
                (None, Some(new)) => {
                    self.add(way.wider(), format!("{subject}: {name} added"), new.pointer);
                }
                (Some(old), None) => {
                    self.add(
                        way.narrower(),
                        format!("{subject}: {name} removed"),
                        old.pointer,
                    );
                }
                (None, None) => {}
            }
        }
        Ok(())
    }
}

fn named_members<'a>(schema: &Node<'a>, key: &str) -> Vec<(String, Node<'a>)> {
    let list = schema
        .get(key)
        .map_or_else(Vec::new, |list| list.elements());
    let mut inline = 0;
    list.into_iter()
        .map(|member| {
            let name = match member.text("$ref") {
                Some(reference) => reference.rsplit('/').next().unwrap_or(reference).to_owned(),
                None => {
                    inline += 1;
                    format!("member {inline}")
                }
            };
            (name, member)
        })
        .collect()
}
