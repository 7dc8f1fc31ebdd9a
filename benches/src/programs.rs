//! The programs that measure, each in processes of its own.

use std::{
    env,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Builds those of this package: `cargo run` builds one of them alone.
pub fn build() {
    if cfg!(debug_assertions) {
        panic!("only a release build is worth measuring: cargo run --release -p benches");
    }
    cargo_build(&target(), &["--bins"]);
}

/// The program `calls` with ring's cryptography alone, built the first time.
pub fn calls_with_ring() -> PathBuf {
    let target = target().join("ring");
    let features = ["--no-default-features", "--features", "ring,http2"];
    cargo_build(&target, &[&features[..], &["--bin", "calls"]].concat());
    target.join("release/calls")
}

/// Where cargo builds.
fn target() -> PathBuf {
    let program = env::current_exe().expect("a path");
    let target = program.ancestors().nth(2);
    target.expect("a target directory").to_owned()
}

fn cargo_build(target: &Path, arguments: &[&str]) {
    let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--package", "benches"])
        .args(arguments)
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the programs are not built");
}

/// What a program prints.
pub fn run(program: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .expect("it starts");
    assert_success(&output);
    String::from_utf8(output.stdout).expect("it is text")
}

/// The instructions that a program makes in `benches::counted`; `None` without valgrind.
pub fn instructions(program: &Path, arguments: &[&str]) -> Option<f64> {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--toggle-collect=benches::counted*",
            "--callgrind-out-file=/dev/null",
        ])
        .arg(program)
        .args(arguments)
        .output();
    let output = match output {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        output => output.expect("valgrind starts"),
    };
    assert_success(&output);
    let log = String::from_utf8_lossy(&output.stderr);
    let collected = log.split("Collected : ").nth(1);
    let count = collected.and_then(|rest| rest.split_whitespace().next());
    Some(count.expect("callgrind's sum").parse().expect("a number"))
}

fn assert_success(output: &Output) {
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
}

/// The first numbers of the lines that begin with this.
pub fn figures<'a>(output: &'a str, name: &'a str) -> impl Iterator<Item = f64> + 'a {
    output.lines().filter_map(move |line| {
        let rest = line.strip_prefix(name)?;
        rest.split_whitespace().next()?.parse().ok()
    })
}
