//! An operation that upstream no longer has.

use openapi_trim::{
    document::parse,
    record::Record,
    trim::{Input, Output, trim},
};
use serde_json::{Value, json};

use crate::support::{SHOP, record, set, shop, shop_with, shop_without_adding};

/// Corrects the operation that will go, in each of the ways that an overlay has.
const OVERLAY: &str = "
overlay: 1.0.0
info: {title: Test, version: 1.0.0}
actions:
  - target: $.components.schemas.NewPet.properties.options.default
    description: Not to be sent.
    remove: true
    x-was: {description: stays, $ref: stays, x-a: stays}
  - target: $.components.schemas.NewPet
    description: Our words.
    update: {description: A pet to be., required: [options]}
  - target: $.paths['/pets'].post.tags
    description: Another tag.
    update: Ours
";

fn run(
    upstream: &Value,
    file: &str,
    before: Option<&Output>,
    keep: &[&str],
) -> Result<Output, String> {
    let keep: Vec<String> = keep.iter().map(|id| (*id).to_owned()).collect();
    let record = before.map_or_else(record, |b| Record::read(&b.record).unwrap());
    trim(&Input {
        upstream: &upstream.to_string(),
        file,
        release: None,
        overlay: OVERLAY,
        record: &record,
        current: before.map(|b| b.specification.as_str()),
        keep_pinned: &keep,
    })
    .map_err(|e| e.to_string())
}

fn first() -> Output {
    run(&parse(SHOP).unwrap(), "2030.01.0-shop.json", None, &[]).unwrap()
}

const SECOND: &str = "2030.02.0-shop.json";

#[test]
fn it_is_refused_with_what_is_left_behind() {
    let refused = run(&shop_without_adding(), SECOND, Some(&first()), &[]).unwrap_err();
    for part in [
        "2030.02.0-shop.json: upstream no longer has the operation addPet (POST /pets)",
        "its path is still there, without this method",
        "left behind, with nothing that refers to it: ",
        "#/components/schemas/NewPet",
        "#/components/requestBodies/NewPet",
        "add --keep-pinned addPet",
    ] {
        assert!(refused.contains(part), "{part} is not in: {refused}");
    }
    // getPet uses this one.
    assert!(!refused.contains("schemas/Pet"), "{refused}");

    let refused = run(
        &shop_with("/paths/~1pets", Value::Null),
        SECOND,
        Some(&first()),
        &[],
    );
    assert!(refused.unwrap_err().contains("its path is gone too"));
    let renamed = shop_with("/paths/~1pets/post/operationId", json!("createPet"));
    let refused = run(&renamed, SECOND, Some(&first()), &[]).unwrap_err();
    let successor = "in its place is the operation createPet (POST /pets)";
    assert!(refused.contains(successor), "{refused}");
    assert!(
        refused.contains("out of openapi/contract.rs and src/"),
        "{refused}"
    );
}

/// A file of another of Okta's APIs says nothing about what is gone.
#[test]
fn a_document_with_none_of_the_operations_is_refused_even_to_keep_them() {
    let mut other = shop_without_adding();
    set(&mut other, "/paths/~1pets~1{petId}/get", Value::Null);
    for keep in [&[][..], &["addPet", "getPet"]] {
        let refused = run(&other, SECOND, Some(&first()), keep).unwrap_err();
        let expected = "2030.02.0-shop.json: this has none of the operations addPet, getPet; \
                        its title is \"Shop\"";
        assert!(refused.starts_with(expected), "{refused}");
        assert!(!refused.contains("--keep-pinned"), "{refused}");
    }
}

