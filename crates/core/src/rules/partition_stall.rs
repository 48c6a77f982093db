//! `partition-stall`: a partition that keeps pods on an older template.

use super::kit::{Action, Case, Finding, Parameter, ParameterKind, Rule, Surroundings, Transition, text};
use crate::graph::{Features, Field, Workload};

const PATH: &str = "/spec/updateStrategy/rollingUpdate/partition";
const LEFT: usize = 1;

/// See `partition-stall.md`.
pub(super) static RULE: Rule = Rule {
    id: "partition-stall",
    summary: "a partition keeps pods of a StatefulSet on an older template",
    page: include_str!("partition-stall.md"),
    since: "0.1.0",
    cases: &[
        Case::always(Action::Warn),
        Case::always(Action::Audit).when("a partition that stays"),
    ],
    parameters: &[Parameter {
        name: "grace",
        summary: "how long a partition must have been there before the audit tells of it",
        kind: ParameterKind::Duration("24h"),
    }],
    judges: Features::having(Field::UpdateStrategy),
    judge: Some(judge),
    judge_change: Some(judge_change),
    ..Rule::DEFAULTS
};

/// A partition is meant for the time of a rollout.
fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let partition = workload.options().update.partition();
    let held = held(workload);
    if held == 0 {
        return;
    }
    findings.push(
        Finding::violation(&RULE, &workload.id, "partition")
            .case(LEFT)
            .extent(held)
            .says(
                format!(
                    "partition is {partition}, so {} of it keep the older template until it is lower",
                    pods(held)
                ),
                format!("partition {partition} keeps {} on the older template", pods(held)),
            )
            .remedy("Set partition: 0 once the new template has proved good")
            .at(PATH)
            .after_grace(cx.parameters),
    );
}

/// A new template that reaches no pod. One that comes with the partition is staged by intent.
fn judge_change(transition: &Transition<'_>, _cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let Some((before, after)) = transition.updated() else {
        return;
    };
    let (old, new) = (before.options(), after.options());
    let changed = old.template.is_some() && new.template.is_some() && old.template != new.template;
    if !changed || old.update.partition() != new.update.partition() || held(after) < u64::from(after.replicas) {
        return;
    }
    let (partition, highest) = (new.update.partition(), after.ordinals().end.saturating_sub(1));
    if after.replicas == 0 {
        return;
    }
    findings.push(
        Finding::violation(&RULE, &after.id, "template")
            .says(
                format!(
                    "the template changes and no pod gets it: partition is {partition}, and the highest pod is \
                     \"{}-{highest}\"",
                    after.id.name
                ),
                format!("partition {partition} is above all pods: none gets the new template"),
            )
            .remedy(format!("To begin with the highest pod, set partition: {highest}"))
            .at(PATH),
    );
}

/// How many pods the partition holds back.
fn held(workload: &Workload) -> u64 {
    let ordinals = workload.ordinals();
    let partition = u64::from(workload.options().update.partition());
    partition.min(ordinals.end).saturating_sub(ordinals.start)
}

fn pods(count: u64) -> String {
    text::counted(count, "pod")
}
