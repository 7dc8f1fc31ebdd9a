use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use super::*;

/// A disk that is slow to sync, and full after so many bytes.
#[derive(Clone)]
struct Slow {
    bytes: Arc<Mutex<Vec<u8>>>,
    syncs: Arc<AtomicUsize>,
    room: usize,
    lost: Arc<AtomicBool>,
}

impl Slow {
    fn new(room: usize) -> Self {
        Self {
            bytes: Arc::default(),
            syncs: Arc::default(),
            room,
            lost: Arc::default(),
        }
    }
}

impl JournalDisk for Slow {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut written = self.bytes.lock().unwrap();
        if written.len() + bytes.len() > self.room {
            // As a full disk does, it takes what fits.
            let fits = self.room - written.len();
            written.extend_from_slice(&bytes[..fits]);
            self.lost.store(true, SeqCst);
            return Err(io::ErrorKind::StorageFull.into());
        }
        assert!(!self.lost.load(SeqCst), "written after a failure");
        written.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        std::thread::sleep(Duration::from_millis(5));
        self.syncs.fetch_add(1, SeqCst);
        Ok(())
    }
}

fn sending(user: &str) -> Line {
    Line::Sending {
        user: user.into(),
        at: timestamp(),
    }
}

#[tokio::test]
async fn lines_go_to_disk_in_groups() {
    let disk = Slow::new(usize::MAX);
    let journal = Journal::write(Path::new("x"), disk.clone()).unwrap();
    let records = (0..200).map(|user| {
        let (journal, disk) = (&journal, &disk);
        async move {
            let name = format!("00u{user:03}");
            journal.record(&sending(&name)).unwrap().await.unwrap();
            // It is there, and a sync came after it.
            let text = String::from_utf8(disk.bytes.lock().unwrap().clone()).unwrap();
            assert!(text.contains(&name));
            assert!(disk.syncs.load(SeqCst) > 0);
        }
    });
    futures_util::future::join_all(records).await;
    let syncs = disk.syncs.load(SeqCst);
    assert!(syncs <= 20, "{syncs} syncs for 200 lines");
}

#[tokio::test]
async fn after_a_failure_nothing_more_is_written() {
    let disk = Slow::new(150);
    let journal = Journal::write(Path::new("x"), disk.clone()).unwrap();
    journal.record(&sending("00u1")).unwrap().await.unwrap();
    journal.record(&sending("00u2")).unwrap().await.unwrap();
    for _ in 0..2 {
        let error = journal.record(&sending("00u3")).unwrap().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Journal);
        assert!(error.to_string().contains("\"x\""), "{error}");
    }
    assert_eq!(disk.bytes.lock().unwrap().len(), 150);
}

#[cfg(feature = "schemars")]
mod schemas {
    use super::*;
    use crate::Report;

    /// The files in the repository are those of the code; `UPDATE_SNAPSHOTS=1`
    /// writes them.
    #[test]
    fn are_those_of_the_code() {
        for (name, schema) in [
            ("journal", schemars::schema_for!(Line)),
            ("report", schemars::schema_for!(Report)),
        ] {
            let path = format!("{}/schemas/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
            let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
                std::fs::write(&path, &text).unwrap();
            }
            let file = std::fs::read_to_string(&path)
                .unwrap()
                .replace("\r\n", "\n");
            assert_eq!(file, text, "run again with UPDATE_SNAPSHOTS=1");
        }
    }
}

/// A process that is being started holds a copy of every open file for a moment.
#[test]
fn a_journal_is_free_once_it_is_closed_whoever_else_has_its_file() {
    let path = std::env::temp_dir().join(format!("okta-locked-{}", std::process::id()));
    let locked = LockedFile::open(&path).unwrap();
    let copy = locked.file.try_clone().unwrap();
    let refused = LockedFile::open(&path).err().map(|error| error.kind());
    assert_eq!(refused, Some(ErrorKind::InvalidInput));
    drop(locked);
    assert!(LockedFile::open(&path).is_ok());
    drop(copy);
    fs::remove_file(path).unwrap();
}
