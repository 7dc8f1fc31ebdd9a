//! A release of Okta's with new options, and how they go their way by themselves:
//! trimmed, with a sentence each in the overlay, they reach every call, the wire, the
//! journal, the report and the tool, with nothing under `src/` edited by hand.
//!
//! The release is made from the trimmed specification, so this needs none of
//! upstream's files.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use openapi_trim::folder::Folder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    changes::upstream,
    releases::{code, copy, repository},
    support::set,
};

const REVOKE: &str = "/paths/~1api~1v1~1users~1{userId}~1sessions/delete/parameters";
const END: &str = "/components/schemas/KeepCurrent/properties";
const RELEASE: &str = "2030.01.0-management-minimal.json";
/// Of the copy's package. With the crate's own name cargo would put what it builds
/// where it keeps the crate's.
const NAME: &str = "okta-user-sessions-with-new-options";

const SENTENCE: &str = "Also sign the user out of apps.";

/// The new options, of every type that has a setter.
fn new_options() -> [(&'static str, Value); 4] {
    [
        ("signOutApps", json!({"type": "boolean"})),
        ("auditNote", json!({"type": "string"})),
        ("gracePeriod", json!({"type": "integer"})),
        (
            "mode",
            json!({"type": "string", "enum": ["SOFT", "HARD_STOP"]}),
        ),
    ]
}

/// The `openapi` folder, not yet trimmed, and a release with both operations'
/// options in it.
fn release() -> (TempDir, Folder) {
    let (place, folder) = copy();
    let mut release = upstream();
    for (name, schema) in new_options() {
        let parameter = json!({"name": name, "in": "query", "schema": schema});
        let parameters = release.pointer_mut(REVOKE).unwrap();
        parameters.as_array_mut().unwrap().push(parameter);
        set(&mut release, &format!("{END}/{name}"), schema);
    }
    fs::write(place.path().join(RELEASE), release.to_string()).unwrap();
    (place, folder)
}

/// The same after the overlay was given a sentence for each option.
fn described() -> (TempDir, Folder) {
    let (place, folder) = release();
    let path = place.path().join("overlay.yaml");
    let mut overlay = fs::read_to_string(&path).unwrap();
    for (name, _) in new_options() {
        let sentence = match name {
            "signOutApps" => SENTENCE,
            _ => "Another option.",
        };
        for target in [
            format!(
                "$.paths['/api/v1/users/{{userId}}/sessions'].delete.parameters[?@.name == '{name}']"
            ),
            format!("$.components.schemas.KeepCurrent.properties.{name}"),
        ] {
            overlay += &format!(
                "  - target: {target}\n    description: New.\n    update:\n      description: {sentence}\n"
            );
        }
    }
    fs::write(path, overlay).unwrap();
    (place, folder)
}

#[test]
fn a_new_option_without_a_sentence_in_the_overlay_is_refused_by_the_build() {
    let (place, folder) = release();
    folder.trim(&place.path().join(RELEASE), None, &[]).unwrap();
    let refused = code(place.path()).unwrap_err();
    assert!(
        refused.contains("endUserSessions: the option auditNote has no description"),
        "{refused}"
    );
}

#[test]
fn a_new_option_reaches_every_user_by_itself() {
    let (place, folder) = described();
    folder.trim(&place.path().join(RELEASE), None, &[]).unwrap();
    let code = code(place.path()).unwrap();
    // On the options' struct, for the tool, and on each setter.
    assert!(code.matches(SENTENCE).count() >= 3, "{code}");

    // Always the same folder, so that cargo replaces what it built there before.
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-options");
    copy_crate(&copy, place.path());
    let tool = built_tool(&copy);
    let output = cargo(&copy, &["test", "--test", "new_options"])
        .env("TOOL", tool)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success() && text(&output.stdout).contains("1 passed"),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

/// A copy of the crate with another specification, and with a test of its own.
fn copy_crate(to: &Path, openapi: &Path) {
    let from = repository();
    let mut files = vec!["build.rs".into(), "README.md".into(), "SECURITY.md".into()];
    for folder in [
        "src",
        "docs",
        "build",
        "openapi",
        "schemas",
        "examples/revoke",
        "examples/support",
    ] {
        files_in(&from, Path::new(folder), &mut files);
    }
    for file in files {
        let target = match file.strip_prefix("examples/revoke") {
            // Under another name, so that the tests of the crate do not find this one.
            Ok(rest) => Path::new("examples/new_options").join(rest),
            Err(_) => file.clone(),
        };
        let source = match file.ends_with("user-sessions.yaml") {
            true => openapi.join("user-sessions.yaml"),
            false => from.join(&file),
        };
        put(&to.join(target), &fs::read(source).unwrap());
    }
    let test = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/new_options/in_the_copy.rs");
    put(&to.join("tests/new_options.rs"), &fs::read(test).unwrap());
    let manifest = fs::read_to_string(from.join("Cargo.toml")).unwrap();
    let mock_org = format!("path = {:?}", from.join("mock-org").canonicalize().unwrap());
    let lines = manifest
        .lines()
        .filter(|line| !line.starts_with("members = "));
    let lines = lines.map(|line| match line {
        "name = \"okta-user-sessions\"" => format!("name = \"{NAME}\""),
        "name = \"main\"" => "name = \"new_options\"".to_owned(),
        "path = \"tests/main.rs\"" => "path = \"tests/new_options.rs\"".to_owned(),
        // Its own dev-dependencies.
        line => match line.strip_prefix("okta-user-sessions = ") {
            Some(itself) => format!("{NAME} = {itself}"),
            None => line.replace("path = \"mock-org\"", &mock_org),
        },
    });
    let mut manifest = lines.collect::<Vec<_>>().join("\n");
    manifest += "\n[lib]\nname = \"okta_user_sessions\"\n";
    let lock = fs::read_to_string(from.join("Cargo.lock")).unwrap();
    let lock = lock.replace("\"okta-user-sessions\"", &format!("\"{NAME}\""));
    put(&to.join("Cargo.lock"), lock.as_bytes());
    put(&to.join("Cargo.toml"), manifest.as_bytes());
}

/// Writes a file, unless it is the same: cargo would build it again.
fn put(path: &Path, content: &[u8]) {
    if fs::read(path).is_ok_and(|is| is == content) {
        return;
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// The files of a folder and of those in it, but for the specification tool.
fn files_in(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        if path == Path::new("openapi/trim") {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            files_in(root, &path, files);
        } else {
            files.push(path);
        }
    }
}

/// Builds into the folder of the repository, where the dependencies are.
fn cargo(copy: &Path, arguments: &[&str]) -> Command {
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from);
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(arguments)
        .arg("--offline")
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", target);
    cargo
}

/// The path of the tool that has the new options.
fn built_tool(copy: &Path) -> PathBuf {
    let output = cargo(copy, &["build", "--example", "new_options"])
        .args(["--message-format", "json-render-diagnostics"])
        .output()
        .unwrap();
    let messages = String::from_utf8(output.stdout).unwrap();
    let built = messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        (message["target"]["name"] == "new_options")
            .then(|| message["executable"].as_str().map(PathBuf::from))?
    });
    built.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}
