//! The connections to the org, and when to begin with others.
//!
//! Over HTTP/2 all requests share one connection. While it is open, reqwest
//! sends every further request over it, also when nothing ever comes back. So a
//! pool over which a request waited in vain is given up: what is in flight ends
//! there, and the next request has a new pool. Over HTTP/1.1 the connection is
//! closed with its one request, but the idle ones may have died with it, such as
//! in a firewall that forgot them all.
//!
//! A pool is also given up after an HTTP/1.1 response whose end is in doubt: what
//! follows on its connection would be read as the response to the next request.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{FutureExt, TryFutureExt, future::BoxFuture};

use reqwest::Version;

use super::completeness::is_ambiguous;
use crate::{
    Effect, Error, ErrorKind, faults::Faults, pipeline::transport::timed_out, time::Instant,
};

/// A request that its caller drops after this time was waited for in vain. One
/// that is dropped earlier, by a program that changed its mind, says nothing of
/// its connection.
const IN_VAIN: Duration = Duration::from_secs(1);

/// What sends the requests; clones share it.
#[derive(Clone)]
pub(crate) struct Http(Arc<Shared>);

struct Shared {
    current: RwLock<Arc<Pool>>,
    make: Make,
}

type Make = Box<dyn Fn(WatchConnector, &mut Faults) -> Option<reqwest::Client> + Send + Sync>;

/// The connections of one `reqwest::Client`.
pub(crate) struct Pool {
    pub(super) client: reqwest::Client,
    /// Whether it ever had a connection that a request could be sent over.
    connected: Arc<AtomicBool>,
    given_up: AtomicBool,
    /// Whether a response came whose end is in doubt.
    out_of_step: AtomicBool,
}

impl Http {
    pub(super) fn new(
        make: impl Fn(WatchConnector, &mut Faults) -> Option<reqwest::Client> + Send + Sync + 'static,
        faults: &mut Faults,
    ) -> Option<Self> {
        let make: Make = Box::new(make);
        let first = Pool::new(&make, faults)?;
        Some(Self(Arc::new(Shared {
            current: RwLock::new(Arc::new(first)),
            make,
        })))
    }

    /// To make requests with.
    pub(crate) fn client(&self) -> reqwest::Client {
        self.pool().client.clone()
    }

    /// The connections for the next request.
    pub(crate) fn pool(&self) -> Arc<Pool> {
        let current = self.0.current.read();
        let current = current.unwrap_or_else(PoisonError::into_inner).clone();
        if !current.is_given_up() {
            return current;
        }
        // All others wait for the one that makes a pool, or each would make one.
        // It takes some milliseconds, most of them for the system's certificates.
        let current = self.0.current.write();
        let mut current = current.unwrap_or_else(PoisonError::into_inner);
        if current.is_given_up() {
            // It was made once with the same settings. If it fails now, such as
            // for want of open files, the old pool is better than none.
            if let Some(fresh) = Pool::new(&self.0.make, &mut Faults::default()) {
                *current = Arc::new(fresh);
            }
        }
        current.clone()
    }
}

impl Pool {
    fn new(make: &Make, faults: &mut Faults) -> Option<Self> {
        let connected = Arc::new(AtomicBool::new(false));
        Some(Self {
            client: make(WatchConnector(connected.clone()), faults)?,
            connected,
            given_up: AtomicBool::new(false),
            out_of_step: AtomicBool::new(false),
        })
    }

    /// The error of an attempt that took longer than its time limit. To be asked
    /// for when the future of [`execute`](Self::execute) is gone, which until
    /// then may still get a connection.
    pub(crate) fn timed_out(&self) -> Error {
        if !self.connected.load(Ordering::Acquire) {
            // Without a connection, nothing was sent by anyone.
            return Error::new(
                ErrorKind::NotConnected,
                Effect::None,
                "no connection to the org could be made within the time limit; check the org URL, the network and the proxy",
            );
        }
        self.give_up();
        timed_out()
    }

    /// Gives the pool up if the future is dropped after a while and before it is
    /// ready: a caller's own time limit is one as well.
    pub(super) async fn waiting<F: Future>(&self, future: F) -> F::Output {
        let mut waiting = Waiting {
            pool: self,
            since: Instant::now(),
            over: false,
        };
        let output = future.await;
        waiting.over = true;
        output
    }

    /// To be called with each response as soon as its head is there. Says, once all of
    /// it was read, whether it belongs to its request: another request may have got the
    /// connection of a response whose end is in doubt before the pool was given up.
    pub(crate) fn in_step<'a>(
        &'a self,
        response: &reqwest::Response,
    ) -> impl Fn() -> bool + use<'a> {
        let (version, status) = (response.version(), response.status());
        let mut is_sure = version >= Version::HTTP_2;
        if is_ambiguous(version, status, response.headers()) {
            is_sure = !self.out_of_step.swap(true, Ordering::AcqRel);
            self.give_up();
        }
        move || is_sure || !self.out_of_step.load(Ordering::Acquire)
    }

    fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }
}

struct Waiting<'a> {
    pool: &'a Pool,
    since: Instant,
    over: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.over && self.since.elapsed() >= IN_VAIN {
            self.pool.give_up();
        }
    }
}

/// Notes that there is a connection, with its TLS and its proxy's tunnel, before
/// anything can be sent over it.
#[derive(Clone)]
pub(super) struct WatchConnector(Arc<AtomicBool>);

impl<S> tower_layer::Layer<S> for WatchConnector {
    type Service = Connector<S>;

    fn layer(&self, inner: S) -> Connector<S> {
        Connector {
            inner,
            connected: self.0.clone(),
        }
    }
}

#[derive(Clone)]
pub(super) struct Connector<S> {
    inner: S,
    connected: Arc<AtomicBool>,
}

impl<S, Target> tower_service::Service<Target> for Connector<S>
where
    S: tower_service::Service<Target, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, target: Target) -> Self::Future {
        let connected = self.connected.clone();
        let connecting = self.inner.call(target);
        connecting
            .inspect_ok(move |_| connected.store(true, Ordering::Release))
            .boxed()
    }
}
