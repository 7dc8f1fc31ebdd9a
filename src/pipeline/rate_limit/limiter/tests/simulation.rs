//! Many calls, through the retry loop and the rate limiter, against a model of Okta's
//! window in virtual time.

use fastrand::Rng;
use proptest::prelude::*;
use tokio::time::{sleep, timeout_at};

use super::*;
use crate::pipeline::rate_limit::requested_wait;
use crate::pipeline::retry::{self, Attempt, Ended, Failure, RetryPolicy, WaitReason};

/// How the org and the calls behave.
#[derive(Clone, Debug)]
struct World {
    calls: u64,
    /// Milliseconds over which the calls begin.
    arrivals: u64,
    limit: u64,
    /// The limit from the third window on.
    later_limit: u64,
    /// Seconds.
    window: u64,
    /// Milliseconds of the first window that are over at the start.
    phase: u64,
    /// Milliseconds: the shortest and the longest way to Okta, and back.
    latency: (u64, u64),
    /// Requests that another client sends in each window: before the first of ours, or in
    /// its second half.
    others: u64,
    others_first: bool,
    /// Requests that others send per second, evenly.
    pace: u64,
    /// Clients that do not know of each other, and have the calls divided among them.
    processes: u64,
    /// Whether the server rounds the reset up.
    rounds_up: bool,
    /// When the server's clock jumps, and by how much, in milliseconds.
    jump: (u64, i64),
    retries: u32,
    /// Share of responses without headers.
    header_loss: f64,
    /// Share of calls that are dropped on the way.
    cancelled: f64,
    /// Share of requests that never get a response.
    hang: f64,
    /// Requests that the org accepts concurrently.
    concurrency: u64,
    /// Seconds that a call may take.
    deadline: u64,
    seed: u64,
}

impl Default for World {
    fn default() -> Self {
        World {
            calls: 300,
            arrivals: 0,
            limit: 100,
            later_limit: 100,
            window: 60,
            phase: 0,
            latency: (20, 80),
            others: 0,
            others_first: true,
            pace: 0,
            processes: 1,
            rounds_up: false,
            jump: (0, 0),
            retries: 1_000,
            header_loss: 0.0,
            cancelled: 0.0,
            hang: 0.0,
            concurrency: u64::MAX,
            deadline: 1_000_000,
            seed: 0,
        }
    }
}

/// What the org saw.
#[derive(Debug, Default)]
struct Counts {
    window: u64,
    used: u64,
    others_done: bool,
    /// Until when others' even pace is counted, in milliseconds.
    paced_until: u64,
    at_once: u64,
    /// The numbers of the calls taken, in order, and the windows they fell in.
    taken: Vec<u64>,
    windows: Vec<u64>,
    refused: u64,
    too_many: u64,
    others: u64,
    lost: u64,
}

struct Org {
    world: World,
    start: Instant,
    counts: Mutex<Counts>,
}

/// The server's clock at the start: far from ours, and not at a whole second.
const EPOCH: u64 = 2_000_000_000_300;

