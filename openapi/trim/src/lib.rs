//! The tool behind `cargo spec`: cuts `openapi/user-sessions.yaml` out of Okta's
//! release, applies `openapi/overlay.yaml`, and tells what a new release changes.
//! CONTRIBUTING.md walks through its use.

#![forbid(unsafe_code)]

pub mod cut;
pub mod diff;
pub mod document;
pub mod folder;
pub mod grammar;
pub mod overlay;
pub mod pin;
pub mod prose;
pub mod record;
pub mod references;
pub mod trim;
pub mod yaml;
