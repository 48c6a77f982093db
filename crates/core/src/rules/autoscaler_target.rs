//! `autoscaler-target`: an autoscaler that scales nothing.

use super::kit::{Action, Case, Finding, GRACE, Rule, Surroundings, Transition};
use crate::graph::{Autoscaler, Features, Lookup, Node, ObjectRef, Operation, Role, Scaler, Workload};

/// See `autoscaler-target.md`.
pub(super) static RULE: Rule = Rule {
    id: "autoscaler-target",
    summary: "an autoscaler's target does not exist, or is of another kind",
    page: include_str!("autoscaler-target.md"),
    since: "0.1.0",
    cases: &[Case::always(Action::Warn)],
    parameters: &[GRACE],
    judges: Features::of(&Role::Autoscaler(Scaler::Horizontal)),
    judge_change: Some(judge_change),
    judge_autoscaler: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(autoscaler: &Autoscaler, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let Some(target) = lacking(autoscaler, cx) else {
        return;
    };
    findings.push(match cx.view.scalable(&target.name).next() {
        Some(namesake) => of_another_kind(autoscaler, target, namesake, cx),
        None if cx.view.workload(target) == Lookup::Absent => not_there(autoscaler, target, cx),
        None => not_known(autoscaler, target),
    });
}

/// What a request makes of an autoscaler that does not go away. A new one may well come before its target.
fn judge_change(transition: &Transition<'_>, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let Some(Node::Autoscaler(autoscaler)) = &transition.after else {
        return;
    };
    if let Some(Node::Autoscaler(before)) = &transition.before
        && before.target == autoscaler.target
    {
        return;
    }
    let Some(target) = lacking(autoscaler, cx) else {
        return;
    };
    match cx.view.scalable(&target.name).next() {
        Some(namesake) => findings.push(of_another_kind(autoscaler, target, namesake, cx)),
        None if transition.operation == Operation::Update && cx.view.workload(target) == Lookup::Absent => {
            findings.push(not_there(autoscaler, target, cx));
        }
        None => {}
    }
}

/// The target, where none such is known. Not of a kind whose objects may be another workload's own: those are not kept.
fn lacking<'a>(autoscaler: &'a Autoscaler, cx: &Surroundings<'_>) -> Option<&'a ObjectRef> {
    let target = autoscaler.target.as_ref()?;
    let own = target.kind.form().is_some_and(|form| form.makers.is_empty());
    (own && !autoscaler.deleting && cx.view.workload(target).known().is_none()).then_some(target)
}

fn finding(autoscaler: &Autoscaler, target: &ObjectRef) -> Finding {
    Finding::violation(&RULE, &autoscaler.id, &target.name).at("/spec/scaleTargetRef")
}

fn of_another_kind(autoscaler: &Autoscaler, target: &ObjectRef, namesake: &Workload, cx: &Surroundings<'_>) -> Finding {
    let (name, wrong, right) = (&target.name, target.kind, namesake.id.kind);
    // Among files alone there may be one elsewhere, however unlikely.
    let (text, brief) = if cx.view.workload(target) == Lookup::Absent {
        (
            format!("its target is {wrong} \"{name}\", but \"{name}\" is a {right}; nothing is scaled"),
            format!("its target is a {wrong}, but \"{name}\" is a {right}"),
        )
    } else {
        (
            format!(
                "its target is {wrong} \"{name}\", which is not known, and {right} \"{name}\" is: if that is meant, \
                 nothing is scaled"
            ),
            format!("scales a {wrong}, but \"{name}\" is a {right}"),
        )
    };
    finding(autoscaler, target)
        .at("/spec/scaleTargetRef/kind")
        .says(text, brief)
        .remedy(format!("Set scaleTargetRef.kind: {right}"))
        .related(
            namesake.id.clone(),
            "/metadata/name",
            format!("the {right} of that name"),
        )
}

fn not_there(autoscaler: &Autoscaler, target: &ObjectRef, cx: &Surroundings<'_>) -> Finding {
    let ObjectRef { kind, name } = target;
    finding(autoscaler, target)
        .says(
            format!("its target, {kind} \"{name}\", does not exist; nothing is scaled"),
            format!("its target, {kind} \"{name}\", does not exist"),
        )
        .remedy("Correct the name in scaleTargetRef, or delete the autoscaler")
        .rests_on_absence_of(target.clone())
        .after_grace(cx.parameters)
}

fn not_known(autoscaler: &Autoscaler, target: &ObjectRef) -> Finding {
    let ObjectRef { kind, name } = target;
    Finding::unknown(&RULE, &autoscaler.id, name)
        .at("/spec/scaleTargetRef")
        .says(
            format!("its target, {kind} \"{name}\", is not known, so whether it scales anything was not checked"),
            format!("its target, {kind} \"{name}\", is not known"),
        )
        .remedy(format!("Add {kind} \"{name}\" to what is read"))
}
