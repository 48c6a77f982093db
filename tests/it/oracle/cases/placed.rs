//! Where the pods may run.

use serde_json::{Value, json};

use super::super::case::{Case, Disk, RWO, RWOP, RWX, Workload};

pub(super) fn cases() -> Vec<Case> {
    let two = || Workload::deployment("web").replicas(2).uses("data");
    let one = || Workload::deployment("web").uses("data");
    let rwo = |id: &str| Case::new(id).bound("data", Disk::Csi, RWO);
    let rwop = |id: &str| Case::new(id).bound("data", Disk::Csi, RWOP);
    let rwx = |id: &str| Case::new(id).bound("data", Disk::Csi, RWX);
    let once = |nodes: &str| {
        Workload::job(nodes)
            .spec(json!({"parallelism": 2, "completions": 2}))
            .uses("data")
    };
    vec![
        rwo("two-pinned-rwo").with(two().pinned("n1")),
        rwo("two-beside-each-other-rwo").with(two().beside("web")),
        rwo("two-apart-rwo").with(two().apart_from("web")),
        rwo("two-even-rwo").with(two().even(1)),
        rwo("two-even-by-two-rwo").with(two().even(2)),
        rwo("two-even-pinned-rwo").with(two().even(1).pinned("n1")),
        rwo("two-by-affinity-on-one-node-rwo").with(two().placed(node_affinity("In"))),
        rwo("two-by-affinity-not-on-one-of-two-rwo").with(two().placed(node_affinity("NotIn"))),
        rwo("two-by-affinity-not-on-one-of-three-rwo")
            .nodes(3)
            .with(two().placed(node_affinity("NotIn"))),
        rwo("two-by-node-name-rwo").with(two().placed(json!({"nodeName": "n1"}))),
        rwo("two-on-the-only-node-rwo").nodes(1).with(two()),
        rwo("two-of-three-nodes-rwo").nodes(3).with(two()),
        rwo("one-pinned-rwo").with(one().pinned("n1")),
        rwo("one-beside-itself-rwo").with(one().beside("web")),
        rwo("one-apart-from-itself-rwo").with(one().apart_from("web")),
        rwo("one-on-the-only-node-rwo").nodes(1).with(one()),
        rwo("daemonset-pinned-rwo").with(Workload::daemon_set("agent").uses("data").pinned("n1")),
        rwo("daemonset-on-the-only-node-rwo")
            .nodes(1)
            .with(Workload::daemon_set("agent").uses("data")),
        rwo("statefulset-of-two-beside-each-other-rwo")
            .with(Workload::stateful_set("db").replicas(2).uses("data").beside("db")),
        rwo("statefulset-of-two-apart-rwo")
            .with(Workload::stateful_set("db").replicas(2).uses("data").apart_from("db")),
        rwo("job-of-two-apart-rwo").with(once("once").apart_from("once")),
        rwop("two-pinned-rwop").with(two().pinned("n1")),
        rwop("two-beside-each-other-rwop").with(two().beside("web")),
        rwop("one-pinned-rwop").with(one().pinned("n1")),
        rwop("one-pinned-recreate-rwop").with(one().pinned("n1").recreated()),
        rwop("two-on-the-only-node-rwop").nodes(1).with(two()),
        rwop("two-by-node-name-rwop").with(two().placed(json!({"nodeName": "n1"}))),
        rwop("daemonset-pinned-rwop").with(Workload::daemon_set("agent").uses("data").pinned("n1")),
        rwx("two-apart-rwx").with(two().apart_from("web").rolling(&json!(0), &json!(1))),
        rwx("two-even-rwx").with(two().even(1)),
        Case::new("statefulset-with-templates-apart").with(
            Workload::stateful_set("db")
                .replicas(2)
                .template("data", RWO)
                .apart_from("db"),
        ),
    ]
}

/// `n1`, or any but it.
fn node_affinity(operator: &str) -> Value {
    json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": operator, "values": ["n1"]}]}]}}}})
}
