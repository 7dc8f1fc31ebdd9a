//! The program, an org for it, and a folder to run it in.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use okta_mock_org::{MockOrg, MockUser};
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
};

pub const TOOL: &str = env!("CARGO_BIN_EXE_okta-sessions");

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("00u{number:05}")).collect()
}

/// An org with `users` users, each with a session, and `limit` requests per 10 s.
pub async fn org(users: usize, limit: u32) -> MockOrg {
    let org = MockOrg::builder()
        .rate_limit(limit, seconds(10))
        .latency(Duration::from_millis(5))
        .start()
        .await
        .unwrap();
    for id in ids(users) {
        org.add_user(MockUser::new(id).sessions(1));
    }
    org
}

/// The users whose sessions were cleared, according to the org's System Log.
pub fn cleared(org: &MockOrg) -> HashSet<String> {
    let log = org.log();
    log.iter().map(|event| event.user_id.clone()).collect()
}

/// The folder of one test, which is also the user's home; removed afterwards.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("cli-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.0.join(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }

    /// The files in the state folder, by the end of their names.
    pub fn state(&self, end: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.0.join("state/okta-sessions")) else {
            return Vec::new();
        };
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .filter(|path| path.to_string_lossy().ends_with(end))
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

pub struct Printed {
    pub status: i32,
    pub out: String,
    pub err: String,
}

pub async fn run(org: &MockOrg, folder: &Folder, arguments: &[&str]) -> Printed {
    run_with(org, folder, arguments, "").await
}

pub async fn run_with(org: &MockOrg, folder: &Folder, arguments: &[&str], input: &str) -> Printed {
    finish(start(org, folder, arguments), input).await
}

pub fn start(org: &MockOrg, folder: &Folder, arguments: &[&str]) -> Child {
    started(Command::new(TOOL).args(arguments), org, folder)
}

pub fn started(command: &mut Command, org: &MockOrg, folder: &Folder) -> Child {
    started_for(command, &org.url(), &org.issue_api_token(), folder)
}

pub fn started_for(command: &mut Command, url: &str, token: &str, folder: &Folder) -> Child {
    command
        .current_dir(&folder.0)
        .env("HOME", &folder.0)
        .env("XDG_STATE_HOME", folder.0.join("state"))
        .env("OKTA_CLIENT_ORGURL", url)
        .env("OKTA_CLIENT_TOKEN", token)
        .env("OKTA_TESTING_TESTINGDISABLEHTTPSCHECK", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

pub async fn finish(mut child: Child, input: &str) -> Printed {
    let mut stdin = child.stdin.take().unwrap();
    // The program may have ended without reading it.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    Printed {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the program in a shell, as `$0`.
#[cfg(unix)]
pub async fn by_shell(org: &MockOrg, folder: &Folder, script: &str) -> Printed {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(TOOL);
    finish(started(&mut shell, org, folder), "").await
}
