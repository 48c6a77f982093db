//! What the volume is, and who makes it.

use serde_json::json;

use super::super::case::{Act, Case, Disk, RWO, RWOP, Workload};

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
        let made = |id: &str| Case::new(format!("{id}-of-class-{class}")).claim("data", class, RWO);
        // One after the other: of two at once it is open which one a volume that waits is made for.
        let second = Act::Scale("web", 2);
        cases.extend([
            made("two")
                .with(Workload::deployment("web").recreated().uses("data"))
                .act(second),
            made("one").with(Workload::deployment("web").uses("data")),
            made("daemonset").with(Workload::daemon_set("agent").uses("data")),
        ]);
    }
    // A disk that any node may attach, beside a volume on one node, which decides.
    let both = |id: &str| {
        Case::new(format!("{id}-on-disk-and-local"))
            .bound("data", Disk::Csi, RWO)
            .bound("logs", Disk::Local, RWO)
    };
    let web = || Workload::deployment("web").uses("data").uses("logs");
    let worker = || Workload::deployment("worker").recreated().uses("data").uses("logs");
    cases.extend([
        both("one").with(web()),
        both("two").with(web().replicas(2)),
        both("web-and-worker").with(web().recreated()).with(worker()),
        both("daemonset").with(Workload::daemon_set("agent").uses("data").uses("logs")),
        both("web-and-job")
            .with(web().recreated())
            .act(Act::Create(vec![Workload::job("once").uses("data").uses("logs").0])),
    ]);
    // The one that a rollout starts may not be where the volume is.
    for (word, disk) in [("local", Disk::Local), ("disk-of-one-node", Disk::CsiOfOneNode)] {
        let one = |id: &str| Case::new(format!("one-{id}-on-{word}")).bound("data", disk, RWO);
        let web = || Workload::deployment("web").uses("data");
        cases.push(one("apart").with(web().apart_from("web")));
        cases.push(one("even").with(web().even(1)));
        cases.push(one("even-recreate").with(web().even(1).recreated()));
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
