//! What the hand-written code relies on in the specification. `build.rs` checks
//! it before it generates; the tests check that it finds what is off.

use serde_json::Value;

/// What the hand-written code relies on, an entry for each operation.
const OPERATIONS: [Operation; 2] = [
    Operation {
        id: "endUserSessions",
        method: "post",
        path: "/api/v1/users/me/lifecycle/delete_sessions",
        parameters: &[],
        body: Some(("#/components/schemas/KeepCurrent", &["keepCurrent"])),
        success: "200",
    },
    Operation {
        id: "revokeUserSessions",
        method: "delete",
        path: "/api/v1/users/{userId}/sessions",
        parameters: &[
            Parameter {
                name: "userId",
                location: "path",
                kind: "string",
                required: true,
            },
            Parameter {
                name: "forgetDevices",
                location: "query",
                kind: "boolean",
                required: false,
            },
            Parameter {
                name: "oauthTokens",
                location: "query",
                kind: "boolean",
                required: false,
            },
        ],
        body: None,
        success: "204",
    },
];

struct Operation {
    id: &'static str,
    method: &'static str,
    path: &'static str,
    parameters: &'static [Parameter],
    /// The schema of the request body and its boolean properties.
    body: Option<(&'static str, &'static [&'static str])>,
    success: &'static str,
}

struct Parameter {
    name: &'static str,
    location: &'static str,
    kind: &'static str,
    required: bool,
}

/// Compares the specification with [`OPERATIONS`].
pub(crate) fn check(specification: &Value) -> Result<(), String> {
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
    for operation in &OPERATIONS {
        let id = operation.id;
        let places: Vec<_> = found.iter().filter(|(found, ..)| *found == id).collect();
        let [(_, method, path)] = places[..] else {
            return Err(format!("{id} is there {} times, not once", places.len()));
        };
        if (*method, *path) != (operation.method, operation.path) {
            return Err(format!(
                "{id} is {method} {path}, not {} {}",
                operation.method, operation.path
            ));
        }
        operation
            .check(specification)
            .map_err(|difference| format!("{id}: {difference}"))?;
    }
    Ok(())
}

impl Operation {
    fn check(&self, specification: &Value) -> Result<(), String> {
        let item = &specification["paths"][self.path];
        let operation = &item[self.method];
        self.check_parameters(specification, item, operation)?;
        self.check_body(specification, operation)?;
        for status in [self.success, "4XX", "5XX"] {
            let response = resolve(specification, &operation["responses"][status])?;
            let schema = &response["content"]["application/json"]["schema"]["$ref"];
            match (status == self.success, schema.as_str()) {
                (true, None) if response.is_object() => {}
                (false, Some("#/components/schemas/Error")) => {}
                (true, _) => return Err(format!("response {status} without content is missing")),
                (false, _) => return Err(format!("response {status} is not the schema Error")),
            }
        }
        Ok(())
    }

    fn check_parameters(
        &self,
        specification: &Value,
        item: &Value,
        operation: &Value,
    ) -> Result<(), String> {
        let mut left: Vec<&Parameter> = self.parameters.iter().collect();
        for given in elements(&item["parameters"]).chain(elements(&operation["parameters"])) {
            let given = resolve(specification, given)?;
            let name = given["name"].as_str().unwrap_or("(without a name)");
            let Some(at) = left.iter().position(|known| known.name == name) else {
                return Err(format!("parameter {name} is new or there twice"));
            };
            let known = left.remove(at);
            let schema = resolve(specification, &given["schema"])?;
            expect(name, "in", &given["in"], &Value::from(known.location))?;
            expect(name, "type", &schema["type"], &Value::from(known.kind))?;
            let required = given["required"].as_bool().unwrap_or(false);
            expect(
                name,
                "required",
                &Value::from(required),
                &Value::from(known.required),
            )?;
            no_default(name, schema)?;
        }
        match left.first() {
            Some(missing) => Err(format!("parameter {} is missing", missing.name)),
            None => Ok(()),
        }
    }

    fn check_body(&self, specification: &Value, operation: &Value) -> Result<(), String> {
        let body = &operation["requestBody"];
        let Some((reference, properties)) = self.body else {
            return if body.is_null() {
                Ok(())
            } else {
                Err("it has a request body now".into())
            };
        };
        if body["required"] == Value::Bool(true) {
            return Err("its request body is required, so it could not be left out".into());
        }
        let schema = &body["content"]["application/json"]["schema"];
        expect(
            "the request body",
            "schema",
            &schema["$ref"],
            &Value::from(reference),
        )?;
        let schema = resolve(specification, schema)?;
        let given: Vec<&str> = entries(&schema["properties"])
            .map(|(name, _)| name)
            .collect();
        if given != properties {
            return Err(format!(
                "the request body has the properties {given:?}, not {properties:?}"
            ));
        }
        if elements(&schema["required"]).next().is_some() {
            return Err("the request body has required properties".into());
        }
        for (name, property) in entries(&schema["properties"]) {
            expect(name, "type", &property["type"], &Value::from("boolean"))?;
            no_default(name, property)?;
        }
        Ok(())
    }
}

fn expect(name: &str, what: &str, given: &Value, wanted: &Value) -> Result<(), String> {
    if given == wanted {
        return Ok(());
    }
    Err(format!("`{what}` of {name} is {given}, not {wanted}"))
}

fn no_default(name: &str, schema: &Value) -> Result<(), String> {
    match &schema["default"] {
        Value::Null => Ok(()),
        default => Err(format!(
            "{name} has the default {default}, so it would be sent when it is not given"
        )),
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
