//! The journal: what was about to be sent, and what came of it, on disk before
//! either counts.
//!
//! One thread writes and syncs. While it syncs, lines gather, and go to disk
//! together with the next sync.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    fmt,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{Outcome, UserOutcome, id_filter::FingerprintSet, timestamp};
use crate::{Effect, Error, ErrorKind, options::RevokeUserSessionsOptions, trusted_file};

const FORMAT: u32 = 1;

/// In bytes; more than any line takes, so that a file that is no journal is not
/// read into memory.
const LONGEST_LINE: u64 = 1 << 20;

/// One line of a journal: a JSON object with one field, which names its kind.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(rename = "JournalLine"))]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first line: which run this is.
    Header(Header),
    /// Another process goes on with the run.
    Resumed {
        /// When (RFC 3339, UTC).
        at: String,
    },
    /// The request is about to be sent. Without an outcome after it, it may or
    /// may not have been.
    Sending {
        /// The id or login, as it was given.
        user: String,
        /// When (RFC 3339, UTC).
        at: String,
    },
    /// What became of a user.
    Outcome(UserOutcome),
}

/// What a run must have in common with the journal that it resumes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(super) struct Header {
    /// The version of the journal's format.
    pub(super) format: u32,
    /// The org's URL.
    pub(super) org: String,
    /// The options that were set, by name. Another version may have others, so that a
    /// run can tell that it does not ask for the same.
    #[serde(flatten)]
    #[cfg_attr(feature = "schemars", schemars(with = "RevokeUserSessionsOptions"))]
    options: BTreeMap<String, Value>,
    /// When the run began (RFC 3339, UTC).
    pub(super) started: String,
}

impl Header {
    pub(super) fn new(org: &str, options: &RevokeUserSessionsOptions) -> Self {
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
            started: timestamp(),
        }
    }

    /// Why a journal with this header cannot be resumed by a run with the other.
    fn differs(&self, run: &Header) -> Option<String> {
        if self.format != run.format {
            return Some(format!(
                "its format is {}, and {FORMAT} is known",
                self.format
            ));
        }
        if self.org != run.org {
            return Some(format!(
                "it is of the org {}, this run of {}",
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
            (its != runs).then(|| format!("its {name} is {its}, this run's {runs}"))
        })
    }

    /// Whether an earlier process of this run can have begun a file with these bytes:
    /// they are its first line, cut somewhere behind the org. Less of it does not
    /// show whose file it is, which would be overwritten.
    fn may_have_begun(&self, torn: &[u8]) -> Result<bool, Error> {
        let whole = line(&Line::Header(self.clone()))?;
        let org = serde_json::to_vec(&self.org).unwrap_or_default();
        let org_end = whole
            .windows(org.len().max(1))
            .position(|window| window == org)
            .map(|start| start.saturating_add(org.len()));
        // Only the time differs, at the end of the line.
        let time = whole
            .len()
            .saturating_sub(self.started.len().saturating_add(br#""}}"#.len() + 1));
        let same =
            torn.iter().zip(&whole).enumerate().all(|(at, (a, b))| {
                a == b || at >= time && a.is_ascii_digit() && b.is_ascii_digit()
            });
        Ok(same && torn.len() < whole.len() && org_end.is_some_and(|end| torn.len() >= end))
    }
}

/// What is known of a run before it goes on.
pub(super) struct Recovered {
    pub(super) revoked: FingerprintSet,
    /// When the run began, if it did.
    pub(super) started: Option<String>,
}

/// Reads a journal without locking or changing it; `None` if there is no file.
pub(super) fn read(path: &Path, run: &Header, rules: Rules) -> Result<Option<Recovered>, Error> {
    refuse_no_file(path)?;
    match File::open(path) {
        Ok(file) => {
            refuse_untrusted(path, &file)?;
            Ok(Some(past(path, &file, run, rules)?.0))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, "cannot be opened", error)),
    }
}

/// A pipe or a terminal would be waited for, and holds nothing to resume.
fn refuse_no_file(path: &Path) -> Result<(), Error> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(refused(path, "it is not a regular file")),
        // What is wrong with it otherwise shows when it is opened.
        _ => Ok(()),
    }
}

