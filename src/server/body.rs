//! A request's body as it arrives: its bytes are counted while they are held, and it is known for how long it is read.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::budget::Wait;
use super::place::{Generation, Place, Room};

/// What a body that comes in pieces takes beside its bytes, as measured: its connection, a TLS record as it arrives and
/// as it is deciphered, and a piece that is not full yet.
const READING: usize = 64 * 1024;

/// What its bytes take beside themselves: one in so many, since memory that bodies gave back is not always at hand for
/// the next.
const SLACK: usize = 3;

/// What the first bytes of a body in pieces take.
pub(super) fn held(bytes: usize) -> usize {
    READING + bytes + bytes / SLACK
}

/// The body of a request.
///
/// Whoever keeps what came out of it keeps it too: dropping it gives the room back that its bytes take.
/// A body that comes as a whole takes none, since it is no larger than what a connection reads at once.
#[derive(Debug)]
pub struct Received {
    incoming: Incoming,
    place: Arc<Place>,
    /// Until it was read to its end.
    reading: Option<Generation>,
    held: usize,
    wait: Wait,
}

impl Received {
    pub(super) fn new(incoming: Incoming, place: &Arc<Place>) -> Self {
        let reading = if incoming.is_end_stream() {
            place.begin();
            None
        } else {
            Some(place.begin_reading())
        };
        Self {
            incoming,
            place: Arc::clone(place),
            reading,
            held: 0,
            wait: Wait::default(),
        }
    }

    fn ended(&mut self) {
        if let Some(generation) = self.reading.take() {
            self.place.read(generation);
        }
    }

    fn hold(&mut self, bytes: usize) {
        let bytes = if self.held == 0 {
            held(bytes)
        } else {
            bytes + bytes / SLACK
        };
        self.held += bytes;
        self.place.hold(bytes);
    }

    /// Waits until there is room for the rest of a body.
    fn poll_room(&mut self, context: &Context<'_>) -> Poll<io::Result<()>> {
        if self.held == 0 {
            return Poll::Ready(Ok(()));
        }
        match self.place.room(&mut self.wait, self.held, context.waker()) {
            Room::Enough => Poll::Ready(Ok(())),
            Room::Soon => Poll::Pending,
            Room::None => Poll::Ready(Err(io::Error::new(ErrorKind::QuotaExceeded, "no room for the body"))),
        }
    }
}

impl Body for Received {
    type Data = Bytes;
    /// [`ErrorKind::QuotaExceeded`] where there is no room for more.
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Err(error) = ready!(self.poll_room(context)) {
            return Poll::Ready(Some(Err(error)));
        }
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(context));
        let ended = frame.is_none() || self.incoming.is_end_stream();
        if ended {
            self.ended();
        }
        let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
        let bytes = data.map_or(0, Bytes::len);
        // The only piece of a body is no larger than what a connection reads at once.
        if bytes > 0 && !(ended && self.held == 0) {
            self.hold(bytes);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        self.ended();
        if self.held > 0 {
            self.place.release(self.held);
            self.place.give_up(&mut self.wait);
        }
    }
}
