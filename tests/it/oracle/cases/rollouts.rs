//! One pod, and the one that replaces it: strategies, and how their numbers are rounded.

use serde_json::{Value, json};

use super::super::case::{Case, Disk, RWO, RWOP, RWX, Workload};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (word, modes) in [("rwo", RWO), ("rwop", RWOP)] {
        let one = |strategy: &str| Case::new(format!("one-pod-{strategy}-{word}")).bound("data", Disk::Csi, modes);
        cases.push(one("default").with(web()));
        cases.push(one("recreate").with(web().recreated()));
        for (name, surge, unavailable) in strategies() {
            cases.push(one(name).with(web().rolling(&surge, &unavailable)));
        }
    }
    cases.push(
        Case::new("one-pod-default-rwx")
            .bound("data", Disk::Csi, RWX)
            .with(web()),
    );
    cases.push(
        Case::new("one-pod-of-a-statefulset-rwo")
            .bound("data", Disk::Csi, RWO)
            .with(Workload::stateful_set("db").uses("data")),
    );
    cases.push(
        Case::new("one-pod-of-a-statefulset-rwop")
            .bound("data", Disk::Csi, RWOP)
            .with(Workload::stateful_set("db").uses("data")),
    );
    cases.push(
        Case::new("one-pod-of-a-replicaset-rwo")
            .bound("data", Disk::Csi, RWO)
            .with(Workload::replica_set("web").uses("data")),
    );
    // Several pods that share a node anyhow; only the numbers matter.
    for (name, surge, unavailable) in [
        ("quarter", json!("25%"), json!("25%")),
        ("all-at-once", json!("100%"), json!(0)),
        ("one-less", json!(0), json!("34%")),
    ] {
        let three =
            |claim: &str, modes| Case::new(format!("three-pinned-{name}-{claim}")).bound("data", Disk::Csi, modes);
        let pinned = || web().replicas(3).pinned("n1").rolling(&surge, &unavailable);
        cases.push(three("rwo", RWO).with(pinned()));
        cases.push(three("rwx", RWX).with(pinned()));
    }
    cases
}

/// Surge and unavailable, of one pod.
fn strategies() -> Vec<(&'static str, Value, Value)> {
    vec![
        ("surge-1-unavailable-0", json!(1), json!(0)),
        ("surge-0-unavailable-1", json!(0), json!(1)),
        ("surge-1-unavailable-1", json!(1), json!(1)),
        // Rounded down to none, so that it becomes one.
        ("surge-0-unavailable-quarter", json!(0), json!("25%")),
        // Rounded up to one, and down to none.
        ("surge-1-percent-unavailable-99-percent", json!("1%"), json!("99%")),
        ("surge-all-unavailable-all", json!("100%"), json!("100%")),
    ]
}

fn web() -> Workload {
    Workload::deployment("web").uses("data")
}
