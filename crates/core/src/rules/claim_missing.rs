//! `claim-missing`: a workload names a claim that is not there.

use super::kit::{Action, Case, Finding, Injection, Meta, Rule, Surroundings, sharing};
use crate::graph::{Change, Features, Kind, Lookup, ObjectRef, Operation, Workload};

/// See `claim-missing.md`.
#[derive(Debug)]
pub(super) struct ClaimMissing;

static META: Meta = Meta {
    id: "claim-missing",
    summary: "a workload names a claim that does not exist",
    judges: Features::ANY,
    cases: &[Case {
        when: "",
        baseline: Some(Action::Warn),
        strict: Some(Action::Warn),
    }],
    injection: Injection::Never,
    parameters: &[],
    page: include_str!("claim-missing.md"),
    since: "0.1.0",
};

impl Rule for ClaimMissing {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn judge(&self, workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
        // What has ended needs no claim any more.
        if workload.idle {
            return;
        }
        for mounted in sharing::mounted(workload) {
            let claim = mounted.claim;
            let finding = match cx.view.claim(claim) {
                Lookup::Known(_) => continue,
                Lookup::Absent if sharing::is_to_be_made(claim, cx.view) => continue,
                Lookup::Absent => sharing::about_missing(Finding::violation(&META, workload, claim))
                    .says(
                        format!(
                            "claim \"{claim}\" is not there yet: created by a later file or hook? Until then its pods \
                             stay Pending"
                        ),
                        format!("claim \"{claim}\" is not there: its pods stay Pending until something creates it"),
                    )
                    .remedy(format!("Create PersistentVolumeClaim \"{claim}\""))
                    .rests_on_absence_of(ObjectRef::new(Kind::CLAIM, claim.clone())),
                Lookup::Unknown => {
                    let missing = sharing::Missing::NotKnown;
                    let finding = sharing::cannot_tell(&META, workload, claim, missing, "whether it exists");
                    let text = finding.text.clone();
                    finding.says(
                        text,
                        format!("claim \"{claim}\" is not known; whether it exists was not checked"),
                    )
                }
            };
            findings.push(finding.at(mounted.path()));
        }
    }

    fn rephrase(&self, finding: &Finding, change: &Change<'_>, cx: &Surroundings<'_>) -> Option<String> {
        let claim = &change.target;
        let deleted = change.operation == Operation::Delete && finding.absent.as_ref() == Some(claim);
        deleted.then(|| {
            let (namespace, id) = (cx.view.namespace(), &finding.workload);
            format!(
                "deleting PersistentVolumeClaim {namespace}/{} leaves {} {namespace}/{} without its volume: it cannot \
                 start another pod",
                claim.name, id.kind, id.name
            )
        })
    }
}
