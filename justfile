# What CI runs, one by one. `just ci` is all of it.

ci:
    .ci/run

fmt:
    cargo fmt --all

lint:
    cargo clippy --workspace --all-targets -- -D warnings

test:
    cargo test
    cargo test --package openapi-trim

quickstart:
    cargo run --example quickstart

observe:
    cargo run --example observe

crypto:
    .ci/crypto

deny:
    .ci/deny

versions:
    .ci/versions

api *update:
    .ci/api {{update}}

fuzz *arguments:
    .ci/fuzz {{arguments}}

browser:
    .ci/browser

bench:
    benches/instructions
    benches/cpu
    benches/start
    cargo bench -p benches

doc:
    RUSTDOC=$PWD/.ci/rustdoc RUSTDOCFLAGS="-D warnings --cfg docsrs" cargo doc --workspace --no-deps --all-features

package:
    cargo package --package okta-user-sessions