impl Org {
    fn elapsed(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    /// What the server's clock shows, in milliseconds.
    fn clock(&self) -> u64 {
        let (after, by) = self.world.jump;
        let by = if self.elapsed() >= after { by } else { 0 };
        (EPOCH + self.elapsed()).saturating_add_signed(by)
    }

    /// Takes or refuses a request: the status, limit, remaining and reset.
    fn take(&self, call: u64) -> (u16, [u64; 3]) {
        let world = &self.world;
        let length = world.window * 1000;
        let since = self.elapsed() + world.phase;
        let (window, into) = (since / length, since % length);
        let limit = [world.limit, world.later_limit][usize::from(window >= 2)];
        let end = self.clock() + length - into;
        let reset = match world.rounds_up {
            true => end.div_ceil(1000),
            false => end / 1000,
        };
        let mut counts = self.counts.lock().unwrap();
        if counts.at_once >= world.concurrency {
            counts.too_many += 1;
            return (429, [0, 0, reset]);
        }
        counts.at_once += 1;
        if counts.window != window {
            (counts.window, counts.used, counts.others_done) = (window, 0, false);
            counts.paced_until = counts.paced_until.max(since - into);
        }
        let owed = (since - counts.paced_until) * world.pace / 1000;
        if owed > 0 {
            counts.paced_until = since;
            counts.used = limit.min(counts.used + owed);
        }
        if !counts.others_done && (world.others_first || into > length / 2) {
            counts.others_done = true;
            let used = world.others.min(limit.saturating_sub(counts.used));
            counts.used += used;
            counts.others += used;
        }
        if counts.used >= limit {
            counts.refused += 1;
            return (429, [limit, 0, reset]);
        }
        counts.used += 1;
        counts.taken.push(call);
        if counts.windows.last() != Some(&window) {
            counts.windows.push(window);
        }
        (204, [limit, limit - counts.used, reset])
    }

    async fn respond(&self, call: u64, rng: &mut Rng) -> (u16, HeaderMap) {
        let (shortest, longest) = self.world.latency;
        let mut way = || Duration::from_millis(rng.u64(shortest..=longest));
        let (there, work, back) = (way(), way() / 2, way() / 2);
        sleep(there).await;
        if rng.f64() < self.world.hang {
            std::future::pending().await
        }
        let (status, [limit, remaining, reset]) = self.take(call);
        sleep(work).await;
        let date = self.clock() / 1000;
        if limit > 0 {
            self.counts.lock().unwrap().at_once -= 1;
        }
        sleep(back).await;
        if rng.f64() < self.world.header_loss {
            self.counts.lock().unwrap().lost += 1;
            return (status, HeaderMap::new());
        }
        (status, headers(limit, remaining, reset, date))
    }
}

struct Refusal {
    reason: Option<WaitReason>,
    wait: Option<Duration>,
    limiter_waits: bool,
}

impl Failure for Refusal {
    fn retry(&self) -> Option<WaitReason> {
        self.reason
    }
    fn requested_wait(&self) -> Option<Duration> {
        self.wait
    }
    fn limiter_waits(&self) -> bool {
        self.limiter_waits
    }
    fn request_id(&self) -> Option<&str> {
        None
    }
    fn effect_unknown(&self) -> bool {
        self.reason == Some(WaitReason::TimedOut)
    }
}

/// One attempt, as a client makes it.
async fn send(
    limiter: RateLimiter,
    org: Arc<Org>,
    call: u64,
    attempt: Attempt,
) -> Result<(), Refusal> {
    let seed = org.world.seed ^ (call << 20) ^ u64::from(attempt.number);
    let refusal = |reason, wait| Refusal {
        reason,
        wait,
        limiter_waits: false,
    };
    let permit = limiter.acquire(attempt.deadline, None, |_| ()).await;
    let permit = permit.map_err(|exceeded| refusal(None, exceeded.wait))?;
    let mut rng = Rng::with_seed(seed);
    let response = timeout_at(attempt.ends(), org.respond(call, &mut rng)).await;
    let (status, headers) = response.map_err(|_| refusal(Some(WaitReason::TimedOut), None))?;
    let reading = RateLimit::from_headers(&headers);
    permit.complete(status, reading.as_ref());
    if status == 204 {
        return Ok(());
    }
    let (reason, limiter_waits) = match &reading {
        Some(reading) if reading.is_concurrency() => (WaitReason::ConcurrencyLimited, false),
        Some(reading) => (WaitReason::RateLimited, reading.until_reset().is_some()),
        None => (WaitReason::RateLimited, false),
    };
    Err(Refusal {
        limiter_waits,
        ..refusal(Some(reason), requested_wait(status, &headers))
    })
}

/// What became of the calls.
#[derive(Debug, Default)]
struct Report {
    done: u64,
    failed: u64,
    cancelled: u64,
    seconds: u64,
    counts: Counts,
}

fn simulate(world: &World) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(play(world))
}

