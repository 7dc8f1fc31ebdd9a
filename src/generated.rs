//! What `build.rs` generates from `openapi/user-sessions.yaml`: the options of each
//! operation with their setters, and the requests.

include!(concat!(env!("OUT_DIR"), "/user_sessions.rs"));