/// Who can write a journal can decide whom the run skips.
fn refuse_untrusted(path: &Path, file: &File) -> Result<(), Error> {
    let opened = file
        .metadata()
        .map_err(|error| failed(path, "cannot be examined", error))?;
    trusted_file::check(path, &opened).map_err(|reason| refused(path, reason))
}

fn refused(path: &Path, reason: impl fmt::Display) -> Error {
    Error::invalid(format!("the journal {path:?} is refused: {reason}"))
}

/// Reads what there is, and where the last whole line ends.
///
/// A line is a journal entry if it is, byte for byte, what the writer makes of it:
/// that leaves no room for unknown or repeated fields and other spellings, which
/// another reader may understand differently.
fn past(path: &Path, file: &File, run: &Header, rules: Rules) -> Result<(Recovered, u64), Error> {
    let refuse = |reason: String| refused(path, reason);
    let mut past = Recovered {
        revoked: FingerprintSet::default(),
        started: None,
    };
    let mut sent = FingerprintSet::default();
    let mut reader = BufReader::new(file);
    let mut bytes = Vec::new();
    let (mut whole, mut number) = (0_u64, 0_u64);
    loop {
        bytes.clear();
        let read = reader
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut bytes)
            .map_err(|error| failed(path, "cannot be read", error))?;
        if u64::try_from(read) == Ok(LONGEST_LINE) {
            return Err(refuse("it has a line longer than any of a journal".into()));
        }
        // A line that the writer did not finish was not synced, so it does not
        // count.
        if bytes.last() != Some(&b'\n') {
            if number == 0 && !bytes.is_empty() && !run.may_have_begun(&bytes)? {
                return Err(refuse(
                    "it does not begin as a journal of this run does; name another file, or delete \
                     it if a run was killed while it began it"
                        .into(),
                ));
            }
            return Ok((past, whole));
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
        if line(&entry)? != bytes {
            return Err(not_an_entry(&"this is not how one is written"));
        }
        match entry {
            Line::Header(header) if number == 1 => {
                if !is_timestamp(&header.started) {
                    return Err(not_an_entry(&"it does not say when the run began"));
                }
                past.started = Some(header.started);
            }
            _ if number == 1 => return Err(refuse("its first line is not a header".into())),
            Line::Header(_) => return Err(refuse(format!("line {number} is a second header"))),
            Line::Sending { user, .. } => {
                sent.insert(&user);
            }
            // Each process writes for each user one line before the request and one
            // after it, so an outcome on a line of its own is another user's, or damaged.
            Line::Outcome(user) if !sent.remove(&user.user) => {
                return Err(not_an_entry(
                    &"no line before it says that a request was to be sent for its user",
                ));
            }
            Line::Outcome(user) if user.outcome == Outcome::Revoked => {
                if let Some(doubt) = rules.doubt(&user) {
                    return Err(refuse(format!(
                        "line {number} says that a user was revoked, which cannot be true: {doubt}; \
                         begin a new journal, which revokes everyone again"
                    )));
                }
                past.revoked.insert(&user.user);
            }
            Line::Outcome(_) => {}
            Line::Resumed { .. } => sent = FingerprintSet::default(),
        }
        whole = whole.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
}

/// What a journal must say for a user to be skipped.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    /// Whether a response without a request id counts.
    pub(super) allow_missing_request_id: bool,
}

impl Rules {
    /// Why no response can have led to an outcome that says `revoked`.
    fn doubt(self, user: &UserOutcome) -> Option<&'static str> {
        let time = |time: &Option<String>| time.as_deref().is_some_and(is_timestamp);
        let request_id = user.request_id.as_deref().unwrap_or_default();
        if user.status != Some(204) {
            Some("its status is not 204")
        } else if user.attempts == 0 {
            Some("it counts no attempt")
        } else if request_id.is_empty() && !self.allow_missing_request_id {
            Some("it has no request id")
        } else if !time(&user.started) || !time(&user.ended) || user.took_ms.is_none() {
            Some("it does not say when")
        } else if user.error_code.is_some() || user.error_id.is_some() || user.reason.is_some() {
            Some("it also names an error")
        } else {
            None
        }
    }
}

