//! A world for every number: every field that a rule about shared claims reads is drawn, where the stage can play it.
//!
//! Not drawn is what hinders pods whether their volumes are shared or not: a node that has no volume of theirs, by name
//! or by label; a Deployment that is paused, which gets no pods; and a Job that never ends, for which others wait. No
//! controller of the stage knows ReplicaSets of other kinds than Deployments.

use serde_json::{Value, json};
use stateward::graph::Kind;

use super::api::name;
use super::case::{Act, Case, Disk, ROX, RWO, RWO_ROX, RWO_RWX, RWOP, RWX, Workload, autoscaler};
use super::site::kind;
use crate::support::dice::Dice;

/// Of workloads, as many as a world has.
const NAMES: [&str; 3] = ["web", "worker", "front"];

/// The world of a number.
pub(super) fn world(number: u64) -> Case {
    // SplitMix64, whose bytes are as good as any.
    let mut state = number;
    let mut bytes = Vec::new();
    while bytes.len() < 128 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend((mixed ^ (mixed >> 31)).to_be_bytes());
    }
    let dice = &mut Dice::new(&bytes);
    let mut case = Case::new(format!("world-{number}")).nodes(dice.pick(&[2, 2, 2, 3, 1]));
    let mut site = Site {
        names: &NAMES[..=dice.below(3)],
        pins: vec!["n1"],
        is_bound: true,
        claims: vec!["data".to_owned(), "logs".to_owned()],
    };
    if case.nodes > 1 {
        site.pins.push("n2");
    }
    for claim in ["data", "logs"] {
        case = volume(case, claim, &mut site, dice);
    }
    for index in 0..site.names.len() {
        workload(&mut case, &mut site, index, dice);
    }
    lived(case)
}

/// What the workloads of a world may do.
struct Site {
    names: &'static [&'static str],
    /// Where pods may be that have the volumes.
    pins: Vec<&'static str>,
    /// No volume waits for a pod.
    is_bound: bool,
    claims: Vec<String>,
}

fn volume(case: Case, claim: &str, site: &mut Site, dice: &mut Dice<'_>) -> Case {
    let modes = dice.pick(&[RWO, RWO, RWO, RWO, RWOP, RWOP, RWX, ROX, RWO_ROX, RWO_RWX]);
    match dice.below(16) {
        0 => case.bound(claim, Disk::Share, modes),
        1 => case.bound(claim, Disk::Iscsi, RWO),
        2 => case.bound(claim, Disk::Gce, RWO),
        3 => case.bound(claim, Disk::Nfs, modes),
        4 => case.claim(claim, "disk", modes),
        5 | 6 => {
            site.is_bound = false;
            case.claim(claim, "disk-waits", modes)
        }
        7 => {
            site.is_bound = false;
            site.pins.clear();
            case.claim(claim, "local-path", RWO)
        }
        8 => {
            site.pins.retain(|node| *node == "n1");
            case.bound(claim, Disk::Local, RWO)
        }
        9 => {
            site.pins.retain(|node| *node == "n1");
            case.bound(claim, Disk::CsiOfOneNode, modes)
        }
        _ => case.bound(claim, Disk::Csi, modes),
    }
}

