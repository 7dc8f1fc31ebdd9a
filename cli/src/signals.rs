//! Signals that ask the program to stop: SIGINT (Ctrl-C) and SIGTERM (systemd, containers);
//! on Windows, Ctrl-C. SIGHUP is left alone, so that nohup works.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Caught from when this is made, so that none is missed between two calls of `next`.
pub struct Signals {
    #[cfg(unix)]
    signals: [Signal; 2],
}

impl Signals {
    #[cfg(unix)]
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            signals: [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
            ],
        })
    }

    #[cfg(not(unix))]
    pub fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(unix)]
    pub async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    pub async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