#[test]
fn kept_it_is_as_before_and_recorded() {
    let first = first();
    let mut gone = shop_with("/paths/~1pets", Value::Null);
    set(&mut gone, "/components/schemas/NewPet", Value::Null);
    set(&mut gone, "/components/requestBodies/NewPet", Value::Null);
    let second = run(&gone, SECOND, Some(&first), &["addPet"]).unwrap();
    assert_eq!(
        parse(&second.specification).unwrap(),
        parse(&first.specification).unwrap()
    );
    assert!(
        second
            .specification
            .contains("# addPet is kept from release 2030.01.0; 2030.02.0 is the first release trimmed without it.\n")
    );
    let pinned = &Record::read(&second.record).unwrap().pinned["addPet"];
    assert_eq!(
        (&*pinned.from, &*pinned.first_seen_without),
        ("2030.01.0", "2030.02.0")
    );

    // Once recorded it need not be said again, and is not recorded anew.
    let third = run(&gone, "2030.03.0-shop.json", Some(&second), &[]).unwrap();
    assert_eq!(
        &Record::read(&third.record).unwrap().pinned["addPet"],
        pinned
    );
    // Back upstream, it is pinned no longer.
    let fourth = run(&shop(), "2030.04.0-shop.json", Some(&third), &[]).unwrap();
    assert!(Record::read(&fourth.record).unwrap().pinned.is_empty());
    assert!(
        fourth
            .notes
            .iter()
            .any(|n| n.contains("addPet is in upstream")),
        "{:?}",
        fourth.notes
    );
}

#[test]
fn a_schema_left_behind_is_taken_from_upstream() {
    let mut gone = shop_without_adding();
    set(
        &mut gone,
        "/components/schemas/NewPet/properties/added",
        json!({"type": "string"}),
    );
    let second = run(&gone, SECOND, Some(&first()), &["addPet"]).unwrap();
    let document = parse(&second.specification).unwrap();
    let pet = &document["components"]["schemas"]["NewPet"];
    assert_eq!(pet["properties"]["added"]["type"], "string");
    assert_eq!(pet["properties"]["options"].get("default"), None);
    assert_eq!(document["paths"]["/pets"]["post"]["operationId"], "addPet");
}

#[test]
fn on_a_shared_path_it_keeps_the_parameters_of_its_path() {
    // getPet goes, deletePet stays on its path and is kept instead of addPet.
    let only = |ids: &str| Record::read(&format!("operations = {ids}")).unwrap();
    let overlay = crate::support::OVERLAY;
    let make = |upstream: &Value, record: &Record, current: Option<&str>, keep: &[String]| {
        trim(&Input {
            upstream: &upstream.to_string(),
            file: SECOND,
            release: None,
            overlay,
            record,
            current,
            keep_pinned: keep,
        })
        .unwrap()
    };
    let record = only(r#"["deletePet", "getPet"]"#);
    let before = make(&shop(), &record, None, &[]);
    let mut gone = shop_with("/paths/~1pets~1{petId}/get", Value::Null);
    set(&mut gone, "/paths/~1pets~1{petId}/parameters", Value::Null);
    let after = make(
        &gone,
        &record,
        Some(&before.specification),
        &["getPet".into()],
    );
    let document = parse(&after.specification).unwrap();
    let item = &document["paths"]["/pets/{petId}"];
    assert!(item["delete"].is_object());
    let parameters = item["get"]["parameters"].as_array().unwrap();
    assert_eq!(parameters.len(), 3, "{parameters:?}");
    assert_eq!(parameters[0]["$ref"], "#/components/parameters/petId");
}

#[test]
fn an_overlay_that_no_longer_fits_upstream_is_still_refused() {
    // addPet is pinned, but the action is about what is not.
    let gone = shop_without_adding();
    let overlay = OVERLAY.replace(
        "  - target: $.paths['/pets']",
        "  - target: $.paths['/pets/{petId}'].get.parameters[?@.name == 'gone'].schema
    description: For the other operation.
    remove: true
    x-was: true
  - target: $.paths['/pets']",
    );
    let first = first();
    let refused = trim(&Input {
        upstream: &gone.to_string(),
        file: SECOND,
        release: None,
        overlay: &overlay,
        record: &Record::read(&first.record).unwrap(),
        current: Some(&first.specification),
        keep_pinned: &["addPet".into()],
    });
    assert!(refused.unwrap_err().to_string().contains("matches nothing"));
}

#[test]
fn what_cannot_be_pinned_is_refused() {
    let refused = run(&shop(), SECOND, None, &["listPets"]).unwrap_err();
    assert!(refused.contains("not among the operations"), "{refused}");
    let refused = run(&shop_without_adding(), SECOND, None, &["addPet"]).unwrap_err();
    assert!(refused.contains("does not have it"), "{refused}");
}
