//! `claim-template-shadows-volume`: a claim template silently replaces a pod volume of its name.

use super::kit::{Action, Case, Finding, Rule, Surroundings};
use crate::graph::{Features, Field, VolumeSource, Workload};

const HARMLESS: usize = 1;

/// See `claim-template-shadows-volume.md`.
pub(super) static RULE: Rule = Rule {
    id: "claim-template-shadows-volume",
    summary: "a claim template has the name of a pod volume, which silently disappears",
    page: include_str!("claim-template-shadows-volume.md"),
    since: "0.1.0",
    cases: &[
        Case::rising(Action::Warn, Action::Deny),
        Case::always(Action::Warn).when("the volume is a claim or empty"),
    ],
    judges: Features::having(Field::ClaimTemplates),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, _cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    for (index, volume) in workload.pods.volumes.iter().enumerate() {
        if !workload.is_shadowed(volume) {
            continue;
        }
        let name = &volume.name;
        let finding = Finding::violation(&RULE, &workload.id, name)
            .at(format!("{}/volumes/{index}", workload.id.kind.pod_spec()));
        findings.push(match &volume.source {
            VolumeSource::Claim { claim, .. } => {
                let claim = if claim.is_empty() {
                    "claim".to_owned()
                } else {
                    format!("claim \"{claim}\"")
                };
                finding
                    .case(HARMLESS)
                    .says(
                        format!(
                            "claim template \"{name}\" replaces the pod volume of the same name, whose \
                                {claim} is never used"
                        ),
                        format!("claim template \"{name}\" replaces the volume of that name and its claim"),
                    )
                    .remedy(format!("Remove volume \"{name}\""))
            }
            VolumeSource::Empty => finding
                .case(HARMLESS)
                .says(
                    format!(
                        "claim template \"{name}\" replaces the pod volume of the same name, an empty disk that is \
                            never made"
                    ),
                    format!("claim template \"{name}\" replaces the empty volume of that name"),
                )
                .remedy(format!("Remove volume \"{name}\"")),
            VolumeSource::Disk { .. }
            | VolumeSource::Ephemeral
            | VolumeSource::HostPath { .. }
            | VolumeSource::Other
            | VolumeSource::Provided => finding
                .says(
                    format!(
                        "claim template \"{name}\" replaces the pod volume of the same name, which \
                            silently disappears: containers see an empty disk instead"
                    ),
                    format!("claim template \"{name}\" hides the volume of the same name"),
                )
                .remedy(format!(
                    "Rename one of the two and its mounts, or remove volume \"{name}\""
                )),
        });
    }
}
