//! What the fields of an OpenAPI 3.0 document mean, of those that our operations use. What
//! is not in the table stays as it is, for the build to refuse.
//!
//! One table, so that a schema property called `description`, one called
//! `x-colour`, or a default that looks like a `$ref` is never taken for
//! prose, an extension or a reference. The order of the fields is the order in
//! which they are written.

use serde_json::Value;

use Child::{Each, One, Prose, Words};
use Kind::*;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Document,
    Info,
    Server,
    ServerVariable,
    PathItem,
    Operation,
    Parameter,
    RequestBody,
    MediaType,
    Response,
    Schema,
    SecurityScheme,
    Flow,
    Scopes,
    Components,
    /// Any value: a default, an enum, a pattern. Nothing in it is looked at.
    Data,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Child {
    One(Kind),
    /// A list, or a map with free keys.
    Each(Kind),
    /// Text, links or examples for people: dropped.
    Prose,
    /// Text that OpenAPI requires: emptied.
    Words,
}

const OPERATIONS: [(&str, Child); 8] = [
    ("get", One(Operation)),
    ("put", One(Operation)),
    ("post", One(Operation)),
    ("delete", One(Operation)),
    ("options", One(Operation)),
    ("head", One(Operation)),
    ("patch", One(Operation)),
    ("trace", One(Operation)),
];

const PATH_ITEM: &[(&str, Child)] = &[
    ("$ref", One(Data)),
    ("summary", Prose),
    ("description", Prose),
    ("servers", Each(Server)),
    ("parameters", Each(Parameter)),
    OPERATIONS[0],
    OPERATIONS[1],
    OPERATIONS[2],
    OPERATIONS[3],
    OPERATIONS[4],
    OPERATIONS[5],
    OPERATIONS[6],
    OPERATIONS[7],
];

const SCHEMA: &[(&str, Child)] = &[
    ("$ref", One(Data)),
    ("title", One(Data)),
    ("description", Prose),
    ("type", One(Data)),
    ("format", One(Data)),
    ("enum", One(Data)),
    ("default", One(Data)),
    ("nullable", One(Data)),
    ("readOnly", One(Data)),
    ("writeOnly", One(Data)),
    ("deprecated", One(Data)),
    ("required", One(Data)),
    ("properties", Each(Schema)),
    ("additionalProperties", One(Schema)),
    ("items", One(Schema)),
    ("allOf", Each(Schema)),
    ("oneOf", Each(Schema)),
    ("anyOf", Each(Schema)),
    ("externalDocs", Prose),
    ("example", Prose),
];

impl Kind {
    /// The fields of this kind of object.
    pub fn fields(self) -> &'static [(&'static str, Child)] {
        match self {
            Document => &[
                ("openapi", One(Data)),
                ("info", One(Info)),
                ("servers", Each(Server)),
                ("security", One(Data)),
                ("paths", Each(PathItem)),
                ("components", One(Components)),
                ("tags", Prose),
                ("externalDocs", Prose),
            ],
            Info => &[
                ("title", Words),
                ("description", Prose),
                ("termsOfService", Prose),
                ("contact", Prose),
                ("license", One(Data)),
                ("version", One(Data)),
            ],
            Server => &[
                ("url", One(Data)),
                ("description", Prose),
                ("variables", Each(ServerVariable)),
            ],
            ServerVariable => &[
                ("enum", One(Data)),
                ("default", One(Data)),
                ("description", Prose),
            ],
            PathItem => PATH_ITEM,
            Operation => &[
                ("tags", One(Data)),
                ("summary", Prose),
                ("description", Prose),
                ("externalDocs", Prose),
                ("operationId", One(Data)),
                ("deprecated", One(Data)),
                ("parameters", Each(Parameter)),
                ("requestBody", One(RequestBody)),
                ("responses", Each(Response)),
                ("security", One(Data)),
                ("servers", Each(Server)),
            ],
            Parameter => &[
                ("$ref", One(Data)),
                ("name", One(Data)),
                ("in", One(Data)),
                ("description", Prose),
                ("required", One(Data)),
                ("style", One(Data)),
                ("explode", One(Data)),
                ("schema", One(Schema)),
                ("content", Each(MediaType)),
                ("deprecated", One(Data)),
                ("example", Prose),
                ("examples", Prose),
            ],
            RequestBody => &[
                ("$ref", One(Data)),
                ("description", Prose),
                ("required", One(Data)),
                ("content", Each(MediaType)),
            ],
            MediaType => &[
                ("schema", One(Schema)),
                ("example", Prose),
                ("examples", Prose),
            ],
            Response => &[
                ("$ref", One(Data)),
                ("description", Words),
                ("content", Each(MediaType)),
            ],
            Schema => SCHEMA,
            SecurityScheme => &[
                ("$ref", One(Data)),
                ("type", One(Data)),
                ("description", Prose),
                ("name", One(Data)),
                ("in", One(Data)),
                ("scheme", One(Data)),
                ("flows", Each(Flow)),
                ("openIdConnectUrl", One(Data)),
            ],
            Flow => &[
                ("authorizationUrl", One(Data)),
                ("tokenUrl", One(Data)),
                ("refreshUrl", One(Data)),
                ("scopes", One(Scopes)),
            ],
            Components => &[
                ("parameters", Each(Parameter)),
                ("requestBodies", Each(RequestBody)),
                ("responses", Each(Response)),
                ("schemas", Each(Schema)),
                ("securitySchemes", Each(SecurityScheme)),
                ("examples", Prose),
            ],
            Scopes | Data => &[],
        }
    }

    /// What a field holds, `None` if it is not in the table.
    pub fn child(self, key: &str) -> Option<Child> {
        match self {
            Scopes => Some(Words),
            _ => {
                let (_, child) = self.fields().iter().find(|(name, _)| *name == key)?;
                Some(*child)
            }
        }
    }

    /// The place of a field among those that are written.
    pub fn rank(self, key: &str) -> usize {
        let known = self.fields().iter().position(|(name, _)| *name == key);
        known.unwrap_or(self.fields().len())
    }

    /// Whether a `$ref` may stand in place of this object.
    pub fn can_be_referred_to(self) -> bool {
        self.fields().iter().any(|(name, _)| *name == "$ref")
    }

    /// Whether `key` is an extension here, and not a name that someone chose.
    pub fn is_extension(self, key: &str) -> bool {
        self != Data && key.starts_with("x-")
    }
}

/// The methods that a path item can have.
pub fn methods() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|(name, _)| *name)
}

/// The `$ref` that stands in place of an object of this kind.
pub fn reference(kind: Kind, value: &Value) -> Option<&str> {
    if !kind.can_be_referred_to() {
        return None;
    }
    value.get("$ref")?.as_str()
}

/// The objects within an object, with their way from it and what they are.
pub fn children(kind: Kind, value: &Value) -> Vec<(Vec<String>, Kind, &Value)> {
    let mut found = Vec::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        if kind.is_extension(key) {
            continue;
        }
        match (kind.child(key), value) {
            (Some(One(kind)), _) if kind != Data => found.push((vec![key.clone()], kind, value)),
            (Some(Each(kind)), Value::Object(map)) => {
                for (name, value) in map {
                    found.push((vec![key.clone(), name.clone()], kind, value));
                }
            }
            (Some(Each(kind)), Value::Array(list)) => {
                for (at, value) in list.iter().enumerate() {
                    found.push((vec![key.clone(), at.to_string()], kind, value));
                }
            }
            _ => {}
        }
    }
    found
}
