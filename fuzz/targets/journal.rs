//! A journal is refused, or exactly the users of its whole lines that say
//! `revoked` are passed over; resuming keeps it so.

#![no_main]

use std::{collections::BTreeSet, fs, path::PathBuf, process, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use okta_user_sessions::{Client, Credentials, Plan, UserId};
use okta_user_sessions_fuzz::{builder, in_virtual_time};
use serde_json::Value;

static JOURNAL: LazyLock<PathBuf> = LazyLock::new(|| {
    // In memory where there is such a folder: every run writes and syncs.
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    };
    folder.join(format!("okta-user-sessions-fuzz-{}.jsonl", process::id()))
});

static OKTA: LazyLock<Client> = LazyLock::new(|| {
    builder()
        .credentials(Credentials::api_token("00token"))
        .build()
        .unwrap()
});

fuzz_target!(|bytes: &[u8]| {
    fs::write(&*JOURNAL, bytes).unwrap();
    let (revoked, others) = users(bytes);
    let read = plan([]);
    let unchanged = fs::read(&*JOURNAL).unwrap();
    assert_eq!(unchanged, bytes, "planning changed it");
    if read.is_err() {
        assert!(run(&revoked).is_err());
        assert_eq!(
            fs::read(&*JOURNAL).unwrap(),
            bytes,
            "it was refused, and changed"
        );
        return;
    }
    assert_claims_are_possible(bytes);
    for _ in 0..2 {
        let plan_of_revoked = plan(revoked.iter().cloned()).unwrap();
        assert_eq!(plan_of_revoked.users, 0, "{revoked:?}");
        let plan_of_others = plan(others.iter().cloned()).unwrap();
        assert_eq!(plan_of_others.already_revoked, 0, "{others:?}");
        // Only a line that the writer did not finish is removed.
        run(&revoked).unwrap();
        let whole = bytes
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |at| at + 1);
        assert!(fs::read(&*JOURNAL).unwrap().starts_with(&bytes[..whole]));
    }
    fs::remove_file(&*JOURNAL).unwrap();
});

/// No line of a journal that is believed says `revoked` without what a response
/// leads to.
fn assert_claims_are_possible(bytes: &[u8]) {
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let Ok(entry) = serde_json::from_slice::<Value>(line) else {
            continue;
        };
        let user = &entry["outcome"];
        if user["outcome"] != "revoked" || !line.ends_with(b"\n") {
            continue;
        }
        let has_id = user["request_id"].as_str().is_some_and(|id| !id.is_empty());
        let attempts = user["attempts"].as_u64().unwrap_or_default();
        assert!(user["status"] == 204 && attempts > 0 && has_id, "{user}");
    }
}

/// Opens the journal as a run does, which has nobody left to revoke.
fn run(revoked: &BTreeSet<String>) -> Result<(), okta_user_sessions::Error> {
    let ids: Vec<_> = revoked.iter().cloned().collect();
    let mut run = OKTA.revoke_many(ids).journal(&*JOURNAL).start()?;
    in_virtual_time(async {
        while let Some(user) = run.next().await {
            panic!("sent for {user:?}");
        }
    });
    Ok(())
}

fn plan(ids: impl IntoIterator<Item = String>) -> Result<Plan, okta_user_sessions::Error> {
    let ids: Vec<_> = ids.into_iter().collect();
    in_virtual_time(OKTA.revoke_many(ids).journal(&*JOURNAL).plan())
}

/// The users of all lines that are an object: those whose outcome is `revoked`,
/// and the others.
fn users(bytes: &[u8]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut revoked, mut others) = (BTreeSet::new(), BTreeSet::new());
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let Ok(Value::Object(entry)) = serde_json::from_slice(line) else {
            continue;
        };
        for (kind, of) in &entry {
            let (user, outcome) = (of.get("user"), of.get("outcome"));
            let user = user.and_then(Value::as_str);
            let Some(user) = user.filter(|user| UserId::new(*user).is_ok()) else {
                continue;
            };
            let outcome = outcome.and_then(Value::as_str);
            if kind == "outcome" && outcome == Some("revoked") && line.ends_with(b"\n") {
                revoked.insert(user.to_owned());
            } else {
                others.insert(user.to_owned());
            }
        }
    }
    others.retain(|user| !revoked.contains(user));
    (revoked, others)
}
