//! Holds answers of the mock against the OpenAPI document.

use std::sync::LazyLock;

use serde_json::Value;

use super::http::Answer;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/user-sessions.yaml");
    serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
});

/// The status must be declared for the operation and the body must be of the
/// declared schema. Answers to what is no operation must be errors.
pub fn check(method: &str, target: &str, answer: &Answer) {
    assert!(answer.header("x-okta-request-id").is_some(), "{answer:?}");
    assert!(answer.header("date").is_some(), "{answer:?}");
    let declared = match operation(method, target) {
        Some(operation) => response(operation, answer.status),
        None => &DOCUMENT["components"]["responses"]["Error"],
    };
    let content = declared["content"].as_object().expect("declared content");
    if content.is_empty() {
        assert_eq!(answer.body, "", "a declared success has no body");
        return;
    }
    assert!(answer.status >= 400, "an undeclared success: {answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body = serde_json::from_str(&answer.body).expect("a JSON body");
    fits(&body, &content["application/json"]["schema"]);
}

fn operation(method: &str, target: &str) -> Option<&'static Value> {
    let path = target.split('?').next()?;
    let matches = |template: &str| {
        let (wanted, given) = (template.split('/'), path.split('/'));
        wanted.clone().count() == given.clone().count()
            && wanted
                .zip(given)
                .all(|(wanted, given)| wanted.starts_with('{') || wanted == given)
    };
    let paths = DOCUMENT["paths"].as_object()?;
    let (_, item) = paths.iter().find(|(template, _)| matches(template))?;
    item.get(method.to_lowercase())
}

fn response(operation: &'static Value, status: u16) -> &'static Value {
    let responses = &operation["responses"];
    let class = format!("{}XX", status / 100);
    let declared = responses
        .get(status.to_string())
        .or_else(|| responses.get(class));
    resolved(declared.unwrap_or_else(|| panic!("{status} is not declared")))
}

/// Follows a `$ref`.
fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(pointer) => DOCUMENT.pointer(pointer.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// Validates against the part of JSON Schema that the document uses, and
/// allows no property that is not in it.
fn fits(value: &Value, schema: &'static Value) {
    let schema = resolved(schema);
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    match schema["type"].as_str().expect("a typed schema") {
        "string" => assert!(value.is_string(), "not a string: {value}"),
        "array" => {
            for item in value.as_array().expect("an array") {
                fits(item, &schema["items"]);
            }
        }
        "object" => {
            for (name, property) in value.as_object().expect("an object") {
                let declared = schema["properties"].get(name);
                fits(
                    property,
                    declared.unwrap_or_else(|| panic!("{name} is not declared")),
                );
            }
        }
        other => panic!("the check does not know the type {other}"),
    }
}

fn error_answer(status: u16, body: &str) -> Answer {
    let head = "Date: now\r\nX-Okta-Request-Id: r\r\nContent-Type: application/json";
    let length = body.len();
    let text = format!("HTTP/1.1 {status} -\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}");
    Answer::parse(text.as_bytes())
}

#[test]
fn accepts_what_is_declared() {
    let body = r#"{"errorCode":"E0000007","errorCauses":[{"errorSummary":"s"}]}"#;
    check(
        "DELETE",
        "/api/v1/users/x/sessions",
        &error_answer(404, body),
    );
    let body = r#"{"errorCauses":null}"#;
    check(
        "DELETE",
        "/api/v1/users/x/sessions",
        &error_answer(404, body),
    );
}

#[test]
#[should_panic(expected = "302 is not declared")]
fn refuses_an_undeclared_status() {
    check(
        "DELETE",
        "/api/v1/users/x/sessions",
        &error_answer(302, "{}"),
    );
}

#[test]
#[should_panic(expected = "not a string: 7")]
fn refuses_a_wrong_type() {
    let body = r#"{"errorCauses":[{"errorSummary":7}]}"#;
    check(
        "DELETE",
        "/api/v1/users/x/sessions",
        &error_answer(404, body),
    );
}

#[test]
#[should_panic(expected = "error is not declared")]
fn refuses_an_undeclared_property() {
    check("GET", "/elsewhere", &error_answer(404, r#"{"error":"x"}"#));
}

#[test]
#[should_panic(expected = "a declared success has no body")]
fn refuses_a_success_with_a_body() {
    check(
        "DELETE",
        "/api/v1/users/x/sessions",
        &error_answer(204, "{}"),
    );
}
