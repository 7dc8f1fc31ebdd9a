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

    fn limiter_waits(&self) -> bool {
        self.retry() == Some(WaitReason::RateLimited)
            && self
                .rate_limit()
                .is_some_and(|limit| limit.until_reset().is_some())
    }

    fn request_id(&self) -> Option<&str> {
        Error::request_id(self)
    }

    fn effect_unknown(&self) -> bool {
        self.effect() == Effect::Unknown
    }
}

#[cfg(test)]
mod tests {
    use ErrorKind::*;

    use super::*;

    const KINDS: [ErrorKind; 20] = [
        InvalidInput,
        NotConnected,
        ProxyUnauthorized,
        Tls,
        ConnectionLost,
        Unreadable,
        TimedOut,
        DeadlineExceeded,
        Unauthorized,
        TokenRefused,
        Signing,
        Journal,
        Forbidden,
        NotFound,
        UnknownPath,
        RateLimited,
        ReadOnly,
        Rejected,
        Server,
        UnexpectedResponse,
    ];

    fn is_retried(kind: ErrorKind, status: u16) -> bool {
        let error = Error::new(kind, Effect::Unknown, "");
        let error = error.with_response(status, None, None, None, Default::default());
        error.retry().is_some()
    }

    #[test]
    fn the_documentation_says_which_kinds_are_retried() {
        let rustdoc = include_str!("../../error/kind.rs");
        let guide = include_str!("../../../docs/errors-and-retries.md");
        let variants = rustdoc.split("pub enum ErrorKind {").nth(1).unwrap();
        let variants = variants.split("\n}").next().unwrap();
        let is_name = |line: &&str| line.ends_with(',') && !line.contains("///");
        let names = variants.lines().filter(is_name).count();
        let rows = guide.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!((names, rows), (20, 20));
        for kind in KINDS {
            let (documented, _) = variants.split_once(&format!("    {kind:?},")).unwrap();
            let (_, documented) = documented.rsplit_once("Effect: ").unwrap();
            let row = guide
                .lines()
                .find(|line| line.starts_with(&format!("| `{kind:?}`")));
            let (_, column) = row
                .unwrap()
                .trim_end_matches(" |")
                .rsplit_once("| ")
                .unwrap();
            if kind == Server {
                assert!(documented.contains("502, 503 or 504"));
                assert_eq!(column, "502, 503 and 504");
                let retried: Vec<u16> = (500..600)
                    .filter(|&status| is_retried(kind, status))
                    .collect();
                assert_eq!(retried, [502, 503, 504]);
                continue;
            }
            let retried = is_retried(kind, 400);
            assert_eq!(documented.contains("Retried"), retried, "{kind:?}");
            assert_eq!(documented.contains("Not retried"), !retried, "{kind:?}");
            assert_eq!(column, if retried { "yes" } else { "no" }, "{kind:?}");
        }
    }

    #[test]
    fn a_token_request_that_failed_is_not_retried_by_the_call() {
        let error = Error::new(ErrorKind::TimedOut, Effect::Unknown, "");
        assert_eq!(error.retry(), Some(WaitReason::TimedOut));
        #[cfg(all(feature = "service-app", not(target_arch = "wasm32")))]
        assert_eq!(error.at_token_endpoint().retry(), None);
    }
}
