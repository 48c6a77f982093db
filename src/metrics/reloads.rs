//! What is told of files that are read again and again: whether, and why, their last contents were not taken.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use super::labels::{Refusal, ReloadLabels, Reloaded};

/// The gauges of one thing that is read again: 1 at the reason for which the present files are not in force.
#[derive(Clone, Debug)]
pub struct Reloads {
    pub(super) what: Reloaded,
    pub(super) refused: Family<ReloadLabels, Gauge>,
}

impl Reloads {
    /// What the files hold is in force.
    pub fn taken(&self) {
        self.tell(None);
    }

    /// What the files hold is not in force.
    pub fn refused(&self, reason: Refusal) {
        self.tell(Some(reason));
    }

    fn tell(&self, reason: Option<Refusal>) {
        for labels in ReloadLabels::of(self.what) {
            let holds = Some(labels.reason) == reason;
            self.refused.get_or_create(&labels).set(holds.into());
        }
    }
}
