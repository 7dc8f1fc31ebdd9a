//! A specification that the hand-written code does not fit is refused by the
//! build, with the operation and the difference.

use serde_json::{Value, json};

#[allow(dead_code, reason = "build.rs reads all of what it finds")]
#[path = "../openapi/contract.rs"]
mod checks;

use checks::{Kind, OperationOption, Place};

const END: &str = "/paths/~1api~1v1~1users~1me~1lifecycle~1delete_sessions/post";
const REVOKE: &str = "/paths/~1api~1v1~1users~1{userId}~1sessions/delete";

fn specification() -> Value {
    serde_saphyr::from_str(include_str!("../openapi/user-sessions.yaml")).unwrap()
}

/// A query parameter with this schema.
fn parameter(name: &str, schema: Value) -> Value {
    json!({"name": name, "in": "query", "description": "Does  it,\nor not.", "schema": schema})
}

/// The options of revokeUserSessions whose first parameter has this schema.
fn options(schema: Value) -> Result<Vec<OperationOption>, String> {
    let mut changed = specification();
    put(
        &mut changed,
        &format!("{REVOKE}/parameters/0"),
        parameter("other", schema),
    );
    put(
        &mut changed,
        "/components/schemas/Mode",
        json!({"type": "string", "enum": ["soft", "hard"]}),
    );
    let operations = checks::check(&changed)?;
    Ok(operations.into_iter().nth(1).unwrap().options)
}

#[test]
fn the_specification_is_accepted() {
    let operations = checks::check(&specification()).unwrap();
    let options = operations.iter().flat_map(|operation| {
        let names = operation.options.iter().map(|option| option.name.as_str());
        names.map(|name| (operation.id, name))
    });
    assert_eq!(
        options.collect::<Vec<_>>(),
        [
            ("endUserSessions", "keepCurrent"),
            ("revokeUserSessions", "oauthTokens"),
            ("revokeUserSessions", "forgetDevices"),
        ]
    );
}

#[test]
fn a_new_optional_parameter_of_a_simple_type_is_an_option() {
    for (schema, kind) in [
        (json!({"type": "boolean"}), Kind::Boolean),
        (json!({"type": "integer"}), Kind::Integer),
        (json!({"type": "integer", "format": "int32"}), Kind::Integer),
        (json!({"type": "string"}), Kind::Text),
        (
            json!({"type": "string", "enum": ["soft", "hard"]}),
            Kind::OneOf(vec!["soft".into(), "hard".into()]),
        ),
        (
            json!({"$ref": "#/components/schemas/Mode"}),
            Kind::OneOf(vec!["soft".into(), "hard".into()]),
        ),
    ] {
        let options = options(schema).unwrap();
        let option = OperationOption {
            name: "other".into(),
            description: "Does it, or not.".into(),
            kind,
            place: Place::Query,
        };
        assert_eq!(options[0], option);
    }
}

#[test]
fn an_option_of_another_type_is_refused_by_name() {
    for (schema, difference) in [
        (json!({"type": "number"}), "\"number\""),
        (
            json!({"type": "array", "items": {"type": "string"}}),
            "\"array\"",
        ),
        (json!({}), "null"),
        (json!({"type": "string", "maxLength": 5}), "`maxLength`: 5"),
        (json!({"type": "string", "format": "date-time"}), "`format`"),
        (json!({"type": "integer", "minimum": 1}), "`minimum`: 1"),
        (json!({"type": "boolean", "nullable": true}), "`nullable`"),
        (
            json!({"type": "string", "enum": ["soft", null]}),
            "strings alone",
        ),
        (
            json!({"$ref": "#/components/schemas/Flag"}),
            "schema of its own",
        ),
    ] {
        let mut changed = specification();
        put(
            &mut changed,
            "/components/schemas/Flag",
            json!({"type": "boolean"}),
        );
        for (place, value) in [
            (
                format!("{REVOKE}/parameters/0"),
                parameter("other", schema.clone()),
            ),
            (
                "/components/schemas/KeepCurrent/properties/other".to_owned(),
                schema.clone(),
            ),
        ] {
            let mut changed = changed.clone();
            put(&mut changed, &place, value);
            let error = checks::check(&changed).unwrap_err();
            assert!(
                error.contains("UserSessions: the option other has a type that has no setter yet")
                    && error.contains(difference),
                "{error}"
            );
        }
    }
}

