//! What binds pods to one node, so that they can share what one node may use.

use std::borrow::Cow;

use super::governing;
use crate::graph::placement::{HOSTNAME, Placement, PodTerm};
use crate::graph::{ClusterNode, Field, Labels, View, Workload};

/// The label by which one pod of a StatefulSet can be selected (`pkg/controller/statefulset/stateful_set_utils.go`).
const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";

/// How the pods of two workloads are bound to one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bond {
    /// They share a node, whichever comes last.
    Both,
    /// The first follow the second. Where the second are replaced alone, they may land elsewhere.
    Follows,
    /// The second follow the first.
    Leads,
    None,
}

/// The pods of a workload that use one claim, as far as their bond to others asks for them.
struct Users<'a> {
    placement: Option<&'a Placement>,
    labels: Cow<'a, Labels>,
    /// Of another pod of the same workload, which does not use the claim.
    sibling: Option<Labels>,
}

impl<'a> Users<'a> {
    /// All pods where each uses the claim; that one of a StatefulSet for which the claim is made.
    fn of(workload: &'a Workload, claim: &str) -> Self {
        let labels = &workload.pods.labels;
        let pod = |name: &str| Labels::from_pairs(labels.iter().chain([(POD_NAME, name)]));
        let (labels, sibling) = match user_of_made(workload, claim) {
            Some(name) => (Cow::Owned(pod(name)), Some(pod(""))),
            None => (Cow::Borrowed(labels), None),
        };
        Self {
            placement: workload.pods.placement.as_deref(),
            labels,
            // One pod has no sibling, and its workload may be selected as a whole.
            sibling: sibling.filter(|_| workload.replicas > 1),
        }
    }

    fn follows(&self, other: &Self) -> bool {
        self.placement.is_some_and(|own| {
            own.joins(&self.labels, &other.labels)
                && !other
                    .sibling
                    .as_ref()
                    .is_some_and(|sibling| own.joins(&self.labels, sibling))
        })
    }

    /// Both follow the pods of a third, which one and the same term selects.
    fn follows_with(&self, other: &Self) -> bool {
        let terms = |users: &Self| users.placement.map_or(&[][..], |own| &own.pod_affinity);
        let joins = |term: &PodTerm, labels: &Labels| term.joins(&self.labels, labels);
        let is_of_third = |term: &&PodTerm| {
            *term.topology_key == *HOSTNAME && !joins(term, &self.labels) && !joins(term, &other.labels)
        };
        terms(self)
            .iter()
            .filter(is_of_third)
            .any(|term| terms(other).contains(term))
    }

    fn node(&self, view: &View<'_>) -> Option<String> {
        let named = self.placement.and_then(Placement::hostname).map(str::to_owned);
        named.or_else(|| only_node(self.placement, view))
    }
}

/// How pods of the two that use a claim are bound to one node.
#[must_use]
pub fn bond(one: &Workload, other: &Workload, claim: &str, view: &View<'_>) -> Bond {
    // Neither restricts its node: the common case.
    if one.pods.placement.is_none() && other.pods.placement.is_none() {
        return Bond::None;
    }
    let (one, other) = (Users::of(one, claim), Users::of(other, claim));
    let (follows, leads) = (one.follows(&other), other.follows(&one));
    if (follows && leads) || one.follows_with(&other) {
        return Bond::Both;
    }
    let (node, node_of_other) = (one.node(view), other.node(view));
    // Who follows what never moves is bound by that.
    if (node.is_some() && node == node_of_other) || (follows && node_of_other.is_some()) || (leads && node.is_some()) {
        return Bond::Both;
    }
    match (follows, leads) {
        (true, _) => Bond::Follows,
        (false, true) => Bond::Leads,
        (false, false) => Bond::None,
    }
}

/// The affinity to write into pods that are to run beside those of `other` that use the claim.
#[must_use]
pub fn beside(other: &Workload, claim: &str) -> String {
    match user_of_made(other, claim) {
        Some(pod) => affinity(&format!("matchLabels: {{{POD_NAME}: {pod:?}}}")),
        None => affinity(&governing::match_labels(other)),
    }
}

/// The affinity to write into the pods of `workload`, so that they follow those of `other`, who follow them already.
/// It selects both: the first pod of all must be one that it selects itself, or it would wait for the others, and they
/// for it. `None` where no label tells both from the rest.
#[must_use]
pub fn together(workload: &Workload, other: &Workload) -> Option<String> {
    let (own, theirs) = (&workload.selector.match_labels, &other.selector.match_labels);
    let mut both = own
        .iter()
        .filter_map(|(key, value)| Some((key, value, theirs.get(key)?)));
    let (key, value, their_value) = both.find(|(_, value, their_value)| value != their_value)?;
    let expression = format!("{{key: {key}, operator: In, values: [{value:?}, {their_value:?}]}}");
    Some(affinity(&format!("matchExpressions: [{expression}]")))
}

fn affinity(selector: &str) -> String {
    format!(
        "affinity: {{podAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: [{{topologyKey: {HOSTNAME}, \
         labelSelector: {{{selector}}}}}]}}}}"
    )
}

/// The pod of a StatefulSet for which this claim is made; `None` where all pods of the workload name the claim.
fn user_of_made<'c>(workload: &Workload, claim: &'c str) -> Option<&'c str> {
    if !workload.id.kind.has(Field::ClaimTemplates) || workload.claims().any(|(named, _)| **named == *claim) {
        return None;
    }
    let mut pods = workload.claim_templates.iter().filter_map(|template| {
        let pod = claim.strip_prefix(&*template.name)?.strip_prefix('-')?;
        let ordinal = pod.strip_prefix(&*workload.id.name)?.strip_prefix('-')?;
        ordinal.bytes().all(|byte| byte.is_ascii_digit()).then_some(pod)
    });
    pods.next()
}

/// Whether all pods of one workload are bound to share a node: by name, or by affinity to themselves.
#[must_use]
pub fn shares_node_with_itself(workload: &Workload, view: &View<'_>) -> bool {
    let placement = workload.pods.placement.as_deref();
    let labels = &workload.pods.labels;
    placement.is_some_and(|placement| placement.hostname().is_some() || placement.joins(labels, labels))
        || only_node(placement, view).is_some()
}

/// The nodes that placement admits.
pub fn candidates<'a>(
    placement: Option<&'a Placement>,
    nodes: &'a [ClusterNode],
) -> impl Iterator<Item = &'a ClusterNode> {
    nodes
        .iter()
        .filter(move |node| placement.is_none_or(|own| own.admits(&node.name, &node.labels)))
}

/// The only node that placement admits, in a cluster of several.
fn only_node(placement: Option<&Placement>, view: &View<'_>) -> Option<String> {
    // Without selector or affinity every node is admitted: not worth a walk over all of them.
    placement.filter(|own| !own.node_selector.is_empty() || own.node_terms.is_some())?;
    let nodes = view.nodes().known().filter(|nodes| nodes.len() > 1)?;
    let mut admitted = candidates(placement, nodes);
    let only = admitted.next()?;
    admitted
        .next()
        .is_none()
        .then(|| only.labels.get(HOSTNAME).unwrap_or(&only.name).to_owned())
}
