//! The same work on many things, on several threads, with the results in the order of the things.

use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// As many threads as there are processors for this process.
#[must_use]
pub fn all_cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Maps every item. Threads, of which the calling one is the first, take the next item when they are done with the
/// last, so that a large one delays no other.
pub fn map<T: Sync, R: Send + Sync>(threads: NonZeroUsize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = threads.get().min(items.len());
    if threads <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done: Vec<OnceLock<R>> = items.iter().map(|_| OnceLock::new()).collect();
    let take_turns = || {
        while let Some((item, result)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|index| items.get(index).zip(done.get(index)))
        {
            result.get_or_init(|| work(item));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(take_turns);
        }
        // The calling thread is one of them: it has its memory already, and frees what it made itself.
        take_turns();
    });
    let done = done.into_iter().map(OnceLock::into_inner);
    done.map(|result| result.expect("invariant: every item had its turn"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_items() {
        let items: Vec<u32> = (0..1000).collect();
        for threads in [1, 2, 7, 5000] {
            let threads = NonZeroUsize::new(threads).unwrap();
            let doubled = map(threads, &items, |item| item * 2);
            assert!(
                doubled
                    .iter()
                    .enumerate()
                    .all(|(index, item)| *item as usize == index * 2)
            );
            assert_eq!(doubled.len(), items.len());
        }
        assert!(map(all_cores(), &[] as &[u32], |item| *item).is_empty());
    }
}
