//! `retention-delete`: claims that are deleted with their pods or their StatefulSet.

use serde_json::json;

use super::kit::{Action, Case, Draft, Finding, Injection, Outcome, PatchOperation, Rule, Surroundings};
use crate::graph::{Autoscaler, ClaimFate, Features, Field, Workload};

const FIELD: &str = "persistentVolumeClaimRetentionPolicy";
const PATH: &str = "/spec/persistentVolumeClaimRetentionPolicy";
const AUTOSCALED: usize = 1;

/// See `retention-delete.md`.
pub(super) static RULE: Rule = Rule {
    id: "retention-delete",
    summary: "claims are deleted with the pods or the StatefulSet that they are of",
    page: include_str!("retention-delete.md"),
    since: "0.1.0",
    cases: &[
        Case::rising(Action::Warn, Action::Deny),
        Case::always(Action::Deny).when("an autoscaler beside whenScaled: Delete"),
    ],
    judges: Features::having(Field::Retention),
    judge: Some(judge),
    inject: Some(inject),
    injection: Injection::OptIn,
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let retention = workload.options().retention;
    let deleted = retention.when_deleted == ClaimFate::Delete;
    let scaled = retention.when_scaled == ClaimFate::Delete;
    if !(deleted || scaled) || workload.claim_templates.is_empty() {
        return;
    }
    let autoscaler = if scaled { shrinking(workload, cx) } else { None };
    let (text, brief) = match (autoscaler, deleted) {
        (Some(autoscaler), _) => (
            format!(
                "whenScaled is Delete, and {} \"{}\" scales down by itself: each time Kubernetes deletes claims and the \
                 data on them",
                autoscaler.id.kind, autoscaler.id.name
            ),
            "whenScaled is Delete: an autoscaler deletes claims with their data",
        ),
        (None, true) if scaled => (
            "whenDeleted and whenScaled are Delete: deleting it, or scaling it down, deletes claims and the \
             data on them"
                .to_owned(),
            "deleting it, or scaling it down, deletes claims with their data",
        ),
        (None, true) => (
            "whenDeleted is Delete: deleting it deletes all its claims and the data on them".to_owned(),
            "whenDeleted is Delete: its claims and their data go with it",
        ),
        (None, false) => (
            "whenScaled is Delete: scaling down deletes the claims of the pods that go, and the data on them"
                .to_owned(),
            "whenScaled is Delete: scaling down deletes claims with their data",
        ),
    };
    let member = if scaled { "whenScaled" } else { "whenDeleted" };
    let finding = Finding::violation(&RULE, &workload.id, FIELD)
        .case(if autoscaler.is_some() { AUTOSCALED } else { 0 })
        .extent(u64::from(deleted) + u64::from(scaled) + u64::from(autoscaler.is_some()))
        .says(text, brief)
        .remedy("Set it to Retain, the default, and delete by hand the claims that nobody needs")
        .at(format!("{PATH}/{member}"));
    findings.push(match autoscaler {
        Some(autoscaler) => beside(finding, autoscaler),
        None => finding,
    });
}

/// An autoscaler that may take pods away.
fn shrinking<'a>(workload: &Workload, cx: &Surroundings<'a>) -> Option<&'a Autoscaler> {
    let autoscalers = cx.view.autoscalers(&workload.id).into_iter();
    autoscalers
        .max_by_key(|one| one.max_replicas)
        .filter(|one| one.max_replicas > 1)
}

fn beside(finding: Finding, autoscaler: &Autoscaler) -> Finding {
    let scales = format!("scales this {}", finding.object.kind);
    let finding = finding.related(autoscaler.id.clone(), "/spec/scaleTargetRef", scales);
    // The user edits KEDA's ScaledObject; refusing what KEDA writes tells nobody.
    if autoscaler.keda {
        finding.at_most(Action::Warn)
    } else {
        finding
    }
}

/// On an update too, for the manifest says Delete, and so every apply says it again; but not where that was stored.
/// Without claim templates too, for another rule may be injecting one.
fn inject(draft: &Draft<'_>, _cx: &Surroundings<'_>) -> Outcome {
    let workload = draft.workload();
    let wanted = workload.options().retention;
    let stored = match draft {
        Draft::New { .. } => Default::default(),
        Draft::Update { before, .. } => before.options().retention,
    };
    let kept = |wanted, stored| {
        if stored == ClaimFate::Retain { stored } else { wanted }
    };
    let deleted = kept(wanted.when_deleted, stored.when_deleted);
    let scaled = kept(wanted.when_scaled, stored.when_scaled);
    if (deleted, scaled) == (wanted.when_deleted, wanted.when_scaled) {
        return Outcome::Nothing;
    }
    let said = |fate| format!("{fate:?}");
    let value = json!({"whenDeleted": said(deleted), "whenScaled": said(scaled)});
    Outcome::inject(vec![PatchOperation::add(PATH, value)], Vec::new())
}
