//! What the hand-written code relies on in the specification, and what it may add.
//! `build.rs` checks it before it generates.
//!
//! An optional query parameter, or an optional property of a body, becomes an option
//! of the operation by itself. Wording may change, and an error may have more
//! properties. Every other difference is refused, because it needs code of ours.

use serde_json::{Value, json};

/// What the hand-written code relies on, an entry for each operation.
const OPERATIONS: [Known; 2] = [
    Known {
        id: "endUserSessions",
        method: "post",
        path: "/api/v1/users/me/lifecycle/delete_sessions",
        path_parameters: &[],
        has_body: true,
        success: 200,
        // The signed-in user's cookie, which Okta's specification has no scheme for.
        scopes: &[],
    },
    Known {
        id: "revokeUserSessions",
        method: "delete",
        path: "/api/v1/users/{userId}/sessions",
        path_parameters: &["userId"],
        has_body: false,
        success: 204,
        scopes: &["okta.users.manage"],
    },
];

struct Known {
    id: &'static str,
    method: &'static str,
    path: &'static str,
    path_parameters: &'static [&'static str],
    has_body: bool,
    success: u16,
    /// Of an access token; an API token is the alternative.
    scopes: &'static [&'static str],
}

/// What documents or groups, and changes no request.
const WORDING: [&str; 4] = ["description", "summary", "tags", "title"];

/// What a path can have an operation for.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// An operation that the code fits.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) success: u16,
    pub(crate) options: Vec<OperationOption>,
}

/// An optional query parameter, or an optional property of the body.
#[derive(Debug, PartialEq)]
pub(crate) struct OperationOption {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) kind: Kind,
    pub(crate) place: Place,
}

impl OperationOption {
    pub(crate) fn is_in_body(&self) -> bool {
        self.place == Place::Body
    }
}

#[derive(Debug, PartialEq)]
pub(crate) enum Kind {
    Boolean,
    Integer,
    Text,
    /// One of these strings.
    OneOf(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    Query,
    Body,
}

/// Compares the specification with what the code relies on, and returns the operations
/// with their options.
pub(crate) fn check(specification: &Value) -> Result<Vec<Operation>, String> {
    let servers = json!([{"url": "https://{yourOktaDomain}", "variables": null}]);
    for (at, pointer, expected) in [
        ("servers", "/servers", servers),
        (
            "securitySchemes",
            "/components/securitySchemes",
            security_schemes(),
        ),
    ] {
        let given = specification.pointer(pointer).unwrap_or(&Value::Null);
        compare(specification, at, given, &expected)?;
    }
    let found = operations(specification)?;
    OPERATIONS
        .iter()
        .map(|known| {
            let Known {
                id,
                method,
                path,
                success,
                ..
            } = *known;
            let places: Vec<_> = found.iter().filter(|(found, ..)| *found == id).collect();
            let [(_, found_method, found_path)] = places[..] else {
                return Err(format!("{id} is there {} times, not once", places.len()));
            };
            if (*found_method, *found_path) != (method, path) {
                return Err(format!(
                    "{id} is {found_method} {found_path}, not {method} {path}"
                ));
            }
            let options = known
                .check(specification)
                .map_err(|difference| format!("{id}: {difference}"))?;
            Ok(Operation {
                id,
                method,
                path,
                success,
                options,
            })
        })
        .collect()
}

/// The id, method and path of every operation that is given, each of which is known.
fn operations(specification: &Value) -> Result<Vec<(&str, &str, &str)>, String> {
    let mut found = Vec::new();
    for (path, item) in entries(&specification["paths"]) {
        for (field, operation) in entries(item) {
            if field == "parameters" || WORDING.contains(&field) {
                continue;
            }
            if !METHODS.contains(&field) {
                return Err(format!("`{field}` of {path} is new: {operation}"));
            }
            let id = operation["operationId"].as_str();
            let id = id.unwrap_or("an operation without an id");
            if !OPERATIONS.iter().any(|known| known.id == id) {
                return Err(format!("{id} ({field} {path}) is not used by the code"));
            }
            found.push((id, field, path));
        }
    }
    Ok(found)
}

impl Known {
    fn check(&self, specification: &Value) -> Result<Vec<OperationOption>, String> {
        let item = &specification["paths"][self.path];
        let operation = &item[self.method];
        let mut options = self.check_parameters(specification, item, operation)?;
        options.extend(self.check_body(specification, operation)?);
        for (at, option) in options.iter().enumerate() {
            if options[..at].iter().any(|other| other.name == option.name) {
                return Err(format!("the option {} is there twice", option.name));
            }
        }
        for (name, expected) in entries(&self.expected()) {
            let given = match name {
                "security" => &security(specification, operation),
                _ => &operation[name],
            };
            compare(specification, name, given, expected)?;
        }
        let checked = [
            "operationId",
            "parameters",
            "requestBody",
            "responses",
            "security",
        ];
        match entries(operation)
            .find(|(name, _)| !checked.contains(name) && !WORDING.contains(name))
        {
            Some((name, value)) => Err(format!("`{name}` is new: {value}")),
            None => Ok(options),
        }
    }

