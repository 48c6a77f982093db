//! `rwo-spread`: the pods of a workload share a single-node claim and may not share a node.

use super::kit::bond;
use super::kit::sharing::{self, Access, Barrier};
use super::kit::{Action, Case, Finding, Rule, Surroundings, text};
use crate::graph::placement::{Placement, Spread};
use crate::graph::{Features, Modes, ObjectRef, Runs, View, Workload};

/// See `rwo-spread.md`.
pub(super) static RULE: Rule = Rule {
    id: "rwo-spread",
    summary: "pods that share a ReadWriteOnce claim are kept on different nodes",
    page: include_str!("rwo-spread.md"),
    since: "0.1.0",
    cases: &[Case::always(Action::Deny)],
    parameters: &[sharing::LOCAL_PROVISIONERS],
    judges: Features::running(&[Runs::OnSchedule, Runs::Replicas, Runs::ToCompletion]),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

/// What keeps the pods of a workload apart.
#[derive(Clone, Copy, Debug)]
enum Force<'a> {
    /// The required anti-affinity of this index.
    AntiAffinity(usize),
    /// The constraint of this index.
    Spread(usize, &'a Spread),
}

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let Some(placement) = workload.pods.placement.as_deref() else {
        return;
    };
    if workload.idle || workload.pods.volumes.is_empty() {
        return;
    }
    if workload.replicas <= 1 {
        roll(workload, placement, cx, findings);
        return grow(workload, placement, cx, findings);
    }
    let Some(force) = force(workload, placement, workload.replicas, cx.view) else {
        return grow(workload, placement, cx, findings);
    };
    for sharing::Mounted { claim, .. } in sharing::mounted(workload) {
        let finding = match sharing::access(claim, cx) {
            // Of one pod alone speaks `rwop-overlap`; what is not enforced lets each node in.
            Access::OnePod(_) | Access::OneNode(_, Barrier::Nothing) => continue,
            Access::Free => match sharing::confined(claim, cx) {
                Some(limit) => violation(workload, claim, None, force, cx.view).at_most(limit),
                None => continue,
            },
            Access::OneNode(modes, barrier) => {
                let finding = violation(workload, claim, Some(modes), force, cx.view);
                // Where the volume may be of one node alone, it may also be of a driver that lets all in.
                if barrier == Barrier::Unclear {
                    finding.at_most(Action::Warn)
                } else {
                    finding
                }
            }
            Access::Missing(missing) => {
                let pods = text::counted(u64::from(workload.replicas), "pod");
                let question = format!("whether {pods} on different nodes may share it");
                sharing::cannot_tell(&RULE, workload, claim, missing, &question)
            }
        };
        // What ends by itself makes room for those that wait.
        let finding = if workload.is_one_shot() {
            finding.at_most(Action::Warn)
        } else {
            finding
        };
        let pod_spec = workload.id.kind.pod_spec();
        findings.push(
            finding
                .extent(workload.replicas)
                .at(format!("{pod_spec}{}", force.path())),
        );
    }
}

/// One pod and the one that replaces it. Where the volume can be on another node speaks `rwo-surge`.
fn roll(workload: &Workload, placement: &Placement, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let Some(posts) = sharing::surge(workload).filter(|_| workload.replicas == 1) else {
        return;
    };
    let Some(force) = force(workload, placement, 1 + posts.surge, cx.view) else {
        return;
    };
    for sharing::Mounted { claim, .. } in sharing::mounted(workload) {
        if sharing::access(claim, cx) != Access::Free || sharing::confined(claim, cx).is_none() {
            continue;
        }
        let what = force.what();
        let finding = Finding::violation(&RULE, &workload.id, claim).says(
            format!(
                "a rolling update starts the new pod before the old one ends, and its {what} keeps it on another node, \
                 but the volume of claim \"{claim}\" is on one node; the new pod would stay Pending and the old one wait \
                 for it, for ever"
            ),
            format!("a rolling update never ends on claim \"{claim}\", whose volume is on one node"),
        );
        let pod_spec = workload.id.kind.pod_spec();
        findings.push(
            sharing::without_surge(finding, workload)
                .at_most(Action::Warn)
                .extent(1 + posts.surge)
                .at(format!("{pod_spec}{}", force.path())),
        );
    }
}

