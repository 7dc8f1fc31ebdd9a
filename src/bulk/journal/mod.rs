//! The write-ahead journal: each request is written to disk before it is sent, and each
//! outcome before it is reported.

mod file;
mod line;
mod recovery;
mod writer;

use std::{
    fs::File,
    io::{self, Seek, SeekFrom},
    path::Path,
    time::SystemTime,
};

use file::{LockedFile, failed, refuse_non_file, refuse_untrusted};
use recovery::recover;

pub(super) use line::{Header, Line};
pub(super) use recovery::{Recovered, Rules};
pub(super) use writer::{Journal, JournalSink};

use crate::Error;

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

/// Opens the journal of a run, or creates it.
pub(super) fn open(path: &Path, run: &Header, rules: Rules) -> Result<(Journal, Recovered), Error> {
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
        Some(_) => Line::Resumed {
            at: SystemTime::now(),
        },
    };
    // Not synced here, where no deadline applies yet and a hanging disk would block:
    // the writer syncs it together with the next line.
    let written = file.append(&first.to_bytes()?);
    if written.is_err() {
        // A partial first line would block the next run. If truncating fails too,
        // the next run reports it.
        let _ = file.file.set_len(whole);
    }
    written.map_err(fail("cannot be written"))?;
    let journal = Journal::write(path, file)
        .map_err(fail("cannot be written: no thread could be started"))?;
    Ok((journal, recovered))
}

#[cfg(test)]
mod tests;
