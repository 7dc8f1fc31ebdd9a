//! The YAML and the record that are written, and the documents that are read.

use openapi_trim::{
    document::parse,
    record::{Record, release_in},
    yaml,
};
use serde_json::json;

use crate::support::{SHOP, shop};

#[test]
fn fields_come_in_the_order_of_openapi_and_names_in_that_of_the_alphabet() {
    let document = json!({
        "components": {"schemas": {"b": {"type": "object", "title": "B"}, "a": {}}},
        "paths": {"/b": {"get": {"responses": {}, "operationId": "x"}}, "/a": {}},
        "openapi": "3.0.3",
    });
    let text = yaml::write(&document, "A comment.\n\nMore.").unwrap();
    assert_eq!(
        text,
        "\
# A comment.
#
# More.
openapi: \"3.0.3\"
paths:
  /a: {}
  /b:
    get:
      operationId: x
      responses: {}
components:
  schemas:
    a: {}
    b:
      title: B
      type: object
"
    );
}

#[test]
fn json_and_yaml_read_the_same() {
    let json = shop().to_string();
    assert_eq!(parse(&json).unwrap(), parse(SHOP).unwrap());
    assert_eq!(parse(&format!("\u{feff}\n {json}")).unwrap(), shop());
}

#[test]
fn words_of_old_yaml_are_strings() {
    let value = parse("enum: [y, no, on, true]\n200: x").unwrap();
    assert_eq!(value, json!({"enum": ["y", "no", "on", true], "200": "x"}));
}

#[test]
fn a_key_that_is_there_twice_is_an_error() {
    for text in ["a: 1\nb: 2\na: 3", "{\"a\": 1,\n\"b\": {},\n\"a\": 3}"] {
        let refused = parse(text).unwrap_err().to_string();
        assert!(refused.contains("duplicate"), "{refused}");
        assert!(refused.contains("line 3"), "{refused}");
    }
}

#[test]
fn what_json_alone_has_is_read() {
    let text = "{\n\t\"a\\/\": \"\\ud83d\\ude00\\u00e9\\t\",\t\"b\":[1e3,-0.5]}\n";
    let as_json: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(parse(text).unwrap(), as_json);
}

#[test]
fn the_record_reads_what_it_writes() {
    let text = r#"
operations = ["a"]
[upstream]
release = "1.2.3"
file = "f"
version = "v"
sha256 = "0"
[trimmed]
sha256 = "1"
overlay_sha256 = "2"
[pinned.a]
from = "1.2.2"
first_seen_without = "1.2.3"
"#;
    let record = Record::read(text).unwrap();
    let written = record.write().unwrap();
    assert!(written.starts_with("# "), "{written}");
    assert_eq!(Record::read(&written).unwrap(), record);
    assert!(Record::read("operations = []").is_err());
    assert!(Record::read("operation = ['a']").is_err());
}

#[test]
fn the_release_is_what_a_file_name_begins_with() {
    assert_eq!(release_in("2025.08.0-management.yaml"), Some("2025.08.0"));
    assert_eq!(release_in("2025.08.0.yaml"), Some("2025.08.0"));
    assert_eq!(release_in("management-minimal.yaml"), None);
    assert_eq!(release_in("1.yaml"), None);
}
