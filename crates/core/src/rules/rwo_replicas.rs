//! `rwo-replicas`: several pods of one workload mount one single-node claim.

use super::kit::sharing::{self, Access};
use super::kit::{Action, Case, Finding, Rule, Surroundings, text};
use crate::graph::{Features, Field, Kind, ObjectRef, Runs, Workload};

/// See `rwo-replicas.md`.
pub(super) static RULE: Rule = Rule {
    id: "rwo-replicas",
    summary: "several replicas of one workload mount one ReadWriteOnce claim",
    page: include_str!("rwo-replicas.md"),
    since: "0.1.0",
    cases: &[Case::always(Action::Deny)],
    parameters: &[sharing::LOCAL_PROVISIONERS],
    judges: Features::running(&[Runs::Replicas]),
    judge: Some(judge),
    ..Rule::DEFAULTS
};

fn judge(workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
    if workload.replicas <= 1 || workload.pods.volumes.is_empty() {
        return;
    }
    let replicas = text::counted(u64::from(workload.replicas), "replica");
    for sharing::Mounted { claim, volume, .. } in sharing::mounted(workload) {
        let finding = match sharing::access(claim, cx) {
            // Of one pod alone speaks `rwop-overlap`.
            Access::Free | Access::OnePod(_) => continue,
            _ if sharing::share_a_node(workload, cx) => continue,
            Access::OneNode(modes, barrier) => remedied(workload, volume, claim)
                .says(
                    format!(
                        "{replicas} mount claim \"{claim}\", which is {}; {}",
                        text::modes_explained(modes),
                        barrier.consequence("replicas")
                    ),
                    format!("{replicas} mount claim \"{claim}\", which is {modes}{}", aside(barrier)),
                )
                .at_most(barrier.limit())
                .related(
                    ObjectRef::new(Kind::CLAIM, claim.clone()),
                    "/spec/accessModes",
                    format!("claim is {modes}"),
                ),
            Access::Missing(missing) => {
                let question = format!("whether {replicas} may share it");
                sharing::cannot_tell(&RULE, workload, claim, missing, &question)
            }
        };
        let path = workload.id.kind.path_of(Field::Replicas).unwrap_or_default();
        findings.push(finding.extent(workload.replicas).at(path));
    }
}

fn aside(barrier: sharing::Barrier) -> &'static str {
    match barrier.aside() {
        "" => " (one node only)",
        aside => aside,
    }
}

/// A violation with its remedy.
fn remedied(workload: &Workload, volume: &str, claim: &str) -> Finding {
    let finding = Finding::violation(&RULE, &workload.id, claim);
    if workload.id.kind.has(Field::PodClaims) {
        let add = "Add a claim template, and name it as the volume, which it replaces by a claim for each pod";
        finding.remedy(format!("{add}; or use a ReadWriteMany class, or replicas: 1"))
    } else if workload.id.kind.has(Field::OneTemplate) {
        finding.remedy("Use a ReadWriteMany class, or have one pod alone mount it")
    } else if workload.id.kind.has(Field::ClaimTemplates) {
        let add = format!(
            "Add a volumeClaimTemplates entry named \"{volume}\", which replaces the volume by a claim for each pod"
        );
        let or = "or use a ReadWriteMany class, or replicas: 1";
        let first = text::orphaning(workload);
        finding
            .remedy(format!("{add}, {or}"))
            .remedy_in_place(format!("{add}, after {first}; {or}"))
    } else {
        sharing::with_one_pod(finding, workload, |strategy| {
            format!("Use a StatefulSet with volumeClaimTemplates, a ReadWriteMany class, or replicas: 1{strategy}")
        })
    }
}
