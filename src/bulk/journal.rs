//! The write-ahead journal: each request is written to disk before it is sent, and each
//! outcome before it is reported.
//!
//! One thread writes and syncs. The lines that arrive during a sync go to disk together
//! with the next one.

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

/// In bytes; longer than any line of a journal, so that other files are not read into
/// memory.
const MAX_LINE_LENGTH: u64 = 1 << 20;

/// One line of a journal: a JSON object with one field, whose name is the kind of line.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(rename = "JournalLine"))]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first line: identifies the run.
    Header(Header),
    /// Another process resumed the run.
    Resumed {
        /// When (RFC 3339, UTC).
        at: String,
    },
    /// A request is about to be sent. If no outcome follows, it may or may not have been
    /// sent.
    Sending {
        /// The id or login, as it was given.
        user: String,
        /// When (RFC 3339, UTC).
        at: String,
    },
    /// The outcome of a user.
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
    /// The options that were set, by name. They may come from another version of this
    /// crate with other options; a run then notices that its own differ.
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
    fn may_have_begun(&self, torn: &[u8]) -> Result<bool, Error> {
        let whole = line(&Line::Header(self.clone()))?;
        let org = serde_json::to_vec(&self.org).unwrap_or_default();
        let org_end = whole
            .windows(org.len().max(1))
            .position(|window| window == org)
            .map(|start| start.saturating_add(org.len()));
        // Only the time, at the end of the line, may differ.
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

/// What a journal says about a run that is to be resumed.
pub(super) struct Recovered {
    pub(super) revoked: FingerprintSet,
    /// When the run began; `None` if the journal is new.
    pub(super) started: Option<String>,
}

/// Reads a journal without locking or changing it; `None` if there is no file.
pub(super) fn read(path: &Path, run: &Header, rules: Rules) -> Result<Option<Recovered>, Error> {
    refuse_non_file(path)?;
    match File::open(path) {
        Ok(file) => {
            refuse_untrusted(path, &file)?;
            Ok(Some(recover(path, &file, run, rules)?.0))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, "cannot be opened", error)),
    }
}

/// Opening a pipe or a terminal would block, and there is nothing in it to resume.
fn refuse_non_file(path: &Path) -> Result<(), Error> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(refused(path, "it is not a regular file")),
        // Other problems show when it is opened.
        _ => Ok(()),
    }
}

/// Anyone who can write a journal can decide which users the run skips.
fn refuse_untrusted(path: &Path, file: &File) -> Result<(), Error> {
    let opened = file
        .metadata()
        .map_err(|error| failed(path, "cannot be examined", error))?;
    trusted_file::check(path, &opened).map_err(|reason| refused(path, reason))
}

fn refused(path: &Path, reason: impl fmt::Display) -> Error {
    Error::invalid(format!("the journal {path:?} is refused: {reason}"))
}

/// Reads the journal; returns what it says and where its last whole line ends.
///
/// A line is a journal entry only if it is, byte for byte, what the writer makes of it.
/// That rules out unknown or repeated fields and other spellings, which another reader
/// may understand differently.
fn recover(
    path: &Path,
    file: &File,
    run: &Header,
    rules: Rules,
) -> Result<(Recovered, u64), Error> {
    let refuse = |reason: String| refused(path, reason);
    let mut recovered = Recovered {
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
            return Ok((recovered, whole));
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
            return Err(not_an_entry(&"it is not written as a run writes it"));
        }
        match entry {
            Line::Header(header) if number == 1 => {
                if !is_timestamp(&header.started) {
                    return Err(not_an_entry(&"it does not say when the run began"));
                }
                recovered.started = Some(header.started);
            }
            _ if number == 1 => return Err(refuse("its first line is not a header".into())),
            Line::Header(_) => return Err(refuse(format!("line {number} is a second header"))),
            Line::Sending { user, .. } => {
                sent.insert(&user);
            }
            // For each user, a process writes one line before the request and one after
            // it, so an outcome without a line before it is another user's, or damaged.
            Line::Outcome(user) if !sent.remove(&user.user) => {
                return Err(not_an_entry(
                    &"no line before it says that a request for this user was about to be sent",
                ));
            }
            Line::Outcome(user) if user.outcome == Outcome::Revoked => {
                if let Some(doubt) = rules.doubt(&user) {
                    return Err(refuse(format!(
                        "line {number} says that a user was revoked, which cannot be true: {doubt}; \
                         begin a new journal, which revokes everyone again"
                    )));
                }
                recovered.revoked.insert(&user.user);
            }
            Line::Outcome(_) => {}
            Line::Resumed { .. } => sent = FingerprintSet::default(),
        }
        whole = whole.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
}

/// How a journal must prove that a user was revoked.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    /// Whether a response without a request id counts.
    pub(super) allow_missing_request_id: bool,
}

