//! `zero-grace`: a pod with data that is removed before it has stopped.

use super::kit::{
    Action, Case, Defaulted, Finding, Injection, Meta, Operation, Outcome, Rule, Surroundings, Transition,
};
use crate::graph::{Features, Field, Runs, Shape, Workload};

/// See `zero-grace.md`.
#[derive(Debug)]
pub(super) struct ZeroGrace;

const FIELD: &str = "terminationGracePeriodSeconds";
/// What the API server writes where the field is left out (`pkg/apis/core/v1/defaults.go`).
const DEFAULT_SECONDS: i64 = 30;
const OTHERS: usize = 1;

static META: Meta = Meta {
    id: "zero-grace",
    summary: "terminationGracePeriodSeconds is 0 where pods keep data",
    judges: Features::ANY,
    cases: &[
        Case {
            when: "",
            baseline: Some(Action::Deny),
            strict: Some(Action::Deny),
        },
        Case {
            when: "a StatefulSet without claims, another kind with one",
            baseline: Some(Action::Warn),
            strict: Some(Action::Warn),
        },
    ],
    injection: Injection::OptIn,
    parameters: &[],
    page: include_str!("zero-grace.md"),
    since: "0.1.0",
};

impl Rule for ZeroGrace {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn judge(&self, workload: &Workload, _cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
        let set = workload.id.kind.has(Field::ClaimTemplates);
        let claims = has_claims(workload);
        if !is_abrupt(workload) {
            return;
        }
        let finding = Finding::violation(&META, workload, FIELD);
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
                    format!(
                        "{FIELD} is 0: a deleted pod leaves the API before its containers have stopped, and {risk}"
                    ),
                    format!("{FIELD} is 0; {brief}"),
                )
                .remedy("Leave the field out, which gives 30 seconds, or set what a clean stop takes")
                .at(path(workload)),
        );
    }

    fn inject(&self, workload: &Workload, _shape: Shape, _cx: &Surroundings<'_>) -> Outcome {
        // The template of a Job and the spec of a Pod cannot change: a second apply of the same file would fail.
        let kind = workload.id.kind;
        if !is_abrupt(workload) || kind.runs(Runs::ToCompletion) || kind.runs(Runs::Itself) {
            return Outcome::Nothing;
        }
        Outcome::Inject(Defaulted {
            operations: vec![Operation::add(path(workload), DEFAULT_SECONDS)],
            records: Vec::new(),
            rests_on_services: false,
        })
    }

    /// The manifest says 0, so every apply says it again. One that was stored with 0 is left alone: to change its
    /// pod template would restart its pods.
    fn inject_again(&self, transition: &Transition<'_>, cx: &Surroundings<'_>) -> Outcome {
        if is_abrupt(transition.before) {
            return Outcome::Nothing;
        }
        self.inject(transition.after, transition.shape, cx)
    }
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
