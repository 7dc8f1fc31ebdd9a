//! How long it takes to revoke users of an org whose rate limit others use too, and how
//! many requests are refused. The whole client, over real sockets.
//!
//! `rate-limit-bench [NAME] [--real]`: only the scenarios whose name begins with `NAME`; in
//! real time, at three phases instead of ten, not in virtual time. With `EACH` set in the
//! environment, also each phase.
//!
//! The time on the processor is for each user, with the org's part, which is the same for all
//! in a scenario. A user is lost whose call ended without success, after an hour. A 429 is avoidable if the
//! window had been exhausted for more than 100 ms.

mod org;

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use okta_user_sessions::{Client, Credentials, RetryPolicy};
use org::{Model, Seen};
use tokio::{task::JoinSet, time::Instant};

/// Who calls.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// All calls at once, each on its own.
    Single,
    /// A run with this share.
    Bulk(f64),
}

#[derive(Clone, Copy)]
struct Scenario {
    name: &'static str,
    users: u64,
    kind: Kind,
    /// Clients that do not know of each other, and have the users divided among them.
    processes: u64,
    model: Model,
}

struct Result {
    took: f64,
    /// What nobody could beat.
    least: f64,
    revoked: u64,
    seen: Seen,
    /// When each process had ended.
    ends: Vec<f64>,
    /// Microseconds on the processor for each user, with the org's own.
    cpu: f64,
}

const ALONE: Model = Model {
    limit: 600,
    window: 10_000,
    phase: 0,
    rounds_up: false,
    grid: false,
    latency: (5, 15),
    others: 0,
    lead: 0,
};

/// 800 users beside others, who take 300 requests a second.
const SHARED: Model = Model {
    others: 300,
    ..ALONE
};

fn scenarios() -> Vec<Scenario> {
    let one = |name, users, kind, model| Scenario {
        name,
        users,
        kind,
        processes: 1,
        model,
    };
    let several = |name, processes, kind, model| Scenario {
        processes,
        ..one(name, 3_000, kind, model)
    };
    let all = Kind::Bulk(1.0);
    let okta = Model {
        window: 60_000,
        ..ALONE
    };
    let slow = Model {
        latency: (30, 90),
        ..SHARED
    };
    let late = Model {
        lead: 800,
        ..SHARED
    };
    let rounds_up = Model {
        rounds_up: true,
        ..ALONE
    };
    let waiting = |name, users| one(name, users, Kind::Single, ALONE);
    vec![
        waiting("2,500 calls wait", 2_500),
        waiting("10,000 calls wait", 10_000),
        waiting("20,000 calls wait", 20_000),
        one("alone, single calls", 3_000, Kind::Single, ALONE),
        one("alone, share 1", 3_000, all, ALONE),
        one("alone, half share", 1_500, Kind::Bulk(0.5), ALONE),
        one("alone, reset rounded up", 3_000, all, rounds_up),
        one(
            "alone, grid",
            3_000,
            all,
            Model {
                grid: true,
                lead: 1_300,
                ..ALONE
            },
        ),
        one("alone, 60 s", 3_000, all, okta),
        one(
            "alone, 60 s, rounded up",
            3_000,
            all,
            Model {
                window: 60_000,
                ..rounds_up
            },
        ),
        one("shared, single calls", 800, Kind::Single, SHARED),
        one("shared, half share", 800, Kind::Bulk(0.5), SHARED),
        one("shared, share 1", 800, all, SHARED),
        one(
            "shared, reset rounded up, single calls",
            800,
            Kind::Single,
            Model {
                rounds_up: true,
                ..SHARED
            },
        ),
        one(
            "shared, slow network, single calls",
            800,
            Kind::Single,
            slow,
        ),
        one(
            "shared, slow network, half share",
            800,
            Kind::Bulk(0.5),
            slow,
        ),
        one("shared, slow network, share 1", 800, all, slow),
        one("shared since 0.8 s, single calls", 800, Kind::Single, late),
        one("shared since 0.8 s, half share", 800, Kind::Bulk(0.5), late),
        one("shared since 0.8 s, share 1", 800, all, late),
        one(
            "a third taken, single calls",
            1_200,
            Kind::Single,
            Model {
                others: 20,
                ..ALONE
            },
        ),
        one(
            "a third taken, share 1",
            1_200,
            all,
            Model {
                others: 20,
                ..ALONE
            },
        ),
        one(
            "shared, 60 s, share 1",
            1_500,
            all,
            Model { others: 3, ..okta },
        ),
        several("2 processes, share 1", 2, all, ALONE),
        several("5 processes, share 1", 5, all, ALONE),
        several("20 processes, share 1", 20, all, ALONE),
        several("20 processes, single calls", 20, Kind::Single, ALONE),
        several("2 processes, share 1/2", 2, Kind::Bulk(0.5), ALONE),
        several("5 processes, share 1/5", 5, Kind::Bulk(0.2), ALONE),
        several("20 processes, share 1/20", 20, Kind::Bulk(0.05), ALONE),
    ]
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let real = arguments.iter().any(|argument| argument == "--real");
    let name = arguments
        .iter()
        .find(|argument| !argument.starts_with("--"));
    let phases: &[u64] = match real {
        true => &[20, 350, 700],
        false => &[0, 100, 200, 300, 400, 500, 600, 700, 800, 900],
    };
    println!(
        "{:<40} {:>7} {:>15} {:>7} {:>6} {:>5} {:>9} {:>7}",
        "in seconds, over ten phases",
        "least",
        "took",
        "ratio",
        "429s",
        "lost",
        "avoidable",
        "CPU µs"
    );
    for scenario in scenarios() {
        if name.is_some_and(|name| !scenario.name.starts_with(name.as_str())) {
            continue;
        }
        // In real time side by side, or it would take too long.
        let results: Vec<Result> = match real {
            true => std::thread::scope(|scope| {
                let threads: Vec<_> = phases
                    .iter()
                    .map(|&phase| scope.spawn(move || measure(scenario, phase, real)))
                    .collect();
                let join = |thread: std::thread::ScopedJoinHandle<'_, Result>| {
                    thread.join().expect("it ends")
                };
                threads.into_iter().map(join).collect()
            }),
            false => phases
                .iter()
                .map(|&phase| measure(scenario, phase, real))
                .collect(),
        };
        print(scenario, &results);
    }
}

