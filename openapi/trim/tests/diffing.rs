//! What changed, and how much it matters.

use openapi_trim::diff::{self, Class, Report};
use serde_json::{Value, json};

use crate::support::{object_with, set, shop, shop_with, shop_without_adding};

use Class::{Breaking, Compatible, Documentation};

const GET: &str = "/paths/~1pets~1{petId}/get";
const ADD: &str = "/paths/~1pets/post";
const SCHEMAS: &str = "/components/schemas";

fn report(old: &Value, new: &Value) -> Report {
    let operations = ["addPet".to_owned(), "getPet".to_owned()];
    diff::compare(("old.yaml", old), ("new.yaml", new), &operations).unwrap()
}

fn changes(old: &Value, new: &Value) -> Vec<(Class, String)> {
    let changes = report(old, new).changes.into_iter();
    changes.map(|c| (c.class, c.what)).collect()
}

/// Asserts the one change that a new value at a pointer makes.
fn check(pointer: &str, value: Value, class: Class, what: &str) {
    let found = changes(&shop(), &shop_with(pointer, value));
    assert_eq!(found, [(class, what.to_owned())], "{pointer}");
}

#[test]
fn what_is_not_ours_does_not_count() {
    assert_eq!(changes(&shop(), &shop()), []);
    let mut new = shop();
    set(&mut new, "/paths/~1pets/get", Value::Null);
    set(&mut new, "/components/schemas/Unused", Value::Null);
    set(&mut new, "/components/securitySchemes/unused", Value::Null);
    let scopes = "/components/securitySchemes/oauth/flows/clientCredentials/scopes";
    set(&mut new, &format!("{scopes}/shop.new"), json!("x"));
    set(&mut new, &format!("{ADD}/x-lifecycle"), json!("BETA"));
    set(&mut new, "/info/title", json!("Other"));
    assert_eq!(changes(&shop(), &new), []);
}

#[test]
fn where_a_definition_is_written_does_not_count() {
    let mut new = shop();
    let parameter = new["components"]["parameters"]["petId"].clone();
    set(&mut new, "/paths/~1pets~1{petId}/parameters/0", parameter);
    assert_eq!(changes(&shop(), &new), []);
}

#[test]
fn operations_that_are_gone_new_or_moved() {
    let gone = "operation addPet removed (POST /pets); its path is still there, without this \
                method; left behind, unused: #/components/requestBodies/NewPet, \
                #/components/responses/Error, #/components/schemas/Error, \
                #/components/schemas/NewPet, #/components/schemas/Option, \
                #/components/securitySchemes/token";
    let found = changes(&shop(), &shop_without_adding());
    assert_eq!(found, [(Breaking, gone.to_owned())]);
    let found = changes(&shop_without_adding(), &shop());
    let added = "operation addPet added (POST /pets)";
    assert_eq!(found, [(Compatible, added.to_owned())]);

    let mut moved = shop();
    let item = moved["paths"]["/pets"].clone();
    set(&mut moved, ADD, Value::Null);
    set(&mut moved, "/paths/~1animals", json!({"put": item["post"]}));
    let report = report(&shop(), &moved);
    assert_eq!(report.changes.len(), 1);
    let text = "breaking      addPet, place changed\n              \
                from \"POST /pets\" to \"PUT /animals\"\n";
    assert!(report.text().contains(text), "{}", report.text());
}

#[test]
fn an_operation_in_neither_is_a_note() {
    let operations = ["nope".to_owned(), "getPet".to_owned()];
    let report = diff::compare(("old", &shop()), ("new", &shop()), &operations).unwrap();
    assert_eq!(report.notes, ["nope is in neither document"]);
    assert_eq!(report.status(), 0);
}