#[test]
fn every_mismatch_with_the_specification_is_named() {
    for (place, value, operation, difference) in [
        (
            format!("{END}/operationId"),
            json!("endSessions"),
            "endSessions",
            "is not used by the code",
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
            "is not used by the code",
        ),
        (
            format!("{REVOKE}/parameters/0/schema/default"),
            json!(false),
            "revokeUserSessions",
            "default false",
        ),
        (
            format!("{REVOKE}/parameters/1/required"),
            json!(true),
            "revokeUserSessions",
            "query parameter forgetDevices is required",
        ),
        (
            format!("{REVOKE}/parameters/1/in"),
            json!("header"),
            "revokeUserSessions",
            "header parameter forgetDevices is new",
        ),
        (
            format!("{REVOKE}/parameters/1/name"),
            json!("oauthTokens"),
            "revokeUserSessions",
            "oauthTokens is there twice",
        ),
        (
            format!("{REVOKE}/parameters/1/description"),
            Value::Null,
            "revokeUserSessions",
            "forgetDevices has no description",
        ),
        (
            "/components/parameters/pathUserId/name".into(),
            json!("id"),
            "revokeUserSessions",
            "path parameter id is new",
        ),
        (
            "/components/parameters/pathUserId/in".into(),
            json!("query"),
            "revokeUserSessions",
            "query parameter userId is required",
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
            "other has no description",
        ),
        (
            "/components/schemas/KeepCurrent/required".into(),
            json!(["keepCurrent"]),
            "endUserSessions",
            "schema.required is new: [\"keepCurrent\"]",
        ),
        (
            format!("{END}/requestBody/required"),
            json!(true),
            "endUserSessions",
            "requestBody.required is new: true",
        ),
        (
            format!("{END}/requestBody"),
            Value::Null,
            "endUserSessions",
            "request body is missing",
        ),
        (
            format!("{END}/requestBody/content/application~1json/schema"),
            json!({"type": "object"}),
            "endUserSessions",
            "schema of its request body has no name",
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
            "responses.204 is missing",
        ),
        (
            format!("{REVOKE}/responses/202"),
            json!({"description": "Later."}),
            "revokeUserSessions",
            "responses.202 is new: {\"description\":\"Later.\"}",
        ),
        (
            format!("{END}/responses/5XX"),
            Value::Null,
            "endUserSessions",
            "responses.5XX is missing",
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

/// What the generator cannot read, and what it would read as another success.
#[test]
fn a_response_besides_the_one_success_and_the_errors_is_refused() {
    let error = json!({"content": {"application/json": {"schema": {
        "$ref": "#/components/schemas/Error",
    }}}});
    let inline = json!({"description": "", "content": {"application/json": {"schema": {
        "type": "object", "properties": {"ended": {"type": "integer"}},
    }}}});
    for (status, response, difference) in [
        (
            "404",
            json!({"description": "Gone."}),
            "responses.404 is new: {\"description\":\"Gone.\"}",
        ),
        ("404", error.clone(), "responses.404 is new"),
        ("default", error, "responses.default is new"),
        ("200", inline.clone(), "responses.200 is new"),
        (
            "202",
            json!({"description": "Later."}),
            "responses.202 is new",
        ),
        (
            "204",
            inline,
            "responses.204.content.application/json is new",
        ),
        (
            "204",
            json!({"description": "", "headers": {"Location": {}}}),
            "responses.204.headers is new",
        ),
        (
            "4XX",
            json!({"description": "", "content": {"text/plain": {}}}),
            "responses.4XX.content.text/plain is new",
        ),
    ] {
        let mut changed = specification();
        put(
            &mut changed,
            &format!("{REVOKE}/responses/{status}"),
            response,
        );
        let error = checks::check(&changed).unwrap_err();
        let expected = format!("revokeUserSessions: {difference}");
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn credentials_that_differ_from_those_the_code_sends_are_refused() {
    let schemes = "/components/securitySchemes";
    for (place, value, difference) in [
        (
            format!("{REVOKE}/security/1/oauth2/0"),
            json!("okta.users.sessions.manage"),
            "revokeUserSessions: security.1.oauth2.0 is \"okta.users.sessions.manage\", not \"okta.users.manage\"",
        ),
        (
            format!("{REVOKE}/security"),
            json!([{"oauth2": ["okta.users.manage"]}]),
            "revokeUserSessions: security is [{\"oauth2\"",
        ),
        (
            format!("{REVOKE}/security"),
            Value::Null,
            "revokeUserSessions: security is missing",
        ),
        (
            format!("{END}/security/1/oauth2"),
            json!(["okta.users.manage.self"]),
            "endUserSessions: security.1.oauth2 is [\"okta.users.manage.self\"], not []",
        ),
        (
            format!("{schemes}/apiToken/name"),
            json!("X-Api-Key"),
            "securitySchemes.apiToken.name is \"X-Api-Key\", not \"Authorization\"",
        ),
        (
            format!("{schemes}/oauth2/flows/authorizationCode/tokenUrl"),
            json!("/oauth2/v2/token"),
            "securitySchemes.oauth2.flows.authorizationCode.tokenUrl is",
        ),
        (
            format!("{schemes}/mutualTls"),
            json!({"type": "mutualTLS"}),
            "securitySchemes.mutualTls is new",
        ),
        (
            "/servers/0/url".into(),
            json!("https://{yourOktaDomain}/api"),
            "servers.0.url is \"https://{yourOktaDomain}/api\"",
        ),
    ] {
        let mut changed = specification();
        put(&mut changed, &place, value);
        let error = checks::check(&changed).unwrap_err();
        assert!(error.starts_with(difference), "{place}: {error}");
    }
    // The order of alternatives means nothing.
    let mut changed = specification();
    put(
        &mut changed,
        &format!("{REVOKE}/security"),
        json!([{"oauth2": ["okta.users.manage"]}, {"apiToken": []}]),
    );
    assert!(checks::check(&changed).is_ok());
}

/// Sets the value at a JSON pointer, or removes it.
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
