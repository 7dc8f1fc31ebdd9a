//! A specification that the hand-written code does not fit is refused by the
//! build, with the operation and the difference.

use serde_json::{Value, json};

#[path = "../openapi/contract.rs"]
mod checks;

const END: &str = "/paths/~1api~1v1~1users~1me~1lifecycle~1delete_sessions/post";
const REVOKE: &str = "/paths/~1api~1v1~1users~1{userId}~1sessions/delete";

fn specification() -> Value {
    serde_saphyr::from_str(include_str!("../openapi/user-sessions.yaml")).unwrap()
}

#[test]
fn the_specification_holds() {
    checks::check(&specification()).unwrap();
}

#[test]
fn what_is_off_is_named() {
    let flag = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "boolean"}});
    for (place, value, operation, difference) in [
        (
            format!("{END}/operationId"),
            json!("endSessions"),
            "endSessions",
            "nothing uses",
        ),
        (
            REVOKE.to_owned(),
            Value::Null,
            "revokeUserSessions",
            "0 times",
        ),
        (
            "/paths/~1new".into(),
            json!({"post": {"operationId": "endUserSessions"}}),
            "endUserSessions",
            "2 times",
        ),
        (
            "/paths/~1new".into(),
            json!({"get": {"operationId": "getUser"}}),
            "getUser",
            "nothing uses",
        ),
        (
            format!("{REVOKE}/parameters/0/schema/default"),
            json!(false),
            "revokeUserSessions",
            "default false",
        ),
        (
            format!("{REVOKE}/parameters/1/schema/type"),
            json!("string"),
            "revokeUserSessions",
            "\"string\", not \"boolean\"",
        ),
        (
            format!("{REVOKE}/parameters/1/required"),
            json!(true),
            "revokeUserSessions",
            "`required` of forgetDevices",
        ),
        (
            format!("{REVOKE}/parameters/0"),
            flag("other"),
            "revokeUserSessions",
            "parameter other is new",
        ),
        (
            format!("{REVOKE}/parameters"),
            json!([flag("oauthTokens")]),
            "revokeUserSessions",
            "forgetDevices is missing",
        ),
        (
            "/components/parameters/pathUserId/in".into(),
            json!("query"),
            "revokeUserSessions",
            "`in` of userId",
        ),
        (
            "/components/parameters/pathUserId".into(),
            Value::Null,
            "revokeUserSessions",
            "leads nowhere",
        ),
        (
            "/components/schemas/KeepCurrent/properties/keepCurrent/default".into(),
            json!(true),
            "endUserSessions",
            "default true",
        ),
        (
            "/components/schemas/KeepCurrent/properties/other".into(),
            json!({"type": "string"}),
            "endUserSessions",
            "\"other\"",
        ),
        (
            "/components/schemas/KeepCurrent/required".into(),
            json!(["keepCurrent"]),
            "endUserSessions",
            "required",
        ),
        (
            format!("{END}/requestBody/required"),
            json!(true),
            "endUserSessions",
            "could not be left out",
        ),
        (
            format!("{REVOKE}/requestBody"),
            json!({"content": {}}),
            "revokeUserSessions",
            "has a request body",
        ),
        (
            format!("{REVOKE}/responses/204"),
            Value::Null,
            "revokeUserSessions",
            "response 204",
        ),
        (
            format!("{END}/responses/5XX"),
            Value::Null,
            "endUserSessions",
            "response 5XX",
        ),
    ] {
        let mut changed = specification();
        put(&mut changed, &place, value);
        let error = checks::check(&changed).expect_err(&place);
        assert!(
            error.contains(operation) && error.contains(difference),
            "{place}: {error}"
        );
    }
}

/// Puts a value at a JSON pointer, or takes what is there away.
fn put(document: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/");
    match document.pointer_mut(parent).unwrap() {
        Value::Array(elements) => elements[name.parse::<usize>().unwrap()] = value,
        Value::Object(entries) if value.is_null() => drop(entries.remove(&name).unwrap()),
        Value::Object(entries) => drop(entries.insert(name, value)),
        other => panic!("{parent} is {other}"),
    }
}
