//! `rwo-spread`: the pods of a workload share a single-node claim and may not share a node.

use super::kit::bond;
use super::kit::sharing::{self, Access, Barrier};
use super::kit::{Action, Case, Finding, Rule, Surroundings, text};
use crate::graph::placement::{Placement, Spread};
use crate::graph::{Features, Modes, Runs, View, Workload};

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
    if workload.replicas <= 1 || workload.idle || workload.pods.volumes.is_empty() {
        return;
    }
    let Some(force) = force(workload, placement, cx.view) else {
        return;
    };
    for sharing::Mounted { claim, .. } in sharing::mounted(workload) {
        let finding = match sharing::access(claim, cx) {
            // Of one pod alone speaks `rwop-overlap`; what is not enforced lets each node in.
            Access::Free | Access::OnePod(_) | Access::OneNode(_, Barrier::Nothing) => continue,
            Access::OneNode(modes, barrier) => {
                let finding = violation(workload, claim, modes, force, cx.view);
                // Where the volume may be of one node alone, it may also be of a driver that lets all in.
                let is_clear = barrier != Barrier::Unclear && !workload.is_one_shot();
                if is_clear {
                    finding
                } else {
                    finding.at_most(Action::Warn)
                }
            }
            Access::Missing(missing) => {
                let pods = text::counted(u64::from(workload.replicas), "pod");
                let question = format!("whether {pods} on different nodes may share it");
                sharing::cannot_tell(&RULE, workload, claim, missing, &question)
            }
        };
        let pod_spec = workload.id.kind.pod_spec();
        findings.push(
            finding
                .extent(workload.replicas)
                .at(format!("{pod_spec}{}", force.path())),
        );
    }
}

fn violation(workload: &Workload, claim: &str, modes: Modes, force: Force<'_>, view: &View<'_>) -> Finding {
    let pods = text::counted(u64::from(workload.replicas), "pod");
    let (who, what) = match force {
        Force::AntiAffinity(_) => ("all but one", "required podAntiAffinity".to_owned()),
        Force::Spread(_, spread) => {
            let skew = spread.max_skew.max(1);
            let what = format!("topologySpreadConstraint (DoNotSchedule, maxSkew {skew})");
            ("those on other nodes", what)
        }
    };
    let (until, own_claim) = if workload.is_one_shot() {
        ("until the first have ended", "an ephemeral volume")
    } else {
        ("for ever", "a StatefulSet with volumeClaimTemplates")
    };
    let finding = Finding::violation(&RULE, &workload.id, claim).says(
        format!(
            "{pods} share claim \"{claim}\", which is {}, but their {what} keeps them on different nodes; {who} would \
             wait {until}",
            text::modes_explained(modes)
        ),
        format!("{pods} on different nodes share claim \"{claim}\", which is {modes}"),
    );
    // Without it they may share the node, and only where something else binds them do they.
    if bond::shares_node_with_itself(workload, view) {
        return finding.remedy(format!(
            "Drop the {what}, or give each pod its own claim by {own_claim}"
        ));
    }
    sharing::with_one_pod(finding, workload, |strategy| {
        format!("Give each pod its own claim by {own_claim}, use a ReadWriteMany class, or run one pod{strategy}")
    })
}

/// What keeps the pods of a workload on different nodes, come what may. A pod that names its node is not scheduled at
/// all.
fn force<'a>(workload: &Workload, placement: &'a Placement, view: &View<'_>) -> Option<Force<'a>> {
    if placement.node_name.is_some() {
        return None;
    }
    let own = &workload.pods.labels;
    if let Some(index) = placement.pod_anti_affinity.iter().position(|term| term.parts(own)) {
        return Some(Force::AntiAffinity(index));
    }
    let is_forced = |spread: &Spread| spread.forces(own) && workload.replicas > spread.max_skew.max(1);
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
