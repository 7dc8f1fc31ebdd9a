//! Which credentials an operation accepts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Class, Comparison, Node};
use crate::{
    document::{elements, entries},
    grammar::Kind,
    references,
};

/// One way to be let in: schemes, each with its scopes.
type Alternative = BTreeMap<String, BTreeSet<String>>;

impl Comparison {
    pub fn security(&mut self, id: &str, old: (&Node, &Node), new: (&Node, &Node)) {
        let pointer = format!("{}/security", new.1.pointer);
        let (old, new) = (alternatives(old.0, old.1), alternatives(new.0, new.1));
        for gone in old.iter().filter(|a| !new.contains(a)) {
            let same_schemes = new.iter().find(|a| a.keys().eq(gone.keys()));
            let (class, what) = match same_schemes {
                Some(other) if asks_no_more(other, gone) => {
                    (Class::Compatible, format!("needs {} only", name(other)))
                }
                Some(other) => (Class::Breaking, format!("needs {} now", name(other))),
                None if new.is_empty() => (Class::Compatible, "no longer needed".into()),
                None => (
                    Class::Breaking,
                    format!("{} no longer accepted", name(gone)),
                ),
            };
            let what = format!("{id}: security {what} (was: {})", name(gone));
            self.add(class, what, pointer.clone());
        }
        for added in new.iter().filter(|a| !old.contains(a)) {
            if old.iter().any(|a| a.keys().eq(added.keys())) {
                continue;
            }
            let (class, what) = match old.is_empty() {
                true => (Class::Breaking, "needed now"),
                false => (Class::Compatible, "also accepted"),
            };
            let what = format!("{id}: security {} {what}", name(added));
            self.add(class, what, pointer.clone());
        }
    }

    /// The definitions of the security schemes that both use.
    pub fn schemes(
        &mut self,
        (old, old_used): (&Value, &BTreeSet<String>),
        (new, new_used): (&Value, &BTreeSet<String>),
    ) {
        let prefix = "/components/securitySchemes/";
        for pointer in old_used.intersection(new_used) {
            let Some(name) = pointer.strip_prefix(prefix) else {
                continue;
            };
            let schemes = |document| {
                let node = Node::root(document).get("components")?;
                node.get("securitySchemes")?.get(&name.replace("~1", "/"))
            };
            let (Some(old), Some(new)) = (schemes(old), schemes(new)) else {
                continue;
            };
            let subject = format!("security scheme {name}");
            self.prose(Kind::SecurityScheme, &subject, &old, &new);
            for key in ["type", "name", "in", "scheme", "openIdConnectUrl", "$ref"] {
                self.field(Class::Breaking, &subject, key, &old, &new);
            }
            for (flow, _) in Kind::Flows.fields() {
                let at = |node: &Node<'_>| node.value.pointer(&format!("/flows/{flow}")).cloned();
                let (was, is) = (at(&old).map(without_scopes), at(&new).map(without_scopes));
                if was != is {
                    let class = match was {
                        None => Class::Compatible,
                        Some(_) => Class::Breaking,
                    };
                    let pointer = format!("{}/flows/{flow}", new.pointer);
                    let what = format!("{subject}: flow {flow} changed");
                    self.change(class, what, &pointer, was.as_ref(), is.as_ref());
                }
            }
        }
    }
}

/// The scopes that other operations need are not our business.
fn without_scopes(mut flow: Value) -> Value {
    if let Some(flow) = flow.as_object_mut() {
        flow.retain(|key, _| key != "scopes" && !key.starts_with("x-"));
    }
    flow
}

fn alternatives(root: &Node, operation: &Node) -> Vec<Alternative> {
    references::requirements(root.value, operation.value)
        .map(|requirement| {
            entries(Some(requirement))
                .map(|(scheme, scopes)| {
                    let scopes = elements(Some(scopes)).filter_map(Value::as_str);
                    (scheme.clone(), scopes.map(String::from).collect())
                })
                .collect()
        })
        .collect()
}

fn asks_no_more(new: &Alternative, old: &Alternative) -> bool {
    new.iter()
        .all(|(scheme, scopes)| old.get(scheme).is_some_and(|known| scopes.is_subset(known)))
}

fn name(alternative: &Alternative) -> String {
    if alternative.is_empty() {
        return "no credentials".into();
    }
    let schemes = alternative.iter().map(|(scheme, scopes)| {
        let scopes: Vec<_> = scopes.iter().map(String::as_str).collect();
        match scopes[..] {
            [] => scheme.clone(),
            _ => format!("{scheme} with {}", scopes.join(", ")),
        }
    });
    schemes.collect::<Vec<_>>().join(" and ")
}