impl Rules {
    /// Why an outcome that says `revoked` cannot be true.
    fn doubt(self, user: &UserOutcome) -> Option<&'static str> {
        let time = |time: &Option<String>| time.as_deref().is_some_and(is_timestamp);
        let request_id = user.request_id.as_deref().unwrap_or_default();
        if user.status != Some(204) {
            Some("its status is not 204")
        } else if user.attempts == 0 {
            Some("it has no attempts")
        } else if request_id.is_empty() && !self.allow_missing_request_id {
            Some("it has no request id")
        } else if !time(&user.started) || !time(&user.ended) || user.took_ms.is_none() {
            Some("it has no valid times")
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

/// Where lines are written. Tests use disks that fail or hang.
pub(super) trait JournalSink: Send + 'static {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
}

/// A file that no other run can open.
struct LockedFile {
    file: File,
    /// The path, until the file's name in its directory is synced.
    unsynced_name: Option<PathBuf>,
}

impl LockedFile {
    /// Opens a file, or creates it.
    fn open(path: &Path) -> Result<Self, Error> {
        let mut existing = OpenOptions::new();
        // Not `append`: Windows would then not allow truncating the file.
        existing.read(true).write(true);
        let mut new = existing.clone();
        // A dangling link is not followed: it may be another user's.
        new.create_new(true);
        // The file holds the ids of people.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
        let is = |kind| move |error: &io::Error| error.kind() == kind;
        let mut file = existing.open(path);
        if file.as_ref().is_err_and(is(io::ErrorKind::NotFound)) {
            file = new.open(path);
        }
        if file.as_ref().is_err_and(is(io::ErrorKind::AlreadyExists)) {
            // Another run has just created it.
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
    /// Unlocks explicitly: a child process being spawned elsewhere may briefly hold a
    /// duplicate of the descriptor, so closing the file would not release the lock.
    fn drop(&mut self) {
        // If it fails, closing the file is the fallback.
        let _ = self.file.unlock();
    }
}

impl JournalSink for LockedFile {
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
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// An open journal, which no other process can open.
pub(super) struct Journal {
    path: PathBuf,
    /// `None` once it is being closed.
    entries: Option<mpsc::Sender<Entry>>,
    /// Disconnected when the writer has written everything and closed the file.
    writer: Mutex<mpsc::Receiver<Infallible>>,
    /// Whether waiting for the disk has timed out.
    hangs: AtomicBool,
}

impl Journal {
    /// Opens the journal of a run, or creates it.
    pub(super) fn open(
        path: &Path,
        run: &Header,
        rules: Rules,
    ) -> Result<(Self, Recovered), Error> {
        refuse_non_file(path)?;
        let fail = |what| move |error| failed(path, what, error);
        let mut file = LockedFile::open(path)?;
        let (recovered, whole) = recover(path, &file.file, run, rules)?;
        // A line that the last process did not finish would corrupt the next one.
        file.file
            .set_len(whole)
            .and_then(|()| file.file.seek(SeekFrom::Start(whole)))
            .map_err(fail("cannot be truncated"))?;
        let first = match recovered.started {
            None => Line::Header(run.clone()),
            Some(_) => Line::Resumed { at: timestamp() },
        };
        // Not synced here, where no deadline applies yet and a hanging disk would block:
        // the writer syncs it together with the next line.
        let written = file.append(&line(&first)?);
        if written.is_err() {
            // A partial first line would block the next run. If truncating fails too,
            // the next run reports it.
            let _ = file.file.set_len(whole);
        }
        written.map_err(fail("cannot be written"))?;
        let journal = Self::write(path, file)
            .map_err(fail("cannot be written: no thread could be started"))?;
        Ok((journal, recovered))
    }

    pub(super) fn write(path: &Path, disk: impl JournalSink) -> io::Result<Self> {
        let (entries, queue) = mpsc::channel();
        let (running, writer) = mpsc::channel();
        let name = path.to_owned();
        // Never joined, since that would block while the disk hangs.
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

    /// Queues a line at once; it is on disk when the future is ready. After a failure,
    /// nothing more is written. A line is written even if its future is dropped.
    pub(super) fn record(
        &self,
        entry: &Line,
    ) -> Result<impl Future<Output = Result<(), Error>> + use<>, Error> {
        let gone = || Error::new(ErrorKind::Journal, Effect::None, "the journal is closed");
        let (synced, confirmation) = oneshot::channel();
        let line = line(entry)?;
        let entries = self.entries.as_ref().ok_or_else(gone)?;
        entries.send(Entry { line, synced }).map_err(|_| gone())?;
        Ok(async move { confirmation.await.map_err(|_| gone())? })
    }

    /// The error for a line that did not reach the disk in time.
    pub(super) fn hangs(&self) -> Error {
        self.hangs.store(true, Relaxed);
        let text = format!(
            "the journal {:?} may lack its last lines: the disk did not confirm them before the \
             run ended; check the disk, then resume with the same journal, which repeats the users \
             whose outcome it lacks",
            self.path
        );
        Error::new(ErrorKind::Journal, Effect::None, text)
    }
}

fn line(line: &Line) -> Result<Vec<u8>, Error> {
    let mut bytes = serde_json::to_vec(line).map_err(|error| {
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

fn write(path: &Path, mut disk: impl JournalSink, queue: &mpsc::Receiver<Entry>) {
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
            // It fails if nobody waits for the line any more, which is fine.
            let _ = synced.send(result);
        }
    }
}

/// Syncs the directory of the file itself, even if `path` is a link: a new file's name is
/// on disk only when its directory is.
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
    /// Waits until the queued lines are written and the file is unlocked, but not for a
    /// disk that hangs: the writer then continues alone, and holds the file's lock until it
    /// is done.
    fn drop(&mut self) {
        drop(self.entries.take());
        if !self.hangs.load(Relaxed) {
            let writer = self
                .writer
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner);
            // Nothing is ever sent: this returns when the writer is done, or on timeout.
            let _ = writer.recv_timeout(CLOSE_TIMEOUT);
        }
    }
}

#[cfg(test)]
mod tests;
