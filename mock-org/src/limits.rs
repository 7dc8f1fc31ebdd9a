//! The rate-limit window and the concurrency limit.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::clock::Clock;

pub(crate) const HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("x-rate-limit-limit"),
    HeaderName::from_static("x-rate-limit-remaining"),
    HeaderName::from_static("x-rate-limit-reset"),
];

#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) concurrency: usize,
    pub(crate) hide_headers: bool,
    api: Bucket,
    token: Bucket,
    logs: Bucket,
    sessions: Bucket,
}

/// What has a rate limit of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Endpoint {
    Token,
    Logs,
    Sessions,
    /// `/api/v1/users`, and everything else.
    Api,
}

#[derive(Clone, Debug)]
struct Bucket {
    limit: u32,
    length: Duration,
    window: Option<Window>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    ends: Instant,
    used: u32,
}

/// What the headers of a response say, and whether the request was let in.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) admitted: bool,
    limit: u32,
    remaining: u32,
    reset: Instant,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: 75,
            hide_headers: false,
            api: Bucket::default(),
            token: Bucket::default(),
            logs: Bucket::default(),
            sessions: Bucket::default(),
        }
    }
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            limit: 600,
            length: Duration::from_secs(60),
            window: None,
        }
    }
}

impl Limits {
    /// Counts one request, of `in_flight` that are in flight with it.
    pub(crate) fn admit(&mut self, to: Endpoint, now: Instant, in_flight: usize) -> Standing {
        if in_flight > self.concurrency {
            // Okta's mark of a concurrency limit: both are 0, and the reset
            // stands for nothing.
            return Standing {
                admitted: false,
                limit: 0,
                remaining: 0,
                reset: after(now, Duration::from_secs(60)),
            };
        }
        self.bucket(to).admit(now)
    }

    /// Another client of the org makes `requests` requests to the API.
    pub(crate) fn spend(&mut self, now: Instant, requests: u32) {
        let window = self.api.window(now);
        window.used = window.used.saturating_add(requests);
    }

    /// Forgets the current window: the next request starts one.
    pub(crate) fn set_rate(&mut self, of: Endpoint, limit: u32, length: Duration) {
        *self.bucket(of) = Bucket {
            limit,
            length,
            window: None,
        };
    }

    fn bucket(&mut self, of: Endpoint) -> &mut Bucket {
        match of {
            Endpoint::Token => &mut self.token,
            Endpoint::Logs => &mut self.logs,
            Endpoint::Sessions => &mut self.sessions,
            Endpoint::Api => &mut self.api,
        }
    }
}

impl Bucket {
    fn admit(&mut self, now: Instant) -> Standing {
        let limit = self.limit;
        let window = self.window(now);
        let admitted = window.used < limit;
        if admitted {
            window.used = window.used.saturating_add(1);
        }
        Standing {
            admitted,
            limit,
            remaining: limit.saturating_sub(window.used),
            reset: window.ends,
        }
    }

    /// The current window, or one that starts now.
    fn window(&mut self, now: Instant) -> &mut Window {
        self.window = self.window.filter(|window| now < window.ends);
        self.window.get_or_insert(Window {
            ends: after(now, self.length),
            used: 0,
        })
    }
}

impl Standing {
    pub(crate) fn write(&self, clock: &Clock, headers: &mut HeaderMap) {
        let values = [
            HeaderValue::from(self.limit),
            HeaderValue::from(self.remaining),
            HeaderValue::from(clock.epoch_seconds(self.reset)),
        ];
        headers.extend(HEADERS.into_iter().zip(values));
    }
}

/// A length too long for the clock counts as none.
fn after(now: Instant, length: Duration) -> Instant {
    now.checked_add(length).unwrap_or(now)
}
