//! The server's clock, learned from its responses.

use std::{
    sync::atomic::{AtomicI64, Ordering::Relaxed},
    time::{SystemTime, UNIX_EPOCH},
};

use reqwest::header::HeaderMap;

use crate::pipeline::rate_limit::headers::server_date;

/// How far the server's clock is ahead of the local one, in milliseconds.
/// Servers check the times in assertions and proofs against their own clock, and local
/// clocks are often wrong.
pub(super) struct Clock(AtomicI64);

const UNKNOWN: i64 = i64::MIN;

impl Clock {
    pub(super) fn new() -> Self {
        Self(AtomicI64::new(UNKNOWN))
    }

    /// Learns from the `Date` of a response that has just arrived. It was truncated to
    /// whole seconds and took time to arrive, so the result is a little behind and never
    /// ahead: a time in the server's future would be refused.
    pub(super) fn learn(&self, headers: &HeaderMap) {
        let Some(server) = server_date(headers).and_then(|seconds| i64::try_from(seconds).ok())
        else {
            return;
        };
        let skew = server.saturating_mul(1000).saturating_sub(local());
        self.0.store(skew, Relaxed);
    }

    /// The skew in milliseconds; `None` until it is known.
    pub(super) fn skew(&self) -> Option<i64> {
        Some(self.0.load(Relaxed)).filter(|&skew| skew != UNKNOWN)
    }

    /// The server's time in whole seconds since 1970, rounded down; the local time until
    /// the skew is known.
    pub(super) fn now(&self) -> u64 {
        let now = local().saturating_add(self.skew().unwrap_or(0));
        u64::try_from(now.div_euclid(1000)).unwrap_or(0)
    }
}

/// The local time in milliseconds since 1970. A clock before 1970 is corrected
/// like any other wrong clock.
fn local() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::DATE;

    use super::*;

    #[test]
    fn the_clock_is_never_ahead_of_the_server() {
        for offset in [-7_200_500, -1900, -500, -1, 0, 1, 500, 999, 3_600_250] {
            let server = || local() + offset;
            let clock = Clock::new();
            let date = UNIX_EPOCH + Duration::from_secs(u64::try_from(server() / 1000).unwrap());
            let headers =
                HeaderMap::from_iter([(DATE, httpdate::fmt_http_date(date).parse().unwrap())]);
            clock.learn(&headers);
            for _ in 0..50 {
                let (now, true_time) = (clock.now(), u64::try_from(server() / 1000).unwrap());
                assert!(
                    (true_time - 2..=true_time).contains(&now),
                    "{offset}: {now} {true_time}"
                );
                std::thread::sleep(Duration::from_millis(3));
            }
        }
    }
}
