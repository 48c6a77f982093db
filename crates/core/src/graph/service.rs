//! Services: what governs a StatefulSet's pod names.

use thin_vec::ThinVec;

use super::labels::Labels;
use super::names::Name;

/// A Service, as far as names of pods depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub name: Name,
    pub exposure: Exposure,
    /// Empty: no selector, EndpointSlices are made by hand.
    pub selector: Labels,
    /// A port without a name: no SRV record tells of it (`docs/kubernetes-facts.md` §1.7).
    pub unnamed_port: bool,
    /// The ports of containers that its ports lead to by name.
    pub target_ports: ThinVec<Name>,
    /// `publishNotReadyAddresses`: pods have their names before they are ready.
    pub publishes_unready: bool,
    /// A controller owns it, and would write it again as it was.
    pub controlled: bool,
    pub deleting: bool,
}

/// How a Service is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    ClusterIp,
    ExternalName,
    /// By a port of every node, or by a load balancer in front of these: it always has a cluster IP.
    NodePort,
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
