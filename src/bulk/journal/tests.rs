use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use super::*;
use crate::ErrorKind;

/// A disk that is slow to sync, and full after `room` bytes.
#[derive(Clone)]
struct SlowDisk {
    bytes: Arc<Mutex<Vec<u8>>>,
    syncs: Arc<AtomicUsize>,
    room: usize,
    full: Arc<AtomicBool>,
}

impl SlowDisk {
    fn new(room: usize) -> Self {
        Self {
            bytes: Arc::default(),
            syncs: Arc::default(),
            room,
            full: Arc::default(),
        }
    }
}

impl JournalSink for SlowDisk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut written = self.bytes.lock().unwrap();
        if written.len() + bytes.len() > self.room {
            // Like a full disk, it writes as much as fits.
            let fits = self.room - written.len();
            written.extend_from_slice(&bytes[..fits]);
            self.full.store(true, SeqCst);
            return Err(io::ErrorKind::StorageFull.into());
        }
        assert!(!self.full.load(SeqCst), "written after a failure");
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
        at: SystemTime::now(),
    }
}

#[tokio::test]
async fn lines_are_synced_in_groups() {
    let disk = SlowDisk::new(usize::MAX);
    let journal = Journal::write(Path::new("x"), disk.clone()).unwrap();
    let records = (0..200).map(|user| {
        let (journal, disk) = (&journal, &disk);
        async move {
            let name = format!("00u{user:03}");
            journal.record(&sending(&name)).unwrap().await.unwrap();
            // The line was written, and then synced.
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
    let disk = SlowDisk::new(150);
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
    use crate::{Report, UserOutcome};

    /// `UPDATE_SNAPSHOTS=1` rewrites the files.
    #[test]
    fn match_the_files_in_the_repository() {
        for (name, schema) in [
            ("journal", schemars::schema_for!(Line)),
            ("outcome", schemars::schema_for!(UserOutcome)),
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

/// A child process that is being spawned briefly holds a duplicate of every open file.
#[test]
fn closing_a_journal_unlocks_it_even_if_its_descriptor_was_duplicated() {
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

/// An option with the name of a field would replace it. `build/options.rs` refuses the
/// names listed here.
#[test]
fn the_header_has_these_fields_besides_the_options() {
    let header = Header::new("https://acme.okta.com", &Default::default());
    let json = serde_json::to_value(header).unwrap();
    let fields: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["format", "org", "started"]);
    let build = include_str!("../../../build/options.rs");
    let (_, reserved) = build.split_once("const RESERVED").unwrap();
    let (reserved, _) = reserved.split_once("];").unwrap();
    for field in fields {
        assert!(reserved.contains(&format!("{field:?}")), "{field}");
    }
}
