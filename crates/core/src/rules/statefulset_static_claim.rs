//! `statefulset-static-claim`: a StatefulSet names one claim by hand instead of a claim template.

use super::kit::{Action, Case, Finding, Rule, Surroundings, text};
use crate::graph::{AccessMode, Features, Field, Kind, Lookup, ObjectRef, PodVolume, VolumeSource, Workload};

const SHARED: usize = 1;

/// See `statefulset-static-claim.md`.
pub(super) static RULE: Rule = Rule {
    id: "statefulset-static-claim",
    summary: "a StatefulSet names one claim by hand instead of a claim template",
    page: include_str!("statefulset-static-claim.md"),
    since: "0.1.0",
    cases: &[
        Case::always(Action::Warn),
        Case::always(Action::Audit).when("the claim is for many nodes"),
    ],
    judges: Features::having(Field::ClaimTemplates),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    let first = findings.len();
    for (index, volume) in workload.pods.volumes.iter().enumerate() {
        let VolumeSource::Claim { claim, .. } = &volume.source else {
            continue;
        };
        let told = findings[first..].iter().any(|finding| finding.subject == *claim);
        if claim.is_empty() || told || workload.is_shadowed(volume) {
            continue;
        }
        let finding = match cx.view.claim(claim) {
            Lookup::Known(found) => {
                let modes = found.modes();
                let finding = Finding::violation(&RULE, &workload.id, claim);
                if modes.contains(AccessMode::ReadWriteMany) || modes.contains(AccessMode::ReadOnlyMany) {
                    finding.case(SHARED).says(
                        format!(
                            "names claim \"{claim}\" by hand, which is {modes}: all its pods share it, \
                                and none has a disk of its own"
                        ),
                        format!("all its pods share claim \"{claim}\"; none has its own disk"),
                    )
                } else if modes.is_single_node() && workload.replicas <= 1 {
                    let explained = text::modes_explained(modes);
                    finding.says(
                        format!(
                            "names claim \"{claim}\" by hand, which is {explained}: it serves one pod \
                                and can never serve two"
                        ),
                        format!("claim \"{claim}\", named by hand, serves one pod and never two"),
                    )
                } else {
                    // More replicas on one node's claim are `rwo-replicas`' to judge.
                    continue;
                }
            }
            // `claim-missing` says so, and the claim's creation asks again.
            Lookup::Absent => continue,
            Lookup::Unknown => Finding::unknown(&RULE, &workload.id, claim).says(
                format!(
                    "names claim \"{claim}\" by hand, which is not known, so whether it can serve a \
                        second pod was not checked"
                ),
                format!("claim \"{claim}\", named by hand, is not known; not checked"),
            ),
        };
        findings.push(
            finding
                .remedy_of_new(remedy(workload, volume, claim), workload)
                .at(format!("{}/volumes/{index}", workload.id.kind.pod_spec()))
                .related(
                    ObjectRef::new(Kind::CLAIM, claim.clone()),
                    "/spec/accessModes",
                    "the claim named by hand",
                ),
        );
    }
}

fn remedy(workload: &Workload, volume: &PodVolume, claim: &str) -> String {
    let name = &volume.name;
    let template = format!("Write a claim template \"{name}\" instead of the volume");
    if workload.unnamed {
        return format!("{template}, and copy the data to the new claim of the first pod");
    }
    let own = format!("{name}-{}-{}", workload.id.name, workload.ordinals().first());
    if own == claim {
        format!("{template}: the first pod takes over claim \"{claim}\" as it is")
    } else {
        format!("{template}, and copy the data to claim \"{own}\", which the first pod will use")
    }
}
