//! The typed client that `build.rs` generates from `openapi/user-sessions.yaml`.
//!
//! Private, so that another specification cannot change the public API by
//! itself.

include!(concat!(env!("OUT_DIR"), "/user_sessions.rs"));
