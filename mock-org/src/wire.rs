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

/// What becomes of the bytes of the next response.
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

/// The control of a [`Wire`], held by the code that responds.
#[derive(Clone, Debug)]
pub(crate) struct Valve(Arc<Mutex<Flow>>);

pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    valve: Valve,
}

/// A connection over TCP, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    fn socket(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

#[cfg(feature = "tls")]
impl Stream for tokio_rustls::server::TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

impl Valve {
    pub(crate) fn set(&self, flow: Flow) {
        *self.lock() = flow;
    }

    pub(crate) fn open(&self) {
        self.set(Flow::Open);
    }

    fn lock(&self) -> MutexGuard<'_, Flow> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Stream>) -> (Self, Valve) {
        let valve = Valve(Arc::new(Mutex::new(Flow::Open)));
        let wire = Self {
            stream,
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
        let Self { stream, valve } = self.get_mut();
        let mut stream = Pin::new(stream);
        match &mut *valve.lock() {
            Flow::Open => stream.poll_write(context, bytes),
            Flow::Cut(0) => {
                // What TLS still holds of the part that gets through.
                let _ = ready!(stream.poll_flush(context));
                Poll::Ready(Err(closed()))
            }
            Flow::Cut(left) => {
                let allowed = bytes.get(..*left).unwrap_or(bytes);
                let written = ready!(stream.poll_write(context, allowed))?;
                *left = left.saturating_sub(written);
                Poll::Ready(Ok(written))
            }
            Flow::Replaced(instead) => {
                while instead.has_remaining() {
                    let written = ready!(stream.as_mut().poll_write(context, instead))?;
                    instead.advance(written.min(instead.len()));
                }
                let _ = ready!(stream.poll_flush(context));
                Poll::Ready(Err(closed()))
            }
            Flow::Reset => {
                // Deprecated for lengths above zero, which block on closing;
                // its successor is younger than the Tokio we ask for.
                #[allow(deprecated)]
                stream.socket().set_linger(Some(Duration::ZERO))?;
                Poll::Ready(Err(closed()))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, valve } = self.get_mut();
        if matches!(*valve.lock(), Flow::Cut(0)) {
            return Poll::Ready(Err(closed()));
        }
        Pin::new(stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "closed by a fault of the mock")
}
