//! The state of a run, as its caller sees it.

use std::{fmt, time::SystemTime};

use serde::{Serialize, Serializer};

use super::{Counts, timestamp};
use crate::WaitReason;

/// Why a run stopped before every user was tried.
///
/// Requests in flight were waited for; the users who were left are
/// [`NotAttempted`](super::Outcome::NotAttempted). Once the cause is removed, the same run
/// with the same [journal](super::RevokeMany::journal) does the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(description = "Why a run stopped before every user was tried.")
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// `RunHandle::cancel` was called, or the run was polled where it cannot run.
    Cancelled,
    /// The run's deadline passed, or would pass before the next window.
    Deadline,
    /// Okta no longer accepts the credential, the access token lacks the scope, or no token
    /// could be obtained.
    Unauthorized,
    /// No user could be revoked: two hundred were refused (403), the later ones of them
    /// from the whole list. The credential lacks the permission.
    Forbidden,
    /// The org was in read-only mode for an hour.
    ReadOnly,
    /// Okta does not know the path: the org URL is wrong.
    WrongOrg,
    /// The HTTP proxy does not accept the client's user name and password (407).
    ProxyUnauthorized,
    /// No connection to the org can be secured, for example because its certificate is
    /// not trusted.
    Tls,
    /// Forty users in a row got no trustworthy response, the later ones of them from the
    /// whole list.
    Unavailable,
    /// The journal cannot be written, or its disk hung when the run ended.
    Journal,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StopReason::Cancelled => "it was cancelled",
            StopReason::Deadline => "its deadline passed",
            StopReason::Unauthorized => "Okta does not accept the credential",
            StopReason::Forbidden => "Okta refused every user that was tried (403)",
            StopReason::ReadOnly => "the org is in read-only mode",
            StopReason::WrongOrg => "the org URL is wrong",
            StopReason::ProxyUnauthorized => "the proxy does not accept the user name and password",
            StopReason::Tls => "no secure connection to the org can be made",
            StopReason::Unavailable => "forty users in a row got no trustworthy response",
            StopReason::Journal => "the journal cannot be written",
        })
    }
}

/// A reason as text, which is how people read it in JSON.
pub(super) fn as_text<S: Serializer>(
    reason: &WaitReason,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(reason)
}

/// Why a run waits, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Waiting {
    /// When the wait ends, by the local clock.
    #[serde(with = "timestamp")]
    pub until: SystemTime,
    /// Why it waits. In JSON it is text for a person to read.
    #[serde(serialize_with = "as_text")]
    pub reason: WaitReason,
}

/// The progress of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Progress {
    /// The number of ids, if the iterator knows it.
    pub total: Option<u64>,
    /// The outcomes so far.
    pub counts: Counts,
    /// Users in flight, including those that wait for the rate limiter.
    pub in_flight: u64,
    /// Set while the run continues and no request is in flight.
    pub waiting: Option<Waiting>,
    /// Set once the run stops early.
    pub stopped: Option<StopReason>,
    /// Whether the run has finished.
    pub finished: bool,
    /// The earliest time at which the run can finish, by the local clock, estimated from
    /// the rate limit and Okta's response times.
    #[serde(with = "timestamp::option")]
    pub expected_end: Option<SystemTime>,
}
