//! The budget of request bodies: the bytes that are held, and the bodies that wait until some are given back.
//!
//! One of those that wait is told at a time, and tells the next: hundreds that look in vain would keep the processor from
//! everybody else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// What bodies may take at once.
#[derive(Debug)]
pub(super) struct Budget {
    most: usize,
    held: AtomicUsize,
    are_halted: AtomicBool,
    halted: Mutex<Halted>,
}

/// The bodies that wait. Who holds least comes first, as who holds most is told to give way.
#[derive(Debug, Default)]
struct Halted {
    next: u64,
    waiting: BTreeMap<Key, Waker>,
}

/// The bytes that a body holds, and a number to tell it from others.
type Key = (usize, u64);

/// A body's wait for room, if it waits.
#[derive(Debug, Default)]
pub(super) struct Wait(Option<Key>);

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

    /// Counts bytes no longer, of a connection that holds so many still. Where there is room, or where one that was told
    /// to make room has done so, the next of those that wait looks for it.
    pub(super) fn release(&self, bytes: usize, left: usize) {
        self.held.fetch_sub(bytes, Ordering::SeqCst);
        if left == 0 || !self.is_spent() {
            self.go_on();
        }
    }

    /// A body that holds so many bytes waits. Whoever says so has to look once more whether it must: what was given back
    /// before told nobody.
    pub(super) fn halt(&self, wait: &mut Wait, held: usize, waker: &Waker) {
        let mut halted = self.halted();
        let key = *wait.0.get_or_insert_with(|| {
            halted.next += 1;
            (held, halted.next)
        });
        halted.waiting.insert(key, waker.clone());
        self.are_halted.store(true, Ordering::SeqCst);
    }

    /// A body waits no longer, because it found room or ends; the next looks then, as this one may have been told to.
    pub(super) fn give_up(&self, wait: &mut Wait) {
        if let Some(key) = wait.0.take() {
            let mut halted = self.halted();
            halted.waiting.remove(&key);
            self.are_halted.store(!halted.waiting.is_empty(), Ordering::SeqCst);
        }
        self.go_on();
    }

    /// The next body that waits looks for room. It finds some, or ends, and tells the next either way, or it halts again
    /// until something is given back.
    pub(super) fn go_on(&self) {
        if !self.are_halted.load(Ordering::SeqCst) {
            return;
        }
        let mut halted = self.halted();
        let next = halted.waiting.pop_first();
        self.are_halted.store(!halted.waiting.is_empty(), Ordering::SeqCst);
        drop(halted);
        if let Some((_, waker)) = next {
            waker.wake();
        }
    }

    fn halted(&self) -> MutexGuard<'_, Halted> {
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
        let mut wait = Wait::default();
        budget.halt(&mut wait, 100, &waker);
        budget.release(100, 100);
        assert!(!told.take(), "nothing has changed for it");
        budget.release(100, 0);
        assert!(told.take(), "another may have to give way now");
        budget.halt(&mut wait, 100, &waker);
        budget.release(2_000, 100);
        assert!(told.take(), "there is room");
        budget.give_up(&mut wait);
        budget.release(100, 0);
        assert!(!told.take(), "it does not wait any more");
    }

    #[test]
    fn who_holds_least_is_told_first_and_alone() {
        let budget = Budget::new(1_000);
        budget.hold(3_000);
        let told = [(); 3].map(|()| Arc::new(Told::default()));
        let mut waits = [(); 3].map(|()| Wait::default());
        for ((told, wait), held) in told.iter().zip(&mut waits).zip([300, 100, 200]) {
            budget.halt(wait, held, &Waker::from(Arc::clone(told)));
        }
        budget.release(2_500, 0);
        assert_eq!(told.each_ref().map(|told| told.take()), [false, true, false]);
        budget.give_up(&mut waits[2]);
        assert_eq!(told.each_ref().map(|told| told.take()), [true, false, false]);
    }
}
