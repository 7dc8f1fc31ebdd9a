//! Runs whose disk hangs.

use std::{
    io,
    path::Path,
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use tokio::time::{Instant, timeout};

use super::{journal::JournalSink, *};
use crate::{Client, Credentials};
use okta_mock_org::{MockOrg, MockUser};

const DEADLINE: Duration = Duration::from_secs(10);

/// A disk that hangs at one of its syncs, until it is released.
#[derive(Clone)]
struct HangingDisk(Arc<(Mutex<DiskState>, Condvar)>);

struct DiskState {
    written: String,
    /// How many syncs are done before the one that hangs.
    syncs_left: u32,
    hangs: bool,
    released: bool,
}

impl HangingDisk {
    fn hangs_after(syncs: u32) -> Self {
        let state = DiskState {
            written: String::new(),
            syncs_left: syncs,
            hangs: false,
            released: false,
        };
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }

    fn wait(&self, until: impl Fn(&DiskState) -> bool) {
        let (state, changed) = &*self.0;
        let state = state.lock().unwrap();
        drop(changed.wait_while(state, |state| !until(state)).unwrap());
    }

    fn change(&self, change: impl FnOnce(&mut DiskState)) {
        let (state, changed) = &*self.0;
        change(&mut state.lock().unwrap());
        changed.notify_all();
    }

    fn lines(&self, kind: &str) -> usize {
        let state = self.0.0.lock().unwrap();
        state.written.matches(&format!("{{\"{kind}\":")).count()
    }

    /// Stops the virtual clock until the disk hangs: what the disk does before that takes
    /// real time.
    fn hold_clock(&self) {
        let disk = self.clone();
        tokio::task::spawn_blocking(move || disk.wait(|state| state.hangs));
    }

    fn release(&self) {
        self.change(|state| state.released = true);
    }
}

impl JournalSink for HangingDisk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let text = std::str::from_utf8(bytes).unwrap();
        self.change(|state| state.written += text);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.change(|state| match state.syncs_left.checked_sub(1) {
            Some(left) => state.syncs_left = left,
            None => state.hangs = true,
        });
        self.wait(|state| !state.hangs || state.released);
        Ok(())
    }
}

async fn org() -> (MockOrg, Client) {
    let org = MockOrg::start().await.unwrap();
    for user in ["00u1", "00u2"] {
        org.add_user(MockUser::new(user).sessions(1));
    }
    let okta = Client::builder(org.url())
        .allow_loopback_http(true)
        .credentials(Credentials::api_token(org.issue_api_token()))
        .build()
        .unwrap();
    (org, okta)
}

fn start(many: RevokeMany, disk: &HangingDisk) -> Run {
    let header = many.header();
    let quota = many.options.check().unwrap();
    let journal = Journal::write(Path::new("run.jsonl"), disk.clone()).unwrap();
    let exclusions = Exclusions::new(&[]).unwrap();
    many.run(quota, header, exclusions, Some(journal), None)
}

async fn outcomes(run: &mut Run) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    while let Some(user) = run.next().await {
        outcomes.push(user.outcome);
    }
    outcomes
}

fn assert_stopped_for_the_disk(run: &Run) {
    let report = run.report();
    assert_eq!(report.stopped, Some(StopReason::Journal));
    let why = report.stop_detail.unwrap();
    assert!(
        why.contains("\"run.jsonl\"") && why.contains("disk"),
        "{why}"
    );
}

#[tokio::test(start_paused = true)]
async fn while_the_disk_hangs_nothing_is_sent_and_the_deadline_holds() {
    let (org, okta) = org().await;
    let disk = HangingDisk::hangs_after(0);
    disk.hold_clock();
    let many = okta.revoke_many(["00u1", "00u2"]).deadline(DEADLINE);
    let start_time = Instant::now();
    let mut run = start(many, &disk);
    assert_eq!(outcomes(&mut run).await, [Outcome::NotAttempted; 2]);
    assert_eq!(start_time.elapsed().as_secs(), DEADLINE.as_secs());
    assert_stopped_for_the_disk(&run);
    for user in run.report().not_revoked {
        let reason = user.reason.unwrap();
        assert!(reason.contains("the journal cannot be written"), "{reason}");
    }
    assert!(org.requests().is_empty());
    disk.release();
}

