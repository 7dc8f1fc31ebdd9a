//! When the program ends.

use std::{future::pending, io, io::IsTerminal};

use tokio::io::{AsyncReadExt, stdin};

pub(crate) struct Stop(Signals);

impl Stop {
    /// Listens for signals from now on.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Signals::new()?))
    }

    /// Waits for a signal, or the end of a pipe at standard input.
    pub(crate) async fn wait(mut self) {
        tokio::select! {
            () = self.0.wait() => {}
            () = input_ended() => {}
        }
    }
}

/// A shell gives what it starts in the background `/dev/null`, which ends at once: only
/// a pipe, held by the program that started this one, says when that program is gone.
async fn input_ended() {
    if !is_pipe() {
        return pending().await;
    }
    let mut input = stdin();
    let mut ignored = [0; 1024];
    while !matches!(input.read(&mut ignored).await, Ok(0) | Err(_)) {}
}

#[cfg(unix)]
fn is_pipe() -> bool {
    use std::os::{fd::AsFd, unix::fs::FileTypeExt};

    let input = io::stdin();
    let Ok(descriptor) = input.as_fd().try_clone_to_owned() else {
        return false;
    };
    let kind = std::fs::File::from(descriptor)
        .metadata()
        .map(|metadata| metadata.file_type());
    !input.is_terminal() && kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket())
}

#[cfg(not(unix))]
fn is_pipe() -> bool {
    !io::stdin().is_terminal()
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    async fn wait(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn wait(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
