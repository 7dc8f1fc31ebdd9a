//! Generates the typed client from `openapi/user-sessions.yaml` into `OUT_DIR`.
//!
//! Reads one file, writes one file, and fails with the operation and the
//! difference when the specification no longer holds what `src/` relies on.

use std::{env, error::Error, fs, path::Path};

use serde_json::Value;

#[path = "openapi/contract.rs"]
mod contract;

const SPECIFICATION: &str = "openapi/user-sessions.yaml";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=openapi/contract.rs");
    println!("cargo::rerun-if-changed={SPECIFICATION}");
    if let Err(error) = write() {
        // `cargo::error` shows the text alone; a panic would bury it.
        for line in error.to_string().lines() {
            println!("cargo::error={line}");
        }
    }
}

fn write() -> Result<(), Box<dyn Error>> {
    let code = generate(Path::new(SPECIFICATION))?;
    let directory = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR for build scripts")?;
    fs::write(Path::new(&directory).join("user_sessions.rs"), code)?;
    Ok(())
}

/// The code of the client. Public for the tests of `openapi/trim`, which include
/// this file.
pub fn generate(specification: &Path) -> Result<String, Box<dyn Error>> {
    let name = specification.display();
    let in_file = |error: &dyn Error| format!("{name}: {error}");
    let text = fs::read_to_string(specification).map_err(|e| in_file(&e))?;
    let value: Value = serde_saphyr::from_str(&text).map_err(|e| in_file(&e))?;
    contract::check(&value).map_err(|e| {
        format!("{name} no longer fits the code in src/: {e}. Correct openapi/overlay.yaml, or change src/ and the contract in openapi/contract.rs")
    })?;
    let specification: openapiv3::OpenAPI =
        serde_json::from_value(value).map_err(|e| in_file(&e))?;

    let mut settings = progenitor::GenerationSettings::new();
    settings
        // Positional and merged are the defaults. Without `Expected`, a hook of
        // another shape would be left out in silence and requests go unsigned.
        .with_hooks(progenitor::HooksMode::Expected)
        .with_inner_type("crate::hooks::Slot".parse()?);
    let tokens = progenitor::Generator::new(&settings).generate_tokens(&specification)?;
    // Not formatted: every user's build would pay for that, and only the tests
    // read the code.
    Ok(tokens.to_string())
}
