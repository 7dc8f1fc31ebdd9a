//! The tool on small specifications of our own, and on Okta's where they are.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod changes;
mod commands;
mod cutting;
mod diffing;
mod fetching;
mod new_options;
mod overlays;
mod pinning;
mod properties;
mod releases;
mod support;
mod writing;
