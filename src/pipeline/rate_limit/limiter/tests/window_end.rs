//! When the next window is tried.

use super::*;

/// How a client fared that used one request in each window, from the first moment on.
#[derive(Debug, Default)]
struct Ride {
    /// Requests that came before the end of a window.
    too_early: u64,
    /// How long after the end of each window its request came, in milliseconds.
    late: Vec<u64>,
}

/// Each window begins with the client's request, which takes ten milliseconds each way.
/// `before_request` may change the server's clock.
async fn ride(
    limiter: &RateLimiter,
    server: &mut Server,
    length: u64,
    windows: usize,
    mut before_request: impl FnMut(usize, &mut Server),
) -> Ride {
    let mut ride = Ride::default();
    let mut end = 0;
    while ride.late.len() <= windows {
        before_request(ride.late.len(), server);
        let permit = permit(limiter).await;
        pause(10).await;
        let now = server.now();
        let status = if now >= end {
            ride.late.push(now - end);
            end = now + length;
            204
        } else {
            ride.too_early += 1;
            429
        };
        pause(10).await;
        permit.complete(status, Some(&server.reading(0, end)));
    }
    // There was no window before the first request.
    ride.late.remove(0);
    ride
}

fn each_phase() -> impl Iterator<Item = (u64, bool)> {
    let phases = (0..1_000).step_by(100);
    phases.flat_map(|phase| [(5_000_000 + phase, false), (5_000_000 + phase, true)])
}

