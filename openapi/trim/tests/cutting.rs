//! What a trim keeps and what it drops.

use serde_json::{Value, json};

use crate::support::{set, shop, shop_with, trimmed, trimmed_with};

fn names(document: &Value, pointer: &str) -> Vec<String> {
    let object = document.pointer(pointer).and_then(Value::as_object);
    object.into_iter().flat_map(|o| o.keys().cloned()).collect()
}

#[test]
fn keeps_the_named_operations_only() {
    let document = trimmed(&shop()).unwrap();
    assert_eq!(names(&document, "/paths"), ["/pets", "/pets/{petId}"]);
    assert_eq!(names(&document, "/paths/~1pets"), ["post"]);
    assert_eq!(
        names(&document, "/paths/~1pets~1{petId}"),
        ["get", "parameters"]
    );
}

#[test]
fn follows_references_everywhere() {
    let document = trimmed(&shop()).unwrap();
    assert_eq!(
        names(&document, "/components/schemas"),
        [
            "Cat", "Dog", "Error", "Friend", "NewPet", "Option", "Person", "Pet", "Shop", "Trick"
        ]
    );
    assert_eq!(names(&document, "/components/parameters"), ["petId"]);
    assert_eq!(names(&document, "/components/responses"), ["Error"]);
    assert_eq!(names(&document, "/components/requestBodies"), ["NewPet"]);
    assert_eq!(document.pointer("/components/examples"), None);
}

#[test]
fn keeps_the_security_schemes_and_scopes_in_use() {
    let document = trimmed(&shop()).unwrap();
    assert_eq!(
        names(&document, "/components/securitySchemes"),
        ["oauth", "token"]
    );
    let scopes = "/components/securitySchemes/oauth/flows/clientCredentials/scopes";
    assert_eq!(names(&document, scopes), ["shop.read", "shop.write"]);
}

#[test]
fn security_of_the_whole_document_counts_where_an_operation_has_none() {
    let mut shop = shop();
    set(&mut shop, "/paths/~1pets/post/security", Value::Null);
    set(&mut shop, "/security", json!([{"oauth": ["shop.other"]}]));
    let document = trimmed(&shop).unwrap();
    let scopes = "/components/securitySchemes/oauth/flows/clientCredentials/scopes";
    assert_eq!(names(&document, scopes), ["shop.other", "shop.read"]);
    assert_eq!(names(&document, "/components/securitySchemes"), ["oauth"]);
}

#[test]
fn drops_prose_examples_and_extensions() {
    let document = trimmed(&shop()).unwrap();
    let text = document.to_string();
    for gone in [
        "Upstream's wording",
        "\"summary\"",
        "contact",
        "x-logo",
        "x-lifecycle",
        "x-webhooks",
        "externalDocs",
        "nowhere",
        "\"tags\":[{",
    ] {
        assert!(!text.contains(gone), "{gone} is still in {text}");
    }
    // Required by OpenAPI, so it is emptied.
    assert_eq!(
        document["components"]["responses"]["Error"]["description"],
        ""
    );
}

#[test]
fn names_that_look_like_prose_or_extensions_stay() {
    let document = trimmed(&shop()).unwrap();
    let pet = &document["components"]["schemas"]["NewPet"];
    for name in ["description", "example", "x-colour", "$ref"] {
        assert_eq!(pet["properties"][name]["type"], "string", "{name}");
    }
    assert_eq!(
        pet["properties"]["options"]["default"],
        json!({"description": "stays", "$ref": "stays", "x-a": "stays"})
    );
    assert_eq!(
        document["paths"]["/pets/{petId}"]["get"]["parameters"][0]["name"],
        "description"
    );
}

#[test]
fn what_stands_beside_a_reference_goes() {
    let document = trimmed(&shop()).unwrap();
    let schema = "/paths/~1pets~1{petId}/get/responses/200/content/application~1json/schema";
    assert_eq!(
        document.pointer(schema).unwrap(),
        &json!({"$ref": "#/components/schemas/Pet"})
    );
}

/// For the build to refuse, or for the overlay to drop.
#[test]
fn what_the_grammar_does_not_know_stays() {
    let links = json!({"next": {"operationId": "listPets", "description": "stays"}});
    let place = "/paths/~1pets/post/responses/201/links";
    let document = trimmed(&shop_with(place, links.clone())).unwrap();
    assert_eq!(document.pointer(place), Some(&links));
}

