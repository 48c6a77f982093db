//! `claim-in-use`: a claim is deleted whose pods still need it.

use super::kit::{Action, Case, Finding, Rule, Surroundings, Transition, others, text};
use crate::graph::{Actor, Features, Node, Operation, Role, Runs, Workload};

/// See `claim-in-use.md`.
pub(super) static RULE: Rule = Rule {
    id: "claim-in-use",
    summary: "a claim is deleted that a workload uses",
    page: include_str!("claim-in-use.md"),
    since: "0.1.0",
    cases: &[Case::rising(Action::Warn, Action::Deny)],
    judges: Features::of(&Role::Claim),
    judge_change: Some(judge_change),
    ..Rule::DEFAULTS
};

fn judge_change(transition: &Transition<'_>, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    // What garbage collection deletes was decided before: by a retention policy, or with its namespace.
    if transition.operation != Operation::Delete || transition.actor == Actor::Cleanup {
        return;
    }
    let Some(claim) = transition.before.as_ref().and_then(Node::claim) else {
        return;
    };
    let terminating = cx.view.namespace_facts().known().is_some_and(|facts| facts.terminating);
    if claim.deleting || terminating {
        return;
    }
    let users = others::running(&claim.name, cx.view);
    // The set whose template makes it would make it again, and empty.
    let own = cx.view.template_user(&claim.name).filter(|(set, ordinal)| {
        set.ordinals().contains(*ordinal) && users.iter().any(|user| user.workload.id == set.id)
    });
    let Some(first) = users.first() else {
        return;
    };
    let finding = Finding::violation(&RULE, transition.target, "")
        .extent(users.len() as u64)
        .at("/metadata/name");
    let finding = match own {
        Some((set, ordinal)) => of_set(finding, set, ordinal),
        None => finding
            .says(
                format!(
                    "in use by {}: a deletion cannot be taken back, the claim goes once no pod runs on it, and pods that \
                     start later stay Pending",
                    others::described(&users)
                ),
                format!("in use by {}: later pods will stay Pending", others::brief(&users)),
            )
            .remedy(format!("{} {} first", ended(first.workload), text::object(first.workload))),
    };
    // A user cannot edit what an operator writes, and the operator may know better.
    let operated = users.iter().all(|user| user.workload.is_operated());
    let finding = if operated {
        finding.at_most(Action::Warn)
    } else {
        finding
    };
    findings.push(others::related(finding, &users, &claim.name));
}

/// What takes its pods away.
fn ended(workload: &Workload) -> &'static str {
    if workload.id.kind.runs(Runs::Replicas) {
        "Delete or scale down"
    } else {
        "Delete"
    }
}

fn of_set(finding: Finding, set: &Workload, ordinal: u64) -> Finding {
    let pod = format!("{}-{ordinal}", set.id.name);
    finding
        .says(
            format!(
                "in use by pod \"{pod}\" of {}: a deletion cannot be taken back, the claim goes with the pod, and the next \
                 \"{pod}\" starts on an empty disk",
                text::object(set)
            ),
            format!("the next pod \"{pod}\" starts on an empty disk"),
        )
        .remedy(format!(
            "Keep it, or scale {} to fewer pods first",
            text::object(set)
        ))
}
