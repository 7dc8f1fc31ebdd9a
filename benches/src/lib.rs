//! What the benchmarks share: the subjects, the server that they call, and clocks.

mod server;
mod subject;

use std::{env, fs, hint::black_box, path::PathBuf, time::Duration};

pub use server::Server;
pub use subject::{FLAKY_USER, Subject, Token};

/// A program of this package, beside the one that runs.
pub fn program(name: &str) -> PathBuf {
    env::current_exe().expect("a path").with_file_name(name)
}

/// A runtime of one thread.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// CPU time that this process has used, in user and kernel.
pub fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.try_into().expect("it is not negative")
}

/// Resident memory in KiB as Linux reports it; 0 on other systems.
pub fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
        .and_then(|kib| kib.trim().parse().ok())
        .unwrap_or(0)
}

/// Does what it is given; callgrind counts that alone, with
/// `--toggle-collect=benches::counted*`.
#[inline(never)]
pub fn counted<R>(work: impl FnOnce() -> R) -> R {
    black_box(work())
}

/// How many calls to make before calls are measured: connections are then made, and the rate
/// limiter, which begins with 32 at once, has reached as many as are asked of it.
pub fn warm_up(at_once: u64) -> u64 {
    32 * at_once
}
