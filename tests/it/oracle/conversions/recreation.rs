//! A StatefulSet is made anew with what cannot be changed, around the pods and volumes that it has.

use serde_json::{Value, json};

use super::{Setting, Trial, convert};
use crate::oracle::api::name;
use crate::oracle::case::{Act, Case, RWO, Workload};
use crate::oracle::mirror::all;

/// The Service that names the pods, and the one that will.
const SERVICES: &str = "
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}}
---
apiVersion: v1
kind: Service
metadata: {name: db-peers}
spec: {clusterIP: None, selector: {app: db}}
";

/// Two pods with a volume each, which go with the StatefulSet if nobody takes care.
fn database() -> Case {
    let database = Workload::stateful_set("db").replicas(2).template("data", RWO);
    let retention = json!({"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Delete"}});
    Case::new("recreate")
        .with(database.spec(retention))
        .act(Act::Scale("db", 2))
}

/// Lets volumes stay that the StatefulSet leaves behind, which is what one should want.
fn retain(wanted: &mut Value) {
    wanted["spec"]["persistentVolumeClaimRetentionPolicy"] = json!({"whenDeleted": "Retain", "whenScaled": "Retain"});
}

/// Makes it anew, there and back; what `field` of the StatefulSet is in between, and whether the pods run on.
fn recreate(trial: Trial, wanted: fn(&mut Value), field: &str, expected: &Value, pods_stay: bool) {
    let case = database();
    let objects = case.objects.clone();
    let setting = Setting {
        more: SERVICES,
        wanted: Some(wanted),
        ..Setting::default()
    };
    convert(&case, setting, async |conversion| {
        let pods = || -> Vec<(String, Value)> {
            let world = conversion.show.world();
            let uids = all(&world, "pods").map(|pod| (name(pod).to_owned(), pod["metadata"]["uid"].clone()));
            uids.collect()
        };
        let claims = || ["data-db-0", "data-db-1"].map(|claim| conversion.volume_of(claim));
        let (first, owned) = (pods(), claims());
        assert!(owned.iter().all(Option::is_some));
        let before = conversion.read("statefulset", "db").await.pointer(field).cloned();
        let is_as_it_was = async |when: &str| {
            conversion.show.rest(&objects).await.expect("it runs");
            let now = conversion.read("statefulset", "db").await;
            assert_eq!(now.pointer(field), before.as_ref(), "{when}");
            assert_eq!(claims(), owned, "{when}");
            if pods_stay {
                assert_eq!(pods(), first, "{when}");
            }
            assert!(
                !conversion.has("configmap", "stateward-convert-statefulset-db").await,
                "{when}"
            );
        };
        let has_arrived = async || {
            conversion.show.rest(&objects).await.expect("it runs");
            let now = conversion.read("statefulset", "db").await;
            assert_eq!(now.pointer(field), Some(expected));
            assert_eq!(claims(), owned);
            if pods_stay {
                assert_eq!(pods(), first);
            }
        };
        conversion.stands(trial, is_as_it_was, has_arrived).await;
    });
}

#[test]
fn another_pod_management_policy_touches_no_pod() {
    let wanted = |wanted: &mut Value| {
        retain(wanted);
        wanted["spec"]["podManagementPolicy"] = json!("Parallel");
    };
    recreate(
        Trial::ThereAndBack,
        wanted,
        "/spec/podManagementPolicy",
        &json!("Parallel"),
        true,
    );
}

#[test]
fn larger_volumes_grow_under_their_pods() {
    const SIZE: &str = "/spec/volumeClaimTemplates/0/spec/resources/requests/storage";
    let wanted = |wanted: &mut Value| {
        retain(wanted);
        *wanted.pointer_mut(SIZE).expect("a size") = json!("2Gi");
    };
    recreate(Trial::ThereAndBack, wanted, SIZE, &json!("2Gi"), true);
}

#[test]
fn another_service_name_reaches_the_pods() {
    let wanted = |wanted: &mut Value| {
        retain(wanted);
        wanted["spec"]["serviceName"] = json!("db-peers");
    };
    recreate(
        Trial::ThereAndBack,
        wanted,
        "/spec/serviceName",
        &json!("db-peers"),
        false,
    );
}

#[test]
fn another_selector_ends_the_pods_and_keeps_the_volumes() {
    let wanted = |wanted: &mut Value| {
        retain(wanted);
        wanted["spec"]["selector"]["matchLabels"]["tier"] = json!("data");
        wanted["spec"]["template"]["metadata"]["labels"]["tier"] = json!("data");
    };
    recreate(
        Trial::ThereAndBack,
        wanted,
        "/spec/selector/matchLabels/tier",
        &json!("data"),
        false,
    );
}

/// Adds a claim template, and mounts it.
fn with_logs(wanted: &mut Value) {
    retain(wanted);
    let template = json!({"metadata": {"name": "logs"}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "disk",
        "resources": {"requests": {"storage": "1Gi"}}}});
    let spec = &mut wanted["spec"];
    spec["volumeClaimTemplates"]
        .as_array_mut()
        .expect("templates")
        .push(template);
    let mount = json!({"name": "logs", "mountPath": "/logs"});
    let mounts = &mut spec["template"]["spec"]["containers"][0]["volumeMounts"];
    mounts.as_array_mut().expect("mounts").push(mount);
}

const FURTHER: &str = "/spec/volumeClaimTemplates/1/metadata/name";

#[test]
fn a_further_claim_template_ends_the_pods_and_keeps_the_volumes() {
    recreate(Trial::ThereAndBack, with_logs, FURTHER, &json!("logs"), false);
}

#[test]
fn a_script_that_is_killed_ends_well_both_ways() {
    recreate(Trial::KilledAgainAndAgain, with_logs, FURTHER, &json!("logs"), false);
}
