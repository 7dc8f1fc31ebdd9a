//! Times as journals and reports have them in their JSON: RFC 3339 in UTC with
//! milliseconds, and durations in milliseconds.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// RFC 3339 in UTC, with milliseconds.
pub(super) fn as_text(time: SystemTime) -> impl fmt::Display {
    // humantime panics for years after 9999, which a clock can be set to.
    let last = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    humantime::format_rfc3339_millis(time.clamp(SystemTime::UNIX_EPOCH, last))
}

pub(super) fn serialize<S: Serializer>(
    time: &SystemTime,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&as_text(*time))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<SystemTime, D::Error> {
    from_text(&String::deserialize(deserializer)?)
}

/// The text is not quoted: it may be of any file.
fn from_text<E: de::Error>(text: &str) -> Result<SystemTime, E> {
    humantime::parse_rfc3339(text)
        .map_err(|_| E::custom("a time must be in RFC 3339, like 2026-01-31T08:00:00.000Z"))
}

/// A time that may be unknown.
pub(super) mod option {
    use super::*;

    pub(in crate::bulk) fn serialize<S: Serializer>(
        time: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Known(#[serde(with = "super")] SystemTime);

        time.map(Known).serialize(serializer)
    }

    pub(in crate::bulk) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.as_deref().map(from_text).transpose()
    }
}

/// A duration in whole milliseconds.
pub(super) mod milliseconds {
    use super::*;

    pub(in crate::bulk) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        of(*duration).serialize(serializer)
    }

    fn of(duration: Duration) -> u64 {
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
    }

    /// A duration that may be unknown.
    pub(in crate::bulk) mod option {
        use super::*;

        pub(in crate::bulk) fn serialize<S: Serializer>(
            duration: &Option<Duration>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            duration.map(of).serialize(serializer)
        }

        pub(in crate::bulk) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Duration>, D::Error> {
            let milliseconds = Option::<u64>::deserialize(deserializer)?;
            Ok(milliseconds.map(Duration::from_millis))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Outcome, UserOutcome, WaitReason, Waiting};

    fn at(milliseconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)
    }

    #[test]
    fn times_are_written_in_rfc_3339_and_durations_in_milliseconds() {
        let waiting = Waiting {
            until: at(1_767_225_600_250),
            reason: WaitReason::ReadOnly,
        };
        let json = serde_json::to_value(&waiting).unwrap();
        assert_eq!(json["reason"], "the org is in read-only mode");
        assert_eq!(json["until"], "2026-01-01T00:00:00.250Z");
        let user = UserOutcome {
            outcome: Outcome::Revoked,
            started: Some(at(0) + Duration::from_micros(1999)),
            took: Some(Duration::from_micros(12_999)),
            reason: None,
            ..UserOutcome::not_attempted("00u1".into(), "")
        };
        let expected = json!({
            "user": "00u1",
            "outcome": "revoked",
            "attempts": 0,
            "started": "1970-01-01T00:00:00.001Z",
            "took_ms": 12,
        });
        assert_eq!(serde_json::to_value(&user).unwrap(), expected);
        let read: UserOutcome = serde_json::from_value(expected).unwrap();
        assert_eq!(read.started, Some(at(1)));
        assert_eq!(read.took, Some(Duration::from_millis(12)));
        assert_eq!(read.ended, None);
    }

    #[test]
    fn times_out_of_range_are_clamped() {
        let far = Duration::from_secs(1 << 40);
        assert_eq!(as_text(at(0) + far).to_string(), "9999-12-31T23:59:59.000Z");
        assert_eq!(as_text(at(0) - far).to_string(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn text_that_is_not_a_time_is_refused_and_not_quoted() {
        for text in ["today", "2026-01-01", "2026-01-01T00:00:00+02:00", ""] {
            let json = json!({"user": "", "outcome": "revoked", "attempts": 1, "ended": text});
            let error = serde_json::from_value::<UserOutcome>(json).unwrap_err();
            assert!(error.to_string().contains("RFC 3339"), "{text}: {error}");
            assert!(!error.to_string().contains("today"), "{error}");
        }
    }
}