fn print(scenario: Scenario, results: &[Result]) {
    let least = |of: &dyn Fn(&Result) -> f64| results.iter().map(of).fold(f64::MAX, f64::min);
    let most = |of: &dyn Fn(&Result) -> f64| results.iter().map(of).fold(0.0, f64::max);
    let lost: u64 = results
        .iter()
        .map(|result| scenario.users - result.revoked)
        .sum();
    println!(
        "{:<40} {:>7.1} {:>6.1} to {:>5.1} {:>7.3} {:>6} {:>5} {:>9} {:>7.0}",
        scenario.name,
        least(&|result| result.least),
        least(&|result| result.took),
        most(&|result| result.took),
        most(&|result| result.took / result.least),
        most(&|result| result.seen.refused as f64),
        lost,
        most(&|result| result.seen.avoidable as f64),
        least(&|result| result.cpu),
    );
    if env::var_os("EACH").is_some() {
        for result in results {
            println!(
                "    {:.2} of {:.2}, {} refused in {} windows, {} avoidable, the first process at {:.2}",
                result.took,
                result.least,
                result.seen.refused,
                result.seen.windows_with_refusals,
                result.seen.avoidable,
                result.ends.iter().copied().fold(f64::MAX, f64::min),
            );
        }
    }
}

fn measure(scenario: Scenario, phase: u64, real: bool) -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(!real)
        .build()
        .expect("a runtime");
    fastrand::seed(phase + 1);
    let before = on_processor();
    let result = runtime.block_on(run(Scenario {
        model: Model {
            phase,
            ..scenario.model
        },
        ..scenario
    }));
    let cpu = on_processor().saturating_sub(before).as_secs_f64();
    Result {
        cpu: cpu * 1e6 / scenario.users as f64,
        ..result
    }
}

/// How long this thread was on a processor, where Linux says so.
fn on_processor() -> Duration {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = line.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

async fn run(scenario: Scenario) -> Result {
    let running = scenario.model.start().await;
    let start = Instant::now();
    let revoked = Arc::new(AtomicU64::new(0));
    let mut processes = JoinSet::new();
    for process in 0..scenario.processes {
        let url = running.url.clone();
        let revoked = Arc::clone(&revoked);
        let part = scenario.users / scenario.processes;
        let ids = (process * part..(process + 1) * part).map(|number| format!("00u{number:017}"));
        processes.spawn(async move {
            let okta = Client::builder(&url)
                .allow_loopback_http(true)
                .credentials(Credentials::api_token("00token"))
                .retry(RetryPolicy::default().with_deadline(Duration::from_secs(3_600)))
                .build()
                .expect("a client");
            match scenario.kind {
                Kind::Single => single(&okta, ids, &revoked).await,
                // Processes that divide a limit among themselves leave nothing.
                Kind::Bulk(share) => {
                    bulk(&okta, ids, share, scenario.processes == 1, &revoked).await
                }
            }
            start.elapsed().as_secs_f64()
        });
    }
    // The first window, before anything else is known, to say what the least is.
    let mut ends = Vec::new();
    let mut first_window = None;
    loop {
        tokio::select! {
            biased;
            ended = processes.join_next() => match ended {
                Some(ended) => ends.push(ended.expect("it ends")),
                None => break,
            },
            () = tokio::time::sleep(Duration::from_millis(40)), if first_window.is_none() => {
                first_window = running.org.begun();
            }
        }
    }
    let model = scenario.model;
    let per_window = match scenario.kind {
        Kind::Bulk(share) if scenario.processes == 1 => (model.limit as f64 * share) as u64,
        _ => model.limit,
    };
    let windows = scenario.users.div_ceil(per_window) - 1;
    let begun = first_window.unwrap_or(start);
    let since = start.saturating_duration_since(begun).as_secs_f64();
    let least = (windows * model.window) as f64 / 1e3 - since;
    Result {
        took: ends.iter().copied().fold(0.0, f64::max),
        least,
        revoked: revoked.load(Relaxed),
        seen: running.org.seen(),
        ends,
        cpu: 0.0,
    }
}

async fn single(okta: &Client, ids: impl Iterator<Item = String>, revoked: &AtomicU64) {
    let mut calls = JoinSet::new();
    for id in ids {
        let okta = okta.clone();
        calls.spawn(async move { okta.revoke_user_sessions(id).await.is_ok() });
    }
    while let Some(done) = calls.join_next().await {
        revoked.fetch_add(done.expect("it ends").into(), Relaxed);
    }
}

async fn bulk(
    okta: &Client,
    ids: impl Iterator<Item = String> + Send + 'static,
    share: f64,
    reserve: bool,
    revoked: &AtomicU64,
) {
    let run = okta.revoke_many(ids).share(share);
    let run = if reserve { run } else { run.reserve(0) };
    let mut run = run.start().expect("it starts");
    while let Some(user) = run.next().await {
        let done = user.outcome == okta_user_sessions::Outcome::Revoked;
        revoked.fetch_add(done.into(), Relaxed);
    }
}
