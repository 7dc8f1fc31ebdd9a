//! The thread behind a blocking client, and how its callers wait.
//!
//! Its runtime is of one thread, driven there alone: timers and connections go on
//! between calls, and no caller ever drops the runtime, which would panic inside of
//! another. Tokio's own multi-threaded runtime does the same, but panics when the
//! system gives no thread.

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

/// What the calls of a blocking client wait with: a thread, which clones share.
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
            Error::invalid("the client's thread could not be started").with_source(error)
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

    /// Whether a caller may wait here and now.
    pub(super) fn check(&self) -> Result<(), Error> {
        refuse_runtime()?;
        if self.is_gone() {
            return Err(Error::invalid(
                "this process was forked off the one that made the blocking client, whose thread it does not have; make clients after the fork",
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

    /// Not Tokio's: within that, what a caller gave us to call, such as an iterator
    /// of ids, could not block.
    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _context = self.0.runtime.enter();
        let caller = Arc::new(CallHooks {
            thread: thread::current(),
            woken: AtomicBool::new(false),
        });
        let waker = Waker::from(caller.clone());
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            while !caller.woken.swap(false, Ordering::Acquire) {
                thread::park();
            }
        }
    }
}

fn refuse_runtime() -> Result<(), Error> {
    match Handle::try_current() {
        Err(error) if error.is_missing_context() => Ok(()),
        // Or the thread is ending, and cannot wait.
        _ => Err(Error::invalid(
            "the blocking client is refused inside of a Tokio runtime, which it would hold up; use okta_user_sessions::Client and SessionClient there",
        )),
    }
}

/// A thread that waits.
struct CallHooks {
    thread: thread::Thread,
    /// Unparking alone could be taken by something else that parks in between, such
    /// as a channel.
    woken: AtomicBool,
}

impl Wake for CallHooks {
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
    fn a_wake_is_not_lost_to_something_else_that_parks() -> Result<(), Error> {
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
    fn a_forked_process_does_not_wait_for_a_thread_that_it_lacks() -> Result<(), Error> {
        let parent_s = Worker(Arc::new(Shared {
            runtime: Worker::start()?.0.runtime.clone(),
            process: process::id().wrapping_add(1),
            _open: oneshot::channel().0,
        }));
        let refused = parent_s.wait_for(pending::<()>());
        let refused = refused.map_err(|error| (error.kind(), error.effect()));
        assert_eq!(refused, Err((ErrorKind::InvalidInput, Effect::None)));
        Ok(())
    }
}
