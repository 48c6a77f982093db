//! A connection's place in the table: what it does, counted so that a request pays next to nothing, and how it is told to end.

use std::future::poll_fn;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::task::{Poll, Waker};

use futures::task::AtomicWaker;

use super::budget::Wait;
use super::table::Table;

/// Generations of requests that are told apart: the present one, and three before it.
pub(super) const GENERATIONS: usize = 4;

/// One of the bodies that are being read, in the lower half of a generation's count.
const READING: u64 = 1;
/// One of the requests that began, in its upper half.
const BEGUN: u64 = 1 << 32;

/// What a connection shares with its requests and with the table.
#[derive(Debug)]
pub(super) struct Place {
    /// Its place in the order of acceptance.
    pub(super) id: u64,
    pub(super) peer: IpAddr,
    table: Arc<Table>,
    /// TLS is agreed upon; at once where there is none.
    greeted: AtomicBool,
    /// Of each generation, the requests that began and the bodies that are still being read: one number, so that the
    /// beginning of a request is one addition.
    requests: [AtomicU64; GENERATIONS],
    /// Requests whose answers are being made.
    answering: AtomicUsize,
    /// Bytes of its bodies.
    held: AtomicUsize,
    /// A [`Wish`].
    wish: AtomicU8,
    task: AtomicWaker,
}

/// What the table wants of a connection; a later one outdoes a former one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Wish {
    /// That it stays.
    None,
    /// That it ends as soon as nothing can be lost.
    Wind,
    /// That it ends now.
    Cut,
}

/// Whether more of a body may be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Room {
    Enough,
    /// As soon as a connection has ended that was told to.
    Soon,
    /// None, since this connection holds the most.
    None,
}

/// What a connection has done: another value means that it did something.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Activity {
    pub(super) greeted: bool,
    pub(super) begun: u32,
    pub(super) reading: u32,
}

/// Which generation a request belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Generation(pub(super) usize);

impl Place {
    pub(super) fn new(id: u64, peer: IpAddr, table: Arc<Table>) -> Self {
        Self {
            id,
            peer,
            table,
            greeted: AtomicBool::new(false),
            requests: Default::default(),
            answering: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            wish: AtomicU8::new(Wish::None as u8),
            task: AtomicWaker::new(),
        }
    }

    /// Requests may come from now on.
    pub(super) fn greet(&self) {
        self.greeted.store(true, Ordering::Relaxed);
    }

    /// A request began without a body.
    pub(super) fn begin(&self) {
        self.count(self.table.generation(), BEGUN);
    }

    /// A request began, and its body is being read until [`Self::read`].
    pub(super) fn begin_reading(&self) -> Generation {
        let generation = self.table.generation();
        self.count(generation, BEGUN + READING);
        generation
    }

    /// A body was read to its end, or given up.
    pub(super) fn read(&self, generation: Generation) {
        self.requests[generation.0 % GENERATIONS].fetch_sub(READING, Ordering::Relaxed);
    }

    /// Tells whether the answer to a request is being made.
    pub(super) fn is_answering(&self) -> bool {
        self.answering.load(Ordering::Relaxed) > 0
    }

    fn count(&self, generation: Generation, what: u64) {
        self.requests[generation.0 % GENERATIONS].fetch_add(what, Ordering::Relaxed);
    }

    pub(super) fn activity(&self) -> Activity {
        let mut activity = Activity {
            greeted: self.greeted.load(Ordering::Relaxed),
            ..Activity::default()
        };
        for requests in &self.requests {
            let requests = requests.load(Ordering::Relaxed);
            activity.begun = activity.begun.wrapping_add((requests >> 32) as u32);
            activity.reading = activity.reading.wrapping_add(requests as u32);
        }
        activity
    }

    /// Tells whether a body is still being read that began three generations before this one.
    pub(super) fn is_overdue(&self, now: Generation) -> bool {
        let oldest = &self.requests[(now.0 + 1) % GENERATIONS];
        oldest.load(Ordering::Relaxed) as u32 > 0
    }

    /// Counts bytes of a body that arrived.
    pub(super) fn hold(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
        self.table.budget.hold(bytes);
    }

    /// Counts bytes of a body no longer.
    pub(super) fn release(&self, bytes: usize) {
        let left = self.held.fetch_sub(bytes, Ordering::SeqCst) - bytes;
        self.table.budget.release(bytes, left);
    }

    /// The bytes of its bodies.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }

    /// Tells whether more may be read of a body that holds so many bytes; `waker` is called when it is to look again.
    pub(super) fn room(&self, wait: &mut Wait, held: usize, waker: &Waker) -> Room {
        self.table.room_for(self, wait, held, waker)
    }

    /// A body that may wait ends.
    pub(super) fn give_up(&self, wait: &mut Wait) {
        self.table.budget.give_up(wait);
    }

    /// Tells its task.
    pub(super) fn wish(&self, wish: Wish) {
        self.wish.fetch_max(wish as u8, Ordering::Release);
        self.task.wake();
    }

    /// Waits until more is wished than this.
    pub(super) async fn wished(&self, known: Wish) -> Wish {
        poll_fn(|context| {
            self.task.register(context.waker());
            match self.wish.load(Ordering::Acquire) {
                wish if wish <= known as u8 => Poll::Pending,
                wish if wish == Wish::Wind as u8 => Poll::Ready(Wish::Wind),
                _ => Poll::Ready(Wish::Cut),
            }
        })
        .await
    }
}

/// An answer that is being made.
#[derive(Debug)]
pub(super) struct Answering<P: Deref<Target = Place>>(P);

impl<P: Deref<Target = Place>> Answering<P> {
    pub(super) fn new(place: P) -> Self {
        place.answering.fetch_add(1, Ordering::Relaxed);
        Self(place)
    }
}

impl<P: Deref<Target = Place>> Drop for Answering<P> {
    fn drop(&mut self) {
        self.0.answering.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection's hold on its place, which it leaves when it ends.
#[derive(Debug)]
pub(super) struct Seat(pub(super) Arc<Place>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.table.leave(self.0.id);
    }
}
