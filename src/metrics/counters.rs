//! Counters over a closed set of labels, each found by its place: a request takes no lock and hashes nothing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// One counter for each set of labels; of those that never counted only some are told.
#[derive(Clone, Debug)]
pub(super) struct Counters<L> {
    counters: Arc<[(L, AtomicU64)]>,
    from_zero: fn(&L) -> bool,
}

impl<L> Counters<L> {
    pub(super) fn new(labels: impl IntoIterator<Item = L>) -> Self {
        let counter = |labels| (labels, AtomicU64::new(0));
        Self {
            counters: labels.into_iter().map(counter).collect(),
            from_zero: |_| false,
        }
    }

    /// Tells these before they ever count: from a series that begins with its first event nobody can see that it rose.
    pub(super) fn told_from_zero(self, from_zero: fn(&L) -> bool) -> Self {
        Self { from_zero, ..self }
    }

    /// Adds one to the counter whose labels came at this place.
    pub(super) fn increment(&self, place: usize) {
        if let Some((_, counter)) = self.counters.get(place) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The sum of all of them.
    pub(super) fn sum(&self) -> u64 {
        self.told().map(|(_, count)| count).sum()
    }

    fn told(&self) -> impl Iterator<Item = (&L, u64)> {
        let counts = self.counters.iter();
        let counts = counts.map(|(labels, counter)| (labels, counter.load(Ordering::Relaxed)));
        counts.filter(|(labels, count)| *count > 0 || (self.from_zero)(labels))
    }
}

impl<L: EncodeLabelSet> EncodeMetric for Counters<L> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (labels, count) in self.told() {
            encoder
                .encode_family(labels)?
                .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }

    fn is_empty(&self) -> bool {
        self.told().next().is_none()
    }
}
