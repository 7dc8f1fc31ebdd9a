//! The format: what the lines of a journal are.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Effect, Error, ErrorKind,
    bulk::{UserOutcome, timestamp},
    options::RevokeUserSessionsOptions,
};

const FORMAT: u32 = 1;

/// In bytes; longer than the line of a user who was revoked.
const TYPICAL_LENGTH: usize = 512;

/// One line of a journal: a JSON object with one field, whose name is the kind of line.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(rename = "JournalLine"))]
#[serde(rename_all = "snake_case")]
pub(in crate::bulk) enum Line {
    /// The first line: identifies the run.
    Header(Header),
    /// Another process resumed the run.
    Resumed {
        /// When (RFC 3339, UTC).
        #[serde(with = "timestamp")]
        #[cfg_attr(feature = "schemars", schemars(with = "String"))]
        at: SystemTime,
    },
    /// A request is about to be sent. If no outcome follows, it may or may not have been
    /// sent.
    Sending {
        /// The id or login, as it was given.
        user: String,
        /// When (RFC 3339, UTC).
        #[serde(with = "timestamp")]
        #[cfg_attr(feature = "schemars", schemars(with = "String"))]
        at: SystemTime,
    },
    /// The outcome of a user.
    Outcome(UserOutcome),
}

impl Line {
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(TYPICAL_LENGTH);
        serde_json::to_writer(&mut bytes, self).map_err(|error| {
            Error::new(
                ErrorKind::Journal,
                Effect::None,
                "the journal entry cannot be written as JSON",
            )
            .with_source(error)
        })?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// What a run must have in common with the journal that it resumes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(in crate::bulk) struct Header {
    /// The version of the journal's format.
    pub(in crate::bulk) format: u32,
    /// The org's URL.
    pub(in crate::bulk) org: String,
    /// The options that were set, by name. They may come from another version of this
    /// crate with other options; a run then notices that its own differ.
    #[serde(flatten)]
    #[cfg_attr(feature = "schemars", schemars(with = "RevokeUserSessionsOptions"))]
    options: BTreeMap<String, Value>,
    /// When the run began (RFC 3339, UTC).
    #[serde(with = "timestamp")]
    #[cfg_attr(feature = "schemars", schemars(with = "String"))]
    pub(in crate::bulk) started: SystemTime,
}

impl Header {
    pub(in crate::bulk) fn new(org: &str, options: &RevokeUserSessionsOptions) -> Self {
        // A struct of plain values is an object.
        let options = match serde_json::to_value(options) {
            Ok(Value::Object(options)) => options.into_iter().collect(),
            _ => BTreeMap::new(),
        };
        Self {
            format: FORMAT,
            org: org.to_owned(),
            options: options
                .into_iter()
                .filter(|(_, value): &(String, Value)| !value.is_null())
                .collect(),
            started: SystemTime::now(),
        }
    }

    /// Why a journal with this header cannot be resumed by a run with the other.
    pub(super) fn differs(&self, run: &Header) -> Option<String> {
        if self.format != run.format {
            return Some(format!(
                "its format is {}, but this version reads {FORMAT}",
                self.format
            ));
        }
        if self.org != run.org {
            return Some(format!(
                "it belongs to the org {}, this run to {}",
                self.org, run.org
            ));
        }
        let names: BTreeSet<_> = self.options.keys().chain(run.options.keys()).collect();
        names.into_iter().find_map(|name| {
            let shown = |header: &Self| match header.options.get(name) {
                None | Some(Value::Null) => "not set".to_owned(),
                Some(value) => value.to_string(),
            };
            let (its, runs) = (shown(self), shown(run));
            (its != runs).then(|| format!("its {name} is {its}, this run's is {runs}"))
        })
    }

    /// Whether an earlier process of this run can have begun a file with these bytes: they
    /// are its first line, cut off somewhere after the org. A shorter beginning does not
    /// prove whose file it is, and the file would be overwritten.
    pub(super) fn may_have_begun(&self, torn: &[u8]) -> Result<bool, Error> {
        let whole = Line::Header(self.clone()).to_bytes()?;
        let org = serde_json::to_vec(&self.org).unwrap_or_default();
        let org_end = whole
            .windows(org.len().max(1))
            .position(|window| window == org)
            .map(|start| start.saturating_add(org.len()));
        // Only the time, at the end of the line, may differ.
        let end = format!("{}\"}}}}\n", timestamp::as_text(self.started));
        let time = whole.len().saturating_sub(end.len());
        let same =
            torn.iter().zip(&whole).enumerate().all(|(at, (a, b))| {
                a == b || at >= time && a.is_ascii_digit() && b.is_ascii_digit()
            });
        Ok(same && torn.len() < whole.len() && org_end.is_some_and(|end| torn.len() >= end))
    }
}
