//! `needless-statefulset`: nothing of a StatefulSet is used that a Deployment does not have.

use super::kit::{Action, Case, Finding, Rule, Surroundings, governing};
use crate::graph::{Exposure, Features, Field, Lookup, Name, Workload};

/// The annotation by which a StatefulSet says that its pods tell themselves apart by their ordinals: `needed`.
const ORDINALS: &str = "stateward.dev/ordinals";

/// The case in which the Service that should name the pods does not exist, as `service-missing` says too.
pub(super) const NO_SUCH_SERVICE: usize = 1;

/// See `needless-statefulset.md`.
pub(super) static RULE: Rule = Rule {
    id: "needless-statefulset",
    summary: "a StatefulSet has neither claims nor names for its pods",
    page: include_str!("needless-statefulset.md"),
    since: "0.1.0",
    cases: &[
        Case::always(Action::Warn),
        Case::always(Action::Warn).when("its Service does not exist"),
    ],
    judges: Features::having(Field::ServiceName),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    // What else another kind is for, nobody knows.
    if workload.id.kind.declared().is_some()
        || !workload.claim_templates.is_empty()
        || workload.claims().next().is_some()
        || workload.first_ordinal > 0
        || lacks_a_volume(workload)
        || workload.annotation(ORDINALS) == Some("needed")
        || governing::needs_none(workload)
    {
        return;
    }
    let finding = match &workload.service_name {
        // Only the name of the Service is missing.
        None if !governing::candidates(workload, cx.view).is_empty() => return,
        None => said(workload, "", "no governing Service".to_owned()),
        Some(name) => match cx.view.service(name) {
            // Of a cluster behind the wrong kind of Service speaks `service-not-headless`.
            Lookup::Known(service) if service.exposure == Exposure::Headless || workload.replicas > 1 => return,
            Lookup::Known(_) => said(workload, name, format!("no headless Service (\"{name}\" is none)")),
            Lookup::Absent => said(workload, name, format!("no Service (\"{name}\" does not exist)"))
                .case(NO_SUCH_SERVICE)
                .rests_on_absence_of(governing::reference(name)),
            Lookup::Unknown => return,
        },
    };
    findings.push(finding);
}

/// Whether a container mounts what is neither a volume nor a claim template: that one was forgotten is likelier than
/// that there is nothing to keep.
fn lacks_a_volume(workload: &Workload) -> bool {
    let pods = &workload.pods;
    let is_there = |name: &Name| pods.volumes.iter().any(|volume| volume.name == *name);
    !pods.mounts.iter().all(|mount| is_there(&mount.volume))
}

fn said(workload: &Workload, service: &str, without: String) -> Finding {
    Finding::violation(&RULE, &workload.id, service)
        .says(
            format!(
                "has no claim template, no claim and {without}, so its pods have neither disks nor names of their \
                 own; a Deployment runs such pods too, rolls them out side by side and replaces those of a lost node"
            ),
            "has neither claims nor a headless Service; a Deployment fits",
        )
        .remedy(format!(
            "Make it a Deployment, with strategy Recreate where two pods must not run at once; where pods go by their \
             ordinals, say so: annotation {ORDINALS}: needed"
        ))
        .at("/kind")
}
