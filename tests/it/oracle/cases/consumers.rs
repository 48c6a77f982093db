//! Two workloads and one claim.

use serde_json::json;
use stateward::graph::Kind;

use super::super::case::{Act, Case, Disk, RWO, RWO_ROX, RWOP, RWX, Workload};

pub(super) fn cases() -> Vec<Case> {
    let rwo = |id: &str| Case::new(id).bound("data", Disk::Csi, RWO);
    let rwop = |id: &str| Case::new(id).bound("data", Disk::Csi, RWOP);
    let web = || Workload::deployment("web").recreated().uses("data");
    let worker = || Workload::deployment("worker").recreated().uses("data");
    let pod = |name: &str| Workload::of(Kind::POD, name).uses("data");
    let cron = || Workload::of(Kind::CRON_JOB, "backup").uses("data");
    let both = ["web", "worker"];
    let read_only = json!({"name": "data", "persistentVolumeClaim": {"claimName": "data", "readOnly": true}});
    let mut cases = vec![
        rwo("web-and-worker-rwo").with(web()).with(worker()),
        rwo("web-and-worker-pinned-rwo")
            .with(web().pinned("n1"))
            .with(worker().pinned("n1")),
        rwo("web-and-worker-pinned-apart-rwo")
            .with(web().pinned("n1"))
            .with(worker().pinned("n2")),
        rwo("web-and-worker-pinned-and-free-rwo")
            .with(web().pinned("n1"))
            .with(worker()),
        rwo("worker-beside-web-rwo").with(web()).with(worker().beside("web")),
        rwo("worker-beside-pinned-web-rwo")
            .with(web().pinned("n1"))
            .with(worker().beside("web")),
        rwo("web-and-worker-beside-each-other-rwo")
            .with(web().beside_any(&both))
            .with(worker().beside_any(&both)),
        rwo("worker-apart-from-web-rwo")
            .with(web())
            .with(worker().apart_from("web")),
        rwo("web-and-worker-on-the-only-node-rwo")
            .nodes(1)
            .with(web())
            .with(worker()),
        rwo("web-and-statefulset-rwo")
            .with(web())
            .with(Workload::stateful_set("db").uses("data")),
        rwo("web-and-daemonset-rwo")
            .with(web())
            .with(Workload::daemon_set("agent").uses("data")),
        rwo("web-and-replicaset-rwo")
            .with(web())
            .with(Workload::replica_set("worker").uses("data")),
        rwo("web-and-pod-rwo").with(web()).with(pod("shell")),
        rwo("two-replicasets-rwo")
            .with(Workload::replica_set("blue").uses("data"))
            .with(Workload::replica_set("green").uses("data")),
        rwo("two-pods-rwo").with(pod("one")).with(pod("other")),
        rwo("web-and-job-rwo")
            .with(web())
            .with(Workload::job("once").uses("data"))
            .act(gone("web")),
        rwo("job-beside-web-rwo")
            .with(web())
            .with(Workload::job("once").uses("data").beside("web"))
            .act(gone("web")),
        rwo("job-after-web-rwo")
            .with(web())
            .act(Act::Create(vec![Workload::job("once").uses("data").0])),
        rwo("job-beside-web-after-it-rwo")
            .with(web())
            .act(Act::Create(vec![Workload::job("once").uses("data").beside("web").0])),
        rwo("cronjob-beside-web-rwo")
            .with(web())
            .with(cron().beside("web"))
            .act(Act::Run("backup")),
        rwo("cronjob-and-web-rwo")
            .with(web())
            .with(cron())
            .act(Act::Run("backup")),
        rwo("cronjob-alone-rwo").with(cron()).act(Act::Run("backup")),
        rwo("cronjob-overlapping-itself-rwo")
            .with(cron().endless())
            .act(Act::Run("backup"))
            .act(Act::Run("backup")),
        rwo("cronjob-overlapping-itself-pinned-rwo")
            .with(cron().endless().pinned("n1"))
            .act(Act::Run("backup"))
            .act(Act::Run("backup")),
        rwop("cronjob-overlapping-itself-rwop")
            .with(cron().endless().pinned("n1"))
            .act(Act::Run("backup"))
            .act(Act::Run("backup")),
        rwo("two-cronjobs-overlapping-rwo")
            .with(cron().endless())
            .with(Workload::of(Kind::CRON_JOB, "report").uses("data").endless())
            .act(Act::Run("backup"))
            .act(Act::Run("report")),
        rwo("two-cronjobs-one-after-the-other-rwo")
            .with(cron())
            .with(Workload::of(Kind::CRON_JOB, "report").uses("data"))
            .act(Act::Run("backup"))
            .act(Act::Run("report")),
        rwo("web-and-idle-worker-rwo").with(web()).with(worker().replicas(0)),
        rwo("web-and-worker-read-only-rwo")
            .with(Workload::deployment("web").recreated().volume(read_only.clone()))
            .with(Workload::deployment("worker").recreated().volume(read_only)),
        rwop("web-and-worker-rwop").with(web()).with(worker()),
        rwop("web-and-worker-pinned-rwop")
            .with(web().pinned("n1"))
            .with(worker().pinned("n1")),
        rwop("job-after-web-rwop")
            .with(web())
            .act(Act::Create(vec![Workload::job("once").uses("data").0])),
        rwop("two-pods-rwop").with(pod("one")).with(pod("other")),
    ];
    for (word, modes) in [("rwx", RWX), ("rwo-rox", RWO_ROX)] {
        cases.push(
            Case::new(format!("web-and-worker-{word}"))
                .bound("data", Disk::Csi, modes)
                .with(web())
                .with(worker()),
        );
    }
    let db = || Workload::stateful_set("db").template("data", RWO);
    let guest = |kind: Kind| Workload::of(kind, "guest").uses("data-db-0");
    cases.extend([
        Case::new("deployment-on-a-statefulsets-claim")
            .with(db())
            .with(guest(Kind::DEPLOYMENT).recreated()),
        Case::new("deployment-on-a-statefulsets-former-claim")
            .with(db().replicas(2))
            .act(Act::Scale("db", 1))
            .act(Act::Create(vec![
                Workload::deployment("guest").recreated().uses("data-db-1").0,
            ]))
            .act(Act::Scale("db", 2)),
        Case::new("job-on-a-statefulsets-claim")
            .with(db())
            .act(Act::Create(vec![guest(Kind::JOB).0])),
        Case::new("job-beside-a-statefulsets-pod")
            .with(db())
            .act(Act::Create(vec![guest(Kind::JOB).beside("db").0])),
        Case::new("web-and-worker-local")
            .bound("data", Disk::Local, RWO)
            .with(web())
            .with(worker()),
        Case::new("web-and-pinned-worker-local")
            .bound("data", Disk::Local, RWO)
            .with(web())
            .with(worker().pinned("n2"))
            .beyond("its pods may run only where its volume is not, shared or not"),
        Case::new("web-and-worker-share")
            .bound("data", Disk::Share, RWO)
            .with(web())
            .with(worker()),
    ]);
    cases
}

fn gone(target: &str) -> Act {
    Act::DeletePod(target.to_owned())
}
