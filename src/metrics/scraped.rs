//! Gauges whose values are computed when they are scraped, such as an age.

use std::fmt;
use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use super::labels::KindLabel;

/// Reads the present values of a metric, one a kind.
type Source = Box<dyn Fn() -> Vec<(&'static str, f64)> + Send + Sync>;

/// A gauge by kind whose values are computed when they are scraped, such as an age.
#[derive(Clone)]
pub struct Observed {
    name: &'static str,
    help: &'static str,
    source: Arc<OnceLock<Source>>,
}

impl Observed {
    pub(super) fn new(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            source: Arc::default(),
        }
    }

    /// Sets where the values come from; only the first call counts, because there is one owner.
    /// The source is called at every scrape and must not block.
    pub fn observe(&self, source: impl Fn() -> Vec<(&'static str, f64)> + Send + Sync + 'static) {
        let first = self.source.set(Box::new(source)).is_ok();
        debug_assert!(first, "{} is observed twice", self.name);
    }
}

impl Collector for Observed {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(source) = self.source.get() else {
            return Ok(());
        };
        let mut metric = encoder.encode_descriptor(self.name, self.help, None, MetricType::Gauge)?;
        for (kind, value) in source() {
            metric.encode_family(&KindLabel { kind })?.encode_gauge(&value)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Observed {
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
