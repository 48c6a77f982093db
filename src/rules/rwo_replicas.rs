//! `rwo-replicas`: several pods of one workload mount one single-node claim.

use super::kit::{Action, Case, Finding, Injection, Meta, Rule, Surroundings, sharing, text};
use crate::graph::{Kind, Lookup, ObjectKind, ObjectRef, Workload};

/// See `rwo-replicas.md`.
#[derive(Debug)]
pub(super) struct RwoReplicas;

static META: Meta = Meta {
    id: "rwo-replicas",
    summary: "several replicas of one workload mount one ReadWriteOnce claim",
    kinds: &[
        Kind::Deployment,
        Kind::ReplicaSet,
        Kind::ReplicationController,
        Kind::StatefulSet,
    ],
    cases: &[Case {
        when: "",
        baseline: Some(Action::Deny),
        strict: Some(Action::Deny),
    }],
    injection: Injection::Never,
    parameters: &[],
    page: include_str!("rwo-replicas.md"),
    since: "0.1.0",
};

impl Rule for RwoReplicas {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn judge(&self, workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>) {
        let replicas = u64::from(workload.replicas);
        if replicas <= 1 {
            return;
        }
        let many = text::counted(replicas, "replica");
        for (name, _) in workload.claims() {
            let finding = match cx.view.claim(name) {
                Lookup::Known(claim) => {
                    let modes = claim.modes();
                    let together =
                        sharing::is_pinned(claim, cx.view, &[]) || sharing::shares_node_with_itself(workload, cx.view);
                    if !modes.is_single_node() || modes.is_single_pod() || together {
                        continue;
                    }
                    let explained = text::modes_explained(modes);
                    let finding = Finding::violation(&META, workload, name)
                        .says(
                            format!(
                                "{many} mount claim \"{name}\", which is {explained}; \
                                 replicas on other nodes would wait in ContainerCreating for ever"
                            ),
                            format!("{many} mount ReadWriteOnce claim \"{name}\"; all but one node's wait for ever"),
                        )
                        .remedy(remedy(workload))
                        .related(
                            ObjectRef::new(ObjectKind::Claim, name.clone()),
                            "/spec/accessModes",
                            format!("claim is {modes}"),
                        );
                    if sharing::is_enforced(claim, cx.view) && !sharing::is_one_node_cluster(cx.view) {
                        finding
                    } else {
                        finding.at_most(Action::Warn)
                    }
                }
                Lookup::Absent => unknown(workload, name, &many, "does not exist yet")
                    .rests_on_absence_of(ObjectRef::new(ObjectKind::Claim, name.clone())),
                Lookup::Unknown => unknown(workload, name, &many, "is not known"),
            };
            findings.push(finding.extent(replicas).at("/spec/replicas"));
        }
    }
}

fn unknown(workload: &Workload, claim: &str, many: &str, why: &str) -> Finding {
    Finding::unknown(&META, workload, claim).says(
        format!("claim \"{claim}\" {why}, so whether {many} may share it was not checked"),
        format!("claim \"{claim}\" {why}; whether {many} may share it was not checked"),
    )
}

fn remedy(workload: &Workload) -> String {
    if workload.id.kind == Kind::StatefulSet {
        "Use a claim template instead of the claim, a ReadWriteMany class, or replicas: 1".to_owned()
    } else {
        "Use a StatefulSet with volumeClaimTemplates, a ReadWriteMany class, or replicas: 1".to_owned()
    }
}
