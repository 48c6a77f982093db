//! `rollout-fields`: an update strategy that does not do what it seems to.

use super::kit::{Action, Case, Finding, Phase, Rule, Surroundings, Transition};
use crate::graph::{Amount, Features, Field, Node, UpdateStrategy, Version, Workload};

const STRATEGY: &str = "/spec/updateStrategy";

/// Both are new there: `maxUnavailable` by default, and the type `Recreate` (`docs/kubernetes-facts.md` §1.6).
const NEWER: Version = Version::new(1, 37);

/// Its first patches had `maxUnavailable` on by default, and from 1.35.4 on it is off; which patch this is, is not known.
const EITHER: Version = Version::new(1, 35);

/// See `rollout-fields.md`.
pub(super) static RULE: Rule = Rule {
    id: "rollout-fields",
    summary: "an update strategy of a StatefulSet that waits for somebody, or that the API server does not know",
    page: include_str!("rollout-fields.md"),
    since: "0.1.0",
    cases: &[Case::always(Action::Warn)],
    judges: Features::having(Field::UpdateStrategy),
    judge: Some(judge),
    judge_change: Some(judge_change),
    // What the API server drops, nobody sees any more when it is validated.
    phase: Phase::Mutating,
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, _cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    if workload.options().update != UpdateStrategy::OnDelete {
        return;
    }
    findings.push(
        Finding::violation(&RULE, &workload.id, "type")
            .says(
                "updateStrategy is OnDelete: a new template, and the fix in it, reaches a pod only when somebody deletes \
                 that pod",
                "updateStrategy is OnDelete: no update reaches a pod by itself",
            )
            .remedy("Use RollingUpdate, with a partition to go step by step, or delete each pod after an update")
            .at(format!("{STRATEGY}/type")),
    );
}

fn judge_change(transition: &Transition<'_>, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let Some(workload) = transition.after.as_ref().and_then(Node::workload) else {
        return;
    };
    let update = workload.options().update;
    let Some(version) = cx.view.version().filter(|version| *version < NEWER) else {
        return;
    };
    match update {
        UpdateStrategy::RollingUpdate {
            max_unavailable: Some(most),
            ..
        } if is_several(most, workload.replicas) => {
            let since = if version == EITHER { ", from 1.35.4 on" } else { "" };
            findings.push(
                Finding::violation(&RULE, &workload.id, "maxUnavailable")
                    .says(
                        format!(
                            "maxUnavailable is dropped without a word by Kubernetes {version}{since}, unless its feature \
                             gate MaxUnavailableStatefulSet is on: pods are replaced one at a time"
                        ),
                        format!("maxUnavailable is dropped by Kubernetes {version}{since}: one pod at a time"),
                    )
                .remedy("Leave it out, and plan for one pod at a time, or use Kubernetes 1.37 or later")
                .at(format!("{STRATEGY}/rollingUpdate/maxUnavailable")),
            );
        }
        UpdateStrategy::Recreate => findings.push(
            Finding::violation(&RULE, &workload.id, "type")
                .says(
                    format!(
                        "updateStrategy Recreate is refused by the API server: this is Kubernetes {version}, and 1.37 is \
                         the first to know it"
                    ),
                    format!("updateStrategy Recreate is refused by Kubernetes {version}"),
                )
                .remedy("Use RollingUpdate")
                .at(format!("{STRATEGY}/type")),
        ),
        _ => {}
    }
}

/// More than one, however it is rounded.
fn is_several(most: Amount, replicas: u32) -> bool {
    match most {
        Amount::Count(count) => count > 1,
        Amount::Percent(percent) => u64::from(replicas) * u64::from(percent) >= 200,
    }
}
