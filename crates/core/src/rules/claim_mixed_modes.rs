//! `claim-mixed-modes`: a claim asks for several access modes at once.

use super::kit::{Action, Case, Finding, Rule, Surroundings, sharing};
use crate::graph::{Kind, Lookup, ObjectRef, Workload};

/// See `claim-mixed-modes.md`.
pub(super) static RULE: Rule = Rule {
    id: "claim-mixed-modes",
    summary: "a workload uses a claim that asks for several access modes",
    page: include_str!("claim-mixed-modes.md"),
    since: "0.1.0",
    cases: &[Case::always(Action::Warn)],
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    for mounted in sharing::mounted(workload) {
        let Lookup::Known(claim) = cx.view.claim(mounted.claim) else {
            continue;
        };
        let (name, modes) = (&claim.name, claim.requested);
        if modes.iter().nth(1).is_none() {
            continue;
        }
        let finding = Finding::violation(&RULE, &workload.id, name);
        let finding = sharing::with_one_pod(finding, workload, |strategy| {
            format!(
                "Write a new claim with one mode: ReadWriteMany where pods on several nodes write, else \
                 ReadWriteOnce{strategy}"
            )
        });
        findings.push(
            finding
                .says(
                    format!(
                        "claim \"{name}\" asks for {modes}: only a volume with all of them is bound to it, one shared \
                         mode lets several nodes attach that, and it is mounted by the first of its modes alone"
                    ),
                    format!("claim \"{name}\" asks for several access modes; the volume must have all of them"),
                )
                .related(
                    ObjectRef::new(Kind::CLAIM, name.clone()),
                    "/spec/accessModes",
                    format!("claim asks for {modes}"),
                )
                .at(mounted.path()),
        );
    }
}