    /// What the operation has besides parameters, body and wording.
    fn expected(&self) -> Value {
        let text = json!({"type": "string"});
        let cause = json!({"type": "object", "properties": {"errorSummary": text}});
        // What `src/pipeline/response` reads of an error.
        let error = json!({"content": {"application/json": {"schema": {
            "$ref": "#/components/schemas/Error",
            "type": "object",
            "properties": {
                "errorCauses": {"type": "array", "nullable": true, "items": cause},
                "errorCode": text,
                "errorId": text,
                "errorSummary": text,
            },
        }}}});
        json!({
            "responses": {self.success.to_string(): {"content": {}}, "4XX": error, "5XX": error},
            "security": [{"apiToken": []}, {"oauth2": self.scopes}],
        })
    }

    fn check_parameters(
        &self,
        specification: &Value,
        item: &Value,
        operation: &Value,
    ) -> Result<Vec<OperationOption>, String> {
        let mut in_path = self.path_parameters.to_vec();
        let mut options = Vec::new();
        for given in elements(&item["parameters"]).chain(elements(&operation["parameters"])) {
            let given = resolve(specification, given)?;
            let name = given["name"].as_str().unwrap_or("(without a name)");
            if given["in"] == "query" {
                options.push(query_option(specification, name, given)?);
                continue;
            }
            let Some(at) = in_path.iter().position(|known| *known == name) else {
                let place = given["in"].as_str().unwrap_or("strange");
                return Err(format!(
                    "the {place} parameter {name} is new or there twice"
                ));
            };
            in_path.remove(at);
            let expected = json!({
                "name": name, "in": "path", "required": true, "schema": {"type": "string"},
            });
            compare(
                specification,
                &format!("the parameter {name}"),
                given,
                &expected,
            )?;
        }
        match in_path.first() {
            Some(missing) => Err(format!("the path parameter {missing} is missing")),
            None => Ok(options),
        }
    }

