//! `zero-grace`: a pod with data that is removed before it has stopped.

use super::kit::{Action, Case, Draft, Finding, Injection, Outcome, PatchOperation, Rule, Surroundings};
use crate::graph::{Field, Runs, Workload};

const FIELD: &str = "terminationGracePeriodSeconds";
/// What the API server writes where the field is left out (`pkg/apis/core/v1/defaults.go`).
const DEFAULT_SECONDS: u32 = 30;
const OTHERS: usize = 1;

/// See `zero-grace.md`.
pub(super) static RULE: Rule = Rule {
    id: "zero-grace",
    summary: "terminationGracePeriodSeconds is 0 where pods keep data",
    page: include_str!("zero-grace.md"),
    since: "0.1.0",
    cases: &[
        Case::always(Action::Deny),
        Case::always(Action::Warn).when("a StatefulSet without claims, another kind with one"),
    ],
    judge: Some(judge),
    inject: Some(inject),
    injection: Injection::OptIn,
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, _cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let set = workload.id.kind.has(Field::ClaimTemplates);
    let claims = has_claims(workload);
    if !is_abrupt(workload) {
        return;
    }
    let finding = Finding::violation(&RULE, &workload.id, FIELD);
    let (finding, risk, brief) = match (set, claims) {
        (true, true) => (
            finding,
            "a second pod of the same name may write the same disk",
            "two pods may write one disk",
        ),
        (true, false) => (
            finding.case(OTHERS),
            "two pods of the same name may run at once",
            "two pods of one name may run",
        ),
        (false, _) => (
            finding.case(OTHERS),
            "its replacement may write the same claim beside it",
            "two pods may write one claim",
        ),
    };
    findings.push(
        finding
            .says(
                format!("{FIELD} is 0: a deleted pod leaves the API before its containers have stopped, and {risk}"),
                format!("{FIELD} is 0; {brief}"),
            )
            .remedy("Leave the field out, which gives 30 seconds, or set what a clean stop takes")
            .at(path(workload)),
    );
}

/// On an update too, for the manifest says 0, and so every apply says it again.
fn inject(draft: &Draft<'_>, _cx: &Surroundings<'_>) -> Outcome {
    let workload = draft.workload();
    // A pod template is only put back: any other change would restart the pods. One that was stored with 0 stays so.
    let seconds = match draft {
        Draft::New { .. } => DEFAULT_SECONDS,
        Draft::Update { before, .. } => before.pods.grace_seconds.unwrap_or(DEFAULT_SECONDS),
    };
    if seconds == 0 {
        return Outcome::Nothing;
    }
    // The template of a Job and the spec of a Pod cannot change: a second apply of the same file would fail.
    let kind = workload.id.kind;
    if !is_abrupt(workload) || kind.runs(Runs::ToCompletion) || kind.runs(Runs::Itself) {
        return Outcome::Nothing;
    }
    Outcome::inject(vec![PatchOperation::add(path(workload), seconds)], Vec::new())
}

fn is_abrupt(workload: &Workload) -> bool {
    workload.pods.grace_seconds == Some(0) && (workload.id.kind.has(Field::ClaimTemplates) || has_claims(workload))
}

fn has_claims(workload: &Workload) -> bool {
    !workload.claim_templates.is_empty() || workload.claims().next().is_some()
}

fn path(workload: &Workload) -> String {
    format!("{}/{FIELD}", workload.id.kind.pod_spec())
}
