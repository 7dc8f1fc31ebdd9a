//! The JSON Schema of `okta.yaml`, generated from the list of settings that reads it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value as Json, json};

use super::{
    Config,
    setting::{self, Setting},
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
    for key in Setting::ALL {
        let spec = key.spec();
        for known in [Some(spec.path), spec.alias].into_iter().flatten() {
            let Some(rest) = below(path, known) else {
                continue;
            };
            match rest.split_once('.') {
                None => {
                    properties.insert(rest.to_owned(), setting(spec.kind, spec.help));
                }
                Some((name, _)) if !properties.contains_key(name) => {
                    properties.insert(name.to_owned(), group(&format!("{path}.{name}")));
                }
                Some(_) => {}
            }
        }
    }
    for known in setting::NOT_NEEDED {
        if let Some(name) = below(path, known).filter(|rest| !rest.contains('.')) {
            let help = json!({ "description": "For Okta's other SDKs; not used." });
            properties.insert(name.to_owned(), help);
        }
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
        Kind::Text | Kind::Secret => json!({ "type": ["string", "number", "null"] }),
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
                null,
            ],
        }),
        Kind::Seconds => json!({
            "type": ["number", "null"],
            "minimum": 0,
            "exclusiveMaximum": 1000,
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
