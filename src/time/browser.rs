//! The clock and the timer of a browser.

use std::time::Duration;

use gloo_timers::future::TimeoutFuture;
pub(crate) use web_time::Instant;
use web_time::{SystemTime, UNIX_EPOCH};

use crate::Error;

/// `setTimeout` counts milliseconds in 31 bits, and fires immediately beyond that.
const LONGEST: Duration = Duration::from_millis(0x7fff_ffff);

/// Browsers may wake a millisecond early by their own clock, so it checks again.
pub(crate) async fn sleep_until(time: Instant) {
    loop {
        let left = time.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        let milliseconds = left.min(LONGEST).as_micros().div_ceil(1000);
        TimeoutFuture::new(u32::try_from(milliseconds).unwrap_or(u32::MAX)).await;
    }
}

/// A browser always has timers.
pub(crate) fn require_runtime() -> Result<(), Error> {
    Ok(())
}

/// By the local clock; 0 before 1970.
pub(crate) fn unix_seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
