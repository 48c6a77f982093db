//! The budget of request bodies: the bytes that are held, and the bodies that wait until some are given back.

use std::mem::take;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// What bodies may take at once.
#[derive(Debug)]
pub(super) struct Budget {
    most: usize,
    held: AtomicUsize,
    are_halted: AtomicBool,
    halted: Mutex<Vec<Waker>>,
}

impl Budget {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            held: AtomicUsize::new(0),
            are_halted: AtomicBool::new(false),
            halted: Mutex::default(),
        }
    }

    /// The bytes that are held.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }

    pub(super) fn is_spent(&self) -> bool {
        self.held() > self.most
    }

    /// Counts bytes that arrived.
    pub(super) fn hold(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes no longer, of a connection that holds so many still. Those that wait look for room where there is
    /// some, or where one that was told to make room has done so.
    pub(super) fn release(&self, bytes: usize, left: usize) {
        self.held.fetch_sub(bytes, Ordering::SeqCst);
        if (left == 0 || !self.is_spent()) && self.are_halted.load(Ordering::SeqCst) {
            self.go_on();
        }
    }

    /// A body waits. Whoever says so has to look once more whether it must: what was given back before told nobody.
    pub(super) fn halt(&self, waker: &Waker) {
        self.halted().push(waker.clone());
        self.are_halted.store(true, Ordering::SeqCst);
    }

    /// Bodies that wait look for room.
    pub(super) fn go_on(&self) {
        self.are_halted.store(false, Ordering::SeqCst);
        let halted = take(&mut *self.halted());
        halted.into_iter().for_each(Waker::wake);
    }

    fn halted(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.halted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Told(AtomicBool);

    impl Wake for Told {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    impl Told {
        fn take(&self) -> bool {
            self.0.swap(false, Ordering::Relaxed)
        }
    }

    #[test]
    fn a_body_that_waits_is_told_of_room_and_of_whoever_gave_way() {
        let budget = Budget::new(1_000);
        budget.hold(3_000);
        let told = Arc::new(Told::default());
        let waker = Waker::from(Arc::clone(&told));
        budget.halt(&waker);
        budget.release(100, 100);
        assert!(!told.take(), "nothing has changed for it");
        budget.release(100, 0);
        assert!(told.take(), "another may have to give way now");
        budget.halt(&waker);
        budget.release(2_000, 100);
        assert!(told.take(), "there is room");
        budget.release(100, 0);
        assert!(!told.take(), "it does not wait any more");
    }
}
