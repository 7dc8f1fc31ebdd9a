# What CI runs, one by one. `just ci` is all of it.

ci:
    .ci/run

fmt:
    cargo fmt --all

lint:
    cargo clippy --workspace --all-targets -- -D warnings

test:
    cargo test --workspace

quickstart:
    cargo run --example quickstart

crypto:
    .ci/crypto

bench:
    benches/instructions
    benches/cpu
    benches/start
    cargo bench -p benches

doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

package:
    cargo package --package okta-user-sessions
