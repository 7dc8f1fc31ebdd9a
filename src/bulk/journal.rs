//! The journal: what was about to be sent, and what came of it, on disk before
//! either counts.
//!
//! One thread writes and syncs. While it syncs, lines gather, and go to disk
//! together with the next sync.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{Outcome, UserOutcome, intake::Prints, timestamp};
use crate::{Effect, Error, ErrorKind, options::RevokeUserSessionsOptions};

const FORMAT: u32 = 1;

/// In bytes; more than any line takes, so that a file that is no journal is not
/// read into memory.
const LONGEST_LINE: u64 = 1 << 20;

/// How every journal begins.
const BEGINNING: &[u8] = br#"{"header":{"format":"#;

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
    /// What was asked of Okta for each user, each option a field of its own.
    #[serde(flatten)]
    pub(super) options: RevokeUserSessionsOptions,
    /// When the run began (RFC 3339, UTC).
    pub(super) started: String,
    /// What a newer version has written, an option perhaps that this one cannot
    /// send.
    #[serde(flatten)]
    #[cfg_attr(feature = "schemars", schemars(skip))]
    unknown: BTreeMap<String, Value>,
}

impl Header {
    pub(super) fn new(org: &str, options: RevokeUserSessionsOptions) -> Self {
        Self {
            format: FORMAT,
            org: org.to_owned(),
            options,
            started: timestamp(),
            unknown: BTreeMap::new(),
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
        let (its, runs) = (self.asked(), run.asked());
        let names: BTreeSet<_> = its.keys().chain(runs.keys()).collect();
        names.into_iter().find_map(|name| {
            let shown = |asked: &BTreeMap<String, Value>| match asked.get(name) {
                None | Some(Value::Null) => "not set".to_owned(),
                Some(value) => value.to_string(),
            };
            let (its, runs) = (shown(&its), shown(&runs));
            (its != runs).then(|| format!("its {name} is {its}, this run's {runs}"))
        })
    }

    /// Every option that this version or a newer one has, by its name.
    fn asked(&self) -> BTreeMap<String, Value> {
        let mut asked = self.unknown.clone();
        // A struct of plain values is an object.
        if let Ok(Value::Object(options)) = serde_json::to_value(&self.options) {
            asked.extend(options);
        }
        asked
    }
}

/// What is known of a run before it goes on.
pub(super) struct Past {
    pub(super) revoked: Prints,
    /// When the run began, if it did.
    pub(super) started: Option<String>,
}

/// Reads a journal without locking or changing it; `None` if there is no file.
pub(super) fn read(path: &Path, run: &Header) -> Result<Option<Past>, Error> {
    refuse_no_file(path)?;
    match File::open(path) {
        Ok(file) => Ok(Some(past(path, &file, run)?.0)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, "cannot be opened", error)),
    }
}

/// A pipe or a terminal would be waited for, and holds nothing to resume.
fn refuse_no_file(path: &Path) -> Result<(), Error> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(Error::invalid(format!(
            "the journal {path:?} is refused: it is no regular file"
        ))),
        // What is wrong with it otherwise shows when it is opened.
        _ => Ok(()),
    }
}

/// Reads what there is, and where the last whole line ends.
fn past(path: &Path, file: &File, run: &Header) -> Result<(Past, u64), Error> {
    let refuse =
        |reason: String| Error::invalid(format!("the journal {path:?} is refused: {reason}"));
    let mut past = Past {
        revoked: Prints::default(),
        started: None,
    };
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
            let may_be_header = bytes.starts_with(BEGINNING) || BEGINNING.starts_with(&bytes);
            if number == 0 && !may_be_header {
                return Err(refuse("it does not begin as a journal does".into()));
            }
            return Ok((past, whole));
        }
        number = number.saturating_add(1);
        let line: Line = serde_json::from_slice(&bytes).map_err(|error| {
            refuse(format!(
                "line {number} is none of a journal ({error}); begin a new one"
            ))
        })?;
        match line {
            Line::Header(header) if number == 1 => {
                if let Some(difference) = header.differs(run) {
                    return Err(refuse(format!("{difference}; begin a new one")));
                }
                past.started = Some(header.started);
            }
            _ if number == 1 => return Err(refuse("its first line is no header".into())),
            Line::Outcome(user) if user.outcome == Outcome::Revoked => {
                past.revoked.insert(&user.user);
            }
            Line::Header(_) => return Err(refuse(format!("line {number} is a second header"))),
            Line::Outcome(_) | Line::Sending { .. } | Line::Resumed { .. } => {}
        }
        whole = whole.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
}

