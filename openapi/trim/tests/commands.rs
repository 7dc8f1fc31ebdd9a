//! The command line: what is written, what is printed, which status.

use serde_json::{Value, json};

use crate::support::{OVERLAY, SHOP, Workplace, shop_without_adding};

const UPSTREAM: &str = "2030.01.0-shop.yaml";

fn trimmed() -> Workplace {
    let place = Workplace::new();
    let (status, _, error) = place.run(&["trim", UPSTREAM]);
    assert_eq!(status, 0, "{error}");
    place
}

#[test]
fn trim_writes_and_check_agrees() {
    let place = trimmed();
    let record = place.read("upstream.toml");
    for part in [
        "release = \"2030.01.0\"",
        "file = \"2030.01.0-shop.yaml\"",
        "version = \"1.0\"",
    ] {
        assert!(record.contains(part), "{record}");
    }
    assert!(place.read("user-sessions.yaml").starts_with(
        "# Cut from Okta's OpenAPI release 2030.01.0 by `cargo spec trim`: do not edit."
    ));
    assert_eq!(place.run(&["check"]).0, 0);
    assert_eq!(place.run(&["check", UPSTREAM]).0, 0);
}

#[test]
fn trim_names_what_has_no_words() {
    let place = Workplace::new();
    let (_, _, error) = place.run(&["trim", UPSTREAM]);
    for pointer in [
        "#/paths/~1pets/post has",
        "#/components/parameters/petId has",
        "#/components/schemas/NewPet/properties/name has",
        "#/components/responses/Error has",
        "#/components/securitySchemes/oauth/flows/clientCredentials/scopes has",
    ] {
        assert!(
            error.contains(&format!("note: {pointer} no description")),
            "{error}"
        );
    }
}

#[test]
fn trimming_twice_changes_nothing() {
    let place = trimmed();
    let before = (
        place.read("user-sessions.yaml"),
        place.read("upstream.toml"),
    );
    place.run(&["trim", UPSTREAM]);
    assert_eq!(
        before,
        (
            place.read("user-sessions.yaml"),
            place.read("upstream.toml")
        )
    );
}

#[test]
fn check_finds_every_edit() {
    type Edit = fn(String) -> String;
    let edits: [(&str, Edit, &str); 4] = [
        (
            "user-sessions.yaml",
            |t| t + "#\n",
            "is not what was trimmed",
        ),
        ("overlay.yaml", |t| t + "#\n", "has changed since"),
        (
            "upstream.toml",
            |t| t.replace("\"addPet\", ", ""),
            "has the operations addPet, getPet",
        ),
        (
            "upstream.toml",
            |t| t.replace("[trimmed]\nsha256 = \"", "[trimmed]\nsha256 = \"0"),
            "is not what was trimmed",
        ),
    ];
    for (name, edit, reason) in edits {
        let place = trimmed();
        place.write(name, &edit(place.read(name)));
        let (status, _, error) = place.run(&["check"]);
        assert_eq!(status, 1, "{name}");
        assert!(error.contains(reason), "{error}");
    }
    let (status, _, error) = Workplace::new().run(&["check"]);
    assert_eq!(status, 1);
    assert!(error.contains("has no hashes yet"), "{error}");
}

#[test]
fn check_shows_what_another_release_would_change_and_writes_nothing() {
    let place = trimmed();
    place.write(
        "2030.02.0-shop.yaml",
        &SHOP.replace("maxLength: 20", "maxLength: 30"),
    );
    let before = place.read("user-sessions.yaml");
    let (status, _, error) = place.run(&["check", "2030.02.0-shop.yaml"]);
    assert_eq!(status, 1);
    assert!(
        error.contains("-          maxLength: 20\n+          maxLength: 30\n"),
        "{error}"
    );
    assert!(error.contains("+release = \"2030.02.0\""), "{error}");
    assert_eq!(place.read("user-sessions.yaml"), before);
}

