//! Every kind of change, with its class.

use openapi_trim::diff::{self, Class};
use serde_json::{Value, json};

use crate::support::{object_with, set, shop, shop_with, shop_without_adding};

use Class::{Breaking, Compatible, Documentation};

fn changes(old: &Value, new: &Value) -> Vec<(Class, String)> {
    let operations = ["addPet".to_owned(), "getPet".to_owned()];
    let report = diff::compare(old, new, &operations).unwrap();
    for change in &report.changes {
        assert!(change.path.starts_with("#/"), "{change:?}");
        let pointer = change.path.trim_start_matches('#');
        // A field that is required now may have no `required` of its own in one.
        let parent = pointer.rsplit_once('/').unwrap().0;
        assert!(
            new.pointer(parent)
                .or_else(|| old.pointer(parent))
                .is_some(),
            "{} leads nowhere",
            change.path
        );
    }
    report
        .changes
        .into_iter()
        .map(|c| (c.class, c.what))
        .collect()
}

/// Asserts the one change that a new value at a pointer makes.
fn check(pointer: &str, value: Value, class: Class, what: &str) {
    let found = changes(&shop(), &shop_with(pointer, value));
    assert_eq!(found, [(class, what.to_owned())], "{pointer}");
}

const GET: &str = "/paths/~1pets~1{petId}/get";
const ADD: &str = "/paths/~1pets/post";
const SCHEMAS: &str = "/components/schemas";

#[test]
fn nothing_changed() {
    assert_eq!(changes(&shop(), &shop()), []);
}

