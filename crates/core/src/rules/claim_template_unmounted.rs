//! `claim-template-unmounted`: a disk is made and attached for every pod, and nobody uses it.

use super::kit::{Action, Case, Finding, Injection, Meta, Rule, Surroundings, template};
use crate::graph::{Features, Field, Workload};

/// See `claim-template-unmounted.md`.
#[derive(Debug)]
pub(super) struct ClaimTemplateUnmounted;

static META: Meta = Meta {
    id: "claim-template-unmounted",
    summary: "no container mounts a claim template, yet its disks are made and attached",
    judges: Features::having(Field::ClaimTemplates),
    cases: &[Case {
        when: "",
        baseline: Some(Action::Warn),
        strict: Some(Action::Deny),
    }],
    injection: Injection::Never,
    parameters: &[],
    page: include_str!("claim-template-unmounted.md"),
    since: "0.1.0",
};

impl Rule for ClaimTemplateUnmounted {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn judge(&self, workload: &Workload, _cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
        for (index, one) in workload.claim_templates.iter().enumerate() {
            let name = &one.name;
            if workload.pods.mounts.iter().any(|mount| mount.volume == *name) {
                continue;
            }
            findings.push(
                Finding::violation(&META, workload, name)
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
                    .at(template::pointer(index)),
            );
        }
    }
}
