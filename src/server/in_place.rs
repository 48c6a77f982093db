//! Polls a future that woke itself again at once, without a detour through the runtime.
//!
//! hyper's body channel wakes the very connection that feeds it. To the runtime that is work which has become ready:
//! it queues the connection and wakes another thread to share it. Every request with a body would pay a system call
//! and a thread switch for that, and then run where its connection is in no cache.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::task::AtomicWaker;

/// How often a future may go on before others on its thread get their turn: reading a body takes one or two.
const MOST: usize = 4;

/// The waker of one future, which tells its own wakes from those of others.
pub(super) struct InPlace {
    shared: Arc<Shared>,
    waker: Waker,
}

#[derive(Default)]
struct Shared {
    /// One of `WAITING`, `POLLED`, `WOKEN`.
    state: AtomicU8,
    /// The task that polls.
    task: AtomicWaker,
}

/// Nobody has woken it since it was last polled.
const WAITING: u8 = 0;
/// It is being polled.
const POLLED: u8 = 1;
/// Somebody woke it: its task knows already, or looks once the poll is over.
const WOKEN: u8 = 2;

impl InPlace {
    pub(super) fn new() -> Self {
        let shared = Arc::<Shared>::default();
        Self {
            waker: shared.clone().into(),
            shared,
        }
    }

    /// Polls a future, always the same, until it waits for somebody else.
    pub(super) fn poll<F: Future>(&self, mut future: Pin<&mut F>, task: &Context<'_>) -> Poll<F::Output> {
        self.shared.task.register(task.waker());
        for _ in 0..MOST {
            // Taken, not only written: what was done before a wake must be seen by this poll.
            self.shared.state.swap(POLLED, Ordering::AcqRel);
            let poll = future.as_mut().poll(&mut Context::from_waker(&self.waker));
            let waits = self
                .shared
                .state
                .compare_exchange(POLLED, WAITING, Ordering::AcqRel, Ordering::Acquire);
            if poll.is_ready() || waits.is_ok() {
                return poll;
            }
        }
        task.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(WOKEN, Ordering::AcqRel) == WAITING {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, OnceCell};
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// A task that counts how often it is woken.
    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Task {
        fn woken(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_wake_from_within_stays_within() {
        let task = Arc::new(Task::default());
        let waker = task.clone().into();
        let context = Context::from_waker(&waker);
        let kept = OnceCell::new();
        let polls = Cell::new(0);
        let mut future = pin!(poll_fn(|context| {
            kept.get_or_init(|| context.waker().clone());
            polls.update(|polls| polls + 1);
            if polls.get() < MOST {
                context.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        }));
        let in_place = InPlace::new();
        assert!(in_place.poll(future.as_mut(), &context).is_pending());
        assert_eq!((polls.get(), task.woken()), (MOST, 0));

        let from_without = kept.get().unwrap();
        from_without.wake_by_ref();
        from_without.wake_by_ref();
        assert_eq!(task.woken(), 1, "one wake is enough until the next poll");
    }

    #[test]
    fn who_never_waits_lets_others_take_their_turn() {
        let task = Arc::new(Task::default());
        let waker = task.clone().into();
        let mut polls = 0;
        let busy = poll_fn(|context| {
            polls += 1;
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        let poll = InPlace::new().poll(pin!(busy), &Context::from_waker(&waker));
        assert!(poll.is_pending());
        assert_eq!((polls, task.woken()), (MOST, 1));
    }
}
