//! `partition-stall`: a partition that keeps pods on an older template, or a new image that is not to reach all at once.

use serde_json::{Value, json};

use super::kit::{
    Action, Case, Draft, Finding, Injection, Outcome, Parameter, ParameterKind, PatchOperation, Rule, Surroundings,
    Transition, text,
};
use crate::graph::{Amount, Features, Field, UpdateStrategy, Workload};

const STRATEGY: &str = "/spec/updateStrategy";
const PATH: &str = "/spec/updateStrategy/rollingUpdate/partition";
const LEFT: usize = 1;
const CANARY: usize = 2;

/// The parameter that says how many pods a new image reaches first.
const FIRST: &str = "canary";

/// The annotation that remembers the images before those that were held back last: who goes back to them is not held.
const BEFORE: &str = "stateward.dev/images-before";

/// See `partition-stall.md`.
pub(super) static RULE: Rule = Rule {
    id: "partition-stall",
    summary: "a partition keeps pods of a StatefulSet on an older template",
    page: include_str!("partition-stall.md"),
    since: "0.1.0",
    cases: &[
        Case::always(Action::Warn),
        Case::always(Action::Audit).when("a partition that stays"),
        Case::always(Action::Warn).when("a new image that reaches more pods than `canary` says"),
    ],
    parameters: &[
        Parameter {
            name: FIRST,
            summary: "how many pods a new image is to reach before somebody lowers the partition",
            kind: ParameterKind::Count,
        },
        Parameter {
            name: "grace",
            summary: "how long a partition must have been there before the audit tells of it",
            kind: ParameterKind::Duration("24h"),
        },
    ],
    judges: Features::having(Field::UpdateStrategy),
    judge: Some(judge),
    judge_change: Some(judge_change),
    inject: Some(inject),
    injection: Injection::OptIn,
    ..Rule::DEFAULTS
};

/// A partition is meant for the time of a rollout.
fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let partition = workload.options().update.partition();
    let held = held(workload);
    if held == 0 {
        return;
    }
    let keep = if held == 1 { "keeps" } else { "keep" };
    findings.push(
        Finding::violation(&RULE, &workload.id, "partition")
            .case(LEFT)
            .extent(held)
            .says(
                format!(
                    "partition is {partition}: {} {keep} the older template until somebody lowers it",
                    pods(held)
                ),
                format!("partition {partition} keeps {} on the older template", pods(held)),
            )
            .remedy("Set partition: 0 once the new template has proved good")
            .at(PATH)
            .after_grace(cx.parameters),
    );
}

fn judge_change(transition: &Transition<'_>, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    if let Some((before, after)) = transition.updated() {
        findings.extend(reaches_nobody(before, after));
        findings.extend(reaches_too_many(before, after, cx));
    }
}

/// A new template that reaches no pod. One that comes with the partition is staged by intent.
fn reaches_nobody(before: &Workload, after: &Workload) -> Option<Finding> {
    let (old, new) = (before.options(), after.options());
    let changed = old.template.is_some() && new.template.is_some() && old.template != new.template;
    if !changed || old.update.partition() != new.update.partition() || held(after) < u64::from(after.replicas) {
        return None;
    }
    if after.replicas == 0 {
        return None;
    }
    let (partition, highest) = (new.update.partition(), after.ordinals().last().unwrap_or_default());
    let lower = after.replicas - 1;
    Some(
        Finding::violation(&RULE, &after.id, "template")
            .says(
                format!(
                    "the template changes and no pod gets it: partition is {partition}, and the highest pod is \
                     \"{}-{highest}\"",
                    after.id.name
                ),
                format!("partition {partition} holds back all pods: none gets the new template"),
            )
            .remedy(format!("To begin with the highest pod, set partition: {lower}"))
            .at(PATH),
    )
}

/// A new image that is to reach some pods first and reaches more. Who goes back to an older one cannot always be told,
/// so that nobody is denied it.
fn reaches_too_many(before: &Workload, after: &Workload, cx: &Surroundings<'_>) -> Option<Finding> {
    let wanted = first_partition(before, after, cx)?;
    let first = pods(u64::from(after.replicas) - wanted);
    let (all, partition) = (pods(u64::from(after.replicas)), after.options().update.partition());
    let reached = u64::from(after.replicas) - held(after);
    Some(
        Finding::violation(&RULE, &after.id, "image")
            .case(CANARY)
            .at_most(Action::Warn)
            .says(
                format!(
                    "the image changes and partition is {partition}, so {reached} of {all} get it; the policy lets {first} \
                     begin"
                ),
                format!("the new image goes to {reached} of {all}; the policy lets {first} begin"),
            )
            .remedy(format!(
                "Set partition: {wanted} together with the image, and lower it once that has proved good"
            ))
            .at(PATH),
    )
}

/// The partition that holds a new image back, as annotation and strategy.
fn inject(draft: &Draft<'_>, cx: &Surroundings<'_>) -> Outcome {
    let Draft::Update { before, after, shape } = *draft else {
        return Outcome::Nothing;
    };
    let Some(partition) = first_partition(before, after, cx).filter(|_| shape.spec) else {
        return Outcome::Nothing;
    };
    let UpdateStrategy::RollingUpdate { max_unavailable, .. } = after.options().update else {
        return Outcome::Nothing;
    };
    let mut rolling = json!({ "partition": partition });
    if let Some(most) = max_unavailable {
        rolling["maxUnavailable"] = match most {
            Amount::Count(count) => count.into(),
            Amount::Percent(percent) => format!("{percent}%").into(),
        };
    }
    let strategy = json!({"type": "RollingUpdate", "rollingUpdate": rolling});
    let former = Value::from(images(before));
    let remembered = if shape.annotations {
        PatchOperation::add(format!("/metadata/annotations/{}", BEFORE.replace('/', "~1")), former)
    } else {
        PatchOperation::add("/metadata/annotations", json!({ BEFORE: former }))
    };
    Outcome::inject(vec![PatchOperation::add(STRATEGY, strategy), remembered], Vec::new())
}

/// The partition by which a new image reaches the first pods alone, where it is not that high. `None` also while a
/// partition holds back some already, for then the roll-out of an image goes on or back, and for the images before.
fn first_partition(before: &Workload, after: &Workload, cx: &Surroundings<'_>) -> Option<u64> {
    let first = cx.parameters.count(FIRST)?;
    let rolls = matches!(after.options().update, UpdateStrategy::RollingUpdate { .. });
    let changed = before.pods.image_digest != after.pods.image_digest;
    if !rolls || !changed || held(before) > 0 || before.annotation(BEFORE) == Some(&images(after)) {
        return None;
    }
    let wanted = u64::from(after.replicas).saturating_sub(first);
    let is_lower = u64::from(after.options().update.partition()) < wanted;
    (wanted > 0 && is_lower).then_some(wanted)
}

fn images(workload: &Workload) -> String {
    format!("{:08x}", workload.pods.image_digest)
}

/// How many pods the partition holds back. It counts pods from the first one on, whatever the ordinal of that
/// (`docs/kubernetes-facts.md` §1.6).
fn held(workload: &Workload) -> u64 {
    workload.options().update.partition().min(workload.replicas).into()
}

fn pods(count: u64) -> String {
    text::counted(count, "pod")
}
