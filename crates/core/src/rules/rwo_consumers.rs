//! `rwo-consumers`: two workloads use one single-node claim.

use super::kit::others::{self, Other};
use super::kit::sharing::{self, Access};
use super::kit::{Action, Case, Finding, Rule, Surroundings, text};
use crate::graph::{Features, Lookup, Runs, Workload};

/// See `rwo-consumers.md`.
pub(super) static RULE: Rule = Rule {
    id: "rwo-consumers",
    summary: "two workloads use one ReadWriteOnce claim",
    page: include_str!("rwo-consumers.md"),
    since: "0.1.0",
    cases: &[Case::always(Action::Deny)],
    parameters: &[sharing::LOCAL_PROVISIONERS],
    judges: Features::running(&[Runs::Itself, Runs::PerNode, Runs::Replicas]),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    // Of what runs once and ends speaks `rwo-job`, whichever side it is on.
    if workload.is_one_shot() || sharing::pods_ever(workload, cx.view) == Lookup::Known(0) {
        return;
    }
    for used in others::shareable(workload, cx.view) {
        let claim = used.claim();
        let mut others = others::others(workload, claim, cx.view);
        others.retain(|other| {
            !other.workload.is_one_shot() && !sharing::shares_node_with(workload, other.workload, cx.view)
        });
        // The one that is worst comes first: it is named, and decides.
        others.sort_by_key(|other| std::cmp::Reverse(limit(workload, other)));
        let Some(worst) = others.first() else {
            continue;
        };
        let who = others::described(&others);
        let finding = match sharing::access(claim, cx) {
            // Of one pod alone speaks `rwop-overlap`.
            Access::Free | Access::OnePod(_) => continue,
            Access::OneNode(modes, barrier) => Finding::violation(&RULE, &workload.id, claim)
                .says(
                    format!(
                        "claim \"{claim}\", which is {}, is also used by {who}; {}",
                        text::modes_explained(modes),
                        barrier.consequence("pods")
                    ),
                    format!(
                        "claim \"{claim}\", which is {modes}, is also used by {}",
                        others::brief(&others)
                    ),
                )
                .remedy(
                    "Give each its own claim, use a ReadWriteMany class, or keep them on one node by required \
                     podAffinity with topologyKey kubernetes.io/hostname",
                )
                .at_most(barrier.limit())
                .at_most(limit(workload, worst)),
            Access::Missing(missing) => {
                let question = format!("whether {} may use it too", text::object(worst.workload));
                sharing::cannot_tell(&RULE, workload, claim, missing, &question)
            }
        };
        let finding = others::related(finding, &others, claim);
        findings.push(finding.extent(others.len() as u64).at(used.path()));
    }
}

/// The strongest action that meeting `other` deserves.
fn limit(workload: &Workload, other: &Other<'_>) -> Action {
    if others::is_renamed_from(workload, other.workload) || others::is_visit(workload, other.workload) {
        Action::Warn
    } else {
        Action::Deny
    }
}
