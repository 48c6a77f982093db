//! `claim-template-access-mode`: a claim template without access modes, or with shared ones.

use super::kit::{Action, Case, Draft, Finding, Injection, Outcome, Record, Rule, Surroundings, template};
use crate::graph::{AccessMode, Features, Field, Workload};

const SHARED: usize = 1;
const REFUSED: usize = 2;

/// See `claim-template-access-mode.md`.
pub(super) static RULE: Rule = Rule {
    id: "claim-template-access-mode",
    summary: "a claim template has no access mode, or one for many nodes",
    page: include_str!("claim-template-access-mode.md"),
    since: "0.1.0",
    cases: &[
        Case::always(Action::Warn),
        Case::always(Action::Warn).when("a mode for many nodes"),
        Case::always(Action::Deny).when("no mode, and none is injected"),
    ],
    judges: Features::having(Field::ClaimTemplates),
    judge: Some(judge),
    inject: Some(inject),
    injection: Injection::OptOut,
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    for (index, one) in workload.claim_templates.iter().enumerate() {
        let (name, modes) = (&one.name, one.modes);
        let finding =
            Finding::violation(&RULE, &workload.id, name).at(format!("{}/spec/accessModes", template::pointer(index)));
        if modes.is_empty() {
            findings.push(
                finding
                    .case(if cx.injects { 0 } else { REFUSED })
                    .says(
                        format!(
                            "claim template \"{name}\" has no access mode: the API server refuses it (before \
                                Kubernetes 1.34: no pod starts)"
                        ),
                        format!("claim template \"{name}\" has no access mode; no pod starts"),
                    )
                    .remedy_of_new(
                        "Write accessModes: [ReadWriteOnce], or [ReadWriteOncePod] where a CSI driver serves the class",
                        workload,
                    ),
            );
        } else if modes.contains(AccessMode::ReadWriteMany) || modes.contains(AccessMode::ReadOnlyMany) {
            findings.push(
                finding
                    .case(SHARED)
                    .says(
                        format!(
                            "claim template \"{name}\" asks for {modes}, yet every pod gets a claim of \
                                its own; many classes cannot make such a volume"
                        ),
                        format!("template \"{name}\" asks for {modes}; each pod has its own claim"),
                    )
                    .remedy_of_new(
                        "Use ReadWriteOnce; for one volume that all pods share, name one claim in a pod volume",
                        workload,
                    ),
            );
        }
    }
}

fn inject(draft: &Draft<'_>, _cx: &Surroundings<'_>) -> Outcome {
    let Draft::New { workload, .. } = *draft else {
        return Outcome::Nothing;
    };
    let mut operations = Vec::new();
    let mut records = Vec::new();
    for (index, one) in workload.claim_templates.iter().enumerate() {
        // What cannot be recorded by name could not be kept by a later apply.
        if one.modes.is_empty() && template::is_recordable(workload, &one.name) {
            let modes = [AccessMode::ReadWriteOnce].into_iter().collect();
            template::add_modes(index, one, modes, &mut operations);
            records.push(Record::AccessModes(&one.name).to_string());
        }
    }
    if operations.is_empty() {
        return Outcome::Nothing;
    }
    Outcome::inject(operations, records)
}