/// Adds a workload, and what belongs to it.
fn workload(case: &mut Case, site: &mut Site, index: usize, dice: &mut Dice<'_>) {
    let name = site.names[index];
    let kind = dice.pick(&[
        Kind::DEPLOYMENT,
        Kind::DEPLOYMENT,
        Kind::DEPLOYMENT,
        Kind::DEPLOYMENT,
        Kind::STATEFUL_SET,
        Kind::STATEFUL_SET,
        Kind::REPLICA_SET,
        Kind::REPLICATION_CONTROLLER,
        Kind::DAEMON_SET,
        Kind::JOB,
        Kind::CRON_JOB,
        Kind::POD,
    ]);
    let mut workload = Workload::of(kind, name);
    let is_scaled = ![Kind::DAEMON_SET, Kind::JOB, Kind::CRON_JOB, Kind::POD].contains(&kind);
    if is_scaled {
        workload = workload.replicas(dice.pick(&[1, 1, 1, 1, 2, 3, 0]));
    }
    workload = match kind.as_str() {
        "Deployment" => deployment(workload, dice),
        "StatefulSet" if dice.one_in(4) => workload.spec(json!({"podManagementPolicy": "Parallel"})),
        "DaemonSet" if dice.one_in(3) => workload.spec(json!({"updateStrategy": {"type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}})),
        "Job" => job(workload, dice),
        "CronJob" => cron_job(workload, dice),
        _ => workload,
    };
    workload = placed(workload, site, index, dice);
    workload = consumer(workload, kind, site, dice);
    let is_on = workload.0["spec"]["replicas"] != 0;
    case.objects.push(workload.0);
    if is_scaled && is_on && dice.one_in(6) {
        let (min, more) = (dice.pick(&[1, 1, 2]), dice.pick(&[0, 1, 2]));
        case.objects.push(autoscaler(kind, name, min, min + more));
    }
}

fn deployment(workload: Workload, dice: &mut Dice<'_>) -> Workload {
    // One that is switched off is judged as if it had a pod to roll out, which it will have.
    if workload.0["spec"]["replicas"] == 0 {
        return workload.recreated();
    }
    let rolling = |surge: Value, unavailable: Value| workload.clone().rolling(&surge, &unavailable);
    match dice.below(13) {
        0..=3 => workload.recreated(),
        4 | 5 => rolling(json!(0), json!(1)),
        6 => rolling(json!(1), json!(0)),
        7 => rolling(json!("50%"), json!("50%")),
        8 => rolling(json!(0), json!("34%")),
        9 => rolling(json!("1%"), json!("99%")),
        10 => rolling(json!("100%"), json!("100%")),
        _ => workload,
    }
}

fn job(workload: Workload, dice: &mut Dice<'_>) -> Workload {
    let pods = dice.pick(&[1, 1, 2]);
    let workload = workload.spec(json!({"parallelism": pods, "completions": pods}));
    workload.spec(json!({"suspend": dice.below(4) == 0}))
}

fn cron_job(workload: Workload, dice: &mut Dice<'_>) -> Workload {
    let policy = dice.pick(&["Allow", "Forbid", "Replace"]);
    workload.spec(json!({"concurrencyPolicy": policy, "suspend": dice.one_in(5)}))
}

fn placed(workload: Workload, site: &Site, index: usize, dice: &mut Dice<'_>) -> Workload {
    let pin = (!site.pins.is_empty()).then(|| dice.pick(&site.pins));
    let (own, other) = (site.names[index], dice.pick(&site.names[..=index]));
    match (dice.below(20), pin) {
        (0 | 1, Some(node)) => workload.pinned(node),
        (2, Some(node)) => workload.placed(node_affinity("In", node)),
        // On all nodes but one; a volume of one node is on the first.
        (3, Some("n2")) => workload.placed(node_affinity("NotIn", "n2")),
        (4, Some(node)) if site.is_bound => workload.placed(json!({"nodeName": node})),
        // All nodes are to be even, also those where it may not run.
        (5, Some(node)) => {
            let ignoring = json!({"topologySpreadConstraints": [{"maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule",
                "nodeAffinityPolicy": "Ignore", "topologyKey": "kubernetes.io/hostname",
                "labelSelector": {"matchLabels": {"app": own}}}]});
            workload.pinned(node).placed(ignoring)
        }
        (6, Some(node)) => workload.pinned(node).even(1),
        (7, _) => workload.beside(own),
        (8, _) => workload.beside(other),
        (9, _) => workload.beside_any(site.names),
        (10, _) => workload.apart_from(own),
        (11, _) => workload.apart_from(other),
        (12, _) => workload.even(1),
        (13, _) => workload.even(2),
        _ => workload,
    }
}

fn node_affinity(operator: &str, node: &str) -> Value {
    json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": operator, "values": [node]}]}]}}}})
}

/// What the pods use: claims of the world, one of a StatefulSet's pods, or claims of their own.
fn consumer(workload: Workload, kind: Kind, site: &mut Site, dice: &mut Dice<'_>) -> Workload {
    match dice.below(12) {
        0 => workload.uses("logs"),
        1 | 2 => workload.uses("data").uses("logs"),
        3 => workload.volume(json!({"name": "own", "ephemeral": {"volumeClaimTemplate": {"spec": {
            "accessModes": RWO, "storageClassName": "disk", "resources": {"requests": {"storage": "1Gi"}}}}}})),
        4 => workload.volume(json!({"name": "data", "persistentVolumeClaim": {"claimName": "data", "readOnly": true}})),
        5..=7 if kind == Kind::STATEFUL_SET => {
            if workload.0["spec"]["replicas"] != 0 {
                site.claims.push(format!("own-{}-0", name(&workload.0)));
            }
            workload.template("own", dice.pick(&[RWO, RWO, RWOP]))
        }
        5 | 6 => {
            let claim = dice.pick(&site.claims);
            let volume = json!({"name": "data", "persistentVolumeClaim": {"claimName": claim}});
            workload.volume(volume)
        }
        _ => workload.uses("data"),
    }
}

/// With what is done to its workloads: each is rolled out, loses a pod, gets as many as an autoscaler may want, and runs
/// as its schedule says.
pub(super) fn lived(case: Case) -> Case {
    let mut acts = Case {
        acts: Vec::new(),
        ..case.clone()
    }
    .life();
    for object in &case.objects {
        let Some(target) = NAMES.iter().find(|own| **own == name(object)) else {
            continue;
        };
        let spec = &object["spec"];
        if kind(object) == Kind::AUTOSCALER {
            let most = spec["maxReplicas"].as_u64().and_then(|most| u32::try_from(most).ok());
            acts.push(Act::Autoscale(target, most.unwrap_or_default()));
        }
        if kind(object) == Kind::CRON_JOB && spec["suspend"] != true {
            acts.extend([Act::Run(target), Act::Run(target)]);
        }
    }
    Case { acts, ..case }
}
