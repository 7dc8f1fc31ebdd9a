//! A release of Okta's that changes what the code relies on: refused by the trim or by the
//! build, with the operation and the difference. The release is made from the trimmed
//! specification, so this needs none of upstream's files.

use std::{fs, path::Path};

use openapi_trim::document::parse;
use serde_json::{Map, Value, json};

use crate::{
    releases::{code, copy, repository},
    support::set,
};

const RELEASE: &str = "2030.01.0-management-minimal.json";
const REVOKE: &str = "/paths/~1api~1v1~1users~1{userId}~1sessions/delete";
const END: &str = "/paths/~1api~1v1~1users~1me~1lifecycle~1delete_sessions/post";
const KEEP: &str = "/components/schemas/KeepCurrent/properties/keepCurrent";

/// The trimmed specification.
fn trimmed() -> Value {
    let file = repository().join("openapi/user-sessions.yaml");
    parse(&fs::read_to_string(file).unwrap()).unwrap()
}

/// A release with what the overlay takes out: defaults, and a response for each error.
pub fn upstream() -> Value {
    let mut release = trimmed();
    for (schema, default) in [
        (format!("{REVOKE}/parameters/0/schema"), false),
        (format!("{REVOKE}/parameters/1/schema"), true),
        (KEEP.to_owned(), true),
    ] {
        set(&mut release, &format!("{schema}/default"), json!(default));
    }
    let error = release["components"]["responses"]["Error"].clone();
    for (status, name) in [
        ("403", "ErrorAccessDenied403"),
        ("404", "ErrorResourceNotFound404"),
        ("429", "ErrorTooManyRequests429"),
    ] {
        let refers = json!({"$ref": format!("#/components/responses/{name}")});
        set(
            &mut release,
            &format!("{REVOKE}/responses/{status}"),
            refers.clone(),
        );
        set(&mut release, &format!("{END}/responses/{status}"), refers);
        set(
            &mut release,
            &format!("/components/responses/{name}"),
            error.clone(),
        );
    }
    release
}

/// Trims a release with some more actions of the overlay, and generates the code.
fn built(release: &Value, actions: &str) -> Result<String, String> {
    let (place, folder) = copy();
    let overlay = place.path().join("overlay.yaml");
    let text = fs::read_to_string(&overlay).unwrap();
    fs::write(&overlay, text + actions).unwrap();
    let file = place.path().join(RELEASE);
    fs::write(&file, release.to_string()).unwrap();
    folder.trim(&file, None, &[]).map_err(|e| e.to_string())?;
    code(place.path())
}

/// The error for a value at a pointer of a release.
fn refused(pointer: &str, value: Value) -> String {
    let mut release = upstream();
    set(&mut release, pointer, value);
    built(&release, "").expect_err(pointer)
}

#[test]
fn a_release_that_changes_nothing_gives_the_same_code() {
    let expected = code(&repository().join("openapi")).unwrap();
    assert_eq!(built(&upstream(), "").unwrap(), expected);
}

#[test]
fn what_the_overlay_removes_is_refused_if_it_is_no_longer_what_it_was() {
    for (pointer, value, message) in [
        (
            format!("{REVOKE}/parameters/0/schema/default"),
            json!(true),
            "`x-was` is false, but #/paths/~1api~1v1~1users~1{userId}~1sessions/delete/parameters/0/schema/default is true now",
        ),
        (
            format!("{KEEP}/default"),
            json!(false),
            "`x-was` is true, but",
        ),
        (
            format!("{REVOKE}/responses/404"),
            json!({"description": "Not found."}),
            "responses/404 is {\"description\":\"\"} now",
        ),
    ] {
        let refused = refused(&pointer, value);
        assert!(refused.contains(message), "{refused}");
        assert!(refused.contains("overlay.yaml does not fit"), "{refused}");
    }
}

#[test]
fn what_the_code_does_not_fit_is_refused_by_the_build() {
    let json_response = json!({"description": "OK", "content": {"application/json": {"schema": {
        "type": "object", "properties": {"ended": {"type": "integer"}},
    }}}});
    for (pointer, value, message) in [
        (
            format!("{REVOKE}/responses/200"),
            json_response.clone(),
            "revokeUserSessions: responses.200 is new",
        ),
        (
            format!("{REVOKE}/responses/202"),
            json!({"description": "Accepted"}),
            "revokeUserSessions: responses.202 is new",
        ),
        (
            format!("{REVOKE}/responses/204"),
            json_response,
            "revokeUserSessions: responses.204.content.application/json is new",
        ),
        (
            format!("{END}/responses/default"),
            json!({"$ref": "#/components/responses/ErrorAccessDenied403"}),
            "endUserSessions: responses.default is new",
        ),
        (
            format!("{REVOKE}/responses/409"),
            json!({"description": "Conflict"}),
            "revokeUserSessions: responses.409 is new",
        ),
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
            format!("{REVOKE}/parameters/1/required"),
            json!(true),
            "revokeUserSessions: the query parameter forgetDevices is required",
        ),
        (
            format!("{END}/callbacks"),
            json!({"done": {}}),
            "endUserSessions: `callbacks` is new",
        ),
    ] {
        let refused = refused(&pointer, value);
        assert!(refused.contains(message), "{refused}");
        assert!(
            refused.contains("openapi/overlay.yaml") && refused.contains("openapi/contract.rs"),
            "{refused}"
        );
    }
}

