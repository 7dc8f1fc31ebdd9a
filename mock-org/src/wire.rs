//! A connection whose outgoing bytes can be cut off or replaced.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// What becomes of the bytes of the next answer.
#[derive(Debug)]
pub(crate) enum Flow {
    Open,
    /// Only so many bytes get through, then the connection closes.
    Cut(usize),
    /// These bytes take its place, then the connection closes.
    Replaced(Bytes),
    /// The connection is reset.
    Reset,
}

/// The control of a [`Wire`], in the hands of whoever answers.
#[derive(Clone, Debug)]
pub(crate) struct Valve(Arc<Mutex<Flow>>);

#[derive(Debug)]
pub(crate) struct Wire {
    socket: TcpStream,
    valve: Valve,
}

impl Valve {
    pub(crate) fn set(&self, flow: Flow) {
        *self.lock() = flow;
    }

    fn lock(&self) -> MutexGuard<'_, Flow> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wire {
    pub(crate) fn new(socket: TcpStream) -> (Self, Valve) {
        let valve = Valve(Arc::new(Mutex::new(Flow::Open)));
        let wire = Self {
            socket,
            valve: valve.clone(),
        };
        (wire, valve)
    }
}

impl AsyncWrite for Wire {
    /// Failing makes the HTTP server drop the connection, which closes it
    /// after what was written so far.
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self { socket, valve } = self.get_mut();
        let mut socket = Pin::new(socket);
        match &mut *valve.lock() {
            Flow::Open => socket.poll_write(context, bytes),
            Flow::Cut(0) => Poll::Ready(Err(closed())),
            Flow::Cut(left) => {
                let allowed = bytes.get(..*left).unwrap_or(bytes);
                let written = ready!(socket.poll_write(context, allowed))?;
                *left = left.saturating_sub(written);
                Poll::Ready(Ok(written))
            }
            Flow::Replaced(instead) => {
                while instead.has_remaining() {
                    let written = ready!(socket.as_mut().poll_write(context, instead))?;
                    instead.advance(written.min(instead.len()));
                }
                Poll::Ready(Err(closed()))
            }
            Flow::Reset => {
                // Deprecated for lengths above zero, which block on closing;
                // its successor is younger than the Tokio we ask for.
                #[allow(deprecated)]
                socket.set_linger(Some(Duration::ZERO))?;
                Poll::Ready(Err(closed()))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { socket, valve } = self.get_mut();
        if matches!(*valve.lock(), Flow::Cut(0)) {
            return Poll::Ready(Err(closed()));
        }
        Pin::new(socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_read(context, buffer)
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "closed by a fault of the mock")
}
