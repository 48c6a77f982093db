//! When pods that share a claim get in each other's way: the shared vocabulary of the storage rules.

use super::case::Action;
use super::finding::Finding;
use super::parameter::{Parameter, ParameterKind};
use super::rule::{Rule, Surroundings};
use crate::graph::placement::{HOSTNAME, Placement};
use crate::graph::{
    Claim, ClassName, ClusterNode, Fenceposts, Kind, Lookup, Modes, Name, ObjectRef, Runs, View, VolumeKind,
    VolumeSource, Workload,
};

/// Provisioners that make directories of one node (`ARCHITECTURE.md`, "pinned").
const LOCAL: &[&str] = &[
    "kubernetes.io/no-provisioner",
    "rancher.io/local-path",
    "k8s.io/minikube-hostpath",
    "docker.io/hostpath",
    "microk8s.io/hostpath",
    "openebs.io/local",
];

/// In-tree provisioners whose disks the attach/detach controller handles (`pkg/volume/*/attacher.go`, and their
/// CSI migration).
const IN_TREE: &[&str] = &[
    "kubernetes.io/aws-ebs",
    "kubernetes.io/azure-disk",
    "kubernetes.io/cinder",
    "kubernetes.io/gce-pd",
    "kubernetes.io/rbd",
    "kubernetes.io/vsphere-volume",
];

/// The parameter of every rule that asks whether a volume is pinned.
pub const LOCAL_PROVISIONERS: Parameter = Parameter {
    name: "local-provisioners",
    summary: "further provisioners whose volumes only one node can ever reach",
    kind: ParameterKind::List(&[]),
};

/// A claim that the pods of a workload name by hand.
#[derive(Debug)]
pub struct Mounted<'a> {
    pub claim: &'a Name,
    pub volume: &'a Name,
    kind: Kind,
    /// Of the volume among those of the pod.
    index: usize,
}

/// How the pods that name a claim may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// From every node, or only one node can ever reach it: they cannot get in each other's way.
    Free,
    Missing(Missing),
    /// From one node at a time; what holds back those on another.
    OneNode(Modes, Barrier),
    /// By one pod at a time, wherever it is: the scheduler sees to that for every driver.
    OnePod(Modes),
}

/// Why nothing is known of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is not known whether there is one.
    NotKnown,
    /// There is none.
    NotThere,
}

/// What holds back pods on a second node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// The attach/detach controller.
    Attach,
    /// It would, but there is no second node now.
    LoneNode,
    /// Nothing: the driver does not enforce the mode.
    Nothing,
    /// The attach/detach controller, unless the volume lives on one node: neither it nor its class is known.
    Unclear,
}

impl Mounted<'_> {
    /// JSON pointer to the claim's name in the workload.
    #[must_use]
    pub fn path(&self) -> String {
        let Self { kind, index, .. } = self;
        format!("{}/volumes/{index}/persistentVolumeClaim/claimName", kind.pod_spec())
    }
}

impl Barrier {
    /// The strongest action that a conflict behind it deserves.
    #[must_use]
    pub const fn limit(self) -> Action {
        match self {
            Self::Attach => Action::Deny,
            Self::LoneNode | Self::Nothing | Self::Unclear => Action::Warn,
        }
    }

    /// What becomes of `pods` that run on different nodes.
    #[must_use]
    pub fn consequence(self, pods: &str) -> String {
        match self {
            Self::Attach => format!("{pods} on other nodes would wait in ContainerCreating for ever"),
            Self::Unclear => {
                format!(
                    "{pods} on other nodes would wait for ever, unless its volume, which is not known, is on one node"
                )
            }
            Self::LoneNode => {
                format!("{pods} on a second node, which this cluster does not have yet, would wait for ever")
            }
            Self::Nothing => {
                format!("its driver does not enforce that, so {pods} on other nodes would write to it too")
            }
        }
    }
}

/// The claims that a workload's pods name by hand, each once.
///
/// Volumes count whether mounted or not (`docs/kubernetes-facts.md` §2.1); one that a claim template of the same name
/// replaces does not (§1.4).
#[must_use]
pub fn mounted(workload: &Workload) -> Vec<Mounted<'_>> {
    let mut mounted: Vec<Mounted<'_>> = Vec::new();
    for (index, volume) in workload.pods.volumes.iter().enumerate() {
        let VolumeSource::Claim { claim, .. } = &volume.source else {
            continue;
        };
        if claim.is_empty() || workload.is_shadowed(volume) || mounted.iter().any(|other| other.claim == claim) {
            continue;
        }
        mounted.push(Mounted {
            claim,
            volume: &volume.name,
            kind: workload.id.kind,
            index,
        });
    }
    mounted
}

