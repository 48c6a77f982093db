//! `rwo-daemonset`: the pods of a DaemonSet, one on every node, mount one single-node claim.

use super::kit::bond;
use super::kit::sharing::{self, Access, Barrier};
use super::kit::{Action, Case, Finding, Rule, Surroundings, text};
use crate::graph::{Features, Lookup, Runs, Workload};

/// See `rwo-daemonset.md`.
pub(super) static RULE: Rule = Rule {
    id: "rwo-daemonset",
    summary: "a DaemonSet mounts one ReadWriteOnce claim on every node",
    page: include_str!("rwo-daemonset.md"),
    since: "0.1.0",
    cases: &[Case::always(Action::Deny)],
    parameters: &[sharing::LOCAL_PROVISIONERS],
    judges: Features::running(&[Runs::PerNode]),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    for mounted in sharing::mounted(workload) {
        let claim = mounted.claim;
        let finding = match sharing::access(claim, cx) {
            // Of one pod alone speaks `rwop-overlap`.
            Access::OnePod(_) | Access::OneNode(_, Barrier::LoneNode) => continue,
            _ if runs_on_one_node(workload, cx) => continue,
            Access::Free => match sharing::confined(claim, cx) {
                Some(limit) => confined(workload, claim).at_most(limit),
                None => continue,
            },
            Access::OneNode(modes, barrier) => Finding::violation(&RULE, &workload.id, claim)
                .says(
                    format!(
                        "a pod on every node mounts claim \"{claim}\", which is {}; {}",
                        text::modes_explained(modes),
                        barrier.consequence("pods")
                    ),
                    format!("every node's pod mounts claim \"{claim}\", which is {modes} (one node only)"),
                )
                .remedy("Use hostPath, an ephemeral volume, or a ReadWriteMany class")
                .at_most(barrier.limit()),
            Access::Missing(missing) => {
                let question = "whether pods on every node may share it";
                sharing::cannot_tell(&RULE, workload, claim, missing, question)
            }
        };
        findings.push(finding.at(mounted.path()));
    }
}

/// Each pod of a DaemonSet is bound to its node, and cannot go where the volume is.
fn confined(workload: &Workload, claim: &str) -> Finding {
    Finding::violation(&RULE, &workload.id, claim)
        .says(
            format!(
                "a pod on every node mounts claim \"{claim}\", whose volume is on one node; pods of other nodes would \
                 stay Pending for ever"
            ),
            format!("every node's pod mounts claim \"{claim}\", whose volume is on one node"),
        )
        .remedy("Use hostPath, an ephemeral volume, or a nodeSelector for that node")
}

fn runs_on_one_node(workload: &Workload, cx: &Surroundings<'_>) -> bool {
    matches!(sharing::pods(workload, cx.view), Lookup::Known(0 | 1)) || bond::shares_node_with_itself(workload, cx.view)
}
