//! What a server counts of its connections.

use prometheus_client::metrics::counter::Counter;

use super::counters::Counters;
use super::labels::{End, EndLabels, Port};

/// The counters of the connections to one port.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// `stateward_bodies_refused_total`: bodies that found no room in the budget.
    pub refused_bodies: Counter,
    pub(super) ended: Counters<EndLabels>,
    pub(super) port: Port,
}

impl Traffic {
    /// Counts a connection that the server ended.
    pub fn ended(&self, reason: End) {
        let labels = EndLabels {
            port: self.port,
            reason,
        };
        self.ended.increment(labels.place());
    }
}