/// How many pods of a workload may exist at once in the steady state; unknown for a DaemonSet whose nodes are not
/// known.
#[must_use]
pub fn pods(workload: &Workload, view: &View<'_>) -> Lookup<u64> {
    if workload.idle {
        return Lookup::Known(0);
    }
    if workload.id.kind.runs(Runs::PerNode) {
        admitting_nodes(workload, view)
    } else {
        Lookup::Known(u64::from(workload.replicas))
    }
}

/// On how many nodes the pods of a workload may run, by selector and required node affinity.
#[must_use]
pub fn admitting_nodes(workload: &Workload, view: &View<'_>) -> Lookup<u64> {
    let placement = workload.pods.placement.as_deref();
    view.nodes().map(|nodes| candidates(placement, nodes).count() as u64)
}

/// The pods that `workload` may have when another one asks: an autoscaler may give it some at any time. One of no
/// replicas is switched off, unless its autoscaler wakes it.
#[must_use]
pub fn pods_ever(workload: &Workload, view: &View<'_>) -> Lookup<u64> {
    let scaled = view
        .autoscalers(&workload.id)
        .into_iter()
        .filter(|one| workload.replicas > 0 || one.wakes())
        .map(|one| u64::from(one.max_replicas))
        .max();
    pods(workload, view).map(|now| now.max(scaled.unwrap_or_default()))
}

/// How far a rolling update goes above the desired number of pods while it may not go below: then the new pod and the
/// old wait for one another. At the replicas the workload has, at least one (`docs/kubernetes-facts.md` §2.3).
#[must_use]
pub fn surge(workload: &Workload) -> Option<Fenceposts> {
    let posts = workload.rollout.fenceposts(workload.replicas.max(1))?;
    (posts.surge > 0 && posts.unavailable == 0).then_some(posts)
}

/// How pods may use the claim of this name. One that a StatefulSet is about to make is known by its template.
#[must_use]
pub fn access(claim: &str, cx: &Surroundings<'_>) -> Access {
    match cx.view.claim(claim) {
        Lookup::Known(claim) => access_to(claim, cx),
        Lookup::Unknown => Access::Missing(Missing::NotKnown),
        Lookup::Absent => {
            to_be_made(claim, cx.view).map_or(Access::Missing(Missing::NotThere), |claim| access_to(&claim, cx))
        }
    }
}

/// Says that a rule could not tell `question` (`whether 3 replicas may share it`), for nothing is known of the claim.
/// Every rule that does so belongs in the table of `rules/mod.rs`.
#[must_use]
pub fn cannot_tell(
    rule: &'static Rule,
    workload: &Workload,
    claim: &Name,
    missing: Missing,
    question: &str,
) -> Finding {
    let finding = Finding::unknown(rule, &workload.id, claim);
    match missing {
        Missing::NotKnown => finding
            .says(
                format!("claim \"{claim}\" is not known, so {question} was not checked"),
                format!("claim \"{claim}\" is not known; whether it may be shared was not checked"),
            )
            .remedy(format!("Add PersistentVolumeClaim \"{claim}\" to what is read")),
        Missing::NotThere => finding
            .says(
                format!("claim \"{claim}\" does not exist yet, so {question} was not checked"),
                format!("claim \"{claim}\" does not exist yet; whether it may be shared was not checked"),
            )
            .remedy(format!("Create PersistentVolumeClaim \"{claim}\" first"))
            .rests_on_absence_of(ObjectRef::new(Kind::CLAIM, claim.clone())),
    }
}

/// Whether all pods of one workload are bound to share a node: by name, or by affinity to themselves.
#[must_use]
pub fn shares_node_with_itself(workload: &Workload, view: &View<'_>) -> bool {
    let placement = workload.pods.placement.as_deref();
    let labels = &workload.pods.labels;
    placement.is_some_and(|placement| placement.hostname().is_some() || placement.joins(labels, labels))
        || only_node(placement, view).is_some()
}

