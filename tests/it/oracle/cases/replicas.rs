//! Several pods of one workload on one claim: kinds and access modes.

use serde_json::json;
use stateward::graph::Kind;

use super::super::case::{Case, Disk, ROX, RWO, RWO_ROX, RWO_RWX, RWOP, RWX, Workload};

pub(super) const MODES: [(&str, &[&str]); 6] = [
    ("rwo", RWO),
    ("rwop", RWOP),
    ("rwx", RWX),
    ("rox", ROX),
    ("rwo-rox", RWO_ROX),
    ("rwo-rwx", RWO_RWX),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (word, modes) in MODES {
        let shared = |kind: &str| Case::new(format!("{kind}-{word}")).bound("data", Disk::Csi, modes);
        cases.extend([
            shared("deployment-of-two").with(Workload::deployment("web").replicas(2).uses("data")),
            shared("statefulset-of-two").with(Workload::stateful_set("db").replicas(2).uses("data")),
            shared("replicaset-of-two").with(Workload::replica_set("web").replicas(2).uses("data")),
            shared("replicationcontroller-of-two").with(
                Workload::of(Kind::REPLICATION_CONTROLLER, "web")
                    .replicas(2)
                    .uses("data"),
            ),
            shared("daemonset").with(Workload::daemon_set("agent").uses("data")),
            shared("job-of-two").with(
                Workload::job("once")
                    .spec(json!({"parallelism": 2, "completions": 2}))
                    .uses("data"),
            ),
        ]);
        // A claim for each pod, of every mode that a disk may have.
        cases.push(
            Case::new(format!("statefulset-with-templates-{word}"))
                .with(Workload::stateful_set("db").replicas(2).template("data", modes)),
        );
    }
    cases
}
