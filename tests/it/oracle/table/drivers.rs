//! What the volume is, and who makes it.

use serde_json::json;

use super::super::case::{Case, Disk, RWO, RWOP, Workload};

pub(super) fn cases() -> Vec<Case> {
    let disks = [
        ("share", Disk::Share),
        ("nfs", Disk::Nfs),
        ("iscsi", Disk::Iscsi),
        ("gce", Disk::Gce),
        ("local", Disk::Local),
        ("disk-of-one-node", Disk::CsiOfOneNode),
    ];
    let mut cases = Vec::new();
    for (word, disk) in disks {
        let shared = |id: &str| Case::new(format!("{id}-{word}")).bound("data", disk, RWO);
        cases.extend([
            shared("two-on").with(Workload::deployment("web").replicas(2).uses("data")),
            shared("one-on").with(Workload::deployment("web").uses("data")),
            shared("daemonset-on").with(Workload::daemon_set("agent").uses("data")),
            shared("two-apart-on").with(
                Workload::deployment("web")
                    .replicas(2)
                    .uses("data")
                    .apart_from("web")
                    .rolling(&json!(0), &json!(1)),
            ),
        ]);
    }
    for class in ["disk", "disk-waits", "local-path", "share"] {
        let made = |id: &str| Case::new(format!("{id}-class-{class}")).claim("data", class, RWO);
        cases.extend([
            made("two-of").with(Workload::deployment("web").replicas(2).uses("data")),
            made("one-of").with(Workload::deployment("web").uses("data")),
            made("daemonset-of").with(Workload::daemon_set("agent").uses("data")),
        ]);
    }
    // One pod alone, whatever the driver.
    cases.push(
        Case::new("two-on-share-rwop")
            .bound("data", Disk::Share, RWOP)
            .with(Workload::deployment("web").replicas(2).uses("data")),
    );
    // Each pod has a claim of its own.
    let ephemeral = json!({"name": "own", "ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": RWO,
        "storageClassName": "disk", "resources": {"requests": {"storage": "1Gi"}}}}}});
    cases.push(Case::new("two-ephemeral").with(Workload::deployment("web").replicas(2).volume(ephemeral.clone())));
    cases.push(Case::new("daemonset-ephemeral").with(Workload::daemon_set("agent").volume(ephemeral)));
    cases.push(Case::new("no-claim").with(Workload::deployment("web").uses("data")));
    cases
}
