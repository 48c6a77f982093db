//! `rwo-surge`: a rolling update starts the new pod before the old one has let go of a single-node claim.

use super::kit::sharing::{self, Access};
use super::kit::{
    Action, Case, Draft, Finding, Injection, Outcome, Parameter, ParameterKind, PatchOperation, Rule, Surroundings,
    Verdict, text,
};
use crate::graph::{Features, Fenceposts, Field, Workload};

/// The case of a claim that one pod alone may use.
pub(super) const ONE_POD: usize = 1;

/// See `rwo-surge.md`.
pub(super) static RULE: Rule = Rule {
    id: "rwo-surge",
    summary: "a rolling update starts the new pod before the old one has released its ReadWriteOnce claim",
    page: include_str!("rwo-surge.md"),
    since: "0.1.0",
    cases: &[
        Case::rising(Action::Warn, Action::Deny),
        Case::always(Action::Deny).when("the claim is ReadWriteOncePod"),
    ],
    parameters: &[
        sharing::LOCAL_PROVISIONERS,
        Parameter {
            name: "strategy",
            summary: "what the mutation writes: `Recreate`, or `NoSurge` for a rolling update with maxSurge 0",
            kind: ParameterKind::Choice(&["Recreate", "NoSurge"]),
        },
    ],
    judges: Features::having(Field::Strategy).or(Features::having(Field::Rollout)),
    judge: Some(judge),
    inject: Some(inject),
    injection: Injection::OptIn,
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    if overlap(workload).is_none() || is_lender(workload, cx) {
        return;
    }
    let update = sharing::update(workload);
    let start = format!("{update} starts the new pod before the old one ends");
    for sharing::Mounted { claim, .. } in sharing::mounted(workload) {
        let finding = match sharing::access(claim, cx) {
            Access::Free => continue,
            Access::OnePod(modes) => Finding::violation(&RULE, &workload.id, claim).case(ONE_POD).says(
                format!(
                    "{start}, but claim \"{claim}\" is {}; the mode counts per pod, so the new one waits for \
                         the claim and the old one for the new to be ready, for ever, even on one node",
                    text::modes_explained(modes)
                ),
                format!("{update} never ends on claim \"{claim}\", which is {modes}"),
            ),
            _ if sharing::share_a_node(workload, cx) => continue,
            Access::OneNode(_, sharing::Barrier::Nothing) => continue,
            Access::OneNode(modes, barrier) => Finding::violation(&RULE, &workload.id, claim)
                .at_most(barrier.limit())
                .says(
                    format!(
                        "{start}, but claim \"{claim}\" is {}; on another node the new pod waits for the old one's \
                         volume and the old one for the new to be ready, for ever",
                        text::modes_explained(modes)
                    ),
                    format!("{update} may never end on claim \"{claim}\", which is {modes}"),
                ),
            Access::Missing(missing) => {
                let question = format!("whether {update} can end on it");
                sharing::cannot_tell(&RULE, workload, claim, missing, &question)
            }
        };
        let finding = match finding.verdict {
            Verdict::Unknown => finding,
            Verdict::Violation => sharing::without_surge(finding, workload),
        };
        findings.push(finding.at(workload.id.kind.rollout_path()));
    }
}

/// It runs no pods, and has its template for another one that does.
fn is_lender(workload: &Workload, cx: &Surroundings<'_>) -> bool {
    workload.replicas == 0 && cx.view.borrowers(&workload.id).next().is_some()
}

fn inject(draft: &Draft<'_>, cx: &Surroundings<'_>) -> Outcome {
    let Draft::New { workload, shape } = *draft else {
        return Outcome::Nothing;
    };
    let stuck = |claim| match sharing::access(claim, cx) {
        Access::OnePod(_) => true,
        Access::OneNode(_, barrier) => barrier != sharing::Barrier::Nothing && !sharing::share_a_node(workload, cx),
        Access::Free | Access::Missing(_) => false,
    };
    if !shape.spec || overlap(workload).is_none() {
        return Outcome::Nothing;
    }
    if !sharing::mounted(workload).any(|mounted| stuck(mounted.claim)) {
        return Outcome::Nothing;
    }
    let strategy = match cx.parameters.text("strategy") {
        Some("NoSurge") => serde_json::json!({
            "type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}
        }),
        _ => serde_json::json!({"type": "Recreate"}),
    };
    Outcome::inject(vec![PatchOperation::add("/spec/strategy", strategy)], Vec::new())
}

/// The fenceposts of a Deployment of at most one pod that starts the new one while the old one must stay.
fn overlap(workload: &Workload) -> Option<Fenceposts> {
    if workload.replicas > 1 || workload.pods.volumes.is_empty() {
        return None;
    }
    sharing::surge(workload)
}