fn is_timestamp(text: &str) -> bool {
    humantime::parse_rfc3339(text).is_ok_and(|time| super::shown(time) == text)
}

fn failed(path: &Path, what: &str, error: io::Error) -> Error {
    let text = format!("the journal {path:?} {what}: {error}");
    Error::new(ErrorKind::Journal, Effect::None, text).with_source(error)
}

/// Where lines go. A test puts a disk here that fails.
pub(super) trait JournalDisk: Send + 'static {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
}

/// A file that no other run can open.
struct LockedFile {
    file: File,
    /// Its path, until its name is on disk.
    unsynced_name: Option<PathBuf>,
}

impl LockedFile {
    /// Opens a file, or begins it.
    fn open(path: &Path) -> Result<Self, Error> {
        let mut existing = OpenOptions::new();
        // Not `append`, with which Windows lets nobody shorten a file.
        existing.read(true).write(true);
        let mut new = existing.clone();
        // A link that leads nowhere yet is not followed: it may be another user's.
        new.create_new(true);
        // It holds the ids of people.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
        let is = |kind| move |error: &io::Error| error.kind() == kind;
        let mut file = existing.open(path);
        if file.as_ref().is_err_and(is(io::ErrorKind::NotFound)) {
            file = new.open(path);
        }
        if file.as_ref().is_err_and(is(io::ErrorKind::AlreadyExists)) {
            // Another run has made it just now.
            file = existing.open(path);
        }
        let file = file.map_err(|error| failed(path, "cannot be opened", error))?;
        refuse_untrusted(path, &file)?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                file,
                unsynced_name: Some(path.to_owned()),
            }),
            Err(TryLockError::WouldBlock) => Err(Error::invalid(format!(
                "the journal {path:?} is in use by another run; wait for it, or name another file"
            ))),
            Err(TryLockError::Error(error)) => Err(failed(path, "cannot be locked", error)),
        }
    }
}

impl Drop for LockedFile {
    /// To close it would not do while a process is being started elsewhere in the
    /// program, which has a copy of it for a moment.
    fn drop(&mut self) {
        // Where it fails, closing has to do.
        let _ = self.file.unlock();
    }
}

