//! An org that others use too: one rate-limit window, seen through a network.

use std::{
    convert::Infallible,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::Response;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

/// How an org behaves. Times are milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Requests per window.
    pub limit: u64,
    pub window: u64,
    /// What the server's clock shows of a second when the clients begin.
    pub phase: u64,
    /// Whether `X-Rate-Limit-Reset` is the window's end rounded up, not down.
    pub rounds_up: bool,
    /// Whether windows follow each other without a gap, as long ago as `lead` says. If
    /// not, the first request after one begins the next.
    pub grid: bool,
    /// The shortest and longest way to the org; the way back is as long.
    pub latency: (u64, u64),
    /// Requests that others send per second, evenly.
    pub others: u64,
    /// How long others have sent before the clients begin.
    pub lead: u64,
}

/// What the org saw of its own clients; others are not counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub accepted: u64,
    pub refused: u64,
    /// Refused in a window that was already exhausted for more than 100 ms, or long after
    /// it was known to be.
    pub avoidable: u64,
    /// The windows in which one of its clients was refused.
    pub windows_with_refusals: u64,
}

struct State {
    begun: Option<Instant>,
    used: u64,
    exhausted: Option<Instant>,
    refused_in_window: bool,
    seen: Seen,
}

/// An org that runs until it is dropped.
pub struct Org {
    model: Model,
    /// When the server's clock showed a whole second.
    epoch: Instant,
    state: Mutex<State>,
}

/// Far from the local clock.
const SECOND: u64 = 2_000_000_000;

pub struct Running {
    pub org: Arc<Org>,
    pub url: String,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Model {
    /// Begins the org, and returns when its clients may begin.
    pub async fn start(self) -> Running {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let ms = Duration::from_millis;
        // Two seconds are enough for any phase.
        let begin = Instant::now() + ms(2_000) - ms(self.phase);
        let org = Arc::new(Org {
            model: self,
            epoch: begin,
            state: Mutex::new(State {
                begun: None,
                used: 0,
                exhausted: None,
                refused_in_window: false,
                seen: Seen::default(),
            }),
        });
        let mut tasks = vec![tokio::spawn(serve(listener, Arc::clone(&org)))];
        let first = begin + ms(self.phase);
        tokio::time::sleep_until(first - ms(self.lead.min(1_900))).await;
        if self.grid {
            org.lock().begun = Some(first - ms(self.lead));
        }
        if self.others > 0 {
            tasks.push(tokio::spawn(spend(Arc::clone(&org))));
        }
        tokio::time::sleep_until(first).await;
        Running { org, url, tasks }
    }
}

impl Org {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics under the lock")
    }

    pub fn seen(&self) -> Seen {
        self.lock().seen
    }

    /// When the current window began.
    pub fn begun(&self) -> Option<Instant> {
        self.lock().begun
    }

    /// Takes requests, as many as are left: how many, how many are left, and the end.
    fn take(&self, ours: bool, wanted: u64) -> (u64, u64, Instant) {
        let length = Duration::from_millis(self.model.window);
        let now = Instant::now();
        let mut state = self.lock();
        let over = state.begun.is_none_or(|begun| now >= begun + length);
        if over {
            let mut begun = now;
            if let Some(mut last) = state.begun
                && self.model.grid
            {
                while now >= last + length {
                    last += length;
                }
                begun = last;
            }
            state.begun = Some(begun);
            state.used = 0;
            state.exhausted = None;
            state.refused_in_window = false;
        }
        let end = state.begun.expect("just set") + length;
        let taken = wanted.min(self.model.limit - state.used);
        state.used += taken;
        if state.used == self.model.limit && state.exhausted.is_none() {
            state.exhausted = Some(now);
        }
        if ours && taken == 0 {
            state.seen.refused += 1;
            let late = Duration::from_millis(100);
            if state.exhausted.is_some_and(|then| now > then + late) {
                state.seen.avoidable += 1;
            }
            if !std::mem::replace(&mut state.refused_in_window, true) {
                state.seen.windows_with_refusals += 1;
            }
        } else if ours {
            state.seen.accepted += 1;
        }
        (taken, self.model.limit - state.used, end)
    }

    fn seconds(&self, at: Instant) -> Duration {
        // The epoch may be a moment ahead.
        let shift = Duration::from_secs(10_000);
        Duration::from_secs(SECOND) - shift + (at + shift - self.epoch)
    }

    async fn respond(&self) -> Response<String> {
        let (shortest, longest) = self.model.latency;
        let way = || Duration::from_millis(fastrand::u64(shortest..=longest));
        let (there, back) = (way(), way());
        sleep(there).await;
        let (taken, remaining, end) = self.take(true, 1);
        let date = UNIX_EPOCH + Duration::from_secs(self.seconds(Instant::now()).as_secs());
        let end = self.seconds(end);
        let up = self.model.rounds_up && end.subsec_nanos() > 0;
        let reset = end.as_secs() + u64::from(up);
        sleep(back).await;
        let status = if taken == 1 { 204 } else { 429 };
        response(status, self.model.limit, remaining, reset, date)
    }
}

fn response(
    status: u16,
    limit: u64,
    remaining: u64,
    reset: u64,
    date: SystemTime,
) -> Response<String> {
    let body = match status {
        204 => "",
        _ => r#"{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit"}"#,
    };
    Response::builder()
        .status(status)
        .header("date", httpdate::fmt_http_date(date))
        .header("x-okta-request-id", "Zf3xQ0Zb1mQm7kP0cC2n6AAAB0s")
        .header("x-rate-limit-limit", limit)
        .header("x-rate-limit-remaining", remaining)
        .header("x-rate-limit-reset", reset)
        .body(body.to_owned())
        .expect("it is well formed")
}

async fn serve(listener: TcpListener, org: Arc<Org>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        let _ = socket.set_nodelay(true);
        let org = Arc::clone(&org);
        connections.spawn(async move {
            let service = service_fn(|_| async { Ok::<_, Infallible>(org.respond().await) });
            let _ = http1::Builder::new()
                .auto_date_header(false)
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}

/// Others take their requests every ten milliseconds.
async fn spend(org: Arc<Org>) {
    let mut tick = interval(Duration::from_millis(10));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut owed = 0;
    loop {
        tick.tick().await;
        owed += org.model.others * 10;
        org.take(false, owed / 1_000);
        owed %= 1_000;
    }
}
