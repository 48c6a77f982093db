//! The items that wait to be sent: a bounded queue, which nobody who fills it ever waits for.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::batch;
use super::item::Item;
use crate::metrics::{Fates, SentFate};

/// So many wait at most, beside those that are on their way; the SDKs of OpenTelemetry keep as many.
const ITEMS: usize = 2_048;
/// And no more bytes of them.
const BYTES: usize = 4 << 20;
/// How long the first waits for further ones, unless they are a whole batch before.
const COALESCE: Duration = Duration::from_secs(1);

/// Items in the order in which they came. Of too many the oldest are dropped: what is found is told again anyway, and of
/// reviews the last are those that somebody asks about.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    came: Notify,
    /// They are enough for a batch.
    full: Notify,
    fates: Fates,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Somebody sends what comes.
    is_open: bool,
    items: VecDeque<Item>,
    bytes: usize,
    /// Some were dropped since somebody asked.
    lost: bool,
}

/// The queue is open until this is dropped.
#[derive(Debug)]
pub(super) struct Open<'a>(&'a Queue);

/// Items on their way; dropping them puts them back.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    queue: &'a Queue,
    pub(super) items: Vec<Item>,
    /// As many as are sent at once, so that others still wait.
    pub(super) is_full: bool,
}

impl Queue {
    pub(super) fn new(fates: Fates) -> Self {
        Self {
            waiting: Mutex::default(),
            came: Notify::new(),
            full: Notify::new(),
            fates,
        }
    }

    /// Is open from now on.
    pub(super) fn open(&self) -> Open<'_> {
        self.lock().is_open = true;
        Open(self)
    }

    /// Whether somebody sends what comes.
    pub(super) fn is_open(&self) -> bool {
        self.lock().is_open
    }

    /// The oldest, as many as are sent at once; none where none wait.
    pub(super) fn take(&self) -> Taken<'_> {
        let mut waiting = self.lock();
        let items = batch::take(&mut waiting.items);
        waiting.bytes -= items.iter().map(|item| item.len()).sum::<usize>();
        Taken {
            queue: self,
            items,
            is_full: !waiting.items.is_empty(),
        }
    }

    /// Waits until something came, and a little for more.
    pub(super) async fn came(&self) {
        self.came.notified().await;
        let _ = timeout(COALESCE, self.full.notified()).await;
    }

    /// Whether some were dropped since this was asked last.
    pub(super) fn has_lost(&self) -> bool {
        std::mem::take(&mut self.lock().lost)
    }

    /// Adds items behind those that wait.
    pub(super) fn push(&self, items: impl IntoIterator<Item = Item>) {
        let mut waiting = self.lock();
        let before = waiting.items.len();
        for item in items {
            waiting.bytes += item.len();
            waiting.items.push_back(item);
        }
        if waiting.items.len() == before {
            return;
        }
        let is_full = batch::is_full(&waiting.items);
        self.bound(waiting);
        self.came.notify_one();
        if is_full {
            self.full.notify_one();
        }
    }

    fn put_back(&self, items: Vec<Item>) {
        let mut waiting = self.lock();
        for item in items.into_iter().rev() {
            waiting.bytes += item.len();
            waiting.items.push_front(item);
        }
        self.bound(waiting);
    }

    fn bound(&self, mut waiting: MutexGuard<'_, Waiting>) {
        let mut dropped = 0;
        while waiting.items.len() > ITEMS || waiting.bytes > BYTES {
            let Some(oldest) = waiting.items.pop_front() else {
                break;
            };
            waiting.bytes -= oldest.len();
            dropped += 1;
        }
        waiting.lost |= dropped > 0;
        drop(waiting);
        self.fates.count(SentFate::Dropped, dropped);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.lock().is_open = false;
    }
}

impl Taken<'_> {
    /// They need not be sent again.
    pub(super) fn settle(mut self) {
        self.items.clear();
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let items = std::mem::take(&mut self.items);
        if !items.is_empty() {
            self.queue.put_back(items);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::metrics::Metrics;

    fn queue() -> (Queue, Metrics) {
        let metrics = Metrics::new(&[]);
        (Queue::new(metrics.sent.records.clone()), metrics)
    }

    fn items(texts: impl IntoIterator<Item = impl ToString>) -> Vec<Item> {
        texts.into_iter().map(|text| text.to_string().into()).collect()
    }

    fn dropped(metrics: &Metrics) -> u64 {
        let text = metrics.encode().unwrap();
        let series = "stateward_otlp_records_total{result=\"dropped\"} ";
        let line = text.lines().find_map(|line| line.strip_prefix(series));
        line.map_or(0, |count| count.parse().unwrap())
    }

    #[test]
    fn what_is_not_settled_is_sent_again_in_its_order() {
        let (queue, _) = queue();
        queue.push(items(["a", "b"]));
        let taken = queue.take();
        queue.push(items(["c"]));
        drop(taken);
        let taken = queue.take();
        assert_eq!(taken.items, items(["a", "b", "c"]));
        taken.settle();
        assert_eq!(queue.take().items, items([""; 0]));
        assert_eq!(queue.lock().bytes, 0);
    }

    #[test]
    fn of_too_many_the_oldest_are_dropped_and_counted() {
        let (queue, metrics) = queue();
        queue.push(items(0..ITEMS));
        assert_eq!((queue.has_lost(), dropped(&metrics)), (false, 0));
        queue.push(items(["x", "y"]));
        assert_eq!((queue.has_lost(), dropped(&metrics)), (true, 2));
        assert!(!queue.has_lost(), "it was told");
        let taken = queue.take();
        assert_eq!(*taken.items[0], *"2");
        // While they are on their way, as many come again.
        let count = taken.items.len();
        queue.push(items(0..count));
        assert_eq!(dropped(&metrics), 2);
        drop(taken);
        assert_eq!(dropped(&metrics), 2 + u64::try_from(count).unwrap());
    }

    #[test]
    fn large_ones_are_fewer() {
        let (queue, metrics) = queue();
        queue.push(items((0..5).map(|number| number.to_string().repeat(BYTES / 4))));
        assert_eq!((queue.lock().items.len(), dropped(&metrics)), (4, 1));
    }

    #[tokio::test]
    async fn one_waits_for_more_and_a_batch_does_not() {
        let (queue, _) = queue();
        queue.push(items(["a"]));
        assert!(queue.came().now_or_never().is_none());
        queue.push(items(0..ITEMS));
        assert!(queue.came().now_or_never().is_some());
        let batches = std::iter::from_fn(|| {
            let taken = queue.take();
            let told = (taken.items.len(), taken.is_full);
            taken.settle();
            (told.0 > 0).then_some(told)
        });
        let batches: Vec<_> = batches.collect();
        assert_eq!(batches, [(512, true), (512, true), (512, true), (512, false)]);
    }
}
