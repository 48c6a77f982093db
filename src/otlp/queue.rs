//! The news that wait to be sent: a bounded queue, which the audit fills and never waits for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::batch;
use super::record::{Record, State, record};
use crate::clock;
use crate::findings::{Change, Found, Listener, Opened};
use crate::metrics::{Metrics, RecordFate};

/// So many wait at most, beside those that are on their way; the SDKs of OpenTelemetry keep as many.
const RECORDS: usize = 2_048;
/// And no more bytes of them.
const BYTES: usize = 4 << 20;

/// Hears of what opens and closes, for as long as somebody sends it.
#[derive(Clone, Debug)]
pub struct News(pub(super) Arc<Queue>);

/// Records in the order in which they came. Of too many the oldest are dropped: what stands is told again anyway.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    came: Notify,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Somebody sends what comes.
    is_open: bool,
    records: VecDeque<Record>,
    bytes: usize,
    /// Some were dropped since somebody asked.
    lost: bool,
}

/// The queue takes news until this is dropped.
#[derive(Debug)]
pub(super) struct Open<'a>(&'a Queue);

/// Records on their way; dropping them puts them back.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    queue: &'a Queue,
    pub(super) records: Vec<Record>,
}

impl Listener for News {
    fn changed(&self, change: &Change<'_>) {
        if !self.0.lock().is_open {
            return;
        }
        // What a process finds when it begins may be old.
        let opened = match change.because {
            Opened::AtStart => State::Standing,
            Opened::Meanwhile => State::Open,
        };
        let now = clock::nanoseconds();
        let of = |state: State, found: &[&Found]| -> Vec<Record> {
            let records = found.iter().map(|found| record(state, change.workload, found, now));
            records.collect()
        };
        self.0.push(of(State::Closed, &change.closed));
        self.0.push(of(opened, &change.opened));
        self.0.push(of(State::Standing, &change.altered));
    }
}

impl Queue {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            waiting: Mutex::default(),
            came: Notify::new(),
            metrics,
        }
    }

    /// Takes news from now on.
    pub(super) fn open(&self) -> Open<'_> {
        self.lock().is_open = true;
        Open(self)
    }

    /// The oldest, as many as are sent at once; none where none wait.
    pub(super) fn take(&self) -> Taken<'_> {
        let mut waiting = self.lock();
        let records = batch::take(&mut waiting.records);
        waiting.bytes -= records.iter().map(|record| record.len()).sum::<usize>();
        Taken { queue: self, records }
    }

    /// Waits until something came.
    pub(super) async fn came(&self) {
        self.came.notified().await;
    }

    /// Whether some were dropped since this was asked last.
    pub(super) fn has_lost(&self) -> bool {
        std::mem::take(&mut self.lock().lost)
    }

    fn push(&self, records: Vec<Record>) {
        if records.is_empty() {
            return;
        }
        let mut waiting = self.lock();
        for record in records {
            waiting.bytes += record.len();
            waiting.records.push_back(record);
        }
        self.bound(waiting);
        self.came.notify_one();
    }

    fn put_back(&self, records: Vec<Record>) {
        let mut waiting = self.lock();
        for record in records.into_iter().rev() {
            waiting.bytes += record.len();
            waiting.records.push_front(record);
        }
        self.bound(waiting);
    }

    fn bound(&self, mut waiting: MutexGuard<'_, Waiting>) {
        let mut dropped = 0;
        while waiting.records.len() > RECORDS || waiting.bytes > BYTES {
            let Some(oldest) = waiting.records.pop_front() else {
                break;
            };
            waiting.bytes -= oldest.len();
            dropped += 1;
        }
        waiting.lost |= dropped > 0;
        drop(waiting);
        self.metrics.audit.records(RecordFate::Dropped, dropped);
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
        self.records.clear();
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let records = std::mem::take(&mut self.records);
        if !records.is_empty() {
            self.queue.put_back(records);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Queue {
        Queue::new(Arc::new(Metrics::new(&[])))
    }

    fn records(texts: impl IntoIterator<Item = impl ToString>) -> Vec<Record> {
        texts.into_iter().map(|text| text.to_string().into()).collect()
    }

    fn dropped(queue: &Queue) -> u64 {
        let text = queue.metrics.encode().unwrap();
        let series = "stateward_otlp_records_total{result=\"dropped\"} ";
        let line = text.lines().find_map(|line| line.strip_prefix(series));
        line.map_or(0, |count| count.parse().unwrap())
    }

    #[test]
    fn what_is_not_settled_is_sent_again_in_its_order() {
        let queue = queue();
        queue.push(records(["a", "b"]));
        let taken = queue.take();
        queue.push(records(["c"]));
        drop(taken);
        let taken = queue.take();
        assert_eq!(taken.records, records(["a", "b", "c"]));
        taken.settle();
        assert_eq!(queue.take().records, records([""; 0]));
        assert_eq!(queue.lock().bytes, 0);
    }

    #[test]
    fn of_too_many_the_oldest_are_dropped_and_counted() {
        let queue = queue();
        queue.push(records(0..RECORDS));
        assert_eq!((queue.has_lost(), dropped(&queue)), (false, 0));
        queue.push(records(["x", "y"]));
        assert_eq!((queue.has_lost(), dropped(&queue)), (true, 2));
        assert!(!queue.has_lost(), "it was told");
        let taken = queue.take();
        assert_eq!(*taken.records[0], *"2");
        // While they are on their way, as many come again.
        let count = taken.records.len();
        queue.push(records(0..count));
        assert_eq!(dropped(&queue), 2);
        drop(taken);
        assert_eq!(dropped(&queue), 2 + u64::try_from(count).unwrap());
    }

    #[test]
    fn large_ones_are_fewer() {
        let queue = queue();
        queue.push(records((0..5).map(|number| number.to_string().repeat(BYTES / 4))));
        assert_eq!((queue.lock().records.len(), dropped(&queue)), (4, 1));
    }

    #[tokio::test]
    async fn who_waits_hears_of_what_came_before() {
        let queue = queue();
        queue.push(records(["a"]));
        queue.came().await;
    }
}
