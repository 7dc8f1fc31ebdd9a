//! The files in `openapi`, and Okta's own releases where they are at hand: in the
//! folder that OKTA_UPSTREAM names, or else in `../shared/upstream`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use openapi_trim::{
    diff::{self, Class},
    document::{parse_openapi, read},
    folder::Folder,
};
use tempfile::TempDir;

#[allow(dead_code, reason = "its `main` is for cargo")]
#[path = "../../../build.rs"]
mod build_script;

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The releases at hand, none if the folder is not there.
fn releases() -> Vec<PathBuf> {
    let folder = env::var_os("OKTA_UPSTREAM")
        .map_or_else(|| repository().join("../shared/upstream"), PathBuf::from);
    let Ok(files) = fs::read_dir(&folder) else {
        eprintln!("skipped: no releases in {}", folder.display());
        return Vec::new();
    };
    let mut files: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml" || e == "json"))
        .collect();
    files.sort();
    files
}

fn release(name: &str) -> Option<PathBuf> {
    releases().into_iter().find(|path| path.ends_with(name))
}

/// A copy of the `openapi` folder to trim into.
pub fn copy() -> (TempDir, Folder) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["user-sessions.yaml", "overlay.yaml", "upstream.toml"] {
        let from = repository().join("openapi").join(name);
        fs::copy(from, folder.path().join(name)).unwrap();
    }
    let copy = Folder::find(Some(folder.path().into())).unwrap();
    (folder, copy)
}

/// The code that is generated from a folder's specification.
pub fn code(folder: &Path) -> Result<String, String> {
    let code = build_script::generate(&folder.join("user-sessions.yaml"));
    let code = syn2::parse_file(&code.map_err(|e| e.to_string())?).unwrap();
    Ok(prettyplease::unparse(&code))
}

#[test]
fn the_files_of_the_repository_belong_together() {
    let folder = Folder::find(Some(repository().join("openapi"))).unwrap();
    folder.check(None).unwrap();
}

#[test]
fn the_recorded_release_gives_the_files_of_the_repository() {
    let (_place, folder) = copy();
    let recorded = folder.record().unwrap().upstream.unwrap().file;
    if let Some(upstream) = release(&recorded) {
        folder.check(Some(&upstream)).unwrap();
    }
}

/// Every release is trimmed to what builds, or refused for one of these reasons.
#[test]
fn every_release_builds_or_is_refused() {
    let expected = code(&repository().join("openapi")).unwrap();
    for upstream in releases() {
        let (place, folder) = copy();
        let keep = ["endUserSessions".to_owned()];
        let started = cpu_time();
        let mut outcome = folder.trim(&upstream, None, &[]);
        let took = cpu_time().saturating_sub(started);
        let limit = Duration::from_secs(5);
        assert!(took < limit, "{} took {took:?}", upstream.display());
        if let Err(refused) = &outcome
            && refused
                .to_string()
                .contains("add --keep-pinned endUserSessions;")
        {
            outcome = folder.trim(&upstream, None, &keep);
        }
        let name = upstream.display();
        match outcome.map_err(|refused| refused.to_string()) {
            Ok(_) => {
                folder.check(Some(&upstream)).unwrap();
                assert_eq!(code(place.path()).unwrap(), expected, "{name}");
            }
            // Before 2025.08.0; before 2024.08.0 without endUserSessions, too.
            Err(refused) if refused.contains("'forgetDevices'") => {
                let what = "delete/parameters has oauthTokens. Upstream may have changed";
                assert!(refused.contains(what), "{name}: {refused}");
            }
            // Of another API.
            Err(refused) => {
                let is_other = refused.contains("this has none of the operations")
                    || refused.contains("not an OpenAPI 3.0 document");
                assert!(is_other, "{name}: {refused}");
                assert!(!refused.contains("--keep-pinned"), "{name}: {refused}");
            }
        }
    }
}

/// The time that this thread has computed, however busy the machine is. Zero where the
/// kernel does not tell.
fn cpu_time() -> Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().and_then(|n| n.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

/// What changed between the releases that we know, wording aside. Skipped where they are
/// not at hand.
#[test]
fn diff_finds_the_real_changes_and_no_others() {
    let [y2024, y2025, dev, public] = [
        "2024.08.0-management-minimal.yaml",
        "2025.08.0-management-minimal.yaml",
        "2026.03.0-management-dev-noEnums-minimal.yaml",
        "2026.06.3-management-minimal.yaml",
    ]
    .map(release);
    let (Some(y2024), Some(y2025), Some(dev), Some(public)) = (y2024, y2025, dev, public) else {
        eprintln!("skipped: the releases to compare are not at hand");
        return;
    };
    let end = "endUserSessions";
    let operation = "(POST /api/v1/users/me/lifecycle/delete_sessions)";
    type Changes<'a> = &'a [(Class, String)];
    let cases: [(&Path, &Path, Changes); 5] = [
        (
            &y2024,
            &y2025,
            &[(
                Class::Compatible,
                "revokeUserSessions, parameters, query forgetDevices added".into(),
            )],
        ),
        (
            &y2025,
            &y2024,
            &[(
                Class::Breaking,
                "revokeUserSessions, parameters, query forgetDevices removed".into(),
            )],
        ),
        (
            &y2025,
            &public,
            &[(
                Class::Breaking,
                format!(
                    "operation {end} removed {operation}; its path is gone too; \
                     left behind, unused: #/components/schemas/KeepCurrent"
                ),
            )],
        ),
        (
            &public,
            &dev,
            &[(
                Class::Compatible,
                format!("operation {end} added {operation}"),
            )],
        ),
        (&y2025, &dev, &[]),
    ];
    let load = |path: &Path| parse_openapi(&read(path).unwrap()).unwrap();
    let operations = [end.to_owned(), "revokeUserSessions".to_owned()];
    for (old, new, expected) in cases {
        let (old, new) = (("old", &load(old)), ("new", &load(new)));
        let report = diff::compare(old, new, &operations).unwrap();
        let found: Vec<_> = report
            .changes
            .into_iter()
            .filter(|change| change.class != Class::Documentation)
            .map(|change| (change.class, change.what))
            .collect();
        assert_eq!(found, expected);
    }
}
