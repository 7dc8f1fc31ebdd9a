//! What a request is handled with, besides the org: its time, and names that are new.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

pub(crate) struct Context<'a> {
    pub(crate) request_id: &'a str,
    /// The access token to issue, if one is.
    pub(crate) fresh_token: &'a str,
    /// The time that windows and lifetimes are measured with.
    pub(crate) now: Instant,
    /// The same by the org's wall clock.
    pub(crate) wall: SystemTime,
}

impl Context<'_> {
    pub(crate) fn epoch_seconds(&self) -> u64 {
        let since = self.wall.duration_since(UNIX_EPOCH);
        since.unwrap_or_default().as_secs()
    }
}
