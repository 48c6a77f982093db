//! When pods that share a claim get in each other's way: the shared vocabulary of the storage rules.

use crate::graph::placement::{HOSTNAME, Placement};
use crate::graph::{Claim, ClassName, Kind, Lookup, Node, View, Workload};

/// Provisioners that make directories of one node (`docs/rules.md`, "pinned").
pub const LOCAL_PROVISIONERS: &[&str] = &[
    "kubernetes.io/no-provisioner",
    "rancher.io/local-path",
    "k8s.io/minikube-hostpath",
    "docker.io/hostpath",
    "microk8s.io/hostpath",
    "openebs.io/local",
];

/// In-tree provisioners whose disks the attach/detach controller handles (`pkg/volume/*/attacher.go`, and their
/// CSI migration).
const IN_TREE_PROVISIONERS: &[&str] = &[
    "kubernetes.io/aws-ebs",
    "kubernetes.io/azure-disk",
    "kubernetes.io/cinder",
    "kubernetes.io/gce-pd",
    "kubernetes.io/rbd",
    "kubernetes.io/vsphere-volume",
];

/// How many pods of a workload may exist at once in the steady state; unknown for a DaemonSet whose nodes are not
/// known.
#[must_use]
pub fn pods(workload: &Workload, view: &View<'_>) -> Lookup<u64> {
    if workload.idle {
        return Lookup::Known(0);
    }
    match workload.id.kind {
        Kind::DaemonSet => view
            .nodes()
            .map(|nodes| candidates(workload.pods.placement.as_deref(), nodes).count() as u64),
        _ => Lookup::Known(u64::from(workload.replicas)),
    }
}

/// The pods that `workload` may have when another one asks: an autoscaler may give it some at any time.
#[must_use]
pub fn pods_ever(workload: &Workload, view: &View<'_>) -> Lookup<u64> {
    let scaled = view
        .autoscalers(&workload.id)
        .into_iter()
        .map(|one| u64::from(one.max_replicas))
        .max();
    pods(workload, view).map(|now| now.max(scaled.unwrap_or_default()))
}

/// Whether the claim's mode is really enforced on a second node (`docs/rules.md`, "enforced").
#[must_use]
pub fn is_enforced(claim: &Claim, view: &View<'_>) -> bool {
    if let Lookup::Known(volume) = &claim.volume {
        return view.attaches(&volume.kind);
    }
    if claim.volume_name.is_some() {
        return true;
    }
    match view.class(&claim.class) {
        Lookup::Known(class) if IN_TREE_PROVISIONERS.contains(&&*class.provisioner) => true,
        // Any other provisioner without such a driver makes NFS exports or directories of a host.
        Lookup::Known(class) => match view.driver_attaches(&class.provisioner) {
            Lookup::Known(attaches) => attaches,
            Lookup::Absent => false,
            Lookup::Unknown => true,
        },
        Lookup::Absent | Lookup::Unknown => true,
    }
}

/// Whether one node alone can ever reach the claim's volume; `extra` are further local provisioners.
#[must_use]
pub fn is_pinned(claim: &Claim, view: &View<'_>, extra: &[String]) -> bool {
    if let Lookup::Known(volume) = &claim.volume {
        return volume.pinned;
    }
    if claim.class == ClassName::None || claim.volume_name.is_some() {
        return false;
    }
    view.class(&claim.class).known().is_some_and(|class| {
        let local = |name: &str| *class.provisioner == *name;
        LOCAL_PROVISIONERS.iter().any(|name| local(name)) || extra.iter().any(|name| local(name))
    })
}

/// Whether all pods of one workload are bound to share a node: by name, or by affinity to themselves.
#[must_use]
pub fn shares_node_with_itself(workload: &Workload, view: &View<'_>) -> bool {
    let placement = workload.pods.placement.as_deref();
    placement.is_some_and(|placement| placement.hostname().is_some() || placement.joins(&workload.pods.labels))
        || only_node(placement, view).is_some()
}

/// Whether pods of the two are bound to share a node. Either side may guarantee it.
#[must_use]
pub fn shares_node_with(one: &Workload, other: &Workload, view: &View<'_>) -> bool {
    let (left, right) = (one.pods.placement.as_deref(), other.pods.placement.as_deref());
    let joins = |placement: Option<&Placement>, to: &Workload| placement.is_some_and(|own| own.joins(&to.pods.labels));
    if joins(left, other) || joins(right, one) {
        return true;
    }
    let named = |placement: Option<&Placement>| placement.and_then(Placement::hostname).map(str::to_owned);
    let node = |placement| named(placement).or_else(|| only_node(placement, view));
    let (left, right) = (node(left), node(right));
    left.is_some() && left == right
}

/// Whether the cluster has one node only: everything shares it, for now.
#[must_use]
pub fn is_one_node_cluster(view: &View<'_>) -> bool {
    view.nodes().known().is_some_and(|nodes| nodes.len() == 1)
}

/// The only node that placement admits, in a cluster of several.
fn only_node(placement: Option<&Placement>, view: &View<'_>) -> Option<String> {
    // Without selector or affinity every node is admitted: not worth a walk over all of them.
    placement.filter(|own| !own.node_selector.is_empty() || own.node_terms.is_some())?;
    let nodes = view.nodes().known()?;
    let mut admitted = candidates(placement, nodes);
    let only = admitted.next()?;
    admitted
        .next()
        .is_none()
        .then(|| only.labels.get(HOSTNAME).unwrap_or(&only.name).to_owned())
}

fn candidates<'a>(placement: Option<&'a Placement>, nodes: &'a [Node]) -> impl Iterator<Item = &'a Node> {
    nodes
        .iter()
        .filter(move |node| placement.is_none_or(|own| own.admits(&node.name, &node.labels)))
}