#[test]
fn a_release_can_be_named_and_is_remembered() {
    let place = Workplace::new();
    place.write("shop.yaml", SHOP);
    place.run(&["trim", "shop.yaml", "--release", "2031.01.0"]);
    assert!(
        place
            .read("upstream.toml")
            .contains("release = \"2031.01.0\"")
    );
    assert_eq!(place.run(&["check", "shop.yaml"]).0, 0);
    place.run(&["trim", "shop.yaml"]);
    // Neither named nor in the file name: `info.version`.
    assert!(place.read("upstream.toml").contains("release = \"1.0\""));
}

#[test]
fn a_refused_trim_writes_nothing() {
    let place = trimmed();
    let before = (
        place.read("user-sessions.yaml"),
        place.read("upstream.toml"),
    );
    place.write("2030.02.0-shop.yaml", &shop_without_adding().to_string());
    let (status, _, error) = place.run(&["trim", "2030.02.0-shop.yaml"]);
    assert_eq!(status, 1);
    assert!(error.contains("--keep-pinned addPet"), "{error}");
    assert_eq!(
        before,
        (
            place.read("user-sessions.yaml"),
            place.read("upstream.toml")
        )
    );

    let (status, _, error) = place.run(&["trim", "2030.02.0-shop.yaml", "--keep-pinned", "addPet"]);
    assert_eq!(status, 0, "{error}");
    let record = place.read("upstream.toml");
    assert!(
        record.contains("[pinned.addPet]\nfrom = \"2030.01.0\"\ngone_since = \"2030.02.0\""),
        "{record}"
    );
    assert_eq!(place.run(&["check"]).0, 0);
    assert_eq!(place.run(&["check", "2030.02.0-shop.yaml"]).0, 0);
}

#[test]
fn the_status_of_diff_is_the_worst_class() {
    let place = Workplace::new();
    for (from, to, status) in [
        ("type: apiKey", "type: apiKey", 0),
        (
            "summary: Upstream's wording.\n      x",
            "summary: Other\n      x",
            10,
        ),
        ("maxLength: 20", "maxLength: 30", 11),
        ("maxLength: 20", "maxLength: 10", 12),
    ] {
        assert!(SHOP.contains(from), "{from}");
        place.write("new.yaml", &SHOP.replace(from, to));
        let (is, text, error) = place.run(&["diff", UPSTREAM, "new.yaml"]);
        assert_eq!(is, status, "{text}{error}");
    }
    assert_eq!(place.run(&["diff", UPSTREAM, "missing.yaml"]).0, 1);
    assert_eq!(place.run(&["diff", UPSTREAM]).0, 2);
}

#[test]
fn diff_speaks_json() {
    let place = Workplace::new();
    place.write("new.yaml", &SHOP.replace("maxLength: 20", "maxLength: 10"));
    let (_, text, _) = place.run(&["diff", UPSTREAM, "new.yaml", "--format", "json"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        report,
        json!({
            "old": "1.0", "new": "1.0", "worst": "breaking", "notes": [],
            "changes": [{
                "class": "breaking",
                "what": "schema NewPet, field name: maxLength changed",
                "path": "#/components/schemas/NewPet/properties/name/maxLength",
                "old": 20,
                "new": 10,
            }],
        })
    );
}

#[test]
fn failures_name_the_file() {
    let place = Workplace::new();
    for (name, text) in [("broken.yaml", "a: [\n"), ("new.yaml", "openapi: 3.1.0")] {
        place.write(name, text);
        let (status, _, error) = place.run(&["trim", name]);
        assert_eq!(status, 1);
        assert!(error.starts_with(&format!("error: {name}: ")), "{error}");
    }
    place.write("overlay.yaml", &OVERLAY.replace("$.info", "$.nope"));
    let (_, _, error) = place.run(&["trim", UPSTREAM]);
    assert!(
        error.contains("overlay.yaml does not fit 2030.01.0-shop.yaml: action 1"),
        "{error}"
    );
    place.write("upstream.toml", "operations = 1");
    let (_, _, error) = place.run(&["trim", UPSTREAM]);
    assert!(error.contains("upstream.toml: "), "{error}");
}
