//! The server's clock, as its answers tell it.

use std::{
    sync::atomic::{AtomicI64, Ordering::Relaxed},
    time::SystemTime,
};

use reqwest::header::HeaderMap;

use super::jwt::epoch_seconds;
use crate::rate_limit::server_date;

/// How far the server's clock is ahead of the local one, in seconds. Assertions
/// and proofs are judged by the server's, and local clocks are often off.
#[derive(Debug)]
pub(super) struct Clock(AtomicI64);

const UNKNOWN: i64 = i64::MIN;

impl Clock {
    pub(super) fn new() -> Self {
        Self(AtomicI64::new(UNKNOWN))
    }

    /// Takes the `Date` of an answer that has just come in. It was cut to whole
    /// seconds and has travelled, so the result is a little behind, never ahead:
    /// a time in the server's future would be refused.
    pub(super) fn learn(&self, headers: &HeaderMap) {
        let local = epoch_seconds(SystemTime::now(), 0);
        let Some(server) = server_date(headers) else {
            return;
        };
        if let (Ok(server), Ok(local)) = (i64::try_from(server), i64::try_from(local)) {
            self.0.store(server.saturating_sub(local), Relaxed);
        }
    }

    pub(super) fn ahead(&self) -> Option<i64> {
        Some(self.0.load(Relaxed)).filter(|&ahead| ahead != UNKNOWN)
    }

    /// The server's time in seconds since 1970; the local time until it is
    /// known.
    pub(super) fn now(&self) -> u64 {
        epoch_seconds(SystemTime::now(), self.ahead().unwrap_or(0))
    }
}
