# `just ci` runs all checks, `just ci tests clippy` those; .ci/run has the list.

ci *steps:
    .ci/run {{steps}}

fmt:
    cargo fmt --all

api *update:
    .ci/api {{update}}

fuzz *arguments:
    .ci/fuzz {{arguments}}

bench:
    cargo run --release -p benches
    benches/instructions
    cargo run --release -p rate-limit-bench

# What is generated and checked in, after a change to the specification: the schemas, the
# snapshot and the public API. Read the difference before you commit it.
regenerate:
    UPDATE_SNAPSHOTS=1 UPDATE_SCHEMA=1 cargo test
    .ci/api --update
