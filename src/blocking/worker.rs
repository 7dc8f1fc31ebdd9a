//! The thread behind a blocking client, and how its callers wait.
//!
//! The thread drives a single-threaded runtime, so timers and connections keep running
//! between calls, and no caller ever drops the runtime, which would panic inside another
//! one. Tokio's multi-threaded runtime would do the same, but panics if the system cannot
//! start a thread.

use std::{
    convert::Infallible,
    fmt, io,
    pin::pin,
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

use crate::Error;

/// The thread that a blocking client and its clones share. Calls wait with it.
#[derive(Clone)]
pub(crate) struct Worker(Arc<Shared>);

struct Shared {
    runtime: Handle,
    process: u32,
    /// Dropping it ends the thread.
    _open: oneshot::Sender<Infallible>,
}

impl Worker {
    pub(super) fn start() -> Result<Self, Error> {
        refuse_runtime()?;
        let no_thread = |error: io::Error| {
            Error::invalid("the thread of the blocking client could not be started")
                .with_source(error)
        };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(no_thread)?;
        let handle = runtime.handle().clone();
        let (open, closed) = oneshot::channel();
        thread::Builder::new()
            .name("okta-sessions".to_owned())
            .spawn(move || drop(runtime.block_on(closed)))
            .map_err(no_thread)?;
        Ok(Self(Arc::new(Shared {
            runtime: handle,
            process: process::id(),
            _open: open,
        })))
    }

    /// Whether the calling thread may wait now.
    pub(super) fn check(&self) -> Result<(), Error> {
        refuse_runtime()?;
        if self.is_gone() {
            return Err(Error::invalid(
                "the blocking client was made before this process was forked, and its thread does not exist here; make clients after the fork",
            ));
        }
        Ok(())
    }

    pub(super) fn is_gone(&self) -> bool {
        self.0.process != process::id()
    }

    /// Waits for a future that belongs to this worker's client.
    pub(super) fn wait_for<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        self.check()?;
        Ok(self.block_on(future))
    }

    /// Not Tokio's `block_on`: inside that, code of the caller, such as an iterator of
    /// ids, could not block on a runtime of its own.
    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _context = self.0.runtime.enter();
        let parked = Arc::new(ParkedThread {
            thread: thread::current(),
            woken: AtomicBool::new(false),
        });
        let waker = Waker::from(parked.clone());
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            while !parked.woken.swap(false, Ordering::Acquire) {
                thread::park();
            }
        }
    }
}

fn refuse_runtime() -> Result<(), Error> {
    match Handle::try_current() {
        Err(error) if error.is_missing_context() => Ok(()),
        // A runtime is entered, or the thread is ending and cannot wait.
        _ => Err(Error::invalid(
            "the blocking client cannot be used inside a Tokio runtime, which it would block; use okta_user_sessions::Client or SessionClient there",
        )),
    }
}

/// A caller's thread that waits for a future.
struct ParkedThread {
    thread: thread::Thread,
    /// Needed besides unparking, whose token something else that parks in between, such
    /// as a channel, may consume.
    woken: AtomicBool,
}

impl Wake for ParkedThread {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, poll_fn},
        mem,
        sync::mpsc::{RecvTimeoutError, channel},
        time::Duration,
    };

    use super::*;
    use crate::{Effect, ErrorKind};

    #[test]
    fn the_thread_ends_with_the_last_clone() -> Result<(), Error> {
        let worker = Worker::start()?;
        let (alive, ended) = channel::<()>();
        worker.0.runtime.spawn(async move {
            let _alive = alive;
            pending::<()>().await;
        });
        let clone = worker.clone();
        drop(worker);
        let moment = Duration::from_millis(50);
        assert_eq!(ended.recv_timeout(moment), Err(RecvTimeoutError::Timeout));
        drop(clone);
        let long = Duration::from_secs(30);
        assert_eq!(
            ended.recv_timeout(long),
            Err(RecvTimeoutError::Disconnected)
        );
        Ok(())
    }

    #[test]
    fn a_wake_up_is_not_lost_if_other_code_parks_the_thread() -> Result<(), Error> {
        let mut polled = false;
        Worker::start()?.wait_for(poll_fn(|context| {
            if mem::replace(&mut polled, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            thread::park();
            Poll::Pending
        }))
    }

    #[test]
    fn a_forked_process_is_refused_instead_of_waiting_for_a_missing_thread() -> Result<(), Error> {
        let of_parent = Worker(Arc::new(Shared {
            runtime: Worker::start()?.0.runtime.clone(),
            process: process::id().wrapping_add(1),
            _open: oneshot::channel().0,
        }));
        let refused = of_parent.wait_for(pending::<()>());
        let refused = refused.map_err(|error| (error.kind(), error.effect()));
        assert_eq!(refused, Err((ErrorKind::InvalidInput, Effect::None)));
        Ok(())
    }
}
