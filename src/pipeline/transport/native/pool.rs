//! The connection pool for the org, and when it is replaced.
//!
//! Over HTTP/2 all requests share one connection. While it is open, reqwest sends every
//! further request over it, even if no response ever comes back. So a pool is retired when
//! a request times out on it: requests in flight finish there, and the next request uses a
//! new pool. Over HTTP/1.1 the connection is closed with its one request, but the idle ones
//! may have died as well, for example if a firewall dropped its state.
//!
//! A pool is also retired after an HTTP/1.1 response whose end is ambiguous, because the
//! bytes that follow would be read as the response to the next request (desync). hyper closes
//! an idle connection over which bytes arrive, if it gets the time to notice them.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use reqwest::Version;
use tokio::task::yield_now;

use super::completeness::is_ambiguous;
use crate::{Effect, Error, ErrorKind, pipeline::transport::timed_out, time::Instant};

/// If a request is dropped after this time without a response, it counts as timed out. A
/// request that is dropped earlier says nothing about its connection.
const UNRESPONSIVE_AFTER: Duration = Duration::from_secs(1);

/// If the last response came no longer ago, the runtime has just looked at its connections.
const JUST_NOW: Duration = Duration::from_millis(1);

/// Sends the requests; clones share the pool.
#[derive(Clone)]
pub(crate) struct Http(Arc<Shared>);

struct Shared {
    current: RwLock<Arc<Pool>>,
    make: Make,
}

type Make = Box<dyn Fn(WatchConnector) -> Result<reqwest::Client, Error> + Send + Sync>;

/// The connections of one `reqwest::Client`.
pub(crate) struct Pool {
    pub(super) client: reqwest::Client,
    /// Whether it ever had an established connection.
    connected: Arc<AtomicBool>,
    retired: AtomicBool,
    /// Whether there was a response with an ambiguous end.
    desynced: AtomicBool,
    /// When the last response over HTTP/1.1 came, whose connection may be idle.
    http1_response: Mutex<Option<Instant>>,
}

impl Http {
    pub(super) fn new(
        make: impl Fn(WatchConnector) -> Result<reqwest::Client, Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let make: Make = Box::new(make);
        let first = Pool::new(&make)?;
        Ok(Self(Arc::new(Shared {
            current: RwLock::new(Arc::new(first)),
            make,
        })))
    }

    /// For building requests.
    pub(crate) fn client(&self) -> reqwest::Client {
        self.pool().client.clone()
    }

    /// The connections for the next request.
    pub(crate) fn pool(&self) -> Arc<Pool> {
        let current = self.0.current.read();
        let current = current.unwrap_or_else(PoisonError::into_inner).clone();
        if !current.is_retired() {
            return current;
        }
        // Under the lock, so that only one caller makes a new pool and the others wait.
        let current = self.0.current.write();
        let mut current = current.unwrap_or_else(PoisonError::into_inner);
        if current.is_retired() {
            // A pool was already made with the same settings. If that fails now, for
            // example for lack of file descriptors, the old pool is better than none.
            if let Ok(fresh) = Pool::new(&self.0.make) {
                *current = Arc::new(fresh);
            }
        }
        current.clone()
    }
}

impl Pool {
    fn new(make: &Make) -> Result<Self, Error> {
        let connected = Arc::new(AtomicBool::new(false));
        Ok(Self {
            client: make(WatchConnector(connected.clone()))?,
            connected,
            retired: AtomicBool::new(false),
            desynced: AtomicBool::new(false),
            http1_response: Mutex::default(),
        })
    }

    /// The error of an attempt that timed out. Call it after the future of
    /// [`execute`](Self::execute) has been dropped, because until then it may still get a
    /// connection.
    pub(crate) fn timed_out(&self) -> Error {
        if !self.connected.load(Ordering::Acquire) {
            // There was never a connection, so nothing was sent.
            return Error::new(
                ErrorKind::NotConnected,
                Effect::None,
                "no connection to the org could be made within the time limit; check the org URL, the network and the proxy",
            );
        }
        self.retire();
        timed_out()
    }

    /// Gives hyper the time to close idle connections over which a response to no request
    /// has arrived, which would be taken for that to the next one. Over HTTP/2, each response
    /// names its request.
    ///
    /// A runtime whose threads were blocked has not noticed what arrived meanwhile. It looks
    /// in the first pause, and runs the connection's task in the first or the second.
    pub(super) async fn close_unsolicited(&self) {
        let last = *self.http1_response();
        if last.is_some_and(|last| last.elapsed() > JUST_NOW) {
            yield_now().await;
            yield_now().await;
        }
    }

    fn http1_response(&self) -> MutexGuard<'_, Option<Instant>> {
        // No code under the lock panics.
        let last = self.http1_response.lock();
        last.unwrap_or_else(PoisonError::into_inner)
    }

    /// Retires the pool if the future is dropped after [`UNRESPONSIVE_AFTER`] without being
    /// ready, because a caller may have a timeout of its own.
    pub(super) async fn waiting<F: Future>(&self, future: F) -> F::Output {
        let mut waiting = Waiting {
            pool: self,
            started: Instant::now(),
            completed: false,
        };
        let output = future.await;
        waiting.completed = true;
        output
    }

    /// Call it with each response as soon as its head has arrived. The returned function
    /// says, after the body was read, whether the response certainly belongs to its request:
    /// another request may have reused the connection of an ambiguous response before the
    /// pool was retired.
    pub(crate) fn check_framing<'a>(
        &'a self,
        response: &reqwest::Response,
    ) -> impl Fn() -> bool + use<'a> {
        let (version, status) = (response.version(), response.status());
        let mut is_certain = version >= Version::HTTP_2;
        if !is_certain {
            *self.http1_response() = Some(Instant::now());
        }
        if is_ambiguous(version, status, response.headers()) {
            is_certain = !self.desynced.swap(true, Ordering::AcqRel);
            self.retire();
        }
        move || is_certain || !self.desynced.load(Ordering::Acquire)
    }

    fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Relaxed)
    }
}

struct Waiting<'a> {
    pool: &'a Pool,
    started: Instant,
    completed: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.completed && self.started.elapsed() >= UNRESPONSIVE_AFTER {
            self.pool.retire();
        }
    }
}

/// Records that a connection was established, including TLS and the proxy's tunnel, before
/// anything can be sent over it.
#[derive(Clone)]
pub(super) struct WatchConnector(Arc<AtomicBool>);

impl<S> tower_layer::Layer<S> for WatchConnector {
    type Service = Connector<S>;

    fn layer(&self, inner: S) -> Connector<S> {
        Connector {
            inner: Arc::new(inner),
            connected: self.0.clone(),
        }
    }
}

pub(super) struct Connector<S> {
    /// reqwest clones its connector several times for each request, and rarely uses it.
    inner: Arc<S>,
    connected: Arc<AtomicBool>,
}

impl<S> Clone for Connector<S> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            connected: self.connected.clone(),
        }
    }
}

impl<S, Target> tower_service::Service<Target> for Connector<S>
where
    S: tower_service::Service<Target, Future: Send> + Clone + Send + 'static,
    Target: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Target) -> Self::Future {
        let connected = self.connected.clone();
        let mut inner = S::clone(&self.inner);
        Box::pin(async move {
            poll_fn(|context| inner.poll_ready(context)).await?;
            let connection = inner.call(target).await?;
            connected.store(true, Ordering::Release);
            Ok(connection)
        })
    }
}
