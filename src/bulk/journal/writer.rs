//! The thread that writes and syncs the lines. Those that arrive during a sync go to disk
//! together with the next one.

use std::{
    convert::Infallible,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use tokio::sync::oneshot;

use super::line::Line;
use crate::{Effect, Error, ErrorKind};

/// Where lines are written. Tests use disks that fail or hang.
pub(in crate::bulk) trait JournalSink: Send + 'static {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
}

struct Entry {
    line: Vec<u8>,
    synced: oneshot::Sender<Result<(), Error>>,
}

/// How long closing a journal waits for the lines that are still to be written.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// An open journal, which no other process can open.
pub(in crate::bulk) struct Journal {
    path: PathBuf,
    /// `None` once it is being closed.
    entries: Option<mpsc::Sender<Entry>>,
    /// Disconnected when the writer has written everything and closed the file.
    writer: Mutex<mpsc::Receiver<Infallible>>,
    /// Whether waiting for the disk has timed out.
    hangs: AtomicBool,
}

impl Journal {
    pub(in crate::bulk) fn write(path: &Path, disk: impl JournalSink) -> io::Result<Self> {
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
    pub(in crate::bulk) fn record(
        &self,
        entry: &Line,
    ) -> Result<impl Future<Output = Result<(), Error>> + use<>, Error> {
        let gone = || Error::new(ErrorKind::Journal, Effect::None, "the journal is closed");
        let (synced, confirmation) = oneshot::channel();
        let line = entry.to_bytes()?;
        let entries = self.entries.as_ref().ok_or_else(gone)?;
        entries.send(Entry { line, synced }).map_err(|_| gone())?;
        Ok(async move { confirmation.await.map_err(|_| gone())? })
    }

    /// The error for a line that did not reach the disk in time.
    pub(in crate::bulk) fn hangs(&self) -> Error {
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
