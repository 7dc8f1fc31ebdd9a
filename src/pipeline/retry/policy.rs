//! The limits that a user sets for retries.

use std::time::Duration;

use crate::time::{self, Instant};

/// How often, for how long and with which backoff a call is retried.
///
/// The default makes up to 4 retries within 120 seconds, gives each attempt
/// 30 seconds. Where the server does not say how long to wait, it backs off
/// exponentially with full jitter: by a random part of 0.5, 1, 2, 4 … seconds, at most
/// 10, plus a second after a 429. That outlasts one exhausted rate-limit window of 60
/// seconds.
///
/// ```
/// use std::time::Duration;
/// use okta_user_sessions::RetryPolicy;
///
/// let patient = RetryPolicy::default()
///     .with_max_retries(10)
///     .with_deadline(Duration::from_secs(600));
/// assert_eq!(patient.max_retries(), 10);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    max_retries: u32,
    deadline: Duration,
    attempt_timeout: Duration,
    backoff_base: Duration,
    backoff_cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            max_retries: 4,
            deadline: Duration::from_secs(120),
            attempt_timeout: Duration::from_secs(30),
            backoff_base: Duration::from_millis(500),
            backoff_cap: Duration::from_secs(10),
        }
    }
}

impl RetryPolicy {
    /// Exactly one send per call; the time limits are the default's.
    pub fn never() -> Self {
        RetryPolicy::default().with_max_retries(0)
    }

    /// How many times a failed call is sent again; 0 means exactly one send.
    /// Default: 4.
    pub fn with_max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// The longest a whole call may take, with all its attempts and waits.
    /// Default: 120 seconds.
    ///
    /// A wait that would pass it is not begun: the call fails at once and says
    /// how long the wait would have been.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The longest one attempt may take: connecting, sending and reading the response,
    /// but not the wait for the rate limiter. Default: 30 seconds.
    pub fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// The upper bound of the first wait where the server does not ask for one;
    /// it doubles with each retry. Default: 0.5 seconds. A wait after a 429 is
    /// a second longer.
    pub fn with_backoff_base(mut self, base: Duration) -> Self {
        self.backoff_base = base;
        self
    }

    /// The upper bound of every wait where the server does not ask for one.
    /// Default: 10 seconds. A wait after a 429 is a second longer.
    pub fn with_backoff_cap(mut self, cap: Duration) -> Self {
        self.backoff_cap = cap;
        self
    }

    /// See [`with_max_retries`](Self::with_max_retries).
    pub fn max_retries(&self) -> u32 {
        self.max_retries
    }

    /// See [`with_deadline`](Self::with_deadline).
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// See [`with_attempt_timeout`](Self::with_attempt_timeout).
    pub fn attempt_timeout(&self) -> Duration {
        self.attempt_timeout
    }

    /// See [`with_backoff_base`](Self::with_backoff_base).
    pub fn backoff_base(&self) -> Duration {
        self.backoff_base
    }

    /// See [`with_backoff_cap`](Self::with_backoff_cap).
    pub fn backoff_cap(&self) -> Duration {
        self.backoff_cap
    }

    /// When a call that begins now must have ended.
    pub(crate) fn deadline_from_now(&self) -> Instant {
        time::after(Instant::now(), self.deadline)
    }
}