#[tokio::test(start_paused = true)]
async fn the_client_that_begins_a_window_knows_when_it_ends() {
    for length in [10_000, 20_000, 60_000, 300_000] {
        for (clock, rounds_up) in each_phase() {
            let mut server = Server::new(clock, 1);
            server.rounds_up = rounds_up;
            let limiter = RateLimiter::default();
            let ride = ride(&limiter, &mut server, length, 5, |_, _| ()).await;
            assert_eq!(ride.too_early, 0, "{length} {clock} {rounds_up}");
            assert!(ride.late.iter().all(|&late| late <= 25), "{ride:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_window_of_an_odd_length_costs_one_429_and_then_two_seconds_at_most() {
    for length in [7_000, 21_000, 61_000, 59_500] {
        for (clock, rounds_up) in each_phase() {
            let mut server = Server::new(clock, 1);
            server.rounds_up = rounds_up;
            let limiter = RateLimiter::default();
            let ride = ride(&limiter, &mut server, length, 10, |_, _| ()).await;
            assert!(ride.too_early <= 1, "{length} {clock} {rounds_up} {ride:?}");
            assert!(ride.late.iter().all(|&late| late <= 2_100), "{ride:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_clock_that_jumps_costs_two_429s_at_most() {
    for jump in [-300_000, -7_300, -900, 900, 7_300, 3_600_000_i64] {
        for (clock, _) in each_phase() {
            let mut server = Server::new(clock, 1);
            let limiter = RateLimiter::default();
            let mut jumped = false;
            let jump_once = |window, server: &mut Server| {
                if window == 3 && !std::mem::replace(&mut jumped, true) {
                    server.clock = server.clock.saturating_add_signed(jump);
                }
            };
            let ride = ride(&limiter, &mut server, 10_000, 8, jump_once).await;
            assert!(ride.too_early <= 2, "{jump} {clock} {ride:?}");
            let late =
                |late: &&u64| **late > 2_100 && i128::from(**late) > i128::from(jump) + 2_100;
            assert_eq!(ride.late.iter().find(late), None, "{jump} {clock} {ride:?}");
        }
    }
}

/// Two servers behind one address; the windows are by the clock of the first.
#[tokio::test(start_paused = true)]
async fn clocks_that_differ_cost_one_429_a_window_at_most() {
    for behind in [300, 700, 1_400, 5_000] {
        let server = Server::new(5_000_250, 1);
        let other = Server::new(5_000_250 - behind, 1);
        let limiter = RateLimiter::default();
        let (mut end, mut windows, mut too_early) = (0, 0, 0);
        while windows < 20 {
            let permit = permit(&limiter).await;
            pause(10).await;
            let now = server.now();
            let status = if now >= end {
                assert!(
                    end == 0 || now - end <= 2_100 + behind,
                    "{} late",
                    now - end
                );
                end = now + 10_000;
                windows += 1;
                204
            } else {
                too_early += 1;
                429
            };
            let writes = [&server, &other][usize::from(fastrand::bool())];
            permit.complete(status, Some(&writes.reading(0, end)));
        }
        assert!(too_early <= windows, "{behind}: {too_early} of {windows}");
    }
}

/// Without a `Date`, the local clock says how long a window has to go.
#[tokio::test(start_paused = true)]
async fn without_a_date_the_header_alone_counts() {
    let limiter = RateLimiter::default();
    let mut known = reading(1, 0, 30, 0);
    known.date = None;
    permit(&limiter).await.complete(429, Some(&known));
    let start = Instant::now();
    let _permit = permit(&limiter).await;
    assert_eq!(start.elapsed(), secs(31));
}

#[tokio::test(start_paused = true)]
async fn clocks_may_differ_by_hours() {
    for date in [1, 7_200, 2_000_000_000] {
        let limiter = RateLimiter::default();
        let exhausted = reading(100, 0, date + 30, date);
        permit(&limiter).await.complete(429, Some(&exhausted));
        let start = Instant::now();
        let _permit = permit(&limiter).await;
        assert_eq!(start.elapsed(), secs(31));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_the_end_of_an_exhausted_window() {
    let limiter = knowing(100, 1).await;
    let start = Instant::now();
    let last = permit(&limiter).await;
    last.complete(204, Some(&reading(100, 0, 60, 0)));
    let waits = Mutex::new(Vec::new());
    let deadline = after(start, secs(62));
    let permit = limiter
        .acquire(deadline, None, |wait| waits.lock().unwrap().push(wait))
        .await;
    assert!(permit.is_ok());
    assert_eq!(start.elapsed(), secs(61));
    assert_eq!(*waits.lock().unwrap(), [secs(61)]);
}

/// Others use up each window within 0.3 seconds. A client that does not know when windows
/// begin comes too late at first, then ever earlier, and from then on in time.
#[tokio::test(start_paused = true)]
async fn a_client_that_comes_too_late_comes_earlier() {
    const LENGTH: u64 = 10_000;
    for (clock, rounds_up) in each_phase() {
        let mut server = Server::new(clock, 600);
        server.rounds_up = rounds_up;
        // It meets the first window after four seconds.
        let first = clock - 4_000;
        let limiter = RateLimiter::default();
        let (mut served, mut too_early) = (Vec::new(), 0);
        let mut seen = None;
        while server.now() < clock + 20 * LENGTH {
            let permit = permit(&limiter).await;
            pause(10).await;
            let now = server.now();
            let (window, since) = ((now - first) / LENGTH, (now - first) % LENGTH);
            let end = first + (window + 1) * LENGTH;
            let remaining = 600_u64.saturating_sub(2 * since);
            let status = if remaining == 0 { 429 } else { 204 };
            if status == 204 {
                served.push(window);
            } else {
                too_early += u64::from(seen == Some(window));
            }
            seen = Some(window);
            pause(10).await;
            permit.complete(
                status,
                Some(&server.reading(remaining.saturating_sub(1), end)),
            );
        }
        served.dedup();
        let first_served = served[0];
        assert!(first_served <= 5, "{clock} {rounds_up} {served:?}");
        let all: Vec<u64> = (first_served..20).collect();
        assert_eq!(served[..all.len()], all, "{clock} {rounds_up}");
        assert!(too_early <= 30, "{clock} {rounds_up} {too_early}");
    }
}
