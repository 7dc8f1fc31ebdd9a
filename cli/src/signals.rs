//! Signals that ask the program to stop: SIGINT (Ctrl-C) and SIGTERM (systemd, containers);
//! on Windows, Ctrl-C. SIGHUP is left alone, so that nohup works.
//!
//! A thread of its own receives them, because the program's only other one may be blocked by
//! output that nobody reads: a pager, or a terminal that is paused.

use std::{io, process, thread};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};
use tokio::{runtime::Builder, sync::mpsc};

use crate::exit::Exit;

/// Caught from when this is made, so that none is missed between two calls of `next`.
pub struct Signals(mpsc::Receiver<()>);

impl Signals {
    pub fn listen() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let mut source = {
            let _context = runtime.enter();
            Source::listen()?
        };
        let (forward, signals) = mpsc::channel(1);
        let run = async move {
            loop {
                source.next().await;
                if forward.try_send(()) == Err(mpsc::error::TrySendError::Full(())) {
                    // The program is blocked and has not even noticed the signal before.
                    process::exit(Exit::NotDone.status().into());
                }
            }
        };
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || runtime.block_on(run))?;
        Ok(Self(signals))
    }

    pub async fn next(&mut self) {
        // The thread never ends.
        let _ = self.0.recv().await;
    }
}

struct Source {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(windows)]
    interrupt: CtrlC,
}

impl Source {
    #[cfg(unix)]
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    #[cfg(windows)]
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: ctrl_c()?,
        })
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(windows)]
        self.interrupt.recv().await;
    }
}
