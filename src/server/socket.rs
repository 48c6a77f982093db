//! The socket of a connection, which one runtime can take over from another.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;

/// Bytes that are asked of the kernel at once: a TLS record is up to 16 KiB and its frame, and rustls alone would take
/// it in pieces of 4 KiB with a system call each.
const RECORD: usize = 17 * 1024;

/// A socket.
#[derive(Debug)]
pub(super) enum Socket {
    /// At the door, where a peer says little, and has no buffer for more.
    Small(TcpStream),
    Buffered(BufReader<TcpStream>),
    /// No runtime has it: one could not take it over.
    Lost,
}

impl Socket {
    /// Has the runtime that calls this be told of what comes, instead of the one that was told until now.
    pub(super) fn take_over(&mut self) -> io::Result<()> {
        if let Self::Small(stream) = std::mem::replace(self, Self::Lost) {
            let stream = TcpStream::from_std(stream.into_std()?)?;
            *self = Self::Buffered(BufReader::with_capacity(RECORD, stream));
        }
        Ok(())
    }

    fn stream(self: Pin<&mut Self>) -> io::Result<Pin<&mut TcpStream>> {
        match self.get_mut() {
            Self::Small(stream) => Ok(Pin::new(stream)),
            Self::Buffered(buffered) => Ok(Pin::new(buffered.get_mut())),
            Self::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Buffered(buffered) => Pin::new(buffered).poll_read(context, buffer),
            Self::Small(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Lost => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(context)
    }
}
