//! A specification to cut from, and ways to change it.

use std::{fs, path::PathBuf, process::Command};

use openapi_trim::{
    document::{parse, parse_openapi},
    record::Record,
    trim::{Input, trim},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A shop: two operations to keep, and others beside them.
pub const SHOP: &str = include_str!("shop.yaml");

pub const OVERLAY: &str = "
overlay: 1.0.0
info: {title: Test, version: 1.0.0}
actions:
  - target: $.info
    description: The title is ours.
    update: {title: Small shop}
";

pub fn shop() -> Value {
    parse_openapi(SHOP).unwrap()
}

pub fn record() -> Record {
    Record::read(r#"operations = ["addPet", "getPet"]"#).unwrap()
}

/// The shop with something else at a pointer; `null` takes it away.
pub fn shop_with(pointer: &str, value: Value) -> Value {
    let mut shop = shop();
    set(&mut shop, pointer, value);
    shop
}

pub fn set(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match document.pointer_mut(parent).expect(parent) {
        Value::Object(parent) if value.is_null() => drop(parent.remove(&key).expect(pointer)),
        Value::Object(parent) => drop(parent.insert(key, value)),
        Value::Array(parent) => parent[key.parse::<usize>().unwrap()] = value,
        _ => panic!("{parent} holds nothing"),
    }
}

/// Trims without a current specification.
pub fn trimmed(upstream: &Value) -> Result<Value, String> {
    trimmed_with(upstream, OVERLAY)
}

pub fn trimmed_with(upstream: &Value, overlay: &str) -> Result<Value, String> {
    let output = trim(&Input {
        upstream: &upstream.to_string(),
        file: "2030.01.0-shop.json",
        release: None,
        overlay,
        record: &record(),
        current: None,
        keep_pinned: &[],
    });
    let output = output.map_err(|e| e.to_string())?;
    Ok(parse(&output.specification).unwrap())
}

/// An `openapi` folder with the shop's record and overlay, and the tool to run on it.
pub struct Workplace(pub TempDir);

impl Workplace {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self(folder);
        place.write("upstream.toml", "operations = [\"addPet\", \"getPet\"]\n");
        place.write("overlay.yaml", OVERLAY);
        place.write("2030.01.0-shop.yaml", SHOP);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Status, standard output and standard error of a run in the folder.
    pub fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_openapi-trim"))
            .arg("--openapi")
            .arg(self.0.path())
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout),
            text(output.stderr),
        )
    }
}

/// The shop without `addPet`; its schema `Pet` stays behind in use, `NewPet` unused.
pub fn shop_without_adding() -> Value {
    shop_with("/paths/~1pets/post", Value::Null)
}

/// A schema with one field.
pub fn object_with(field: &str) -> Value {
    json!({"type": "object", "properties": {field: {"type": "string"}}})
}
