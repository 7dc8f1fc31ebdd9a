//! The JSON Schema of `okta.yaml`, generated from the list of settings that reads it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value as Json, json};

use super::{
    Config,
    keys::{KEYS, Meaning},
    value::{self, AuthorizationMode, Kind},
};

/// The schema of `okta.yaml`, for editors and checks.
impl JsonSchema for Config {
    fn schema_name() -> Cow<'static, str> {
        "OktaYaml".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "okta.yaml",
            "description": "Settings of Okta's SDKs, as the Rust crate okta-user-sessions reads them.",
            "type": ["object", "null"],
            "properties": { "okta": group("okta") }
        })
    }
}

/// The keys directly under `path`. Other programs may have groups of their own next to
/// `okta.client`; inside it, unknown keys are mistakes.
fn group(path: &str) -> Json {
    let mut properties = Map::new();
    for key in KEYS {
        let Some(rest) = below(path, key.path) else {
            continue;
        };
        let schema = match (rest.split_once('.'), key.meaning) {
            (Some((name, _)), _) if properties.contains_key(name) => continue,
            (Some((name, _)), _) => {
                properties.insert(name.to_owned(), group(&format!("{path}.{name}")));
                continue;
            }
            (None, Meaning::Read(read)) => setting(read.spec().kind, read.spec().help),
            (None, Meaning::Ignored(why)) => {
                json!({ "description": format!("For Okta's other SDKs; not used: {why}.") })
            }
        };
        properties.insert(rest.to_owned(), schema);
    }
    json!({
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": path == "okta",
    })
}

fn below<'a>(group: &str, path: &'a str) -> Option<&'a str> {
    path.strip_prefix(group)?.strip_prefix('.')
}

fn setting(kind: Kind, help: &str) -> Json {
    let mut schema = match kind {
        // YAML reads text like 123 as a number, but it is accepted as text.
        Kind::Text | Kind::Secret | Kind::Login | Kind::Password => {
            json!({ "type": ["string", "number", "null"] })
        }
        Kind::Key => json!({ "type": ["string", "object", "null"] }),
        Kind::Path => json!({ "type": ["string", "null"] }),
        Kind::Words | Kind::Paths => json!({
            "type": ["string", "array", "null"],
            "items": { "type": "string" },
        }),
        Kind::Mode => json!({
            "enum": [
                AuthorizationMode::Ssws.name(),
                AuthorizationMode::Bearer.name(),
                value::BEARER_TOKEN,
                AuthorizationMode::PrivateKey.name(),
                value::JWK,
                value::JWT,
                null,
            ],
        }),
        Kind::Seconds => json!({
            "type": ["number", "null"],
            "minimum": 0,
            "maximum": 3_600_000,
        }),
        Kind::Count { least, most } => json!({
            "type": ["integer", "null"],
            "minimum": least,
            "maximum": most,
        }),
        Kind::Flag => json!({ "type": ["boolean", "null"] }),
    };
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), help.into());
    }
    schema
}
