//! `claim-missing`: a workload names a claim that is not there.

use super::kit::{Action, Case, Finding, GRACE, Rule, Surroundings, sharing};
use crate::graph::{Kind, Lookup, ObjectRef, Workload};

/// See `claim-missing.md`.
pub(super) static RULE: Rule = Rule {
    id: "claim-missing",
    summary: "a workload names a claim that does not exist",
    page: include_str!("claim-missing.md"),
    since: "0.1.0",
    cases: &[Case::always(Action::Warn)],
    parameters: &[GRACE],
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    // What has ended needs no claim any more.
    if workload.idle {
        return;
    }
    for mounted in sharing::mounted(workload) {
        let claim = mounted.claim;
        let finding = match cx.view.claim(claim) {
            Lookup::Known(_) => continue,
            Lookup::Absent | Lookup::Unknown if sharing::is_to_be_made(claim, cx.view) => continue,
            Lookup::Absent => Finding::violation(&RULE, &workload.id, claim)
                .says(
                    format!(
                        "claim \"{claim}\" is not there yet: created by a later file or hook? Until then its pods \
                         stay Pending"
                    ),
                    format!("claim \"{claim}\" is not there: its pods stay Pending until something creates it"),
                )
                .remedy(format!("Create PersistentVolumeClaim \"{claim}\""))
                .rests_on_absence_of(ObjectRef::new(Kind::CLAIM, claim.clone()))
                .after_grace(cx.parameters),
            Lookup::Unknown => {
                let missing = sharing::Missing::NotKnown;
                let finding = sharing::cannot_tell(&RULE, workload, claim, missing, "whether it exists");
                let text = finding.text.clone();
                finding.says(
                    text,
                    format!("claim \"{claim}\" is not known; whether it exists was not checked"),
                )
            }
        };
        // Nobody should make by hand what a template makes.
        let finding = match cx.view.template_user(claim) {
            Some((set, ordinal)) if !set.deleting => finding.remedy(format!(
                "Name a claim that is there: {kind} \"{name}\" makes this one only once it has a pod {name}-{ordinal}",
                kind = set.id.kind,
                name = set.id.name
            )),
            _ => finding,
        };
        findings.push(finding.at(mounted.path()));
    }
}