fn failed(path: &Path, what: &str, error: io::Error) -> Error {
    let text = format!("the journal {path:?} {what}: {error}");
    Error::new(ErrorKind::Journal, Effect::None, text).with_source(error)
}

/// Where lines go. A test puts a disk here that fails.
pub(super) trait Disk: Send + 'static {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
}

/// A file that no other run can open.
struct Locked(File);

impl Locked {
    /// Opens a file, or begins it.
    fn open(path: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        // Not `append`, with which Windows lets nobody shorten a file.
        options.read(true).write(true).create(true).truncate(false);
        // It holds the ids of people.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(path)
            .map_err(|error| failed(path, "cannot be opened", error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::invalid(format!(
                "the journal {path:?} is in use by another run; wait for it, or name another file"
            ))),
            Err(TryLockError::Error(error)) => Err(failed(path, "cannot be locked", error)),
        }
    }
}

impl Drop for Locked {
    /// To close it would not do while a process is being started elsewhere in the
    /// program, which has a copy of it for a moment.
    fn drop(&mut self) {
        // Where it fails, closing has to do.
        let _ = self.0.unlock();
    }
}

impl Disk for Locked {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

struct Entry {
    line: Vec<u8>,
    synced: oneshot::Sender<Result<(), Error>>,
}

/// An open journal, which no other process can open.
pub(super) struct Journal {
    entries: Option<mpsc::Sender<Entry>>,
    writer: Option<JoinHandle<()>>,
}

impl Journal {
    /// Opens the journal of a run, or begins it.
    pub(super) fn open(path: &Path, run: &Header) -> Result<(Self, Past), Error> {
        refuse_no_file(path)?;
        let fail = |what| move |error| failed(path, what, error);
        let mut file = Locked::open(path)?;
        let (past, whole) = past(path, &file.0, run)?;
        // Whatever the last process did not finish writing would spoil the next
        // line.
        file.0
            .set_len(whole)
            .and_then(|()| file.0.seek(SeekFrom::Start(whole)))
            .map_err(fail("cannot be mended"))?;
        let first = match past.started {
            None => Line::Header(run.clone()),
            Some(_) => Line::Resumed { at: timestamp() },
        };
        file.append(&line(&first)?)
            .and_then(|()| file.sync())
            .map_err(fail("cannot be written"))?;
        sync_directory(path).map_err(fail("cannot be written"))?;
        let journal = Self::write(path, file).map_err(fail("has no writer"))?;
        Ok((journal, past))
    }

    fn write(path: &Path, disk: impl Disk) -> io::Result<Self> {
        let (entries, queue) = mpsc::channel();
        let path = path.to_owned();
        let writer = thread::Builder::new()
            .name("okta-journal".into())
            .spawn(move || write(&path, disk, &queue))?;
        Ok(Self {
            entries: Some(entries),
            writer: Some(writer),
        })
    }

    /// Writes a line; it is on disk when this returns. After one failure nothing
    /// more is written.
    pub(super) async fn record(&self, entry: &Line) -> Result<(), Error> {
        let gone = || Error::new(ErrorKind::Journal, Effect::None, "the journal is closed");
        let (synced, told) = oneshot::channel();
        let line = line(entry)?;
        let entries = self.entries.as_ref().ok_or_else(gone)?;
        entries.send(Entry { line, synced }).map_err(|_| gone())?;
        told.await.map_err(|_| gone())?
    }
}

fn line(line: &Line) -> Result<Vec<u8>, Error> {
    let mut bytes = serde_json::to_vec(line).map_err(|error| {
        Error::new(ErrorKind::Journal, Effect::None, "no JSON for the journal").with_source(error)
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn write(path: &Path, mut disk: impl Disk, queue: &mpsc::Receiver<Entry>) {
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
    /// Waits for the sync that is under way, so that the file is free when the
    /// run is gone.
    fn drop(&mut self) {
        drop(self.entries.take());
        if let Some(writer) = self.writer.take() {
            // It has nobody left to tell of a panic.
            let _ = writer.join();
        }
    }
}

#[cfg(test)]
mod tests;
