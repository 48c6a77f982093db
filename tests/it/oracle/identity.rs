//! What is left of a StatefulSet's claims, and of the pods of a Deployment that goes without them.

use serde_json::{Value, json};

use super::actor::claims;
use super::api::name;
use super::case::{Act, Case, Disk, RWO, Workload};
use super::mirror::{World, all};
use super::site::Placement;
use super::stage::{Outcome, on_stage, stage};
use super::verdict::verdict_on_change;

/// Plays a case, and looks at the world that is left.
fn played<T>(case: Case, look: impl FnOnce(&World) -> T) -> T {
    let (outcome, seen) = on_stage(async { stage().await.play_and_look(&case, Placement::Spread, look).await });
    assert_eq!(outcome, Outcome::Settles, "{}", case.id);
    seen
}

fn names(world: &World, resource: &'static str) -> Vec<String> {
    all(world, resource).map(|object| name(object).to_owned()).collect()
}

#[test]
fn claims_outlive_fewer_replicas_and_the_statefulset() {
    let case = Case::new("claims")
        .with(Workload::stateful_set("db").replicas(2).template("data", RWO))
        .act(Act::Scale("db", 1))
        .act(Act::Delete("db"));
    let claims = played(case, |world| {
        let kept =
            all(world, "persistentvolumeclaims").filter(|claim| claim["metadata"]["deletionTimestamp"].is_null());
        kept.map(|claim| name(claim).to_owned()).collect::<Vec<_>>()
    });
    assert_eq!(claims, ["data-db-0", "data-db-1"]);
}

#[test]
fn a_claim_template_replaces_the_volume_of_its_name() {
    let shared = json!({"name": "own", "persistentVolumeClaim": {"claimName": "data"}});
    let case = Case::new("shadow").bound("data", Disk::Csi, RWO).with(
        Workload::stateful_set("db")
            .replicas(2)
            .volume(shared)
            .template("own", RWO),
    );
    let used = played(case, |world| all(world, "pods").flat_map(claims).collect::<Vec<_>>());
    assert_eq!(used, ["own-db-0", "own-db-1"]);
}

#[test]
fn pods_left_behind_are_adopted_by_a_deployment_that_selects_them() {
    let web = || Workload::deployment("web").recreated().uses("data");
    let case = Case::new("adoption")
        .bound("data", Disk::Csi, RWO)
        .with(web())
        .act(Act::Orphan("web"))
        .act(Act::Create(vec![web().0]));
    let (sets, pods) = played(case, |world| {
        let owner = all(world, "replicasets").map(|set| set["metadata"]["ownerReferences"][0]["name"].clone());
        (owner.collect::<Vec<_>>(), names(world, "pods"))
    });
    assert_eq!((sets, pods.len()), (vec![json!("web")], 1));
}

/// A claim as a StatefulSet makes it of its template.
fn claim(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
        "spec": {"accessModes": RWO, "storageClassName": "disk", "resources": {"requests": {"storage": "1Gi"}}}})
}

/// The names of the pods that have the template of the rollout.
fn rolled(world: &World) -> Vec<String> {
    let new = all(world, "pods").filter(|pod| pod["metadata"]["annotations"]["rolled"] == "out");
    new.map(|pod| name(pod).to_owned()).collect()
}

#[test]
fn a_partition_counts_pods_from_the_first_on_whatever_its_ordinal() {
    for (partition, new, stalls) in [(0, &["db-5", "db-6"][..], false), (1, &["db-6"], false), (2, &[], true)] {
        let strategy = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": partition}});
        let spec = json!({"ordinals": {"start": 5}, "updateStrategy": strategy});
        let set = Workload::stateful_set("db")
            .replicas(2)
            .template("data", RWO)
            .spec(spec);
        let case = Case::new("partition")
            .with(set.clone())
            .act(Act::Rollout("db".to_owned()));
        assert_eq!(played(case.clone(), rolled), new, "partition {partition}");
        let mut after = set.0.clone();
        after["spec"]["template"]["metadata"]["annotations"] = json!({"rolled": "out"});
        let says = verdict_on_change(&case, &set.0, Some(&after)).contains(&"partition-stall");
        assert_eq!(says, stalls, "partition {partition}");
    }
}

#[test]
fn a_retention_policy_deletes_the_claims_of_fewer_replicas() {
    let policy = json!({"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete", "whenDeleted": "Retain"}});
    let set = Workload::stateful_set("db")
        .replicas(2)
        .template("data", RWO)
        .spec(policy);
    let case = Case::new("retention").with(set.clone()).act(Act::Scale("db", 1));
    let kept = played(case.clone(), |world| names(world, "persistentvolumeclaims"));
    assert_eq!(kept, ["data-db-0"]);
    let after = set.clone().replicas(1).0;
    let mut there = case;
    there.objects.push(claim("data-db-1"));
    let says = verdict_on_change(&there, &set.0, Some(&after));
    assert!(says.contains(&"scale-down-data"), "{says:?}");
}

#[test]
fn a_pod_whose_claim_was_deleted_gets_an_empty_disk() {
    let set = Workload::stateful_set("db").template("data", RWO);
    let case = Case::new("empty").with(set).act(Act::DeleteClaim("data-db-0"));
    let volumes = |case: Case| played(case, |world| names(world, "persistentvolumes").len());
    assert_eq!(volumes(case.clone()), 1, "a pod uses the claim");
    let replaced = case.act(Act::DeletePod("db".to_owned()));
    assert_eq!(volumes(replaced), 2, "the old volume is kept, and nobody's");
    let claim = claim("data-db-0");
    let mut case = Case::new("in-use").with(Workload::stateful_set("db").template("data", RWO));
    case.objects.push(claim.clone());
    assert!(verdict_on_change(&case, &claim, None).contains(&"claim-in-use"));
}
