//! The clock and the timer of a Tokio runtime.

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use tokio::time::{Instant, sleep_until};

/// By the local clock; 0 before 1970.
pub(crate) fn unix_seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
