//! When pods that share a claim get in each other's way: the shared vocabulary of the storage rules.

use std::borrow::Cow;

use super::case::Action;
use super::finding::Finding;
use super::parameter::{Parameter, ParameterKind};
use super::rule::{Rule, Surroundings};
use super::{attaching, bond};
use crate::graph::{
    Claim, ClaimTemplate, ClassName, Fenceposts, Kind, Lookup, Modes, Name, ObjectRef, PodVolume, Rollout, Runs, View,
    VolumeKind, VolumeSource, Workload,
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
    workload: &'a Workload,
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
        let volume = self.workload.volume_path(self.index);
        format!("{volume}/persistentVolumeClaim/claimName")
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

    /// What a short message has to add, lest somebody wonders why nothing is denied.
    #[must_use]
    pub const fn aside(self) -> &'static str {
        match self {
            Self::LoneNode => " (works on the only node)",
            Self::Attach | Self::Nothing | Self::Unclear => "",
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
pub fn mounted(workload: &Workload) -> impl Iterator<Item = Mounted<'_>> {
    let volumes = &workload.pods.volumes;
    let named = volumes.iter().enumerate().filter_map(|(index, volume)| {
        let claim = named_by(volume, workload)?;
        Some(Mounted {
            claim,
            volume: &volume.name,
            workload,
            index,
        })
    });
    named.filter(|mounted| {
        let mut before = volumes[..mounted.index].iter();
        !before.any(|volume| named_by(volume, workload) == Some(mounted.claim))
    })
}

/// The claim that a volume names.
fn named_by<'a>(volume: &'a PodVolume, workload: &Workload) -> Option<&'a Name> {
    match &volume.source {
        VolumeSource::Claim { claim, .. } if !claim.is_empty() && !workload.is_shadowed(volume) => Some(claim),
        _ => None,
    }
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
        Lookup::Known(workload.pods_at(workload.replicas))
    }
}

/// On how many nodes the pods of a workload may run, by selector and required node affinity.
#[must_use]
pub fn admitting_nodes(workload: &Workload, view: &View<'_>) -> Lookup<u64> {
    let placement = workload.pods.placement.as_deref();
    view.nodes()
        .map(|nodes| bond::candidates(placement, nodes).count() as u64)
}

/// The pods that `workload` may have when another one asks: an autoscaler may give it some at any time. One of no
/// replicas is switched off, unless its autoscaler wakes it.
#[must_use]
pub fn pods_ever(workload: &Workload, view: &View<'_>) -> Lookup<u64> {
    let scaled = view
        .autoscalers(&workload.id)
        .into_iter()
        .filter(|one| workload.replicas > 0 || one.wakes())
        .map(|one| workload.pods_at(one.max_replicas))
        .max();
    pods(workload, view).map(|now| now.max(scaled.unwrap_or_default()))
}

/// A remedy that ends with one pod: what its strategy has to be then, for of more pods a rolling update may take one away
/// first, and of one none.
#[must_use]
pub fn with_one_pod(finding: Finding, workload: &Workload, remedy: impl Fn(&str) -> String) -> Finding {
    let one = workload.rollout.fenceposts(1);
    let waits = one.is_some_and(|posts| posts.surge > 0 && posts.unavailable == 0);
    if let Some(declared) = workload.id.kind.declared() {
        return finding.remedy(remedy(&match declared.ends_first {
            _ if !waits => String::new(),
            Some(way) => format!(" with {way}"),
            None => " with a rollout that ends the old pod first".to_owned(),
        }));
    }
    if waits {
        finding
            .remedy(remedy(" with strategy type: Recreate"))
            .remedy_in_place(remedy(" with maxSurge: 0 and maxUnavailable: 1"))
    } else {
        finding.remedy(remedy(""))
    }
}

/// How far a rolling update goes above the desired number of pods while it may not go below: then the new pod and the
/// old wait for one another. At the replicas the workload has, at least one (`docs/kubernetes-facts.md` §2.3).
#[must_use]
pub fn surge(workload: &Workload) -> Option<Fenceposts> {
    let posts = workload.rollout.fenceposts(workload.replicas.max(1))?;
    (posts.surge > 0 && posts.unavailable == 0).then_some(posts)
}

/// What replaces the pods of a workload.
#[must_use]
pub fn update(workload: &Workload) -> &'static str {
    match workload.rollout {
        Rollout::Overlapping => "an update",
        Rollout::Cron(_) | Rollout::DeleteFirst | Rollout::Paused | Rollout::Rolling { .. } => "a rolling update",
    }
}

/// Tells how to end the old pod before the new one begins.
///
/// Of a Deployment that exists server-side apply refuses `type: Recreate`, even with `rollingUpdate: null` beside it,
/// for the defaulted `rollingUpdate` stays: only a patch that removes it gets there (`docs/kubernetes-facts.md` §2.3).
#[must_use]
pub fn without_surge(finding: Finding, workload: &Workload) -> Finding {
    if let Some(declared) = workload.id.kind.declared() {
        return finding.remedy(match declared.ends_first {
            Some(way) => format!("Use {way}, so that the old pod ends before the new one begins"),
            None => format!(
                "Use a ReadWriteMany class, or a kind whose old pods end before new ones begin: nothing is known that \
                 makes a {} do so",
                workload.id.kind
            ),
        });
    }
    finding
        .remedy(
            "Use strategy type: Recreate, which alone waits until the old pod has ended, or maxSurge: 0 with \
             maxUnavailable: 1",
        )
        .remedy_in_place(format!(
            "Use maxSurge: 0 with maxUnavailable: 1; or Recreate, which alone waits until the old pod has ended, once \
             by: {}",
            recreating(workload)
        ))
}

