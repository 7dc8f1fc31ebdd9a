//! What the hand-written code relies on in the specification, and what it may add.
//! `build.rs` checks it before it generates; the tests check that it finds what is
//! off.
//!
//! An optional query parameter, or an optional property of a body, becomes an option
//! of the operation by itself. Everything else that is new is refused, for it needs
//! code of ours.

use serde_json::Value;

/// What the hand-written code relies on, an entry for each operation.
const OPERATIONS: [Known; 2] = [
    Known {
        id: "endUserSessions",
        method: "post",
        path: "/api/v1/users/me/lifecycle/delete_sessions",
        path_parameters: &[],
        has_body: true,
        success: 200,
    },
    Known {
        id: "revokeUserSessions",
        method: "delete",
        path: "/api/v1/users/{userId}/sessions",
        path_parameters: &["userId"],
        has_body: false,
        success: 204,
    },
];

struct Known {
    id: &'static str,
    method: &'static str,
    path: &'static str,
    path_parameters: &'static [&'static str],
    has_body: bool,
    success: u16,
}

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

/// Compares the specification with [`OPERATIONS`], and returns them with their
/// options.
pub(crate) fn check(specification: &Value) -> Result<Vec<Operation>, String> {
    let mut found = Vec::new();
    for (path, item) in entries(&specification["paths"]) {
        for (method, operation) in entries(item) {
            if let Some(id) = operation["operationId"].as_str() {
                found.push((id, method, path));
            }
        }
    }
    for (id, method, path) in &found {
        if !OPERATIONS.iter().any(|known| known.id == *id) {
            return Err(format!(
                "{id} ({method} {path}) is an operation that nothing uses"
            ));
        }
    }
    let mut operations = Vec::new();
    for known in &OPERATIONS {
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
        operations.push(Operation {
            id,
            method,
            path,
            success,
            options,
        });
    }
    Ok(operations)
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
        self.check_responses(specification, operation)?;
        Ok(options)
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
            let required = given["required"] == Value::Bool(true);
            if let Some(at) = in_path.iter().position(|known| *known == name) {
                in_path.remove(at);
                let schema = resolve(specification, &given["schema"])?;
                expect(name, "in", &given["in"], &Value::from("path"))?;
                expect(name, "type", &schema["type"], &Value::from("string"))?;
                continue;
            }
            if given["in"] != "query" || self.path_parameters.contains(&name) {
                return Err(format!(
                    "the {} parameter {name} is new or there twice",
                    given["in"].as_str().unwrap_or("strange")
                ));
            }
            if required {
                return Err(format!(
                    "the query parameter {name} is required, so it cannot be an option"
                ));
            }
            options.push(option(specification, name, given, Place::Query)?);
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
        match (self.has_body, body.is_object()) {
            (false, false) => return Ok(Vec::new()),
            (false, true) => return Err("it has a request body now".into()),
            (true, false) => return Err("its request body is missing".into()),
            (true, true) => {}
        }
        let body = resolve(specification, body)?;
        if body["required"] == Value::Bool(true) {
            return Err("its request body is required, so it could not be left out".into());
        }
        let schema = &body["content"]["application/json"]["schema"];
        if !schema["$ref"].is_string() || entries(&body["content"]).count() != 1 {
            return Err("its request body is not a named schema, as JSON alone".into());
        }
        let schema = resolve(specification, schema)?;
        expect(
            "the request body",
            "type",
            &schema["type"],
            &Value::from("object"),
        )?;
        if let Some(required) = elements(&schema["required"]).next() {
            return Err(format!(
                "the request body requires the property {required}, so it cannot be an option"
            ));
        }
        entries(&schema["properties"])
            .map(|(name, property)| option(specification, name, property, Place::Body))
            .collect()
    }

    fn check_responses(&self, specification: &Value, operation: &Value) -> Result<(), String> {
        let success = self.success.to_string();
        for (status, _) in entries(&operation["responses"]) {
            if status != success && status != "4XX" && status != "5XX" {
                return Err(format!("response {status} is new; {success} is success"));
            }
        }
        for status in [&success, "4XX", "5XX"] {
            let response = resolve(specification, &operation["responses"][status])?;
            let schema = &response["content"]["application/json"]["schema"]["$ref"];
            match (status == success, schema.as_str()) {
                (true, None) if response.is_object() => {}
                (false, Some("#/components/schemas/Error")) => {}
                (true, _) => return Err(format!("response {status} without content is missing")),
                (false, _) => return Err(format!("response {status} is not the schema Error")),
            }
        }
        Ok(())
    }
}

/// What users get as an option: a parameter, or a property and its own schema.
fn option(
    specification: &Value,
    name: &str,
    given: &Value,
    place: Place,
) -> Result<OperationOption, String> {
    let schema = match place {
        Place::Query => &given["schema"],
        Place::Body => given,
    };
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

fn expect(name: &str, what: &str, given: &Value, wanted: &Value) -> Result<(), String> {
    if given == wanted {
        return Ok(());
    }
    Err(format!("`{what}` of {name} is {given}, not {wanted}"))
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
