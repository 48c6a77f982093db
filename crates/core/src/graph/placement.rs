//! Where pods may run, as far as it decides whether two of them share a node.

use thin_vec::ThinVec;

use super::labels::Labels;
use super::names::Name;
use super::selector::{Operator, Requirement, Selector};

/// The label that names a node.
pub const HOSTNAME: &str = "kubernetes.io/hostname";

/// Labels that controllers put on pods and that differ from one revision to the next.
const REVISION_KEYS: [&str; 2] = ["controller-revision-hash", "pod-template-hash"];

/// What restricts the nodes of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    pub node_name: Option<Name>,
    pub node_selector: Labels,
    /// Required node affinity: one of the terms must hold. `None` where there is none.
    pub node_terms: Option<ThinVec<NodeTerm>>,
    /// Required pod affinity: all of the terms must hold.
    pub pod_affinity: ThinVec<PodTerm>,
    /// Required pod anti-affinity: none of the terms may hold.
    pub pod_anti_affinity: ThinVec<PodTerm>,
    /// Preferred pod anti-affinity; read of kinds that have a governing Service.
    pub preferred_anti_affinity: ThinVec<PodTerm>,
    /// All of `topologySpreadConstraints`, as they stand.
    pub spread: ThinVec<Spread>,
}

/// A `nodeSelectorTerm`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeTerm {
    pub labels: ThinVec<Requirement>,
    /// `matchFields`: the only field Kubernetes knows is `metadata.name`.
    pub fields: ThinVec<Requirement>,
}

/// A `podAffinityTerm`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodTerm {
    pub topology_key: Name,
    /// `None` selects no pod.
    pub selector: Option<Selector>,
    /// It may look at other namespaces.
    pub other_namespaces: bool,
    pub match_label_keys: ThinVec<Name>,
    /// Keys in which the pods that are meant differ from this one.
    pub mismatch_label_keys: ThinVec<Name>,
}

/// A `topologySpreadConstraint`. Its `matchLabelKeys` are left out: the pods of one revision are alike in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    pub topology_key: Name,
    /// `None` counts no pod.
    pub selector: Option<Selector>,
    /// `maxSkew`: by so many pods one domain may be ahead of another.
    pub max_skew: u32,
    /// `whenUnsatisfiable: DoNotSchedule`.
    pub hard: bool,
    /// `nodeAffinityPolicy: Ignore`: nodes that the pod may not use count as domains too.
    pub ignores_affinity: bool,
}

impl NodeTerm {
    /// The only hostname that this term admits, where it is one.
    #[must_use]
    pub fn hostname(&self) -> Option<&str> {
        let by_label = self.labels.iter().find_map(|one| one_value(one, HOSTNAME));
        by_label.or_else(|| self.fields.iter().find_map(|one| one_value(one, "metadata.name")))
    }

    /// Returns true where a node with `name` and `labels` meets the term. An empty term matches nothing
    /// (`core/v1/types.go`, NodeSelectorTerm).
    #[must_use]
    pub fn admits(&self, name: &str, labels: &Labels) -> bool {
        if self.labels.is_empty() && self.fields.is_empty() {
            return false;
        }
        let fields = Labels::from_pairs([("metadata.name", name)]);
        self.labels.iter().all(|one| one.matches(labels)) && self.fields.iter().all(|one| one.matches(&fields))
    }
}

impl PodTerm {
    /// Returns true where the term brings pods that carry `own` together with pods that carry `others`, on one node.
    ///
    /// `matchLabelKeys` narrows the selection by the pod's own values, where it has them: with a key that differs
    /// between revisions (`pod-template-hash`) the pods of the next rollout are not selected.
    #[must_use]
    pub fn joins(&self, own: &Labels, others: &Labels) -> bool {
        let kept = |key: &Name| own.get(key).is_none_or(|value| others.get(key) == Some(value));
        self.topology_key == HOSTNAME
            && self.selects(own, others)
            && self
                .match_label_keys
                .iter()
                .all(|key| !REVISION_KEYS.contains(&&**key) && kept(key))
    }

