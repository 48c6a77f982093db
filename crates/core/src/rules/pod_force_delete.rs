//! `pod-force-delete`: a pod of a StatefulSet is removed before it has stopped.

use super::kit::{Action, Case, Finding, Rule, Surroundings, Transition, text};
use crate::graph::{Actor, Features, Field, Node, Runs};

/// See `pod-force-delete.md`.
pub(super) static RULE: Rule = Rule {
    id: "pod-force-delete",
    summary: "a pod of a StatefulSet is deleted by force, and a second one of its name may run beside it",
    page: include_str!("pod-force-delete.md"),
    since: "0.1.0",
    cases: &[Case {
        when: "",
        baseline: None,
        strict: Some(Action::Warn),
    }],
    judges: Features::running(&[Runs::Itself]),
    judge_change: Some(judge_change),
    ..Rule::DEFAULTS
};

fn judge_change(transition: &Transition<'_>, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    // A kubelet removes every pod so, once it has stopped; so does garbage collection where a node is out of service.
    if !transition.forced || transition.actor != Actor::User {
        return;
    }
    let Some(pod) = transition.before.as_ref().and_then(Node::workload) else {
        return;
    };
    let owner = pod.known_owner().filter(|owner| owner.kind.has(Field::ClaimTemplates));
    // What never ran, or has ended, writes nothing; one without any grace goes at once however it is deleted.
    let runs = !pod.idle
        && pod.pods.grace_seconds != Some(0)
        && pod.pods.placement.as_ref().is_some_and(|own| own.node_name.is_some());
    let Some(owner) = owner.filter(|_| runs) else {
        return;
    };
    let name = &pod.id.name;
    findings.push(
        Finding::violation(&RULE, transition.target, "")
            .says(
                format!(
                    "a forced deletion does not wait for its containers to stop: {} starts the next \"{name}\" at once, \
                     and the two may write the same data",
                    text::named(cx.view.namespace(), &owner)
                ),
                format!("the next \"{name}\" starts at once, and the two may write the same data"),
            )
            .remedy(
                "Delete it without --force; where its node is gone for good, taint that with \
                 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute",
            )
            .at("/metadata/name"),
    );
}
