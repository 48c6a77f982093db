//! SELinux levels of pods that share a volume: what `selinux-conflict` says of them, and what Kubernetes' own
//! `selinux-warning-controller` does, which begins to warn before kubelets mount by level (from 1.37 on).

use futures::future::join_all;
use serde_json::{Value, json};
use stateward::graph::Version;

use super::api::path;
use super::case::{Case, Disk, RWX, Workload};
use super::site::Placement;
use super::stage::{Stage, on_stage, stage};
use super::verdict::verdict_on_version;

/// `securityContext` of the pods of `web`, and of those of `worker`.
fn pairs() -> Vec<(&'static str, Value, Value)> {
    let level = |level: &str| json!({"seLinuxOptions": {"level": level}});
    let recursive = |level: &str| json!({"seLinuxOptions": {"level": level}, "seLinuxChangePolicy": "Recursive"});
    let (one, other) = ("s0:c1,c2", "s0:c3,c4");
    vec![
        ("two levels", level(one), level(other)),
        ("a level and none", level(one), json!({})),
        ("one level", level(one), level(one)),
        ("none", json!({}), json!({})),
        ("one of them as before", level(one), recursive(one)),
        ("both as before", recursive(one), recursive(other)),
    ]
}

/// Whether a pod of the namespace was told that it and another one cannot both have the volume.
async fn is_told(stage: &Stage, namespace: &str) -> bool {
    let events = path(namespace, "v1", "events");
    let events = stage.api.request("GET", &events, &Value::Null).await.expect("events");
    let reasons = ["SELinuxLabelConflict", "SELinuxChangePolicyConflict"];
    let mut events = events["items"].as_array().into_iter().flatten();
    events.any(|event| reasons.iter().any(|reason| event["reason"] == *reason))
}

async fn wrong(stage: &Stage, (id, web, worker): (&str, Value, Value)) -> Option<String> {
    let pods = |name: &str, context: Value| {
        let workload = Workload::deployment(name).uses("data");
        workload.placed(json!({"securityContext": context}))
    };
    let case = Case::new(id)
        .bound("data", Disk::Levels, RWX)
        .with(pods("web", web))
        .with(pods("worker", worker));
    // Whichever of the two speaks of a level, and the other one where it does not.
    let workloads = &case.objects[case.objects.len() - 2..];
    let says = workloads.iter().any(|workload| {
        let said = verdict_on_version(&case, workload, Version::new(1, 37));
        said.contains(&"selinux-conflict")
    });
    let ask = async |namespace: &str| is_told(stage, namespace).await;
    let (_, told) = stage.play_and_ask(&case, Placement::Spread, ask).await;
    (says != told).then(|| format!("{id}: pods are told of a conflict: {told}; the rule says so: {says}"))
}

#[test]
fn pods_that_cannot_mount_one_volume_are_those_of_the_rule() {
    let breaches: Vec<String> = on_stage(async {
        let stage = stage().await;
        // Before 1.33 nobody can ask for how it was.
        if stage.plane.version().minor < 33 {
            return Vec::new();
        }
        let all = pairs().into_iter().map(|pair| wrong(stage, pair));
        join_all(all).await.into_iter().flatten().collect()
    });
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}
