use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::header::HeaderMap;
use tokio::task::{JoinHandle, yield_now};

use super::concurrency::{COOLDOWN as CONCURRENCY_COOLDOWN, INITIAL as INITIAL_CONCURRENCY};
use super::*;

mod bulk;
mod concurrency;
mod lies;
mod probing;
mod queue;
mod readings;
mod server_clock;
mod sharing;
mod simulation;
mod window_end;

/// The reading of a response written at `date`, in a window that ends at `reset`.
fn reading(limit: u64, remaining: u64, reset: u64, date: u64) -> RateLimit {
    RateLimit::from_headers(&headers(limit, remaining, reset, date)).unwrap()
}

fn headers(limit: u64, remaining: u64, reset: u64, date: u64) -> HeaderMap {
    let date: SystemTime = UNIX_EPOCH + secs(date);
    let lines = [
        ("x-rate-limit-limit", limit.to_string()),
        ("x-rate-limit-remaining", remaining.to_string()),
        ("x-rate-limit-reset", reset.to_string()),
        ("date", httpdate::fmt_http_date(date)),
    ];
    let parse =
        |(name, value): (&'static str, String)| (name.try_into().unwrap(), value.parse().unwrap());
    lines.into_iter().map(parse).collect()
}

/// A server by its own clock, in milliseconds.
struct Server {
    start: Instant,
    /// What its clock shows at `start`.
    clock: u64,
    limit: u64,
    /// Whether it rounds the reset up.
    rounds_up: bool,
}

impl Server {
    fn new(clock: u64, limit: u64) -> Server {
        Server {
            start: Instant::now(),
            clock,
            limit,
            rounds_up: false,
        }
    }

    fn now(&self) -> u64 {
        self.clock + self.start.elapsed().as_millis() as u64
    }

    /// The reading of a response that is written now.
    fn reading(&self, remaining: u64, end: u64) -> RateLimit {
        let reset = match self.rounds_up {
            true => end.div_ceil(1000),
            false => end / 1000,
        };
        reading(self.limit, remaining, reset, self.now() / 1000)
    }
}

async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

fn concurrency() -> RateLimit {
    reading(0, 0, 60, 0)
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn far() -> Instant {
    after(Instant::now(), secs(3600))
}

async fn permit(limiter: &RateLimiter) -> Permit {
    limiter.acquire(far(), None, |_| ()).await.unwrap()
}

/// A call that waits in its own task.
fn waiter(limiter: &RateLimiter) -> JoinHandle<Permit> {
    let limiter = limiter.clone();
    tokio::spawn(async move { permit(&limiter).await })
}

/// Lets every task run until it waits, without advancing the time.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

/// How many more calls are admitted at once; they stay in flight.
async fn admitted(limiter: &RateLimiter) -> (usize, Vec<JoinHandle<Permit>>) {
    let calls: Vec<_> = (0..200).map(|_| waiter(limiter)).collect();
    settle().await;
    let (admitted, waiting): (Vec<_>, Vec<_>) = calls.into_iter().partition(|c| c.is_finished());
    waiting.iter().for_each(JoinHandle::abort);
    settle().await;
    (admitted.len(), admitted)
}

/// A rate limiter that has learned that `remaining` requests are left for 60 s.
async fn knowing(limit: u64, remaining: u64) -> RateLimiter {
    let limiter = RateLimiter::default();
    let known = reading(limit, remaining, 60, 0);
    permit(&limiter).await.complete(204, Some(&known));
    limiter
}

/// Polls once.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