#[test]
fn only_an_optional_parameter_may_be_added() {
    let list = format!("{GET}/parameters");
    let with = |more: Value| {
        let mut list = shop().pointer(&list).unwrap().as_array().unwrap().clone();
        list.push(more);
        json!(list)
    };
    let added = "getPet, parameters, query new added";
    let new = json!({"name": "new", "in": "query", "schema": {"type": "string"}});
    check(&list, with(new.clone()), Compatible, added);
    let mut required = new;
    required["required"] = json!(true);
    check(&list, with(required.clone()), Breaking, added);
    let shared = json!([{"$ref": "#/components/parameters/petId"}, required]);
    check("/paths/~1pets~1{petId}/parameters", shared, Breaking, added);
    let first = shop().pointer(&list).unwrap()[0].clone();
    let removed = "getPet, parameters, query limit removed";
    check(&list, json!([first]), Breaking, removed);
    let limit = "getPet, parameters, query limit";
    for (key, value) in [("required", json!(true)), ("style", json!("form"))] {
        let what = format!("{limit}, {key} added");
        check(&format!("{list}/1/{key}"), value, Breaking, &what);
    }
    let what = format!("{limit}, deprecated added");
    check(
        &format!("{list}/1/deprecated"),
        json!(true),
        Compatible,
        &what,
    );
}

#[test]
fn types_defaults_limits_and_values() {
    let list = format!("{GET}/parameters");
    let text = "getPet, parameters, query description, schema";
    let limit = "getPet, parameters, query limit, schema";
    for (pointer, value, what) in [
        (
            "0/schema/type",
            json!("integer"),
            format!("{text}, type changed"),
        ),
        (
            "0/schema/default",
            json!("z"),
            format!("{text}, default changed"),
        ),
        (
            "0/schema/default",
            Value::Null,
            format!("{text}, default removed"),
        ),
        (
            "0/schema/pattern",
            json!("a"),
            format!("{text}, pattern added"),
        ),
        (
            "1/schema/maximum",
            json!(50),
            format!("{limit}, maximum changed"),
        ),
        (
            "1/schema/enum",
            json!([1, 10]),
            format!("{limit}, enum changed"),
        ),
    ] {
        check(&format!("{list}/{pointer}"), value, Breaking, &what);
    }
}

#[test]
fn bodies_and_their_fields() {
    let body = "/components/requestBodies/NewPet";
    let without = shop_with(&format!("{ADD}/requestBody"), Value::Null);
    let removed = (Breaking, "addPet, requestBody removed".to_owned());
    assert_eq!(changes(&shop(), &without), [removed]);
    let added = (Compatible, "addPet, requestBody added".to_owned());
    assert_eq!(changes(&without, &shop()), [added]);
    let mut required = shop();
    set(&mut required, &format!("{body}/required"), json!(true));
    let added = (Breaking, "addPet, requestBody added".to_owned());
    assert_eq!(changes(&without, &required), [added]);
    let what = "addPet, requestBody, content, text/plain added";
    check(
        &format!("{body}/content/text~1plain"),
        json!({}),
        Breaking,
        what,
    );

    let sent = format!("{SCHEMAS}/NewPet");
    let subject = "schema NewPet";
    for (pointer, value, class, what) in [
        (
            "properties/new",
            json!({}),
            Compatible,
            "properties, new added",
        ),
        (
            "properties/example",
            Value::Null,
            Breaking,
            "properties, example removed",
        ),
        ("required", json!([]), Breaking, "required changed"),
        (
            "additionalProperties",
            json!(false),
            Breaking,
            "additionalProperties added",
        ),
        ("title", json!("Other"), Documentation, "title added"),
        // Properties with the names of fields.
        (
            "properties/deprecated",
            json!({}),
            Compatible,
            "properties, deprecated added",
        ),
        (
            "properties/description/type",
            json!("integer"),
            Breaking,
            "properties, description, type changed",
        ),
    ] {
        check(
            &format!("{sent}/{pointer}"),
            value,
            class,
            &format!("{subject}, {what}"),
        );
    }
    // Told once, although two responses and two operations refer to it.
    let what = "schema Error, properties, code removed";
    check(
        &format!("{SCHEMAS}/Error/properties/code"),
        Value::Null,
        Breaking,
        what,
    );
}

#[test]
fn another_name_of_a_schema_is_another_type() {
    let mut new = shop();
    let error = new["components"]["schemas"]["Error"].clone();
    set(&mut new, &format!("{SCHEMAS}/Problem"), error);
    let schema = "/components/responses/Error/content/application~1json/schema/$ref";
    set(&mut new, schema, json!("#/components/schemas/Problem"));
    let what = "addPet, responses, 4XX, content, application/json, schema, $ref changed";
    assert_eq!(changes(&shop(), &new), [(Breaking, what.to_owned())]);
}

