//! What is told of what is sent to collectors.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::labels::{SentFate, SentLabels};

/// The metrics of `--otlp-logs` and `--otlp-traces`.
#[derive(Debug)]
pub struct Sent {
    /// `stateward_otlp_records_total{result}`: records of findings.
    pub records: Fates,
    /// `stateward_otlp_spans_total{result}`: spans of reviews.
    pub spans: Fates,
}

/// How many had which fate; clones share it.
#[derive(Clone, Debug)]
pub struct Fates(Family<SentLabels, Counter>);

impl Sent {
    pub(super) fn new() -> Self {
        Self {
            records: Fates::new(),
            spans: Fates::new(),
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "stateward_otlp_records",
            "Records of findings for --otlp-logs, by what became of them",
            self.records.0.clone(),
        );
        registry.register(
            "stateward_otlp_spans",
            "Spans of reviews for --otlp-traces, by what became of them",
            self.spans.0.clone(),
        );
    }
}

impl Fates {
    /// From zero on, since alerts ask whether they rise.
    fn new() -> Self {
        let fates = Family::<SentLabels, Counter>::default();
        for labels in SentLabels::all() {
            fates.get_or_create(&labels).inc_by(0);
        }
        Self(fates)
    }

    /// Counts what had this fate.
    pub fn count(&self, result: SentFate, count: u64) {
        if count > 0 {
            self.0.get_or_create(&SentLabels { result }).inc_by(count);
        }
    }
}
