//! `.ci/upstream fetch`, from a folder in place of Okta's.

use std::{fs, process::Command};

use crate::releases::repository;

#[test]
fn fetch_names_a_file_after_the_release_that_it_says_it_is() {
    let place = tempfile::tempdir().unwrap();
    let dist = place.path().join("dist");
    // The form is that of the file in upstream.toml.
    for (folder, version) in [("2025.08.0", "5.1.0"), ("current", "2030.01.0")] {
        fs::create_dir_all(dist.join(folder)).unwrap();
        let text =
            format!("openapi: 3.0.3\ninfo:\n  title: x\n  version: {version}\npaths: {{}}\n");
        fs::write(dist.join(folder).join("management-minimal.yaml"), text).unwrap();
    }
    let fetch = |release: &str| {
        Command::new(repository().join(".ci/upstream"))
            .args(["fetch", release])
            .env("SPECIFICATIONS", format!("file://{}", dist.display()))
            .env("CARGO_TARGET_DIR", place.path())
            .output()
    };
    let Ok(old) = fetch("2025.08.0") else {
        eprintln!("skipped: no bash here");
        return;
    };
    let error = String::from_utf8(old.stderr).unwrap();
    if error.contains("curl: command not found") {
        eprintln!("skipped: no curl here");
        return;
    }
    for (release, name) in [
        ("2025.08.0", "2025.08.0-management-minimal.yaml"),
        ("current", "2030.01.0-management-minimal.yaml"),
    ] {
        let file = place.path().join("upstream").join(name);
        let fetched = fetch(release).unwrap();
        assert_eq!(fetched.stdout, format!("{}\n", file.display()).into_bytes());
        assert!(file.is_file());
    }
    let missing = fetch("2029.01.0").unwrap();
    assert!(!missing.status.success());
    let error = String::from_utf8(missing.stderr).unwrap();
    assert!(
        error.contains("cannot download file://") && error.contains("/2029.01.0/"),
        "{error}"
    );
}