#[test]
fn responses_count_unless_they_are_errors() {
    let responses = format!("{GET}/responses");
    for (status, class) in [
        ("202", Breaking),
        ("default", Breaking),
        ("404", Compatible),
        ("5XX", Compatible),
    ] {
        let what = format!("getPet, responses, {status} added");
        let response = json!({"description": ""});
        check(&format!("{responses}/{status}"), response, class, &what);
    }
    let what = "getPet, responses, 200 removed";
    check(&format!("{responses}/200"), Value::Null, Breaking, what);
    // No content is no content.
    let mut empty = shop();
    set(
        &mut empty,
        &format!("{responses}/204"),
        json!({"description": ""}),
    );
    let mut none = empty.clone();
    set(&mut none, &format!("{responses}/204/content"), json!({}));
    assert_eq!(changes(&empty, &none), []);
}

#[test]
fn credentials_and_servers() {
    let what = "addPet, security changed";
    for value in [
        json!([{"token": []}]),
        json!([{"token": []}, {"oauth": ["shop.read"]}]),
        json!([{"token": [], "oauth": ["shop.write"]}]),
        json!([]),
    ] {
        check(&format!("{ADD}/security"), value, Breaking, what);
    }
    let other_order = json!([{"oauth": ["shop.write"]}, {"token": []}]);
    let new = shop_with(&format!("{ADD}/security"), other_order);
    assert_eq!(changes(&shop(), &new), []);

    let scheme = "/components/securitySchemes";
    let what = "security scheme token, in changed";
    check(
        &format!("{scheme}/token/in"),
        json!("query"),
        Breaking,
        what,
    );
    let what = "security scheme oauth, flows, clientCredentials, tokenUrl changed";
    let url = format!("{scheme}/oauth/flows/clientCredentials/tokenUrl");
    check(&url, json!("/other"), Breaking, what);
    let undeclared = shop_with(&format!("{scheme}/token"), Value::Null);
    let notes = report(&shop(), &undeclared).notes;
    assert_eq!(
        notes,
        ["new.yaml does not declare the security scheme token"]
    );

    let servers = json!([{"url": "https://{domain}/v2"}]);
    let what = "addPet, servers changed";
    check(&format!("{ADD}/servers"), servers, Breaking, what);
}

#[test]
fn wording_is_documentation() {
    for (pointer, what) in [
        (format!("{ADD}/summary"), "addPet, summary changed"),
        (
            "/components/parameters/petId/description".into(),
            "getPet, parameters, path petId, description changed",
        ),
        (
            format!("{SCHEMAS}/NewPet/properties/description/description"),
            "schema NewPet, properties, description, description changed",
        ),
        (
            "/components/securitySchemes/token/description".into(),
            "security scheme token, description changed",
        ),
    ] {
        check(&pointer, json!("other"), Documentation, what);
    }
    let what = "addPet, tags changed";
    check(
        &format!("{ADD}/tags"),
        json!(["Other"]),
        Documentation,
        what,
    );
}

#[test]
fn the_worst_comes_first() {
    let mut new = shop_with(&format!("{ADD}/summary"), json!("other"));
    let missing = json!({"description": ""});
    set(&mut new, &format!("{GET}/responses/404"), missing);
    set(
        &mut new,
        &format!("{GET}/parameters/1/schema/type"),
        json!("string"),
    );
    let classes: Vec<_> = changes(&shop(), &new)
        .into_iter()
        .map(|(class, _)| class)
        .collect();
    assert_eq!(classes, [Breaking, Compatible, Documentation]);
}

#[test]
fn recursive_schemas_end() {
    let field = format!("{SCHEMAS}/Pet/properties/parent");
    let found = changes(&shop(), &shop_with(&field, object_with("x")));
    let what = "schema Pet, properties, parent, type added".to_owned();
    assert!(found.contains(&(Breaking, what)), "{found:?}");
}
