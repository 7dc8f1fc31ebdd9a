//! Reads what an earlier process of a run wrote.

use std::{
    fmt,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
    time::SystemTime,
};

use super::{
    file::{failed, refused},
    line::{Header, Line},
};
use crate::{
    Error,
    bulk::{Outcome, UserOutcome, fingerprint::FingerprintSet, id_filter::History},
};

/// In bytes; longer than any line of a journal, so that other files are not read into
/// memory.
const MAX_LINE_LENGTH: u64 = 1 << 20;

/// What a journal says about a run that is to be resumed.
pub(in crate::bulk) struct Recovered {
    pub(in crate::bulk) history: History,
    /// When the run began; `None` if the journal is new.
    pub(in crate::bulk) started: Option<SystemTime>,
}

/// Reads the journal; returns what it says and where its last whole line ends.
///
/// A line is a journal entry only if it is, byte for byte, what the writer makes of it.
/// That rules out unknown or repeated fields and other spellings, which another reader
/// may understand differently.
pub(super) fn recover(
    path: &Path,
    file: &File,
    run: &Header,
    rules: Rules,
) -> Result<(Recovered, u64), Error> {
    let refuse = |reason: String| refused(path, reason);
    let mut history = History::default();
    let mut started = None;
    // Whose outcome is still to come.
    let mut sending = FingerprintSet::default();
    let mut reader = BufReader::new(file);
    let mut bytes = Vec::new();
    let (mut whole, mut number) = (0_u64, 0_u64);
    loop {
        bytes.clear();
        let read = reader
            .by_ref()
            .take(MAX_LINE_LENGTH)
            .read_until(b'\n', &mut bytes)
            .map_err(|error| failed(path, "cannot be read", error))?;
        if u64::try_from(read) == Ok(MAX_LINE_LENGTH) {
            return Err(refuse(
                "it has a line that is too long for a journal".into(),
            ));
        }
        // A line that the writer did not finish was not synced, so it is ignored.
        if bytes.last() != Some(&b'\n') {
            if number == 0 && !bytes.is_empty() && !run.may_have_begun(&bytes)? {
                return Err(refuse(
                    "it does not begin like a journal of this run; name another file, or delete it \
                     if a run was killed while creating it"
                        .into(),
                ));
            }
            return Ok((Recovered { history, started }, whole));
        }
        number = number.saturating_add(1);
        let not_an_entry = |why: &dyn fmt::Display| {
            refuse(format!(
                "line {number} is not a journal entry ({why}); begin a new journal"
            ))
        };
        let entry: Line = serde_json::from_slice(&bytes).map_err(|error| not_an_entry(&error))?;
        if let (Line::Header(header), 1) = (&entry, number)
            && let Some(difference) = header.differs(run)
        {
            return Err(refuse(format!("{difference}; begin a new one")));
        }
        if entry.to_bytes()? != bytes {
            return Err(not_an_entry(&"it is not written as a run writes it"));
        }
        match entry {
            Line::Header(header) if number == 1 => {
                started = Some(header.started);
            }
            _ if number == 1 => return Err(refuse("its first line is not a header".into())),
            Line::Header(_) => return Err(refuse(format!("line {number} is a second header"))),
            Line::Sending { user, .. } => {
                let fingerprint = history.fingerprinter.of(&user);
                sending.insert(fingerprint);
                history.tried.insert(fingerprint);
            }
            Line::Outcome(user) => {
                let fingerprint = history.fingerprinter.of(&user.user);
                // For each user, a process writes one line before the request and one
                // after it, so an outcome without a line before it is another user's, or
                // damaged.
                if !sending.remove(&fingerprint) {
                    return Err(not_an_entry(
                        &"no line before it says that a request for this user was about to be sent",
                    ));
                }
                if user.outcome == Outcome::Revoked {
                    if let Some(doubt) = rules.doubt(&user) {
                        return Err(refuse(format!(
                            "line {number} says that a user was revoked, which cannot be true: \
                             {doubt}; begin a new journal, which revokes everyone again"
                        )));
                    }
                    history.revoked.insert(fingerprint);
                    history.tried.remove(&fingerprint);
                }
            }
            Line::Resumed { .. } => sending = FingerprintSet::default(),
        }
        whole = whole.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
}

/// How a journal must prove that a user was revoked.
#[derive(Clone, Copy)]
pub(in crate::bulk) struct Rules {
    /// Whether a response without a request id counts.
    pub(in crate::bulk) allow_missing_request_id: bool,
}

impl Rules {
    /// Why an outcome that says `revoked` cannot be true.
    fn doubt(self, user: &UserOutcome) -> Option<&'static str> {
        let request_id = user.request_id.as_deref().unwrap_or_default();
        if user.status != Some(204) {
            Some("its status is not 204")
        } else if user.attempts == 0 {
            Some("it has no attempts")
        } else if request_id.is_empty() && !self.allow_missing_request_id {
            Some("it has no request id")
        } else if user.started.is_none() || user.ended.is_none() || user.took.is_none() {
            Some("it lacks a time")
        } else if user.error_code.is_some() || user.error_id.is_some() || user.reason.is_some() {
            Some("it also names an error")
        } else {
            None
        }
    }
}
