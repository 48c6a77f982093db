//! What is told of what is read again and again: whether, and why, its last contents were not taken.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::labels::{Refusal, ReloadLabels, Reloaded};

/// The gauges of one thing that is read again: 1 at the reasons for which its present contents are not in force.
#[derive(Clone, Debug)]
pub struct Reloads {
    pub(super) what: Reloaded,
    pub(super) refused: Family<ReloadLabels, Gauge>,
}

impl Reloads {
    /// All of it is in force.
    pub fn taken(&self) {
        self.tell(&[]);
    }

    /// It is not in force.
    pub fn refused(&self, reason: Refusal) {
        self.tell(&[reason]);
    }

    /// Some of it is not in force, for these reasons.
    pub fn tell(&self, reasons: &[Refusal]) {
        for labels in ReloadLabels::of(self.what) {
            let holds = reasons.contains(&labels.reason);
            self.refused.get_or_create(&labels).set(holds.into());
        }
    }
}
