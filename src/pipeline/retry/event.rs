//! The waits that are reported to an observer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Called before each wait, so that a program can report what it is waiting for. It must
/// not block.
pub(crate) type WaitObserver = Arc<dyn Fn(&WaitEvent) + Send + Sync>;

/// A wait that is about to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitEvent {
    /// The attempt just failed, or, with [`WaitReason::WindowExhausted`], the one
    /// about to be sent; counts from 1.
    pub attempt: u32,
    /// What the wait is for.
    pub reason: WaitReason,
    /// How long it will be.
    pub wait: Duration,
}

impl WaitEvent {
    pub(crate) fn new(attempt: u32, reason: WaitReason, wait: Duration) -> Self {
        WaitEvent {
            attempt,
            reason,
            wait,
        }
    }
}

/// What a wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitReason {
    /// The rate-limit window is known to be exhausted. The request has not been sent yet;
    /// it will be when the next window begins.
    WindowExhausted,
    /// Okta refused the request: the rate limit is used up (429). Where the response says when
    /// the window ends, this is a short wait, and `WindowExhausted` follows.
    RateLimited,
    /// Okta refused the request: too many at once (429 with a limit of zero).
    ConcurrencyLimited,
    /// Okta, or a gateway in front of it, is unavailable for now. The value is the
    /// status: 502, 503 or 504.
    Unavailable(u16),
    /// No connection could be made; nothing was sent.
    NotConnected,
    /// The connection was lost after the request was sent.
    ConnectionLost,
    /// In a browser: there is no response that the page may read.
    Unreadable,
    /// No response came in time after the request was sent.
    TimedOut,
    /// Okta refused the request: the org is in read-only mode. Only bulk runs wait for its
    /// end.
    ReadOnly,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitReason::WindowExhausted => f.write_str("rate-limit window exhausted"),
            WaitReason::RateLimited => f.write_str("rate limited"),
            WaitReason::ConcurrencyLimited => f.write_str("too many concurrent requests"),
            WaitReason::Unavailable(status) => write!(f, "unavailable (status {status})"),
            WaitReason::NotConnected => f.write_str("not connected"),
            WaitReason::ConnectionLost => f.write_str("connection lost"),
            WaitReason::Unreadable => f.write_str("no response that the page may read"),
            WaitReason::TimedOut => f.write_str("timed out"),
            WaitReason::ReadOnly => f.write_str("the org is in read-only mode"),
        }
    }
}

/// Reports a wait to `tracing`, and to the observer if there is one.
pub(crate) fn announce(observer: Option<&WaitObserver>, event: &WaitEvent) {
    tracing::info!(
        name: "okta_wait",
        target: "okta_user_sessions",
        {
            okta.attempt = i64::from(event.attempt),
            okta.wait_reason = %event.reason,
            okta.wait_ms = i64::try_from(event.wait.as_millis()).unwrap_or(i64::MAX),
        },
        "waiting"
    );
    if let Some(observer) = observer {
        observer(event);
    }
}