async fn play(world: &World) -> Report {
    let start = Instant::now();
    let limiters: Vec<_> = (0..world.processes)
        .map(|_| RateLimiter::default())
        .collect();
    let org = Arc::new(Org {
        world: world.clone(),
        start,
        counts: Mutex::default(),
    });
    let policy = RetryPolicy::default()
        .with_max_retries(world.retries)
        .with_deadline(secs(world.deadline));
    let call = |number: u64| {
        let limiter = limiters[(number % world.processes) as usize].clone();
        let (org, policy) = (org.clone(), policy.clone());
        async move {
            let mut rng = Rng::with_seed(org.world.seed ^ number);
            let begins = number * org.world.arrivals / org.world.calls;
            sleep(Duration::from_millis(begins)).await;
            let deadline = policy.deadline_from_now();
            let leaves = match rng.f64() < org.world.cancelled {
                true => after(Instant::now(), Duration::from_millis(rng.u64(0..100_000))),
                false => after(deadline, secs(1)),
            };
            let call = retry::run(
                &policy,
                deadline,
                || rng.f64(),
                None,
                |attempt| send(limiter.clone(), org.clone(), number, attempt),
            );
            let outcome = timeout_at(leaves, call).await.ok()?;
            // The timer's grain is a millisecond.
            let late = Instant::now().saturating_duration_since(deadline);
            assert!(late <= Duration::from_millis(2), "{late:?} late");
            Some(outcome.result.map_err(|(_, ended)| ended))
        }
    };
    let calls: Vec<_> = (0..world.calls)
        .map(|number| tokio::spawn(call(number)))
        .collect();
    let mut report = Report::default();
    for call in calls {
        match call.await.unwrap() {
            Some(Ok(())) => report.done += 1,
            Some(Err(Ended::RetriesExhausted)) => panic!("starved"),
            Some(Err(_)) => report.failed += 1,
            None => report.cancelled += 1,
        }
    }
    report.seconds = start.elapsed().as_secs();
    for limiter in limiters {
        limiter.update(Instant::now(), |state| {
            assert_eq!(state.in_flight, 0);
            assert_eq!(state.queue.iter().count(), 0);
        });
    }
    report.counts = std::mem::take(&mut org.counts.lock().unwrap());
    report
}

#[test]
fn a_thousand_calls_at_a_hundred_per_window() {
    for (phase, latency) in [
        (0, (20, 80)),
        (37_000, (20, 80)),
        (100, (300, 600)),
        (9, (0, 0)),
    ] {
        let world = World {
            calls: 1_000,
            phase,
            latency,
            ..World::default()
        };
        let report = simulate(&world);
        assert_eq!((report.done, report.failed), (1_000, 0));
        assert_eq!(report.counts.refused, 0, "{world:?}");
        assert_eq!(report.counts.windows, (0..10).collect::<Vec<_>>());
        assert!(report.seconds < 9 * 60 + 30, "{}", report.seconds);
        if latency.0 == latency.1 {
            assert!(report.counts.taken.is_sorted(), "not in order");
        }
    }
}

#[test]
fn a_thousand_calls_in_an_org_with_a_concurrency_limit() {
    // A free org, and one where others leave room for ten at once.
    for (concurrency, quota) in [(35, 4), (10, 80)] {
        let world = World {
            calls: 1_000,
            concurrency,
            ..World::default()
        };
        let report = simulate(&world);
        assert_eq!(report.done, 1_000);
        assert_eq!(report.counts.refused, 0);
        assert!(
            report.counts.too_many <= quota,
            "{}",
            report.counts.too_many
        );
        assert_eq!(report.counts.windows.len(), 10);
    }
}

#[test]
fn another_client_costs_one_429_per_window_it_exhausts_and_one_that_comes_too_early() {
    // The other client exhausts the first two windows, then uses half of each.
    let world = World {
        calls: 1_000,
        others: 100,
        later_limit: 200,
        ..World::default()
    };
    let report = simulate(&world);
    assert_eq!(report.done, 1_000);
    assert!(report.counts.refused <= 3, "{}", report.counts.refused);
    assert_eq!(report.counts.windows, (2..12).collect::<Vec<_>>());
}

#[test]
fn slow_responses_cost_429s_in_an_unknown_window_only() {
    let world = World {
        limit: 10,
        later_limit: 10,
        latency: (1_200, 1_900),
        ..World::default()
    };
    let report = simulate(&world);
    assert_eq!((report.done, report.counts.windows.len()), (300, 30));
    assert!(
        report.counts.refused <= INITIAL_CONCURRENCY,
        "{}",
        report.counts.refused
    );
}

