//! What somebody does to workloads that run.

use serde_json::json;

use super::super::case::{Act, Case, Disk, RWO, RWOP, RWX, Workload};

pub(super) fn cases() -> Vec<Case> {
    let rwo = |id: &str| Case::new(id).bound("data", Disk::Csi, RWO);
    let web = || Workload::deployment("web").uses("data");
    let worker = || Workload::deployment("worker").recreated().uses("data");
    vec![
        rwo("scaled-to-two-rwo")
            .with(web().recreated())
            .act(Act::Scale("web", 2)),
        rwo("scaled-to-two-pinned-rwo")
            .with(web().recreated().pinned("n2"))
            .act(Act::Scale("web", 2)),
        rwo("scaled-to-two-beside-itself-rwo")
            .with(web().recreated().beside("web"))
            .act(Act::Scale("web", 2)),
        rwo("scaled-from-none-rwo")
            .with(web().recreated().replicas(0))
            .act(Act::Scale("web", 1)),
        rwo("scaled-to-none-rwo")
            .with(web().recreated())
            .act(Act::Scale("web", 0)),
        rwo("scaled-to-none-and-back-rwo")
            .with(web().recreated())
            .act(Act::Scale("web", 0))
            .act(Act::Scale("web", 1)),
        Case::new("scaled-to-three-rwx")
            .bound("data", Disk::Csi, RWX)
            .with(web())
            .act(Act::Scale("web", 3)),
        Case::new("scaled-to-two-rwop")
            .bound("data", Disk::Csi, RWOP)
            .with(web().recreated())
            .act(Act::Scale("web", 2)),
        rwo("statefulset-scaled-to-two-rwo")
            .with(Workload::stateful_set("db").uses("data"))
            .act(Act::Scale("db", 2)),
        Case::new("statefulset-with-templates-scaled")
            .with(Workload::stateful_set("db").template("data", RWO))
            .act(Act::Scale("db", 3))
            .act(Act::Scale("db", 1))
            .act(Act::Scale("db", 2)),
        rwo("worker-after-web-rwo")
            .with(web().recreated())
            .act(Act::Create(vec![worker().0])),
        rwo("worker-instead-of-web-rwo")
            .with(web().recreated())
            .act(Act::Delete("web"))
            .act(Act::Create(vec![worker().0])),
        rwo("suspended-job-and-web-rwo")
            .with(web().recreated())
            .with(Workload::job("once").spec(json!({"suspend": true})).uses("data"))
            .act(Act::Rollout("web".to_owned())),
        rwo("autoscaled-rwo")
            .with(web().recreated())
            .autoscaled("web", 1, 3)
            .act(Act::Autoscale("web", 3)),
        rwo("autoscaled-at-least-two-rwo")
            .with(web().recreated())
            .autoscaled("web", 2, 3)
            .act(Act::Autoscale("web", 2)),
        rwo("autoscaled-pinned-rwo")
            .with(web().recreated().pinned("n1"))
            .autoscaled("web", 1, 3)
            .act(Act::Autoscale("web", 3)),
        Case::new("autoscaled-rwx")
            .bound("data", Disk::Csi, RWX)
            .with(web())
            .autoscaled("web", 1, 3)
            .act(Act::Autoscale("web", 3)),
        Case::new("autoscaled-rwop")
            .bound("data", Disk::Csi, RWOP)
            .with(web().recreated().pinned("n1"))
            .autoscaled("web", 1, 3)
            .act(Act::Autoscale("web", 3)),
        rwo("made-again-over-its-pods-rwo")
            .with(web().recreated())
            .act(Act::Orphan("web"))
            .act(Act::Create(vec![web().recreated().0])),
        rwo("template-instead-of-a-shared-volume").with(
            Workload::stateful_set("db")
                .replicas(2)
                .volume(json!({"name": "own", "persistentVolumeClaim": {"claimName": "data"}}))
                .template("own", RWO),
        ),
        rwo("job-of-two-pinned-rwo").with(
            Workload::job("once")
                .spec(json!({"parallelism": 2, "completions": 2}))
                .uses("data")
                .pinned("n1"),
        ),
    ]
}
