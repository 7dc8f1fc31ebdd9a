//! Generates `src/generated.rs` from `openapi/user-sessions.yaml` into `OUT_DIR`: the
//! types, the request of each operation, its options and what it is called.
//!
//! Reads one file, writes one file, and fails with the operation and the
//! difference when the specification no longer holds what `src/` relies on.

use std::{env, error::Error, fmt::Display, fs, path::Path};

use serde_json::Value;

#[path = "build/client.rs"]
mod client;
#[path = "openapi/contract.rs"]
mod contract;
#[path = "build/options.rs"]
mod options;
#[path = "build/requests.rs"]
mod requests;

const SPECIFICATION: &str = "openapi/user-sessions.yaml";

fn main() {
    for input in ["build.rs", "build", "openapi/contract.rs", SPECIFICATION] {
        println!("cargo::rerun-if-changed={input}");
    }
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

/// The generated code. Public for the tests of `openapi/trim`, which include this
/// file.
pub fn generate(specification: &Path) -> Result<String, Box<dyn Error>> {
    let name = specification.display();
    let in_file = |error: &dyn Display| format!("{name}: {error}");
    let text = fs::read_to_string(specification).map_err(|e| in_file(&e))?;
    let value: Value = serde_saphyr::from_str(&text).map_err(|e| in_file(&e))?;
    let operations = contract::check(&value).map_err(|e| {
        format!("{name} no longer fits the code in src/: {e}. Correct openapi/overlay.yaml, or change src/ and the contract in openapi/contract.rs")
    })?;
    let client = client::generate(&value, &operations).map_err(|e| in_file(&e))?;
    let requests = requests::cut(client, &operations).map_err(|e| in_file(&e))?;
    let code = options::generate(&operations, &requests).map_err(|e| in_file(&e))?;
    // Not formatted: every user's build would pay for that, and only the tests
    // read the code.
    Ok(code.to_string())
}