/// As many pods as an autoscaler may make. Where the volume can be on another node speaks `rwo-autoscaler`.
fn grow(workload: &Workload, placement: &Placement, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let autoscalers = cx.view.autoscalers(&workload.id);
    let Some(autoscaler) = autoscalers.into_iter().max_by_key(|one| one.max_replicas) else {
        return;
    };
    let most = autoscaler.max_replicas;
    let Some(force) = force(workload, placement, most, cx.view).filter(|_| most > 1) else {
        return;
    };
    for sharing::Mounted { claim, .. } in sharing::mounted(workload) {
        if sharing::access(claim, cx) != Access::Free || sharing::confined(claim, cx).is_none() {
            continue;
        }
        let (what, ObjectRef { kind, name }) = (force.what(), &autoscaler.id);
        let pod_spec = workload.id.kind.pod_spec();
        findings.push(
            Finding::violation(&RULE, &workload.id, claim)
                .says(
                    format!(
                        "{kind} \"{name}\" may make {most} pods share claim \"{claim}\", whose volume is on one node, but \
                         their {what} keeps them on different nodes; those on other nodes would stay Pending for ever"
                    ),
                    format!("an autoscaler may keep pods from claim \"{claim}\", whose volume is on one node"),
                )
                .remedy(format!(
                    "Drop the {what}, or give each pod its own claim by a StatefulSet with volumeClaimTemplates"
                ))
                .at_most(Action::Warn)
                .extent(most)
                .at(format!("{pod_spec}{}", force.path())),
        );
    }
}

/// `modes` are those of a claim that one node may use; `None` where its volume is on one node.
fn violation(workload: &Workload, claim: &str, modes: Option<Modes>, force: Force<'_>, view: &View<'_>) -> Finding {
    let pods = text::counted(u64::from(workload.replicas), "pod");
    let what = force.what();
    let who = match force {
        Force::AntiAffinity(_) => "all but one",
        Force::Spread(..) => "those on other nodes",
    };
    let (until, own_claim) = if workload.is_one_shot() {
        ("until the first have ended", "an ephemeral volume")
    } else {
        ("for ever", "a StatefulSet with volumeClaimTemplates")
    };
    let on_one_node = || "whose volume is on one node".to_owned();
    let explained = modes.map_or_else(on_one_node, |modes| {
        format!("which is {}", text::modes_explained(modes))
    });
    let brief = modes.map_or_else(on_one_node, |modes| format!("which is {modes}"));
    let finding = Finding::violation(&RULE, &workload.id, claim).says(
        format!(
            "{pods} share claim \"{claim}\", {explained}, but their {what} keeps them on different nodes; {who} would \
             wait {until}"
        ),
        format!("{pods} on different nodes share claim \"{claim}\", {brief}"),
    );
    // Without it they may share the node, and only where something else binds them do they.
    if bond::shares_node_with_itself(workload, view) {
        return finding.remedy(format!(
            "Drop the {what}, or give each pod its own claim by {own_claim}"
        ));
    }
    let shared = if modes.is_some() {
        " use a ReadWriteMany class,"
    } else {
        ""
    };
    sharing::with_one_pod(finding, workload, |strategy| {
        format!("Give each pod its own claim by {own_claim},{shared} or run one pod{strategy}")
    })
}

/// What keeps so many pods of a workload on different nodes, come what may. A pod that names its node is not scheduled at
/// all.
fn force<'a>(workload: &Workload, placement: &'a Placement, pods: u32, view: &View<'_>) -> Option<Force<'a>> {
    if placement.node_name.is_some() {
        return None;
    }
    let own = &workload.pods.labels;
    if let Some(index) = placement.pod_anti_affinity.iter().position(|term| term.parts(own)) {
        return Some(Force::AntiAffinity(index));
    }
    let is_forced = |spread: &Spread| spread.forces(own) && pods > spread.max_skew.max(1);
    let (index, spread) = placement
        .spread
        .iter()
        .enumerate()
        .find(|(_, spread)| is_forced(spread))?;
    // The nodes among which the pods are counted out (`docs/kubernetes-facts.md` §2.7).
    let several = match view.nodes().known() {
        Some(nodes) if spread.ignores_affinity => nodes.len() > 1,
        Some(nodes) => bond::candidates(Some(placement), nodes).nth(1).is_some(),
        None => spread.ignores_affinity || placement.hostname().is_none(),
    };
    several.then_some(Force::Spread(index, spread))
}

impl Force<'_> {
    fn what(self) -> String {
        match self {
            Self::AntiAffinity(_) => "required podAntiAffinity".to_owned(),
            Self::Spread(_, spread) => {
                let skew = spread.max_skew.max(1);
                format!("topologySpreadConstraint (DoNotSchedule, maxSkew {skew})")
            }
        }
    }

    /// JSON pointer below the pod spec.
    fn path(self) -> String {
        match self {
            Self::AntiAffinity(index) => {
                format!("/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/{index}")
            }
            Self::Spread(index, _) => format!("/topologySpreadConstraints/{index}"),
        }
    }
}
