//! `claim-template-unmounted`: a disk is made and attached for every pod, and nobody uses it.

use super::kit::{Action, Case, Finding, Rule, Surroundings, template, text};
use crate::graph::{Features, Field, Workload};

/// See `claim-template-unmounted.md`.
pub(super) static RULE: Rule = Rule {
    id: "claim-template-unmounted",
    summary: "no container mounts a claim template, yet its disks are made and attached",
    page: include_str!("claim-template-unmounted.md"),
    since: "0.1.0",
    cases: &[Case::rising(Action::Warn, Action::Deny)],
    judges: Features::having(Field::ClaimTemplates),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, _cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    for (index, one) in workload.claim_templates.iter().enumerate() {
        let name = &one.name;
        if workload.pods.mounts.iter().any(|mount| mount.volume == *name) {
            continue;
        }
        findings.push(
            Finding::violation(&RULE, &workload.id, name)
                .says(
                    format!(
                        "claim template \"{name}\" is mounted by no container; a disk is made and \
                            attached for every pod all the same"
                    ),
                    format!("claim template \"{name}\" is mounted by no container"),
                )
                .remedy(format!(
                    "Mount \"{name}\" where the data is written, or leave the template out"
                ))
                .remedy_in_place(format!(
                    "Mount \"{name}\" where the data is written; to leave the template out, first {}",
                    text::orphaning(workload)
                ))
                .at(template::pointer(index)),
        );
    }
}
