//! Gauges whose values are computed when they are scraped, such as an age.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

/// Reads the present values of a metric, each with the values of its labels.
type Source<const N: usize> = Box<dyn Fn() -> Vec<([Cow<'static, str>; N], f64)> + Send + Sync>;

/// A gauge with labels whose values are computed when they are scraped, such as an age by kind.
#[derive(Clone)]
pub struct Observed<const N: usize> {
    name: &'static str,
    help: &'static str,
    labels: [&'static str; N],
    source: Arc<OnceLock<Source<N>>>,
}

impl<const N: usize> Observed<N> {
    pub(super) fn new(name: &'static str, help: &'static str, labels: [&'static str; N]) -> Self {
        Self {
            name,
            help,
            labels,
            source: Arc::default(),
        }
    }

    /// Sets where the values come from; only the first call counts, because there is one owner.
    /// The source is called at every scrape and must not block.
    pub fn observe(&self, source: impl Fn() -> Vec<([Cow<'static, str>; N], f64)> + Send + Sync + 'static) {
        let first = self.source.set(Box::new(source)).is_ok();
        debug_assert!(first, "{} is observed twice", self.name);
    }
}

impl Observed<1> {
    /// As [`Observed::observe`], where the value of the one label is known beforehand.
    pub fn observe_each(&self, source: impl Fn() -> Vec<(&'static str, f64)> + Send + Sync + 'static) {
        let labelled = |(label, value): (&'static str, f64)| ([label.into()], value);
        self.observe(move || source().into_iter().map(labelled).collect());
    }
}

impl<const N: usize> Collector for Observed<N> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let values = self.source.get().map(|source| source()).unwrap_or_default();
        if values.is_empty() {
            return Ok(());
        }
        let mut metric = encoder.encode_descriptor(self.name, self.help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            let labels = std::array::from_fn::<_, N, _>(|at| (self.labels[at], labels[at].clone()));
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }
}

impl<const N: usize> fmt::Debug for Observed<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A gauge whose value is computed when it is scraped.
#[derive(Clone)]
pub struct Computed {
    name: &'static str,
    help: &'static str,
    source: Arc<OnceLock<Box<dyn Fn() -> u64 + Send + Sync>>>,
}

impl Computed {
    pub(super) fn new(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            source: Arc::default(),
        }
    }

    /// Sets where the value comes from; only the first call counts, because there is one owner.
    /// The source is called at every scrape and must not block.
    pub fn observe(&self, source: impl Fn() -> u64 + Send + Sync + 'static) {
        let first = self.source.set(Box::new(source)).is_ok();
        debug_assert!(first, "{} is observed twice", self.name);
    }
}

impl Collector for Computed {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(source) = self.source.get() else {
            return Ok(());
        };
        encoder
            .encode_descriptor(self.name, self.help, None, MetricType::Gauge)?
            .encode_gauge(&source())
    }
}

impl fmt::Debug for Computed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Computed")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
