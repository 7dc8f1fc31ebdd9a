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
}

/// Most releases say which they are. A name that says another one would be recorded.
#[test]
fn the_name_of_a_release_and_its_version_have_to_agree() {
    let place = Workplace::new();
    let shop = SHOP.replace("version: '1.0'", "version: 2030.03.0");
    assert_ne!(shop, SHOP);
    for name in ["2030.03.0-shop.yaml", "shop.yaml"] {
        place.write(name, &shop);
        let (status, _, error) = place.run(&["trim", name]);
        assert_eq!(status, 0, "{error}");
        assert!(
            place
                .read("upstream.toml")
                .contains("release = \"2030.03.0\"")
        );
    }
    place.write("2030.06.3-shop.yaml", &shop);
    let (status, _, error) = place.run(&["trim", "2030.06.3-shop.yaml"]);
    assert_eq!(status, 1);
    let expected = "2030.06.3-shop.yaml: this is named release 2030.06.3, but its `info.version` \
                    is 2030.03.0; correct the file's name or --release";
    assert!(error.contains(expected), "{error}");
    place.write("shop.yaml", SHOP);
    let (_, _, error) = place.run(&["trim", "shop.yaml"]);
    assert!(
        error.contains("`info.version` (1.0) says which release"),
        "{error}"
    );
}

#[test]
fn diff_is_headed_by_the_files_and_names_the_successor_of_an_operation() {
    let place = Workplace::new();
    let renamed = SHOP.replace("operationId: getPet", "operationId: findPet");
    place.write("new.yaml", &renamed.replace("{petId}:", "{id}:"));
    let (status, text, error) = place.run(&["diff", UPSTREAM, "new.yaml"]);
    assert_eq!(status, 12, "{error}");
    assert!(
        text.starts_with("From 2030.01.0-shop.yaml to new.yaml:\n"),
        "{text}"
    );
    let successor = "operation getPet removed (GET /pets/{petId}); in its place is the operation \
                     findPet (GET /pets/{id})";
    assert!(text.contains(successor), "{text}");

    place.write("other.yaml", &renamed.replace("addPet", "createPet"));
    let (status, _, error) = place.run(&["diff", UPSTREAM, "other.yaml"]);
    assert_eq!(status, 1);
    let expected = "other.yaml: this has none of the operations addPet, getPet";
    assert!(error.contains(expected), "{error}");
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
        record
            .contains("[pinned.addPet]\nfrom = \"2030.01.0\"\nfirst_seen_without = \"2030.02.0\""),
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
        (
            "        example: {type: string}\n",
            "        example: {type: string}\n        more: {}\n",
            11,
        ),
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
            "old": UPSTREAM, "new": "new.yaml", "worst": "breaking", "notes": [],
            "changes": [{
                "class": "breaking",
                "what": "schema NewPet, properties, name, maxLength changed",
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
