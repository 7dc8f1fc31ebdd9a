//! OpenAPI Overlay 1.0.

use openapi_trim::{document::parse, overlay::Overlay};
use serde_json::{Value, json};

fn overlay(actions: Value) -> Result<Overlay, String> {
    let overlay = json!({
        "overlay": "1.0.0", "info": {"title": "t", "version": "1"}, "actions": actions,
    });
    Overlay::read(&overlay).map_err(|e| e.to_string())
}

fn apply(document: Value, action: Value) -> Result<Value, String> {
    let mut action = action;
    action["description"] = json!("because");
    let mut document = document;
    let overlay = overlay(json!([action]))?;
    overlay
        .apply(&mut document, &[])
        .map_err(|e| e.to_string())?;
    Ok(document)
}

#[test]
fn update_merges_objects_and_appends_to_lists() {
    let document = json!({"a": {"b": 1, "c": {"d": [1]}}, "l": [1]});
    let merged = apply(
        document.clone(),
        json!({"target": "$.a", "update": {"b": 2, "c": {"d": [2], "e": null}}}),
    );
    assert_eq!(
        merged.unwrap(),
        json!({"a": {"b": 2, "c": {"d": [1, 2], "e": null}}, "l": [1]})
    );
    let appended = apply(document, json!({"target": "$.l", "update": {"x": 1}}));
    assert_eq!(appended.unwrap()["l"], json!([1, {"x": 1}]));
}

#[test]
fn update_of_the_whole_document() {
    let merged = apply(json!({"a": 1}), json!({"target": "$", "update": {"b": 2}}));
    assert_eq!(merged.unwrap(), json!({"a": 1, "b": 2}));
}

#[test]
fn remove_takes_every_match_out() {
    let list: Vec<_> = (0..12)
        .map(|n| json!({"n": n, "odd": n % 2 == 1}))
        .collect();
    let left = apply(
        json!({"list": list}),
        json!({"target": "$.list[?@.odd == true]", "remove": true}),
    )
    .unwrap();
    let left: Vec<_> = left["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["n"].clone())
        .collect();
    assert_eq!(json!(left), json!([0, 2, 4, 6, 8, 10]));
}

#[test]
fn names_with_quotes_slashes_and_escapes_are_found() {
    for name in ["/a/{b}", "it's", "a\"b", "a~b", "a\\b", "ü\n\u{1}"] {
        let document = json!({"paths": {name: {"x": 1}, "other": {}}});
        let left = apply(
            document,
            json!({"target": "$.paths[?@.x == 1]", "remove": true}),
        );
        assert_eq!(left.unwrap(), json!({"paths": {"other": {}}}), "{name}");
    }
}

#[test]
fn an_action_that_matches_nothing_is_an_error() {
    for change in [json!({"remove": true}), json!({"update": {}})] {
        let mut action = change;
        action["target"] = json!("$.a.gone");
        let refused = apply(json!({"a": {}}), action).unwrap_err();
        assert!(
            refused.starts_with("action 1 ($.a.gone; its reason: because)"),
            "{refused}"
        );
        assert!(refused.contains("matches nothing"), "{refused}");
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    for (action, reason) in [
        (
            json!({"target": "$.s", "update": {}}),
            "objects and lists only",
        ),
        (json!({"target": "$.o", "update": 1}), "has to be an object"),
        (json!({"target": "$", "update": {"o": 1}}), "does not fit"),
        (json!({"target": "$", "remove": true}), "the whole document"),
        (json!({"target": "o", "remove": true}), "no JSONPath"),
        (json!({"target": "$.o"}), "either `update` or `remove"),
        (
            json!({"target": "$.o", "remove": true, "update": {}}),
            "either",
        ),
        (json!({"update": {}}), "`target` is missing"),
        (
            json!({"target": "$.o", "delete": true}),
            "`delete` is not a field",
        ),
    ] {
        let refused = apply(json!({"s": "text", "o": {}}), action.clone()).unwrap_err();
        assert!(refused.contains(reason), "{action}: {refused}");
    }
}

#[test]
fn every_action_has_its_reason() {
    for reason in [Value::Null, json!(" ")] {
        let refused = overlay(json!([{"target": "$", "update": {}, "description": reason}]));
        assert!(refused.unwrap_err().contains("say why"));
    }
}

#[test]
fn the_document_has_to_be_an_overlay() {
    assert!(overlay(json!([])).unwrap_err().contains("`actions`"));
    for (text, reason) in [
        ("overlay: 2.0.0", "not 1.0.x"),
        ("overlay: 1.0.0\nactions: []", "`info.title`"),
        ("overlay: 1.0.0\nextra: 1", "`extra`"),
    ] {
        let refused = Overlay::read(&parse(text).unwrap()).unwrap_err();
        assert!(refused.to_string().contains(reason), "{refused}");
    }
}
