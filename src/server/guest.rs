//! A connection in the lobby: what its peer has to say before it may have a place.

use std::io;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// The first word of a protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FirstWord {
    /// The head of a request in plain text.
    Head,
    /// The first record of a TLS handshake.
    Record,
}

/// Bytes of a first word that are looked at: of a larger one this is enough. Greetings have some hundred, and less than
/// two thousand where they bring keys against quantum computers.
const LOOK: usize = 2048;

/// How long to wait for the rest of a first word, doubled each time: the kernel tells of its first byte, and no more
/// before somebody reads that.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LAST_PAUSE: Duration = Duration::from_millis(256);

/// The socket of a guest. Whoever is turned out is told by a reset, since a silent peer would leave the kernel a
/// half-closed connection for a minute.
#[derive(Debug)]
pub(super) struct Guest(Option<TcpStream>);

impl Guest {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self(Some(stream))
    }

    /// Waits for the first word as a whole, so that one of which the rest never comes takes no place; `false` where the
    /// peer ends the connection instead.
    pub(super) async fn speaks(&mut self, word: FirstWord) -> io::Result<bool> {
        let Some(stream) = &self.0 else { return Ok(false) };
        let mut pause = FIRST_PAUSE;
        loop {
            let ready = stream.ready(Interest::READABLE).await?;
            match word.begun(stream)? {
                Begun::Not => {}
                Begun::Part if !ready.is_read_closed() => {
                    sleep(pause).await;
                    pause = LAST_PAUSE.min(pause * 2);
                }
                Begun::Whole => return Ok(true),
                Begun::Part | Begun::Never => {
                    self.0 = None;
                    return Ok(false);
                }
            }
        }
    }

    /// The connection, for which there is a place.
    pub(super) fn into_stream(mut self) -> Option<TcpStream> {
        self.0.take()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(stream) = &self.0 {
            // Where it cannot be set, the kernel ends it in its own time.
            let _ = stream.set_zero_linger();
        }
    }
}

/// How much of a first word is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Begun {
    Not,
    Part,
    Whole,
    /// None, and the peer says no more.
    Never,
}

impl FirstWord {
    /// Looks at what came without taking it; not `async`, so that a guest that waits holds no buffer.
    fn begun(self, stream: &TcpStream) -> io::Result<Begun> {
        let mut bytes = [0; LOOK];
        match stream.peek(&mut bytes).now_or_never() {
            None => Ok(Begun::Not),
            Some(Ok(0)) => Ok(Begun::Never),
            Some(Ok(LOOK)) => Ok(Begun::Whole),
            Some(Ok(count)) => Ok(if self.is_whole(&bytes[..count]) {
                Begun::Whole
            } else {
                Begun::Part
            }),
            Some(Err(error)) => Err(error),
        }
    }

    /// Tells whether bytes have a first word, or something else that need not be waited for.
    fn is_whole(self, bytes: &[u8]) -> bool {
        /// The type of a record, its version and its length; of all types only this one begins a conversation.
        const HANDSHAKE: u8 = 22;
        match (self, bytes) {
            (Self::Head, _) => bytes.windows(4).any(|end| end == b"\r\n\r\n"),
            (Self::Record, [HANDSHAKE, _, _, high, low, rest @ ..]) => {
                rest.len() >= usize::from(u16::from_be_bytes([*high, *low]))
            }
            (Self::Record, [HANDSHAKE, ..]) => false,
            (Self::Record, _) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_word_is_whole_or_of_another_protocol() {
        let record = FirstWord::Record;
        for part in [&[22][..], &[22, 3, 1, 0], &[22, 3, 1, 0, 2, 1]] {
            assert!(!record.is_whole(part), "{part:?}");
        }
        for whole in [&[22, 3, 1, 0, 2, 1, 0][..], &[22, 3, 1, 0, 0], b"GET / HTTP/1.1", &[21]] {
            assert!(record.is_whole(whole), "{whole:?}");
        }
        assert!(!FirstWord::Head.is_whole(b"GET / HTTP/1.1\r\nhost: a\r\n"));
        assert!(FirstWord::Head.is_whole(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
    }
}
