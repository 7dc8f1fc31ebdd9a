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
        json!({"target": "$.a", "update": {"b": 1, "c": {"d": [2], "e": null}}}),
    );
    assert_eq!(
        merged.unwrap(),
        json!({"a": {"b": 1, "c": {"d": [1, 2], "e": null}}, "l": [1]})
    );
    let appended = apply(document, json!({"target": "$.l", "update": {"x": 1}}));
    assert_eq!(appended.unwrap()["l"], json!([1, {"x": 1}]));
}

#[test]
fn update_of_the_whole_document() {
    let merged = apply(json!({"a": 1}), json!({"target": "$", "update": {"b": 2}}));
    assert_eq!(merged.unwrap(), json!({"a": 1, "b": 2}));
}

/// What upstream changed is not overwritten: emptied wording is filled, and a value that
/// is the same already stays.
#[test]
fn update_fills_in_what_is_missing_and_replaces_nothing() {
    let document = json!({"a": {"words": "", "type": "string"}});
    let update = json!({"target": "$.a", "update": {"words": "Ours.", "type": "string"}});
    let filled = apply(document.clone(), update).unwrap();
    assert_eq!(filled, json!({"a": {"words": "Ours.", "type": "string"}}));
    let update = json!({"target": "$.a", "update": {"type": "integer"}});
    let refused = apply(document, update).unwrap_err();
    assert!(
        refused.contains("#/a: type: `update` would replace \"string\" by \"integer\""),
        "{refused}"
    );
}

#[test]
fn remove_takes_every_match_out() {
    let list: Vec<_> = (0..12).map(|n| json!(["even", "odd"][n % 2])).collect();
    let left = apply(
        json!({"list": list}),
        json!({"target": "$.list[?@ == 'odd']", "remove": true, "x-was": "odd"}),
    )
    .unwrap();
    assert_eq!(
        left,
        json!({"list": ["even", "even", "even", "even", "even", "even"]})
    );
}

/// A default that upstream changed is not removed as if it were the old one.
#[test]
fn remove_is_tied_to_the_value_that_it_was_written_for() {
    let action = json!({"target": "$.default", "remove": true, "x-was": false});
    assert_eq!(
        apply(json!({"default": false}), action.clone()),
        Ok(json!({}))
    );
    let refused = apply(json!({"default": true}), action.clone()).unwrap_err();
    assert!(
        refused.contains("its reason: because): `x-was` is false, but #/default is true now"),
        "{refused}"
    );
    let mut without = action;
    without.as_object_mut().unwrap().remove("x-was");
    let refused = apply(json!({"default": false}), without).unwrap_err();
    assert!(refused.contains("`x-was` is missing"), "{refused}");
}

#[test]
fn names_with_quotes_slashes_and_escapes_are_found() {
    for name in ["/a/{b}", "it's", "a\"b", "a~b", "a\\b", "ü\n\u{1}"] {
        let document = json!({"paths": {name: {"x": 1}, "other": {}}});
        let left = apply(
            document,
            json!({"target": "$.paths[?@.x == 1]", "remove": true, "x-was": {"x": 1}}),
        );
        assert_eq!(left.unwrap(), json!({"paths": {"other": {}}}), "{name}");
    }
}

#[test]
fn an_action_that_matches_nothing_is_an_error() {
    for change in [json!({"remove": true, "x-was": 1}), json!({"update": {}})] {
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
fn every_action_that_does_not_fit_is_told_with_what_is_there() {
    let action = |target: &str| json!({"target": target, "update": {}, "description": "so"});
    let overlay = overlay(json!([
        action("$.a.gone.deep"),
        action("$.a"),
        action("$.list[?@.name == 'old']"),
    ]));
    let mut document = json!({"a": {"b": 1, "c": 2}, "list": [{"name": "new"}]});
    let refused = overlay.unwrap().apply(&mut document, &[]).unwrap_err();
    let refused = refused.to_string();
    let lines: Vec<_> = refused.lines().collect();
    assert_eq!(lines.len(), 2, "{refused}");
    assert!(lines[0].contains("action 1 ($.a.gone.deep"), "{refused}");
    assert!(
        lines[0].contains("matches nothing; #/a has b, c."),
        "{refused}"
    );
    assert!(lines[1].contains("action 3"), "{refused}");
    assert!(
        lines[1].contains("matches nothing; #/list has new."),
        "{refused}"
    );
}

#[test]
fn what_does_not_fit_is_an_error() {
    for (action, reason) in [
        (
            json!({"target": "$.s", "update": {}}),
            "objects and lists only",
        ),
        (json!({"target": "$.o", "update": 1}), "has to be an object"),
        (
            json!({"target": "$", "update": {"o": 1}}),
            "would replace {} by 1",
        ),
        (
            json!({"target": "$", "remove": true, "x-was": {"s": "text", "o": {}}}),
            "the whole document",
        ),
        (json!({"target": "o", "remove": true}), "not a JSONPath"),
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
