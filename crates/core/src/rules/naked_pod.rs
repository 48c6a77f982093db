//! `naked-pod`: pods that nothing brings back, or nothing rolls.

use super::kit::{Action, Case, Finding, Rule, Surroundings, others};
use crate::graph::{Features, RestartPolicy, Runs, Workload};

const STATELESS: usize = 1;

/// See `naked-pod.md`.
pub(super) static RULE: Rule = Rule {
    id: "naked-pod",
    summary: "a Pod, ReplicaSet or ReplicationController with a claim that no controller looks after",
    page: include_str!("naked-pod.md"),
    since: "0.1.0",
    cases: &[
        Case::always(Action::Warn),
        Case {
            when: "without a claim",
            baseline: None,
            strict: Some(Action::Warn),
        },
    ],
    judges: Features::running(&[Runs::Itself]).or(Features::UNROLLED),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let kind = workload.id.kind;
    let pod = kind.runs(Runs::Itself);
    if workload.owner.is_some() || workload.idle {
        return;
    }
    // One that runs once and ends, and one that somebody sits in front of (`kubectl run -i --rm`, `kubectl debug`).
    if pod && (workload.pods.restart != RestartPolicy::Always || workload.pods.interactive) {
        return;
    }
    if others::will_be_adopted(workload, cx.view) {
        return;
    }
    let claim = workload.claims().next().map(|(claim, _)| claim);
    let subject = claim.map_or("owner", |claim| claim.as_str());
    let finding = Finding::violation(&RULE, &workload.id, subject);
    let finding = if pod {
        let left = claim.map_or_else(String::new, |claim| format!(", and nothing serves claim \"{claim}\""));
        finding
            .says(
                format!("no controller looks after this Pod: once its node fails or is drained, it is gone{left}"),
                "no controller looks after this Pod; a drained node ends it for good",
            )
            .remedy(if claim.is_some() {
                "Make it the template of a StatefulSet, or of a Deployment with strategy type: Recreate, with replicas: 1"
            } else {
                "Make it the template of a Deployment"
            })
    } else {
        finding
            .says(
                format!("no Deployment looks after this {kind}: a new image reaches none of the pods that are there"),
                format!("no Deployment rolls out what changes in this {kind}"),
            )
            .remedy(if claim.is_some() {
                "Write a StatefulSet instead, or a Deployment with strategy type: Recreate"
            } else {
                "Write a Deployment instead"
            })
    };
    let finding = finding.at("/kind");
    findings.push(if claim.is_some() {
        finding
    } else {
        finding.case(STATELESS)
    });
}
