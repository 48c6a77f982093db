//! What somebody does to workloads that run.

use serde_json::json;
use stateward::graph::Kind;

use super::super::case::{Act, Case, Disk, RWO, RWOP, RWX, Workload, autoscaler, headless};

pub(super) fn cases() -> Vec<Case> {
    let rwo = |id: &str| Case::new(id).bound("data", Disk::Csi, RWO);
    let web = || Workload::deployment("web").uses("data");
    let worker = || Workload::deployment("worker").recreated().uses("data");
    let db = || Workload::stateful_set("db").uses("data");
    let mut cases = vec![
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
        // What is switched off, until its autoscaler has something to do.
        rwo("autoscaled-from-none-rwo")
            .with(web().recreated().replicas(0))
            .autoscaled("web", 0, 3)
            .act(Act::Autoscale("web", 3)),
        rwo("autoscaled-from-none-beside-worker-rwo")
            .with(worker())
            .with(web().recreated().replicas(0))
            .autoscaled("web", 0, 1)
            .act(Act::Autoscale("web", 1)),
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
        rwo("statefulset-made-again-over-its-pods-rwo")
            .with(db())
            .act(Act::Orphan("db"))
            .act(Act::Create(vec![db().0])),
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
    ];
    cases.extend(drained());
    cases.extend(limited());
    let db = || Workload::stateful_set("db").replicas(2).template("data", RWO);
    let mut with_service = Case::new("statefulset-that-loses-its-service").with(db());
    with_service.objects.insert(0, headless("db"));
    let rolled = Act::Rollout("db".to_owned());
    cases.push(
        with_service
            .act(Act::DeleteService("db"))
            .act(rolled)
            .act(Act::Scale("db", 3)),
    );
    cases
}

/// A node is drained: whoever may run elsewhere does, with the volume.
fn drained() -> Vec<Case> {
    let on = |id: &str, disk: Disk| Case::new(id).bound("data", disk, RWO);
    let web = || Workload::deployment("web").recreated().uses("data");
    let worker = || Workload::deployment("worker").recreated().uses("data");
    let drain = Act::Drain("web");
    let both = ["web", "worker"];
    let lost = "where it may run was drained, whatever its volume";
    vec![
        on("drained-rwo", Disk::Csi).with(web()).act(drain.clone()),
        Case::new("drained-rwop")
            .bound("data", Disk::Csi, RWOP)
            .with(web())
            .act(drain.clone()),
        on("drained-after-a-rollout-rwo", Disk::Csi)
            .with(Workload::deployment("web").uses("data"))
            .act(Act::Rollout("web".to_owned()))
            .act(drain.clone()),
        on("drained-two-beside-each-other-rwo", Disk::Csi)
            .with(web().replicas(2).beside("web"))
            .act(drain.clone()),
        on("drained-web-and-worker-beside-each-other-rwo", Disk::Csi)
            .with(web().beside_any(&both))
            .with(worker().beside_any(&both))
            .act(drain.clone()),
        on("drained-web-and-worker-rwo", Disk::Csi)
            .nodes(3)
            .with(web())
            .with(worker())
            .act(drain.clone()),
        Case::new("drained-statefulset-with-templates")
            .with(Workload::stateful_set("web").replicas(2).template("data", RWO))
            .act(drain.clone()),
        on("drained-pinned-rwo", Disk::Csi)
            .with(web().pinned("n1"))
            .act(drain.clone())
            .beyond(lost),
        on("drained-on-local", Disk::Local)
            .with(web())
            .act(drain.clone())
            .beyond("the only node that has its volume was drained"),
        Case::new("drained-rwx")
            .bound("data", Disk::Csi, RWX)
            .with(web().replicas(3))
            .act(drain),
    ]
}

/// A real autoscaler, which keeps what it finds within its bounds even where it has no metrics.
fn limited() -> Vec<Case> {
    let on = |id: &str, modes: &[&str]| Case::new(id).bound("data", Disk::Csi, modes);
    let web = || Workload::deployment("web").recreated().uses("data");
    let to = |min: u32, max: u32, replicas: u32| Act::Limit(autoscaler(Kind::DEPLOYMENT, "web", min, max), replicas);
    vec![
        on("autoscaler-for-at-least-two-rwo", RWO).with(web()).act(to(2, 3, 2)),
        on("autoscaler-for-at-least-two-pinned-rwo", RWO)
            .with(web().pinned("n1"))
            .act(to(2, 3, 2)),
        on("autoscaler-for-at-least-two-pinned-rwop", RWOP)
            .with(web().pinned("n1"))
            .act(to(2, 3, 2)),
        on("autoscaler-for-at-least-two-rwx", RWX).with(web()).act(to(2, 3, 2)),
        on("autoscaler-for-at-most-one-rwx", RWX)
            .with(web().replicas(3))
            .act(to(1, 1, 1)),
        on("autoscaler-of-a-statefulset-rwo", RWO)
            .with(Workload::stateful_set("db").uses("data"))
            .act(Act::Limit(autoscaler(Kind::STATEFUL_SET, "db", 2, 3), 2)),
        Case::new("autoscaler-of-a-statefulset-with-templates")
            .with(Workload::stateful_set("db").template("data", RWO))
            .act(Act::Limit(autoscaler(Kind::STATEFUL_SET, "db", 2, 3), 2)),
    ]
}
