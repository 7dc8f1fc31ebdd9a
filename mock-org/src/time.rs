//! Dates as Okta's JSON has them (RFC 3339).

use std::time::{Duration, SystemTime};

/// The end of the year 9999, after which there is no RFC 3339.
const MAX: Duration = Duration::from_secs(253_402_300_799);

pub(crate) fn rfc3339(time: SystemTime) -> String {
    let max = SystemTime::UNIX_EPOCH.checked_add(MAX);
    let time = max.map_or(time, |max| time.clamp(SystemTime::UNIX_EPOCH, max));
    humantime::format_rfc3339_millis(time).to_string()
}

pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text).ok()
}