#[test]
fn what_is_not_ours_does_not_count() {
    let mut new = shop();
    set(&mut new, "/paths/~1pets/get", Value::Null);
    set(&mut new, "/components/schemas/Unused", Value::Null);
    set(&mut new, "/components/securitySchemes/unused", Value::Null);
    set(
        &mut new,
        "/components/securitySchemes/oauth/flows/clientCredentials/scopes/shop.new",
        json!("x"),
    );
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
fn operations() {
    let gone = "operation addPet removed (POST /pets); left behind, unused: \
                #/components/headers/RateLimit, #/components/requestBodies/NewPet, \
                #/components/responses/Error, #/components/schemas/Done, \
                #/components/schemas/Error, #/components/schemas/NewPet, \
                #/components/schemas/Number, #/components/schemas/Option, \
                #/components/securitySchemes/token";
    assert_eq!(
        changes(&shop(), &shop_without_adding()),
        [(Breaking, gone.to_owned())]
    );
    let added = changes(&shop_without_adding(), &shop());
    assert!(added.contains(&(Compatible, "operation addPet added (POST /pets)".into())));
    let schema = "schema NewPet added to what our operations use";
    assert!(added.contains(&(Compatible, schema.into())), "{added:?}");

    let mut moved = shop();
    let item = moved["paths"]["/pets"].clone();
    set(&mut moved, ADD, Value::Null);
    set(
        &mut moved,
        "/paths/~1animals",
        json!({"put": item["post"], "summary": item["summary"]}),
    );
    assert_eq!(
        changes(&shop(), &moved),
        [(Breaking, "addPet: moved".into())]
    );
    check(
        &format!("{ADD}/deprecated"),
        json!(true),
        Compatible,
        "addPet: deprecated added",
    );
    check(
        &format!("{ADD}/tags"),
        json!(["Other"]),
        Documentation,
        "addPet: tags changed",
    );
    check(
        &format!("{ADD}/callbacks"),
        Value::Null,
        Breaking,
        "addPet: callbacks removed",
    );
}

#[test]
fn an_operation_in_neither_is_a_note() {
    let report = diff::compare(&shop(), &shop(), &["nope".into()]).unwrap();
    assert_eq!(report.notes, ["nope is in neither document"]);
    assert_eq!(report.status(), 0);
}

#[test]
fn parameters() {
    let list = format!("{GET}/parameters");
    let with = |more: Value| {
        let mut list = shop().pointer(&list).unwrap().as_array().unwrap().clone();
        list.push(more);
        json!(list)
    };
    let new = json!({"name": "new", "in": "query", "schema": {"type": "string"}});
    check(
        &list,
        with(new.clone()),
        Compatible,
        "getPet: query parameter new added",
    );
    let mut required = new.clone();
    required["required"] = json!(true);
    let what = "getPet: query parameter new added, and required";
    check(&list, with(required.clone()), Breaking, what);
    let shared = json!([{"$ref": "#/components/parameters/petId"}, required]);
    check("/paths/~1pets~1{petId}/parameters", shared, Breaking, what);
    let first = shop().pointer(&list).unwrap()[0].clone();
    check(
        &list,
        json!([first]),
        Breaking,
        "getPet: query parameter limit removed",
    );
    check(
        &format!("{list}/1/required"),
        json!(true),
        Breaking,
        "getPet: query parameter limit is required now",
    );
    let found = changes(
        &shop_with(&format!("{list}/1/required"), json!(true)),
        &shop(),
    );
    let what = "getPet: query parameter limit is no longer required";
    assert_eq!(found, [(Compatible, what.into())]);
    let what = "getPet: query parameter limit: style added";
    check(&format!("{list}/1/style"), json!("form"), Breaking, what);
}

#[test]
fn types_and_defaults() {
    let schema = format!("{GET}/parameters/0/schema");
    let subject = "getPet: query parameter description";
    check(
        &format!("{schema}/type"),
        json!("integer"),
        Breaking,
        &format!("{subject}: type changed"),
    );
    check(
        &format!("{schema}/format"),
        json!("uuid"),
        Breaking,
        &format!("{subject}: format added"),
    );
    check(
        &format!("{schema}/default"),
        json!("z"),
        Breaking,
        &format!("{subject}: default changed"),
    );
    check(
        &format!("{schema}/default"),
        Value::Null,
        Breaking,
        &format!("{subject}: default removed"),
    );
    check(
        &format!("{schema}/pattern"),
        json!("a"),
        Breaking,
        &format!("{subject}: pattern added"),
    );
    let shared = "/components/parameters/petId/schema/type";
    check(
        shared,
        json!("integer"),
        Breaking,
        "getPet: path parameter petId: type changed",
    );
}

#[test]
fn limits_depend_on_the_way() {
    let sent = format!("{GET}/parameters/1/schema");
    let subject = "getPet: query parameter limit";
    for (key, value, class) in [
        ("maximum", json!(50), Breaking),
        ("maximum", json!(200), Compatible),
        ("minimum", json!(5), Breaking),
        ("minimum", json!(0), Compatible),
    ] {
        check(
            &format!("{sent}/{key}"),
            value,
            class,
            &format!("{subject}: {key} changed"),
        );
    }
    let what = format!("{subject}: maximum removed");
    check(&format!("{sent}/maximum"), Value::Null, Compatible, &what);
    let received = format!("{SCHEMAS}/Error/properties/code/maxLength");
    check(
        &received,
        json!(5),
        Compatible,
        "schema Error, field code: maxLength added",
    );
}

#[test]
fn enums_depend_on_the_way() {
    let sent = format!("{GET}/parameters/1/schema/enum");
    let subject = "getPet: query parameter limit: enum";
    check(
        &sent,
        json!([1, 10, 100, 7]),
        Compatible,
        &format!("{subject} value 7 added"),
    );
    check(
        &sent,
        json!([1, 10]),
        Breaking,
        &format!("{subject} value 100 removed"),
    );
    check(
        &sent,
        Value::Null,
        Compatible,
        &format!("{subject} removed"),
    );
    let received = format!("{SCHEMAS}/Trick/enum");
    let subject = "schema Trick: enum";
    check(
        &received,
        json!(["sit", "no", "1", "roll"]),
        Breaking,
        &format!("{subject} value \"roll\" added"),
    );
    check(
        &received,
        json!(["sit", "no"]),
        Compatible,
        &format!("{subject} value \"1\" removed"),
    );
    check(
        &received,
        Value::Null,
        Breaking,
        &format!("{subject} removed"),
    );
}

#[test]
fn request_bodies() {
    let at = format!("{ADD}/requestBody");
    let body = "/components/requestBodies/NewPet";
    let without = shop_with(&at, Value::Null);
    let found = changes(&shop(), &without);
    assert!(
        found.contains(&(Breaking, "addPet: request body removed".into())),
        "{found:?}"
    );
    let found = changes(&without, &shop());
    assert!(
        found.contains(&(Compatible, "addPet: request body added".into())),
        "{found:?}"
    );
    let mut required = shop();
    set(&mut required, &format!("{body}/required"), json!(true));
    let found = changes(&without, &required);
    let what = "addPet: request body added, and required";
    assert!(found.contains(&(Breaking, what.into())), "{found:?}");
    let what = "addPet: request body is required now";
    assert_eq!(changes(&shop(), &required), [(Breaking, what.into())]);
    let what = "addPet: request body, text/plain added";
    check(
        &format!("{body}/content/text~1plain"),
        json!({}),
        Compatible,
        what,
    );
}

#[test]
fn fields_depend_on_the_way() {
    let sent = format!("{SCHEMAS}/NewPet");
    let subject = "schema NewPet, field";
    check(
        &format!("{sent}/properties/new"),
        json!({}),
        Compatible,
        &format!("{subject} new added"),
    );
    check(
        &format!("{sent}/properties/example"),
        Value::Null,
        Breaking,
        &format!("{subject} example removed"),
    );
    let mut new = shop_with(&format!("{sent}/properties/new"), json!({}));
    set(
        &mut new,
        &format!("{sent}/required"),
        json!(["name", "new"]),
    );
    let what = format!("{subject} new added, and required");
    assert_eq!(changes(&shop(), &new), [(Breaking, what)]);
    let what = "schema NewPet: field example is required now";
    check(
        &format!("{sent}/required"),
        json!(["name", "example"]),
        Breaking,
        what,
    );
    let what = "schema NewPet: field name is no longer required";
    check(&format!("{sent}/required"), json!([]), Compatible, what);

    let received = format!("{SCHEMAS}/Error");
    check(
        &format!("{received}/properties/new"),
        json!({}),
        Compatible,
        "schema Error, field new added",
    );
    check(
        &format!("{received}/properties/code"),
        Value::Null,
        Breaking,
        "schema Error, field code removed",
    );
    let mut new = shop_with(&format!("{received}/properties/new"), json!({}));
    set(&mut new, &format!("{received}/required"), json!(["new"]));
    let what = "schema Error, field new added".to_owned();
    assert_eq!(changes(&shop(), &new), [(Compatible, what)]);
    let what = "schema Error: field code is required now";
    check(
        &format!("{received}/required"),
        json!(["code"]),
        Compatible,
        what,
    );
    let what = "schema Error, field code: nullable added";
    check(
        &format!("{received}/properties/code/nullable"),
        json!(true),
        Breaking,
        what,
    );
    let what = "schema NewPet, field name: nullable added";
    check(
        &format!("{sent}/properties/name/nullable"),
        json!(true),
        Compatible,
        what,
    );
    check(
        &format!("{sent}/additionalProperties"),
        json!(false),
        Breaking,
        "schema NewPet: additionalProperties added",
    );
    let what = "schema Option: type changed";
    check(
        &format!("{SCHEMAS}/Option/type"),
        json!("integer"),
        Breaking,
        what,
    );
}

#[test]
fn variants_depend_on_the_way() {
    let origin = format!("{SCHEMAS}/Pet/properties/origin/oneOf");
    let subject = "schema Pet, field origin: oneOf";
    let shop_ref = json!({"$ref": "#/components/schemas/Shop"});
    let text = json!({"type": "string"});
    check(
        &origin,
        json!([shop_ref.clone()]),
        Compatible,
        &format!("{subject} member 1 removed"),
    );
    let more = json!([shop_ref, text, {"$ref": "#/components/schemas/Trick"}]);
    check(&origin, more, Breaking, &format!("{subject} Trick added"));
    let what = "schema Pet, discriminator: propertyName changed";
    check(
        &format!("{SCHEMAS}/Pet/discriminator/propertyName"),
        json!("x"),
        Breaking,
        what,
    );
}

#[test]
fn variants_of_a_discriminator() {
    let mapping = format!("{SCHEMAS}/Pet/discriminator/mapping");
    let subject = "schema Pet, discriminator";
    let more = json!({"cat": "Cat", "dog": "Dog", "pet": "Pet"});
    check(&mapping, more, Breaking, &format!("{subject}: pet added"));
    let found = changes(&shop(), &shop_with(&mapping, json!({"dog": "Dog"})));
    assert_eq!(found, [(Compatible, format!("{subject}: cat removed"))]);
    let what = "schema Pet: discriminator removed";
    let found = changes(
        &shop(),
        &shop_with(&format!("{SCHEMAS}/Pet/discriminator"), Value::Null),
    );
    assert!(found.contains(&(Breaking, what.into())), "{found:?}");
}

#[test]
fn a_schema_that_is_gone_or_new() {
    let mut new = shop();
    set(&mut new, &format!("{SCHEMAS}/Friend"), Value::Null);
    set(
        &mut new,
        &format!("{SCHEMAS}/Person/properties/friend"),
        json!({"type": "object"}),
    );
    assert_eq!(
        changes(&shop(), &new),
        [(Breaking, "schema Friend removed".into())]
    );
    let found = changes(&new, &shop());
    let what = "schema Friend added to what our operations use";
    assert_eq!(found, [(Compatible, what.into())]);
}

#[test]
fn statuses() {
    let responses = format!("{GET}/responses");
    let ok = shop().pointer(&format!("{responses}/200")).unwrap().clone();
    check(
        &format!("{responses}/202"),
        ok.clone(),
        Breaking,
        "getPet: response 202 added",
    );
    check(
        &format!("{responses}/404"),
        json!({"description": ""}),
        Compatible,
        "getPet: response 404 added",
    );
    let mut new = shop();
    set(&mut new, &responses, json!({"202": ok}));
    assert_eq!(
        changes(&shop(), &new),
        [
            (Breaking, "getPet: response 200 removed".into()),
            (Breaking, "getPet: response 202 added".into()),
        ]
    );
    let what = "addPet: response 4XX removed";
    let found = changes(
        &shop(),
        &shop_with(&format!("{ADD}/responses/4XX"), Value::Null),
    );
    assert!(found.contains(&(Compatible, what.into())), "{found:?}");
    let what = "getPet: response 200, application/json removed";
    let found = changes(
        &shop(),
        &shop_with(&format!("{responses}/200/content"), json!({})),
    );
    assert!(found.contains(&(Breaking, what.into())), "{found:?}");
    let found = changes(
        &shop_with(&format!("{responses}/200/content"), json!({})),
        &shop(),
    );
    let what = "getPet: response 200, application/json added";
    assert!(found.contains(&(Breaking, what.into())), "{found:?}");
    let header = format!("{ADD}/responses/201/headers/x-plain");
    check(
        &header,
        Value::Null,
        Breaking,
        "addPet: response 201, header x-plain removed",
    );
    let what = "addPet: response 201, header x-new added";
    check(&header.replace("plain", "new"), json!({}), Compatible, what);
}

#[test]
fn security() {
    let at = format!("{GET}/security");
    for (new, class, what) in [
        (
            json!([{"oauth": ["shop.read", "shop.write"]}]),
            Breaking,
            "security needs oauth with shop.read, shop.write now (was: oauth with shop.read)",
        ),
        (
            json!([{"oauth": ["shop.write"]}]),
            Breaking,
            "security needs oauth with shop.write now (was: oauth with shop.read)",
        ),
        (
            json!([{"oauth": []}]),
            Compatible,
            "security needs oauth only (was: oauth with shop.read)",
        ),
        (
            json!([{"oauth": ["shop.read"]}, {"token": []}]),
            Compatible,
            "security token also accepted",
        ),
        (
            json!([]),
            Compatible,
            "security no longer needed (was: oauth with shop.read)",
        ),
    ] {
        check(&at, new, class, &format!("getPet: {what}"));
    }
    let none = shop_with(&at, json!([]));
    let what = "getPet: security oauth with shop.read needed now";
    assert_eq!(changes(&none, &shop()), [(Breaking, what.into())]);
    let what = "addPet: security token no longer accepted (was: token)";
    check(
        &format!("{ADD}/security"),
        json!([{"oauth": ["shop.write"]}]),
        Breaking,
        what,
    );
    let schemes = "/components/securitySchemes";
    check(
        &format!("{schemes}/token/in"),
        json!("query"),
        Breaking,
        "security scheme token: in changed",
    );
    let what = "security scheme oauth: flow clientCredentials changed";
    check(
        &format!("{schemes}/oauth/flows/clientCredentials/tokenUrl"),
        json!("/x"),
        Breaking,
        what,
    );
}

#[test]
fn servers() {
    let new = shop_with("/servers/0/url", json!("https://other"));
    assert_eq!(
        changes(&shop(), &new),
        [
            (Breaking, "addPet: servers changed".into()),
            (Breaking, "getPet: servers changed".into()),
        ]
    );
}

#[test]
fn words() {
    for (pointer, what) in [
        (format!("{ADD}/summary"), "addPet: summary changed"),
        (
            format!("{GET}/parameters/0/description"),
            "getPet: query parameter description: description changed",
        ),
        (
            format!("{GET}/parameters/0/schema/example"),
            "getPet: query parameter description: example changed",
        ),
        (
            format!("{ADD}/responses/201/description"),
            "addPet: response 201: description changed",
        ),
        (
            "/components/requestBodies/NewPet/description".into(),
            "addPet: request body: description changed",
        ),
        (
            "/components/securitySchemes/token/description".into(),
            "security scheme token: description changed",
        ),
    ] {
        check(&pointer, json!("other"), Documentation, what);
    }
    let title = format!("{SCHEMAS}/Error/title");
    check(
        &title,
        json!("E"),
        Documentation,
        "schema Error: title added",
    );
}

#[test]
fn what_travels_both_ways_is_told_once_as_the_worse() {
    let schema = format!("{GET}/responses/200/content/application~1json/schema");
    let old = shop_with(&schema, json!({"$ref": "#/components/schemas/NewPet"}));
    let subject = "schema NewPet, field name: maxLength changed";
    for length in [10, 30] {
        let mut new = old.clone();
        set(
            &mut new,
            &format!("{SCHEMAS}/NewPet/properties/name/maxLength"),
            json!(length),
        );
        assert_eq!(changes(&old, &new), [(Breaking, subject.into())]);
    }
}

#[test]
fn the_worst_comes_first() {
    let mut new = shop_with(&format!("{ADD}/summary"), json!("other"));
    set(
        &mut new,
        &format!("{GET}/responses/404"),
        json!({"description": ""}),
    );
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
    assert!(
        found.iter().any(|(class, _)| *class == Breaking),
        "{found:?}"
    );
}
