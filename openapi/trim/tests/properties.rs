//! What holds for any specification.

use openapi_trim::{cut, document::parse, prose, references, yaml};
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};

/// Any value, with names and texts that YAML could misread.
fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[ -~]{0,12}",
        "[a-z:#'\"\\-\\[\\]{}&*!|>%@`,? \\n\\t]{0,100}",
        "\\PC{0,20}",
        "[a-z ]{60,160}",
        prop_oneof![
            Just("yes"),
            Just("no"),
            Just("on"),
            Just("~"),
            Just("null"),
            Just("0x1F"),
            Just("1e3"),
            Just("012"),
            Just("2025-08-01"),
            Just("12:30:45"),
            Just(".inf"),
            Just("4XX"),
            Just("200"),
            Just("1_000"),
            Just("<<"),
            Just("="),
            Just("---"),
            Just("y"),
        ]
        .prop_map(String::from),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u32>().prop_map(|n| Value::from(f64::from(n) / 8.0)),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((text.clone(), inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// A document with a web of schemas: each refers to some of the others.
fn any_document() -> impl Strategy<Value = Value> {
    let edges = vec(vec((0..8usize, 0..5usize), 0..4), 8);
    (edges, vec(0..8usize, 1..3)).prop_map(|(edges, roots)| {
        let to = |n: usize| json!({"$ref": format!("#/components/schemas/S{n}"), "x-a": 1});
        let mut schemas = Map::new();
        for (at, edges) in edges.iter().enumerate() {
            let mut schema = json!({"description": "theirs", "x-lifecycle": {"a": 1}});
            for (n, how) in edges {
                match how {
                    0 => schema["properties"]["description"] = to(*n),
                    1 => schema["items"] = to(*n),
                    2 => schema["allOf"] = json!([to(*n), {"type": "object", "example": 1}]),
                    3 => schema["oneOf"] = json!([{"type": "string"}, to(*n)]),
                    _ => schema["additionalProperties"] = to(*n),
                }
            }
            schemas.insert(format!("S{at}"), schema);
        }
        let content = |n: &usize| json!({"application/json": {"schema": to(*n), "example": 1}});
        let responses: Map<String, Value> = roots
            .iter()
            .enumerate()
            .map(|(at, n)| {
                let response = json!({"description": "theirs", "content": content(n)});
                ((200 + at).to_string(), response)
            })
            .collect();
        json!({
            "openapi": "3.0.3",
            "info": {"title": "t", "version": "1"},
            "paths": {"/a": {"get": {"operationId": "a", "responses": responses}, "put": {}}},
            "components": {"schemas": schemas},
        })
    })
}

fn reduce(document: &Value) -> Value {
    let operations = cut::operations(document).unwrap();
    let place = cut::place(&operations, "a").unwrap().unwrap();
    let mut document = cut::keep(document, &[place]).unwrap();
    prose::strip(&mut document);
    cut::prune(&mut document).unwrap();
    document
}

proptest! {
    #[test]
    fn yaml_reads_back_as_it_was_meant(value in any_value()) {
        // `write` compares by itself.
        let text = yaml::write(&json!({"x": value, "paths": {}}), "").unwrap();
        prop_assert_eq!(&parse(&text).unwrap()["x"], &value);
    }

    #[test]
    fn trimming_twice_changes_nothing(document in any_document()) {
        let once = reduce(&document);
        prop_assert_eq!(&reduce(&once), &once);
        prop_assert!(!once.to_string().contains("theirs"));
    }

    #[test]
    fn what_is_kept_is_what_is_used(document in any_document()) {
        let document = reduce(&document);
        // Fails if a reference leads nowhere.
        let used = references::used(&document).unwrap();
        let kept = document.pointer("/components/schemas").and_then(Value::as_object);
        let kept: Vec<String> = kept
            .into_iter()
            .flat_map(|schemas| schemas.keys())
            .map(|name| format!("/components/schemas/{name}"))
            .collect();
        prop_assert_eq!(kept, used.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_document_does_not_differ_from_itself(document in any_document()) {
        let report = openapi_trim::diff::compare(("old", &document), ("new", &document), &["a".into()]).unwrap();
        prop_assert_eq!(report.changes, []);
    }
}