/// Whether pods of the two are bound to share a node. Either side may guarantee it.
#[must_use]
pub fn shares_node_with(one: &Workload, other: &Workload, view: &View<'_>) -> bool {
    let joins = |from: &Workload, to: &Workload| {
        from.pods
            .placement
            .as_deref()
            .is_some_and(|own| own.joins(&from.pods.labels, &to.pods.labels))
    };
    if joins(one, other) || joins(other, one) {
        return true;
    }
    let node = |workload: &Workload| {
        let placement = workload.pods.placement.as_deref();
        let named = placement.and_then(Placement::hostname).map(str::to_owned);
        named.or_else(|| only_node(placement, view))
    };
    let node_of_one = node(one);
    node_of_one.is_some() && node_of_one == node(other)
}

/// Returns true where a StatefulSet makes the claim of this name for one of its pods.
#[must_use]
pub fn is_to_be_made(claim: &str, view: &View<'_>) -> bool {
    to_be_made(claim, view).is_some()
}

/// The claim that a StatefulSet makes for one of its pods, before it has done so.
fn to_be_made(claim: &str, view: &View<'_>) -> Option<Claim> {
    let (set, ordinal) = view.template_user(claim)?;
    if set.deleting || !set.ordinals().contains(&ordinal) {
        return None;
    }
    let template = set
        .claim_templates
        .iter()
        .find(|template| claim.strip_suffix(&format!("-{}-{ordinal}", set.id.name)) == Some(&*template.name))?;
    Some(Claim {
        name: claim.into(),
        requested: template.modes,
        granted: Modes::default(),
        class: template.class.clone(),
        storage: template.storage.clone(),
        lost: false,
        volume_name: None,
        volume: Lookup::Absent,
        deleting: false,
    })
}

fn access_to(claim: &Claim, cx: &Surroundings<'_>) -> Access {
    let modes = claim.modes();
    if modes.is_single_pod() {
        Access::OnePod(modes)
    } else if !modes.is_single_node() || is_pinned(claim, cx) {
        Access::Free
    } else if claim.volume.is_unknown() && cx.view.class(&claim.class).known().is_none() {
        Access::OneNode(modes, Barrier::Unclear)
    } else if !is_enforced(claim, cx.view) {
        Access::OneNode(modes, Barrier::Nothing)
    } else if cx.view.nodes().known().is_some_and(|nodes| nodes.len() == 1) {
        Access::OneNode(modes, Barrier::LoneNode)
    } else {
        Access::OneNode(modes, Barrier::Attach)
    }
}

/// Whether the claim's mode is really enforced on a second node (`ARCHITECTURE.md`, "enforced").
fn is_enforced(claim: &Claim, view: &View<'_>) -> bool {
    if let Lookup::Known(volume) = &claim.volume {
        return view.attaches(&volume.kind);
    }
    match view.class(&claim.class) {
        Lookup::Known(class) if IN_TREE.contains(&&*class.provisioner) => true,
        // Any other provisioner without such a driver makes NFS exports or directories of a host.
        Lookup::Known(class) => match view.driver_attaches(&class.provisioner) {
            Lookup::Known(attaches) => attaches,
            Lookup::Absent => false,
            Lookup::Unknown => true,
        },
        Lookup::Absent | Lookup::Unknown => true,
    }
}

/// Whether one node alone can ever reach the claim's volume. Before it is bound, or where the volume cannot be read,
/// the provisioner of its class tells.
fn is_pinned(claim: &Claim, cx: &Surroundings<'_>) -> bool {
    let further = cx.parameters.list(LOCAL_PROVISIONERS.name).unwrap_or_default();
    let named = |provisioner: &str| further.iter().any(|one| one == provisioner);
    if let Lookup::Known(volume) = &claim.volume {
        return volume.pinned || matches!(&volume.kind, VolumeKind::Csi(driver) if named(driver));
    }
    if claim.class == ClassName::None {
        return false;
    }
    let class = cx.view.class(&claim.class).known();
    class.is_some_and(|class| LOCAL.contains(&&*class.provisioner) || named(&class.provisioner))
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

fn candidates<'a>(placement: Option<&'a Placement>, nodes: &'a [ClusterNode]) -> impl Iterator<Item = &'a ClusterNode> {
    nodes
        .iter()
        .filter(move |node| placement.is_none_or(|own| own.admits(&node.name, &node.labels)))
}