fn worlds() -> impl Strategy<Value = World> {
    let limits = (1..150_u64, 1..150_u64, 2..90_u64, 0..90_000_u64);
    let arrivals = prop_oneof![Just(0), 0..200_000_u64];
    let calls = (1..400_u64, arrivals, 0..300_u64, 0..150_u64, any::<u64>());
    (limits, calls).prop_map(|(limits, (calls, arrivals, latency, spread, seed))| {
        let (limit, later_limit, window, phase) = limits;
        World {
            calls,
            arrivals,
            limit,
            later_limit,
            window,
            phase: phase % (window * 1000),
            latency: (latency, latency + spread),
            seed,
            ..World::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Without other clients, whatever the limits, no request is refused, except those in
    /// flight while the limit falls, and one that learns that a window had begun before
    /// the first request.
    #[test]
    fn alone_nothing_is_refused(world in worlds()) {
        let report = simulate(&world);
        prop_assert_eq!(report.done, world.calls);
        let unforeseen = u64::from(world.later_limit < world.limit) * INITIAL_CONCURRENCY;
        prop_assert!(report.counts.refused <= unforeseen + 1);
    }

    /// Other clients use the limit too, responses lose their headers, calls are cancelled:
    /// every remaining call succeeds, and only unforeseeable requests are refused.
    #[test]
    fn under_interference_every_call_succeeds(
        world in worlds(),
        others in 0..40_u64,
        others_first: bool,
        header_loss in prop_oneof![Just(0.0), 0.0..0.5_f64],
        cancelled in prop_oneof![Just(0.0), 0.0..0.5_f64],
    ) {
        let others = others.min(world.limit.min(world.later_limit) - 1);
        let world = World { others, others_first, header_loss, cancelled, ..world };
        let report = simulate(&world);
        prop_assert_eq!(report.done + report.cancelled, world.calls);
        let Counts { refused, others, lost, .. } = report.counts;
        let falls = u64::from(world.later_limit < world.limit) * INITIAL_CONCURRENCY;
        // And one that learns that a window had begun before the first request.
        let unforeseen = others + falls + 2 * lost + report.cancelled + 1;
        prop_assert!(refused <= unforeseen, "{} of {}", refused, unforeseen);
    }

    /// Slow responses and missing ones: each call ends by its deadline, as `play` checks,
    /// and no waiter is left behind.
    #[test]
    fn deadlines_hold(
        world in worlds(),
        deadline in 1..150_u64,
        hang in 0.0..0.5_f64,
        latency in 0..20_000_u64,
        header_loss in 0.0..1.0_f64,
    ) {
        let latency = (latency / 2, latency);
        let world = World { deadline, hang, header_loss, latency, ..world };
        let report = simulate(&world);
        prop_assert_eq!(report.done + report.failed, world.calls);
    }

    /// Others use the window evenly, or are several clients like this one; the server rounds
    /// either way, and its clock may jump: nobody is refused so often that the call fails, and
    /// the calls take no more windows than a quarter of a fair part of each allows.
    #[test]
    fn beside_others_nobody_starves(
        (calls, limit, window) in (1..500_u64, 20..600_u64, 1..7_u64),
        (phase, latency, spread, seed) in (0..70_000_u64, 1..80_u64, 0..80_u64, any::<u64>()),
        pace in prop_oneof![Just(0.0), 0.0..0.5_f64],
        processes in prop_oneof![Just(1), 1..6_u64],
        rounds_up: bool,
        jump in prop_oneof![Just((0, 0)), (0..60_000_u64, -3_000..3_000_i64)],
    ) {
        let window = window * 10;
        let world = World {
            calls,
            limit,
            later_limit: limit,
            window,
            phase: phase % (window * 1000),
            latency: (latency, latency + spread),
            // They need two seconds at least to use up a window.
            pace: (pace * limit as f64) as u64,
            processes,
            rounds_up,
            jump,
            // A single call has four by default, which is too few about once in 400,000 calls here;
            // a bulk run repeats them twenty times.
            retries: 10,
            seed,
            ..World::default()
        };
        let report = simulate(&world);
        prop_assert_eq!(report.done, world.calls);
        let round_trip = (2 * latency + spread) as f64 / 1e3;
        let ours = INITIAL_CONCURRENCY as f64 / round_trip;
        let fair = limit as f64 * ours / (ours + world.pace as f64);
        let windows = 6 + (4.0 * calls as f64 / fair.max(1.0)) as u64;
        prop_assert!(report.seconds <= windows * window, "{} s, {} windows", report.seconds, windows);
    }
}
