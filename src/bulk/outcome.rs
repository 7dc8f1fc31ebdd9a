//! The outcome of one user.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::timestamp;
use crate::{Effect, Error, ErrorKind, Receipt};

/// The outcome of one user of a bulk run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Okta responded to this user's request with 204: the sessions are revoked.
    Revoked,
    /// The org has no such user (404, `E0000007`).
    NotFound,
    /// The credential lacks the permission for this user (403).
    Forbidden,
    /// Okta refused the request for another reason.
    Rejected,
    /// The request was sent, and no trustworthy response came. The sessions may or may not
    /// have been revoked; repeating the request is safe.
    Unknown,
    /// The request was not sent: the id was refused, no connection could be made, or the
    /// run stopped first.
    NotAttempted,
}

impl Outcome {
    pub(crate) const ALL: [Outcome; 6] = [
        Outcome::Revoked,
        Outcome::NotFound,
        Outcome::Forbidden,
        Outcome::Rejected,
        Outcome::Unknown,
        Outcome::NotAttempted,
    ];

    /// The outcome as the journal and the report spell it, like `not_found`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Revoked => "revoked",
            Outcome::NotFound => "not_found",
            Outcome::Forbidden => "forbidden",
            Outcome::Rejected => "rejected",
            Outcome::Unknown => "unknown",
            Outcome::NotAttempted => "not_attempted",
        }
    }

    /// The outcome that an error stands for. An unknown effect takes precedence.
    fn of(error: &Error) -> Self {
        match error.kind() {
            _ if error.effect() == Effect::Unknown => Outcome::Unknown,
            ErrorKind::NotFound => Outcome::NotFound,
            ErrorKind::Forbidden => Outcome::Forbidden,
            ErrorKind::NotConnected | ErrorKind::ProxyUnauthorized | ErrorKind::Tls => {
                Outcome::NotAttempted
            }
            _ if error.attempt_not_sent() => Outcome::NotAttempted,
            _ => Outcome::Rejected,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One user of a bulk run and their outcome. Missing fields are unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct UserOutcome {
    /// The id or login, as it was given.
    pub user: String,
    /// The outcome.
    pub outcome: Outcome,
    /// The number of attempts to send a request.
    pub attempts: u32,
    /// The HTTP status of the last response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Okta's `errorCode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// Okta's `errorId`, which identifies this occurrence for Okta's support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_id: Option<String>,
    /// The `X-Okta-Request-Id`, which finds the call in the org's System Log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// When the first request was sent, by the local clock.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "timestamp::option"
    )]
    #[cfg_attr(
        feature = "schemars",
        schemars(
            with = "Option<String>",
            description = "When the first request was sent, by the local clock (RFC 3339, UTC)."
        )
    )]
    pub started: Option<SystemTime>,
    /// When the last response came, or waiting for it ended, by the local clock.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "timestamp::option"
    )]
    #[cfg_attr(
        feature = "schemars",
        schemars(
            with = "Option<String>",
            description = "When the last response came, or waiting for it ended (RFC 3339, UTC)."
        )
    )]
    pub ended: Option<SystemTime>,
    /// The time from `started` to `ended`.
    #[serde(
        rename = "took_ms",
        default,
        skip_serializing_if = "Option::is_none",
        with = "timestamp::milliseconds::option"
    )]
    #[cfg_attr(
        feature = "schemars",
        schemars(
            with = "Option<u64>",
            description = "Milliseconds from `started` to `ended`."
        )
    )]
    pub took: Option<Duration>,
    /// Why the user was not revoked, for a person to read. Contains no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl UserOutcome {
    /// The outcome of a user for whom nothing was sent.
    pub(super) fn not_attempted(user: String, reason: impl Into<String>) -> Self {
        Self {
            user,
            outcome: Outcome::NotAttempted,
            attempts: 0,
            status: None,
            error_code: None,
            error_id: None,
            request_id: None,
            started: None,
            ended: None,
            took: None,
            reason: Some(reason.into()),
        }
    }

    pub(super) fn from_result(user: String, result: &Result<Receipt, Error>) -> Self {
        let blank = Self::not_attempted(user, "");
        match result {
            // Okta confirms a revocation with 204. Any other success status is not an
            // error, but does not confirm one.
            Ok(receipt) => Self {
                outcome: if receipt.status() == 204 {
                    Outcome::Revoked
                } else {
                    Outcome::Unknown
                },
                status: Some(receipt.status()),
                request_id: receipt.request_id().map(str::to_owned),
                reason: (receipt.status() != 204).then(|| "the response was not 204".to_owned()),
                ..blank
            },
            Err(error) => Self {
                outcome: Outcome::of(error),
                status: error.status(),
                error_code: error.error_code().map(str::to_owned),
                error_id: error.error_id().map(str::to_owned),
                request_id: error.request_id().map(str::to_owned),
                reason: Some(error.to_string()),
                ..blank
            },
        }
    }
}