#[tokio::test(start_paused = true)]
async fn outcomes_are_reported_by_the_deadline_even_if_the_disk_hangs() {
    let (_org, okta) = org().await;
    let disk = HangingDisk::hangs_after(1);
    disk.hold_clock();
    let many = okta.revoke_many(["00u1", "00u2"]).concurrency(1);
    let start_time = Instant::now();
    let mut run = start(many.deadline(DEADLINE), &disk);
    let outcomes = outcomes(&mut run).await;
    assert_eq!(outcomes, [Outcome::Revoked, Outcome::NotAttempted]);
    assert_eq!(start_time.elapsed().as_secs(), DEADLINE.as_secs());
    assert_stopped_for_the_disk(&run);
    disk.release();
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_disk_hangs_can_be_cancelled_and_says_why() {
    let (_org, okta) = org().await;
    let disk = HangingDisk::hangs_after(1);
    disk.hold_clock();
    let many = okta.revoke_many(["00u1", "00u2"]).concurrency(1);
    let mut run = start(many, &disk);
    assert!(timeout(DEADLINE, run.next()).await.is_err());
    run.handle().cancel();
    let start_time = Instant::now();
    let outcomes = outcomes(&mut run).await;
    assert_eq!(outcomes, [Outcome::Revoked, Outcome::NotAttempted]);
    assert!(start_time.elapsed() < Duration::from_secs(1));
    assert_stopped_for_the_disk(&run);
    disk.release();
}

/// There is only one permit while nothing is known about the org's rate limit.
#[tokio::test(start_paused = true)]
async fn no_permit_waits_for_the_disk() {
    let (_org, okta) = org().await;
    let disk = HangingDisk::hangs_after(0);
    disk.hold_clock();
    let mut run = start(okta.revoke_many(["00u1"]), &disk);
    assert!(timeout(DEADLINE, run.next()).await.is_err());
    let receipt = okta.revoke_user_sessions("00u2").await.unwrap();
    assert_eq!(receipt.waited(), Duration::ZERO);
    disk.release();
}

#[tokio::test]
async fn dropping_a_run_neither_waits_for_a_hanging_disk_nor_loses_a_line() {
    let (_org, okta) = org().await;
    let disk = HangingDisk::hangs_after(1);
    let many = okta.revoke_many(["00u1", "00u2"]);
    let mut run = start(many.concurrency(1), &disk);
    let next = timeout(Duration::from_millis(100), run.next()).await;
    assert!(next.is_err());
    let start_time = Instant::now();
    drop(run);
    assert!(start_time.elapsed() < Duration::from_secs(5));
    disk.release();
    // The outcome was queued, and the journal's thread writes it.
    let written = disk.clone();
    let both = move || written.wait(|state| state.written.contains("\"revoked\""));
    tokio::task::spawn_blocking(both).await.unwrap();
    assert_eq!((disk.lines("sending"), disk.lines("outcome")), (1, 1));
}

/// The last lines are on disk once a run is dropped, if the disk does not hang.
#[tokio::test]
async fn dropping_a_run_waits_for_its_last_lines() {
    let (_org, okta) = org().await;
    let disk = HangingDisk::hangs_after(u32::MAX);
    let mut run = start(okta.revoke_many(["00u1"]), &disk);
    run.handle().cancel();
    assert_eq!(outcomes(&mut run).await, [Outcome::NotAttempted]);
    drop(run);
    assert_eq!(Arc::strong_count(&disk.0), 1, "the writer has not ended");
}
