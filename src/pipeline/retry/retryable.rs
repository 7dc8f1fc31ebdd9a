//! Which of this crate's errors are retried. The loop itself knows none of them.

use std::time::Duration;

use super::{Failure, WaitReason};
use crate::{Effect, Error, ErrorKind, RateLimit};

impl Failure for Error {
    fn retry(&self) -> Option<WaitReason> {
        if self.is_at_token_endpoint() {
            return None;
        }
        match self.kind() {
            ErrorKind::NotConnected => Some(WaitReason::NotConnected),
            ErrorKind::ConnectionLost => Some(WaitReason::ConnectionLost),
            ErrorKind::Unreadable => Some(WaitReason::Unreadable),
            ErrorKind::TimedOut => Some(WaitReason::TimedOut),
            ErrorKind::RateLimited if self.rate_limit().is_some_and(RateLimit::is_concurrency) => {
                Some(WaitReason::ConcurrencyLimited)
            }
            ErrorKind::RateLimited => Some(WaitReason::RateLimited),
            ErrorKind::Server => {
                let status = self.status().filter(|status| matches!(status, 502..=504))?;
                Some(WaitReason::Unavailable(status))
            }
            _ => None,
        }
    }

    fn requested_wait(&self) -> Option<Duration> {
        Error::requested_wait(self)
    }

    fn request_id(&self) -> Option<&str> {
        Error::request_id(self)
    }

    fn effect_unknown(&self) -> bool {
        self.effect() == Effect::Unknown
    }
}
