//! The same work on many things, on several threads, with the results in the order of the things.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// As many threads as there are processors for this process.
#[must_use]
pub fn all_cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Maps every item. Threads, of which the calling one is the first, take the next item when they are done with the
/// last, so that a large one delays no other.
pub fn map<T: Sync, R: Send>(threads: NonZeroUsize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = threads.get().min(items.len());
    if threads <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let take_turns = || {
        let mut own = Vec::new();
        while let Some((index, item)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|index| Some((index, items.get(index)?)))
        {
            own.push((index, work(item)));
        }
        done.lock()
            .expect("invariant: nothing that can panic runs under this lock")
            .append(&mut own);
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(take_turns);
        }
        // The calling thread is one of them: it has its memory already, and frees what it made itself.
        take_turns();
    });
    let mut done = done
        .into_inner()
        .expect("invariant: nothing that can panic runs under this lock");
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
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