    fn check_body(
        &self,
        specification: &Value,
        operation: &Value,
    ) -> Result<Vec<OperationOption>, String> {
        let body = &operation["requestBody"];
        match (self.has_body, body.is_null()) {
            (false, true) => return Ok(Vec::new()),
            (false, false) => return Err("it has a request body now".into()),
            (true, true) => return Err("its request body is missing".into()),
            (true, false) => {}
        }
        let expected = json!({"content": {"application/json": {
            "schema": {"type": "object", "properties": {}},
        }}});
        compare(specification, "requestBody", body, &expected)?;
        let body = resolve(specification, body)?;
        let schema = &body["content"]["application/json"]["schema"];
        if !schema["$ref"].is_string() {
            return Err("the schema of its request body has no name".into());
        }
        let properties = &resolve(specification, schema)?["properties"];
        if entries(properties).next().is_none() {
            return Err("the schema of its request body has no properties".into());
        }
        entries(properties)
            .map(|(name, property)| option(specification, name, property, property, Place::Body))
            .collect()
    }
}

/// The definitions of the credentials that the code sends.
fn security_schemes() -> Value {
    json!({
        "apiToken": {"type": "apiKey", "name": "Authorization", "in": "header"},
        "oauth2": {"type": "oauth2", "flows": {"authorizationCode": {
            "authorizationUrl": "/oauth2/v1/authorize",
            "tokenUrl": "/oauth2/v1/token",
            "scopes": {"okta.users.manage": null},
        }}},
    })
}

/// The credentials that an operation accepts, in an order of ours: Okta's means nothing.
fn security(specification: &Value, operation: &Value) -> Value {
    let own = &operation["security"];
    let mut given = match own.is_null() {
        true => specification["security"].clone(),
        false => own.clone(),
    };
    if let Value::Array(alternatives) = &mut given {
        alternatives.sort_by_key(Value::to_string);
    }
    given
}

/// Fails with the first difference, wording aside. References are followed; `null`
/// expects any value, and an object without entries may be missing.
fn compare(specification: &Value, at: &str, given: &Value, expected: &Value) -> Result<(), String> {
    const REFERENCE: &str = "$ref";
    if let Some(name) = expected.get(REFERENCE)
        && given[REFERENCE] != *name
    {
        return Err(format!("{at} does not refer to {name}"));
    }
    let given = resolve(specification, given)?;
    match (given, expected) {
        (_, Value::Null) => Ok(()),
        (Value::Null, Value::Object(expected)) if expected.is_empty() => Ok(()),
        (Value::Null, _) => Err(format!("{at} is missing")),
        (Value::Object(object), Value::Object(wanted)) => {
            let may_grow = at.ends_with(".properties");
            for (name, value) in object {
                if !(wanted.contains_key(name) || may_grow || WORDING.contains(&name.as_str())) {
                    return Err(format!("{at}.{name} is new: {value}"));
                }
            }
            wanted
                .iter()
                .filter(|(name, _)| *name != REFERENCE)
                .try_for_each(|(name, wanted)| {
                    compare(specification, &format!("{at}.{name}"), &given[name], wanted)
                })
        }
        (Value::Array(list), Value::Array(wanted)) if list.len() == wanted.len() => list
            .iter()
            .zip(wanted)
            .enumerate()
            .try_for_each(|(n, (given, wanted))| {
                compare(specification, &format!("{at}.{n}"), given, wanted)
            }),
        _ if given == expected => Ok(()),
        _ => Err(format!("{at} is {given}, not {expected}")),
    }
}

fn query_option(
    specification: &Value,
    name: &str,
    given: &Value,
) -> Result<OperationOption, String> {
    if given["required"] == Value::Bool(true) {
        return Err(format!(
            "the query parameter {name} is required, so it cannot be an option"
        ));
    }
    let known = ["name", "in", "description", "required", "schema"];
    if let Some((field, value)) = entries(given).find(|(field, _)| !known.contains(field)) {
        return Err(format!(
            "the query parameter {name} has `{field}`: {value}, which no request of ours follows"
        ));
    }
    option(specification, name, given, &given["schema"], Place::Query)
}

/// What users get as an option: a parameter, or a property and its own schema.
fn option(
    specification: &Value,
    name: &str,
    given: &Value,
    schema: &Value,
    place: Place,
) -> Result<OperationOption, String> {
    let resolved = resolve(specification, schema)?;
    if let default @ (Value::Bool(_) | Value::Number(_) | Value::String(_)) = &resolved["default"] {
        return Err(format!(
            "the option {name} has the default {default}, so it would be sent when it is not given"
        ));
    }
    let kind = kind(resolved)
        .and_then(|kind| {
            let named = schema["$ref"].is_string();
            let has_own_type = matches!(kind, Kind::OneOf(_));
            if named && !has_own_type {
                return Err("its type is a schema of its own".into());
            }
            Ok(kind)
        })
        .map_err(|what| {
            format!(
                "the option {name} has a type that has no setter yet: {what}. There are setters for boolean, integer, string and an enum of strings"
            )
        })?;
    let description = [given, resolved]
        .iter()
        .find_map(|place| place["description"].as_str());
    let Some(description) = description else {
        return Err(format!(
            "the option {name} has no description, which becomes its documentation; add one to the overlay"
        ));
    };
    Ok(OperationOption {
        name: name.into(),
        // A YAML block may break lines.
        description: description.split_whitespace().collect::<Vec<_>>().join(" "),
        kind,
        place,
    })
}

fn kind(schema: &Value) -> Result<Kind, String> {
    let (kind, more): (_, &[&str]) = match schema["type"].as_str() {
        Some("boolean") => (Kind::Boolean, &[]),
        Some("integer") => (Kind::Integer, &["format"]),
        Some("string") if schema["enum"].is_null() => (Kind::Text, &[]),
        Some("string") => {
            let values = elements(&schema["enum"]).map(|value| value.as_str().map(str::to_owned));
            let values: Option<Vec<_>> = values.collect();
            (
                Kind::OneOf(values.ok_or("its values are not strings alone")?),
                &["enum"],
            )
        }
        _ => return Err(format!("its type is {}", schema["type"])),
    };
    let known =
        |name: &str| ["type", "title", "description"].contains(&name) || more.contains(&name);
    match entries(schema).find(|(name, _)| !known(name)) {
        Some((name, value)) => Err(format!("it has `{name}`: {value}")),
        None => Ok(kind),
    }
}

/// Follows a `$ref` into the components, once or more often.
fn resolve<'a>(specification: &'a Value, mut value: &'a Value) -> Result<&'a Value, String> {
    for _ in 0..8 {
        let Some(reference) = value["$ref"].as_str() else {
            return Ok(value);
        };
        value = reference
            .strip_prefix('#')
            .and_then(|pointer| specification.pointer(pointer))
            .ok_or_else(|| format!("{reference} leads nowhere"))?;
    }
    Err("a $ref leads back to itself".into())
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
