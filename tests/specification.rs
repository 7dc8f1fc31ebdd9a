//! The generated code as it was last reviewed. A change of the specification or of the
//! generator shows as a difference that a reviewer can read.

use std::{env, fs, path::Path};

const GENERATED: &str = include_str!(concat!(env!("OUT_DIR"), "/user_sessions.rs"));

#[test]
fn the_generated_code_matches_the_reviewed_snapshot() {
    let generated = prettyplease::unparse(&syn::parse_file(GENERATED).unwrap());
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/generated_client.rs");
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&kept, &generated).unwrap();
    }
    // A checkout on Windows may have other line endings.
    let reviewed = fs::read_to_string(&kept).unwrap().replace("\r\n", "\n");
    let line = reviewed
        .lines()
        .zip(generated.lines())
        .position(|(a, b)| a != b);
    assert!(
        reviewed == generated,
        "build.rs generates another client than {}, from line {} on. If that is meant, run\n\
         UPDATE_SNAPSHOTS=1 cargo test --test main reviewed_snapshot\n\
         and read the difference before you commit it",
        kept.display(),
        line.map_or_else(|| reviewed.lines().count(), |at| at + 1)
    );
}
