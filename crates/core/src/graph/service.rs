//! Services: what governs a StatefulSet's pod names.

use super::labels::Labels;
use super::names::Name;

/// A Service, as far as names of pods depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub name: Name,
    pub exposure: Exposure,
    /// Empty: no selector, EndpointSlices are made by hand.
    pub selector: Labels,
    pub deleting: bool,
}

/// How a Service is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    ClusterIp,
    ExternalName,
    /// `clusterIP: None`: the only kind with a DNS record for each pod (`docs/kubernetes-facts.md` §1.7).
    Headless,
}

impl Service {
    /// Returns true where the Service selects pods with `labels`.
    #[must_use]
    pub fn selects(&self, labels: &Labels) -> bool {
        !self.selector.is_empty() && labels.contains_all(&self.selector)
    }
}