impl JournalDisk for LockedFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        if is_deleted(&self.file)? {
            // Nobody could resume from it.
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "it was deleted while the run was writing it",
            ));
        }
        if let Some(path) = &self.unsynced_name {
            sync_directory(path)?;
            self.unsynced_name = None;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn is_deleted(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    Ok(file.metadata()?.nlink() == 0)
}

/// Windows does not delete a file that is open.
#[cfg(not(unix))]
fn is_deleted(_: &File) -> io::Result<bool> {
    Ok(false)
}

struct Entry {
    line: Vec<u8>,
    synced: oneshot::Sender<Result<(), Error>>,
}

/// How long closing a journal waits for the lines that are still to be written.
const CLOSING: Duration = Duration::from_secs(1);

/// An open journal, which no other process can open.
pub(super) struct Journal {
    path: PathBuf,
    /// `None` once it is being closed.
    entries: Option<mpsc::Sender<Entry>>,
    /// Disconnected when the writer has written everything and closed the file.
    writer: Mutex<mpsc::Receiver<Infallible>>,
    /// Whether somebody has waited for the disk in vain.
    hangs: AtomicBool,
}

impl Journal {
    /// Opens the journal of a run, or begins it.
    pub(super) fn open(
        path: &Path,
        run: &Header,
        rules: Rules,
    ) -> Result<(Self, Recovered), Error> {
        refuse_no_file(path)?;
        let fail = |what| move |error| failed(path, what, error);
        let mut file = LockedFile::open(path)?;
        let (past, whole) = past(path, &file.file, run, rules)?;
        // Whatever the last process did not finish writing would spoil the next
        // line.
        file.file
            .set_len(whole)
            .and_then(|()| file.file.seek(SeekFrom::Start(whole)))
            .map_err(fail("cannot be mended"))?;
        let first = match past.started {
            None => Line::Header(run.clone()),
            Some(_) => Line::Resumed { at: timestamp() },
        };
        // Synced with the next line, by the writer: a disk that hangs holds up nobody
        // here, where no deadline counts yet.
        let written = file.append(&line(&first)?);
        if written.is_err() {
            // A torn first line would be in the way of the next run. Where this
            // fails too, that says so.
            let _ = file.file.set_len(whole);
        }
        written.map_err(fail("cannot be written"))?;
        let journal = Self::write(path, file).map_err(fail("has no writer"))?;
        Ok((journal, past))
    }

    pub(super) fn write(path: &Path, disk: impl JournalDisk) -> io::Result<Self> {
        let (entries, queue) = mpsc::channel();
        let (running, writer) = mpsc::channel();
        let name = path.to_owned();
        // Never joined: that would block while the disk hangs.
        thread::Builder::new()
            .name("okta-journal".into())
            .spawn(move || {
                write(&name, disk, &queue);
                drop(running);
            })?;
        Ok(Self {
            path: path.to_owned(),
            entries: Some(entries),
            writer: Mutex::new(writer),
            hangs: AtomicBool::new(false),
        })
    }

    /// Accepts a line at once; it is on disk when the future is ready. After one
    /// failure nothing more is written. A line whose future is dropped is written
    /// nevertheless.
    pub(super) fn record(
        &self,
        entry: &Line,
    ) -> Result<impl Future<Output = Result<(), Error>> + use<>, Error> {
        let gone = || Error::new(ErrorKind::Journal, Effect::None, "the journal is closed");
        let (synced, told) = oneshot::channel();
        let line = line(entry)?;
        let entries = self.entries.as_ref().ok_or_else(gone)?;
        entries.send(Entry { line, synced }).map_err(|_| gone())?;
        Ok(async move { told.await.map_err(|_| gone())? })
    }

    /// The error of somebody who has waited for a line in vain.
    pub(super) fn hangs(&self) -> Error {
        self.hangs.store(true, Relaxed);
        let text = format!(
            "the journal {:?} may miss its last lines: the disk did not confirm them before the \
             run ended; check the disk, then resume with the same journal, which repeats the users \
             whose outcome it misses",
            self.path
        );
        Error::new(ErrorKind::Journal, Effect::None, text)
    }
}

fn line(line: &Line) -> Result<Vec<u8>, Error> {
    let mut bytes = serde_json::to_vec(line).map_err(|error| {
        Error::new(ErrorKind::Journal, Effect::None, "no JSON for the journal").with_source(error)
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn write(path: &Path, mut disk: impl JournalDisk, queue: &mpsc::Receiver<Entry>) {
    let mut broken: Option<Arc<io::Error>> = None;
    let mut bytes = Vec::new();
    let mut waiting = Vec::new();
    while let Ok(first) = queue.recv() {
        bytes.clear();
        for entry in std::iter::once(first).chain(queue.try_iter()) {
            bytes.extend_from_slice(&entry.line);
            waiting.push(entry.synced);
        }
        if broken.is_none() {
            let written = disk.append(&bytes).and_then(|()| disk.sync());
            broken = written.err().map(Arc::new);
        }
        for synced in waiting.drain(..) {
            let result = match &broken {
                None => Ok(()),
                Some(error) => {
                    let text = format!("the journal {path:?} cannot be written: {error}");
                    Err(Error::new(ErrorKind::Journal, Effect::None, text)
                        .with_source(error.clone()))
                }
            };
            // Whoever does not wait any more needs no answer.
            let _ = synced.send(result);
        }
    }
}

/// A new file's name is on disk only when its directory is; that of the file
/// itself, if the path is a link's.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    match fs::canonicalize(path)?.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

impl Drop for Journal {
    /// Waits until the lines that were accepted are written and the file is free,
    /// but not for a disk that hangs: the writer continues by itself, and holds the
    /// file's lock until it is done.
    fn drop(&mut self) {
        drop(self.entries.take());
        if !self.hangs.load(Relaxed) {
            let writer = self
                .writer
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner);
            // It never sends; it is done, or time is up.
            let _ = writer.recv_timeout(CLOSING);
        }
    }
}

#[cfg(test)]
mod tests;
