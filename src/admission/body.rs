//! The body of a review: read to its end and no further than it may be long.

use std::io::{self, ErrorKind};

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::StatusCode;
use http_body_util::BodyExt as _;

/// Object and old object travel together, each up to the API server's own limit of about 3 MiB
/// (`docs/kubernetes-facts.md` §3.1).
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// What is allocated at once while a body comes in pieces. One size for all: what one body gives back fits the next.
const PIECE: usize = 32 * 1024;

/// An answer to a body that is not taken. None of them says `Retry-After`: the API server would try again within the
/// deadline of the very request that we cannot take.
pub(super) type Refusal = (StatusCode, &'static str);

pub(super) const TOO_LARGE: Refusal = (StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 8 MiB\n");
const NO_ROOM: Refusal = (
    StatusCode::SERVICE_UNAVAILABLE,
    "too many large bodies are being read at once (--body-budget)\n",
);
const UNREADABLE: Refusal = (StatusCode::BAD_REQUEST, "the body could not be read\n");

/// Tells whether the announced length is more than is taken.
pub(super) fn is_too_large(body: &Body) -> bool {
    body.size_hint().lower() > MOST_BYTES as u64
}

/// Reads a body to its end; one that comes in one piece is not copied.
///
/// The pieces of others are: each may keep alive the whole buffer that it was read into, of which it may be one byte.
pub(super) async fn collect(body: &mut Body) -> Result<Bytes, Refusal> {
    let announced = body.size_hint().exact();
    let Some(first) = next(body).await? else {
        return Ok(Bytes::new());
    };
    if body.is_end_stream() {
        return Ok(first);
    }
    let Some(second) = next(body).await? else {
        return Ok(first);
    };
    let mut pieces = Pieces::of(announced);
    pieces.push(&first)?;
    drop(first);
    pieces.push(&second)?;
    drop(second);
    while !body.is_end_stream()
        && let Some(data) = next(body).await?
    {
        pieces.push(&data)?;
    }
    Ok(pieces.into_bytes())
}

/// The next piece; trailers are none.
async fn next(body: &mut Body) -> Result<Option<Bytes>, Refusal> {
    while let Some(frame) = body.frame().await {
        match frame.map(|frame| frame.into_data()) {
            Ok(Ok(data)) if data.len() > MOST_BYTES => return Err(TOO_LARGE),
            Ok(Ok(data)) => return Ok(Some(data)),
            Ok(Err(_)) => {}
            Err(error) => return Err(refusal(error)),
        }
    }
    Ok(None)
}

fn refusal(error: axum::Error) -> Refusal {
    let error = error.into_inner();
    match error.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(ErrorKind::QuotaExceeded) => NO_ROOM,
        _ => UNREADABLE,
    }
}

/// A body in pieces of our own, so that what is allocated follows what arrived, and not what was announced.
struct Pieces {
    full: Vec<Vec<u8>>,
    last: Vec<u8>,
    length: usize,
    announced: Option<usize>,
}

impl Pieces {
    fn of(announced: Option<u64>) -> Self {
        Self {
            full: Vec::new(),
            last: Vec::new(),
            length: 0,
            announced: announced.and_then(|length| usize::try_from(length).ok()),
        }
    }

    fn push(&mut self, mut data: &[u8]) -> Result<(), Refusal> {
        if self.length + data.len() > MOST_BYTES {
            return Err(TOO_LARGE);
        }
        while !data.is_empty() {
            if self.last.len() == self.last.capacity() {
                let next = Vec::with_capacity(self.left().min(PIECE));
                let full = std::mem::replace(&mut self.last, next);
                if !full.is_empty() {
                    self.full.push(full);
                }
            }
            let (now, later) = data.split_at(data.len().min(self.last.capacity() - self.last.len()));
            self.last.extend_from_slice(now);
            self.length += now.len();
            data = later;
        }
        Ok(())
    }

    /// How much is still to come, if the announcement holds.
    fn left(&self) -> usize {
        match self.announced.map(|announced| announced.saturating_sub(self.length)) {
            Some(0) | None => PIECE,
            Some(left) => left,
        }
    }

    fn into_bytes(mut self) -> Bytes {
        if self.full.is_empty() {
            return self.last.into();
        }
        self.full.push(self.last);
        let mut whole = Vec::with_capacity(self.length);
        for piece in self.full {
            // Given back one by one, so that the body is not there twice.
            whole.extend_from_slice(&piece);
        }
        whole.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_up_the_body_and_take_little_more_than_its_room() {
        for (step, announced) in [(1, None), (1, Some(100_000)), (999, None), (16 * 1024, Some(100_000))] {
            let whole: Vec<u8> = (0..100_000_u32).map(|at| at as u8).collect();
            let mut pieces = Pieces::of(announced);
            for data in whole.chunks(step) {
                pieces.push(data).unwrap();
                let allocated: usize = pieces.full.iter().map(Vec::capacity).sum::<usize>() + pieces.last.capacity();
                assert!(allocated <= pieces.length + PIECE, "{allocated} of {}", pieces.length);
            }
            assert_eq!(pieces.into_bytes(), whole);
        }
    }

    #[test]
    fn what_is_announced_is_not_allocated() {
        let mut pieces = Pieces::of(Some(MOST_BYTES as u64));
        pieces.push(b"a").unwrap();
        assert_eq!(pieces.last.capacity(), PIECE);
    }

    #[test]
    fn more_than_may_be_is_refused() {
        let mut pieces = Pieces::of(None);
        pieces.push(&vec![0; MOST_BYTES]).unwrap();
        assert_eq!(pieces.push(b"a"), Err(TOO_LARGE));
    }
}