#[test]
fn a_path_may_be_a_reference() {
    let mut shop = shop();
    let item = shop["paths"]["/pets"].clone();
    set(&mut shop, "/paths/~1pets/post", Value::Null);
    set(&mut shop, "/paths/~1old~0pets", item);
    set(
        &mut shop,
        "/paths/~1pets",
        json!({"$ref": "#/paths/~1old~0pets"}),
    );
    let refused = trimmed(&shop).unwrap_err();
    assert!(
        refused.contains("addPet is used more than once"),
        "{refused}"
    );
    set(
        &mut shop,
        "/paths/~1old~0pets/post/operationId",
        json!("other"),
    );
    set(
        &mut shop,
        "/paths/~1pets",
        json!({"$ref": "#/paths/~1really~1old"}),
    );
    let mut item = shop["paths"]["/old~pets"].clone();
    item["post"]["operationId"] = json!("addPet");
    // Under a path that is dropped for itself: `~1` is an escaped slash.
    set(&mut shop, "/x-paths", json!({"/really/old": item}));
    set(
        &mut shop,
        "/paths/~1pets",
        json!({"$ref": "#/x-paths/~1really~1old"}),
    );
    let document = trimmed(&shop).unwrap();
    assert_eq!(document["paths"]["/pets"]["post"]["operationId"], "addPet");
}

#[test]
fn a_broken_reference_is_named_with_its_place() {
    let place = "/paths/~1pets~1{petId}/parameters/0/$ref";
    for (reference, reason) in [
        ("#/components/parameters/gone", "leads nowhere"),
        ("other.yaml#/x", "leads to another document, other.yaml;"),
        ("#/info", "is not kept"),
        ("#/paths/~1pets/get", "leads nowhere"),
    ] {
        let refused = trimmed(&shop_with(place, json!(reference))).unwrap_err();
        assert!(refused.contains(reason), "{refused}");
        assert!(refused.contains(reference), "{refused}");
        assert!(refused.contains("#/paths/~1pets~1{petId}"), "{refused}");
    }
}

#[test]
fn percent_encoding_in_a_reference_is_understood() {
    let place = "/paths/~1pets~1{petId}/parameters/0/$ref";
    let shop = shop_with(place, json!("#/components/parameters/pet%49d"));
    let document = trimmed(&shop);
    // `I` encoded: the component is found under its plain name.
    assert!(document.unwrap()["components"]["parameters"]["petId"].is_object());
}

#[test]
fn an_undeclared_security_scheme_is_refused() {
    let shop = shop_with("/components/securitySchemes/token", Value::Null);
    let refused = trimmed(&shop).unwrap_err();
    assert!(refused.contains("security scheme token"), "{refused}");
}

#[test]
fn a_document_without_components_is_fine() {
    let shop = json!({
        "openapi": "3.0.0",
        "info": {"title": "t", "version": "1"},
        "paths": {"/pets": {
            "post": {"operationId": "addPet", "responses": {"200": {"description": "x"}}},
            "get": {"operationId": "getPet", "responses": {}},
        }},
    });
    assert_eq!(trimmed(&shop).unwrap().get("components"), None);
    let mut shop = shop;
    shop["components"] = json!({"schemas": {"Unused": {}}});
    assert_eq!(trimmed(&shop).unwrap().get("components"), None);
}

#[test]
fn a_reference_into_a_kept_path_is_fine() {
    let parameter = "#/paths/~1pets~1{petId}/get/parameters/1";
    let shop = shop_with(
        "/paths/~1pets/post/parameters",
        json!([{"$ref": parameter}]),
    );
    let document = trimmed(&shop).unwrap();
    assert_eq!(
        document["paths"]["/pets"]["post"]["parameters"][0]["$ref"],
        parameter
    );
}

#[test]
fn what_the_overlay_makes_unused_goes_too() {
    let overlay = "
overlay: 1.0.0
info: {title: Test, version: 1.0.0}
actions:
  - target: $.components.responses.Error.content
    description: A test.
    remove: true
    x-was: {application/json: {schema: {$ref: '#/components/schemas/Error'}}}
";
    let document = trimmed_with(&shop(), overlay).unwrap();
    assert_eq!(document.pointer("/components/schemas/Error"), None);
    assert!(document.pointer("/components/responses/Error").is_some());
}

#[test]
fn other_versions_of_openapi_are_refused() {
    let refused = trimmed(&shop_with("/openapi", json!("3.1.0"))).unwrap_err();
    assert!(refused.contains("OpenAPI 3.1.0"), "{refused}");
    assert!(refused.contains("3.0 only"), "{refused}");
    let refused = trimmed(&shop_with("/openapi", Value::Null)).unwrap_err();
    assert!(refused.contains("not an OpenAPI 3.0 document"), "{refused}");
    let refused = trimmed(&shop_with("/paths", Value::Null)).unwrap_err();
    assert!(refused.contains("no `paths`"), "{refused}");
}