/// One action, which holds as long as the parameter is what it was.
#[test]
fn an_upstream_parameter_is_left_out_by_one_action() {
    let action = "
  - target: $.paths['/api/v1/users/{userId}/sessions'].delete.parameters[?@.name == 'filter']
    description: An object, which no setter takes.
    remove: true
    x-was: {name: filter, in: query, schema: {type: object}}
";
    let parameter = json!({"name": "filter", "in": "query", "schema": {"type": "object"}});
    let list = format!("{REVOKE}/parameters");
    let with = |parameter: Value| {
        let mut release = upstream();
        let parameters = release.pointer_mut(&list).unwrap().as_array_mut().unwrap();
        parameters.push(parameter);
        release
    };
    let release = with(parameter.clone());
    let refused = built(&release, "").unwrap_err();
    assert!(
        refused.contains("the option filter has a type that has no setter"),
        "{refused}"
    );
    let expected = code(&repository().join("openapi")).unwrap();
    assert_eq!(built(&release, action).unwrap(), expected);
    let mut required = parameter;
    required["required"] = json!(true);
    let refused = built(&with(required), action).unwrap_err();
    assert!(refused.contains("`x-was` is"), "{refused}");
}

/// Every single edit of the trimmed specification is an error of the build, or changes
/// the generated code, whose snapshot is reviewed, or concerns nothing that the code
/// relies on.
#[test]
fn no_edit_of_what_the_code_relies_on_passes_unseen() {
    let document = trimmed();
    let place = tempfile::tempdir().unwrap();
    let generated = |document: &Value| {
        fs::write(
            place.path().join("user-sessions.yaml"),
            document.to_string(),
        )
        .unwrap();
        code(place.path())
    };
    let expected = generated(&document).unwrap();
    let mut pointers = Vec::new();
    collect(&document, String::new(), &mut pointers);
    let (mut refused, mut differs, mut harmless) = (0, 0, 0);
    let mut unseen = Vec::new();
    for pointer in pointers {
        let is_in_list = pointer.ends_with(|last: char| last.is_ascii_digit());
        let edits = edits(document.pointer(&pointer).unwrap(), is_in_list);
        for (how, value) in edits {
            let mut edited = document.clone();
            set(&mut edited, &pointer, value);
            match generated(&edited) {
                Err(message) => {
                    assert!(
                        message.contains("user-sessions.yaml"),
                        "{pointer} {how}: {message}"
                    );
                    refused += 1;
                }
                Ok(code) if code != expected => differs += 1,
                Ok(_) if is_harmless(&pointer, how) => harmless += 1,
                Ok(_) => unseen.push(format!("{pointer} {how}")),
            }
        }
    }
    eprintln!("{refused} refused, {differs} change the code, {harmless} are harmless");
    assert_eq!(unseen, [""; 0]);
    assert!(refused > 150, "{refused}");
}

/// Whether the code relies on nothing there.
fn is_harmless(pointer: &str, how: &str) -> bool {
    let last = Path::new(pointer)
        .file_name()
        .and_then(|name| name.to_str());
    let words = ["description", "summary", "tags", "title"];
    pointer.starts_with("/info")
        || pointer.contains("/tags")
        || pointer.starts_with("/servers/0/variables")
        || pointer.contains("/scopes/")
        || last.is_some_and(|last| words.contains(&last))
        || (pointer == "/openapi" && how == "changed")
        // It is empty.
        || (pointer.ends_with("/content") && how == "removed" && pointer.contains("/responses/20"))
        // A component that is referred to under another name is refused, one that is
        // added is not used. So is a field of the whole document.
        || (how == "grown" && (pointer.is_empty() || pointer.starts_with("/components")))
}

/// Pointers of everything in a value, but the value.
fn collect(value: &Value, at: String, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(list) => {
            let elements = list.iter().enumerate();
            elements.map(|(at, v)| (at.to_string(), v)).collect()
        }
        _ => return,
    };
    for (name, child) in children {
        let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        found.push(at.clone());
        collect(child, at, found);
    }
}

/// The values to try in place of another; `null` takes it away.
fn edits(value: &Value, is_in_list: bool) -> Vec<(&'static str, Value)> {
    let mut edits = Vec::new();
    if !is_in_list {
        edits.push(("removed", Value::Null));
    }
    match value {
        Value::Bool(value) => edits.push(("changed", json!(!value))),
        Value::String(value) => edits.push(("changed", json!(format!("{value}x")))),
        Value::Array(list) => {
            if !list.is_empty() {
                edits.push(("shortened", json!(list[1..])));
            }
            let first = list.first().cloned().unwrap_or_else(|| json!("other"));
            let longer: Vec<_> = list.iter().cloned().chain([first]).collect();
            edits.push(("lengthened", json!(longer)));
        }
        // What stands beside a reference does not count.
        Value::Object(object) if !object.contains_key("$ref") => {
            let mut more: Map<String, Value> = object.clone();
            more.insert("other".into(), json!({"type": "object"}));
            edits.push(("grown", Value::Object(more)));
        }
        _ => {}
    }
    edits
}