    /// Returns true where the term of anti-affinity keeps the pods of one revision, which carry `own`, on different
    /// nodes. They are alike in `matchLabelKeys`, whichever these are.
    #[must_use]
    pub fn parts(&self, own: &Labels) -> bool {
        !self.other_namespaces && self.topology_key == HOSTNAME && self.selects(own, own)
    }

    /// Returns true where a term of pods that carry `own` selects pods that carry `others`, but for `matchLabelKeys`.
    #[must_use]
    pub fn selects(&self, own: &Labels, others: &Labels) -> bool {
        let differs = |key: &Name| own.get(key).is_none_or(|value| others.get(key) != Some(value));
        self.selector.as_ref().is_some_and(|selector| selector.matches(others))
            && self.mismatch_label_keys.iter().all(differs)
    }
}

impl Spread {
    /// Returns true where the constraint counts pods that carry `own`, node by node, and lets none be scheduled that
    /// would break it.
    #[must_use]
    pub fn forces(&self, own: &Labels) -> bool {
        self.hard && self.topology_key == HOSTNAME && self.counts(own)
    }

    /// Returns true where the constraint counts pods that carry these labels.
    #[must_use]
    pub fn counts(&self, pods: &Labels) -> bool {
        self.selector.as_ref().is_some_and(|selector| selector.matches(pods))
    }
}

impl Placement {
    /// The one node that every such pod runs on, where the spec itself names it.
    #[must_use]
    pub fn hostname(&self) -> Option<&str> {
        if let Some(node) = &self.node_name {
            return Some(node);
        }
        if let Some(host) = self.node_selector.get(HOSTNAME) {
            return Some(host);
        }
        // Terms are alternatives: all of them must name the same host.
        let mut hosts = self.node_terms.as_deref()?.iter().map(NodeTerm::hostname);
        let first = hosts.next()??;
        hosts.all(|host| host == Some(first)).then_some(first)
    }

    /// Returns true where a node with `name` and `labels` may run such a pod, by selector and required affinity.
    #[must_use]
    pub fn admits(&self, name: &str, labels: &Labels) -> bool {
        self.node_name.as_deref().is_none_or(|wanted| wanted == name)
            && labels.contains_all(&self.node_selector)
            && self
                .node_terms
                .as_deref()
                .is_none_or(|terms| terms.iter().any(|term| term.admits(name, labels)))
    }

    /// Returns true where something is to keep such pods, which carry `own`, apart, or to spread them: over nodes, or over
    /// what has several, for pods of two zones are on two nodes.
    #[must_use]
    pub fn spreads(&self, own: &Labels) -> bool {
        let mut terms = self.pod_anti_affinity.iter().chain(&self.preferred_anti_affinity);
        terms.any(|term| term.selects(own, own)) || self.spread.iter().any(|spread| spread.counts(own))
    }

    /// The topology keys of all its terms, which are the same few everywhere.
    pub(super) fn topology_keys_mut(&mut self) -> impl Iterator<Item = &mut Name> {
        let affinity = self.pod_affinity.iter_mut().chain(&mut self.pod_anti_affinity);
        let terms = affinity.chain(&mut self.preferred_anti_affinity);
        let spread = self.spread.iter_mut().map(|spread| &mut spread.topology_key);
        terms.map(|term| &mut term.topology_key).chain(spread)
    }

    /// What only some kinds are asked for, left out.
    pub(super) fn without_preferences(mut self: Box<Self>) -> Option<Box<Self>> {
        self.preferred_anti_affinity = ThinVec::new();
        (*self != Self::default()).then_some(self)
    }

    /// Returns true where required pod affinity puts such a pod, which carries `own`, beside pods that carry `others`.
    #[must_use]
    pub fn joins(&self, own: &Labels, others: &Labels) -> bool {
        self.pod_affinity.iter().any(|term| term.joins(own, others))
    }
}

fn one_value<'a>(requirement: &'a Requirement, key: &str) -> Option<&'a str> {
    let single = requirement.operator == Operator::In && requirement.key == key;
    match &*requirement.values {
        [value] if single => Some(value),
        _ => None,
    }
}