/// What makes a workload that is there one with the strategy Recreate, whoever applies it.
#[must_use]
pub fn recreating(workload: &Workload) -> String {
    let Workload { id, namespace, .. } = workload;
    let patch = r#"{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}"#;
    let kind = id.kind.as_str().to_lowercase();
    format!(
        "kubectl patch {kind} {} -n {namespace} --type=merge -p '{patch}'",
        id.name
    )
}

/// How pods may use the claim of this name. One that a StatefulSet makes is known by its template.
#[must_use]
pub fn access(claim: &str, cx: &Surroundings<'_>) -> Access {
    match found(claim, cx.view) {
        Ok(claim) => access_to(&claim, cx),
        Err(missing) => Access::Missing(missing),
    }
}

/// Returns true where only one node can ever reach the volume of this claim, as far as is known.
#[must_use]
pub fn is_local(claim: &str, cx: &Surroundings<'_>) -> bool {
    found(claim, cx.view).is_ok_and(|claim| is_pinned(&claim, cx))
}

/// Whether all pods that use the claim are sent to one node, so that those that may not run there find none; and the
/// strongest action that this deserves: before there is a volume, its class only promises one. A directory of a host
/// without node affinity sends nobody anywhere.
#[must_use]
pub fn confined(claim: &str, cx: &Surroundings<'_>) -> Option<Action> {
    let claim = found(claim, cx.view).ok()?;
    match &claim.volume {
        Lookup::Known(volume) => volume.confined.then_some(Action::Deny),
        Lookup::Absent | Lookup::Unknown => is_pinned(&claim, cx).then_some(Action::Warn),
    }
}

/// Whether all pods of a workload are bound to share a node: by their template, or by a volume on one node that all of
/// them mount.
#[must_use]
pub fn share_a_node(workload: &Workload, cx: &Surroundings<'_>) -> bool {
    let confines = |mounted: Mounted<'_>| confined(mounted.claim, cx).is_some();
    bond::shares_node_with_itself(workload, cx.view) || mounted(workload).any(confines)
}

/// The claims of a workload that send all pods which mount them to one node: it is asked once, however many others there
/// are.
#[must_use]
pub fn confined_claims<'w>(workload: &'w Workload, cx: &Surroundings<'_>) -> Vec<&'w Name> {
    let claims = mounted(workload).map(|mounted| mounted.claim);
    claims.filter(|claim| confined(claim, cx).is_some()).collect()
}

/// Whether the pods of a workload mount one of these claims, so that they share a node with others that do.
#[must_use]
pub fn mounts_any(workload: &Workload, claims: &[&Name]) -> bool {
    mounted(workload).any(|mounted| claims.contains(&mounted.claim))
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

/// Returns true where a StatefulSet makes the claim of this name for one of the pods that it has.
#[must_use]
pub fn is_to_be_made(claim: &str, view: &View<'_>) -> bool {
    view.template_user(claim)
        .is_some_and(|(set, ordinal)| !set.deleting && set.ordinals().contains(ordinal))
        || sharer(claim, view).is_some()
}

/// The template of which a workload makes this claim for all of its pods.
fn sharer<'a>(claim: &str, view: &View<'a>) -> Option<&'a ClaimTemplate> {
    let users = view.claim_users(claim).into_iter().filter(|user| !user.deleting);
    let mut templates = users.filter_map(|user| {
        let mut shared = user.several()?.shared.iter();
        shared.find(|template| template.shared_claim(&user.id.name) == claim)
    });
    templates.next()
}

fn found<'a>(claim: &str, view: &View<'a>) -> Result<Cow<'a, Claim>, Missing> {
    let missing = match view.claim(claim) {
        Lookup::Known(claim) => return Ok(Cow::Borrowed(claim)),
        Lookup::Unknown => Missing::NotKnown,
        Lookup::Absent => Missing::NotThere,
    };
    of_template(claim, view).map(Cow::Owned).ok_or(missing)
}

/// The claim that a StatefulSet makes, or would make for a further pod, or that another makes for all of its pods: nobody
/// else makes one of that name, so what is not seen is like this.
fn of_template(claim: &str, view: &View<'_>) -> Option<Claim> {
    let of_set = || {
        let (set, ordinal) = view.template_user(claim).filter(|(set, _)| !set.deleting)?;
        let makes = |template: &&ClaimTemplate| template.claim(&set.id.name, ordinal).to_string() == claim;
        set.claim_templates.iter().find(makes)
    };
    let template = of_set().or_else(|| sharer(claim, view))?;
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
    } else if !attaching::is_enforced(claim, cx.view) {
        Access::OneNode(modes, Barrier::Nothing)
    } else if cx.view.nodes().known().is_some_and(|nodes| nodes.len() == 1) {
        Access::OneNode(modes, Barrier::LoneNode)
    } else {
        Access::OneNode(modes, Barrier::Attach)
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
