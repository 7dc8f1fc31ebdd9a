//! The clock and the timer of a Tokio runtime.

use std::{
    panic::catch_unwind,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

pub(crate) use tokio::time::{Instant, sleep_until};
use tokio::{runtime::Handle, time::sleep};

use crate::Error;

/// Fails where there is no runtime with timers, because Tokio would panic.
///
/// Tokio cannot be asked whether a runtime has timers, so this creates one and catches the
/// panic. That costs less than a microsecond and needs no record of runtimes. The
/// message still goes to the panic hook, and `panic = "abort"` still aborts.
pub(crate) fn require_runtime() -> Result<(), Error> {
    if Handle::try_current().is_err() {
        return Err(Error::invalid(
            "not in a Tokio runtime; await it in one, such as #[tokio::main] or Runtime::block_on, or use the feature `blocking`",
        ));
    }
    catch_unwind(|| drop(sleep(Duration::ZERO))).map_err(|_| {
        Error::invalid("this Tokio runtime has no timers; build it with Builder::enable_all()")
    })
}

/// By the local clock; 0 before 1970.
pub(crate) fn unix_seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
