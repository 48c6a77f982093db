//! What becomes of the names, claims and templates of a StatefulSet's pods, and what the rules say of it.

use serde_json::{Value, json};

use super::actor::{claims, is_ready};
use super::api::name;
use super::case::{Act, Case, Disk, RWO, Workload};
use super::mirror::{World, all};
use super::outcome::Outcome;
use super::site::Placement;
use super::stage::{on_stage, stage};
use super::verdict::{verdict_on_change, verdict_on_create};

/// Plays a case that settles, and looks at the world that is left.
fn played<T>(case: Case, look: impl FnOnce(&World) -> T) -> T {
    let id = case.id.clone();
    let (outcome, seen) = left(case, look);
    assert_eq!(outcome, Outcome::Settles, "{id}");
    seen
}

/// Plays a case, and looks at the world that is left.
fn left<T>(case: Case, look: impl FnOnce(&World) -> T) -> (Outcome, T) {
    on_stage(async { stage().await.play_and_look(&case, Placement::Spread, look).await })
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

#[test]
fn pods_are_named_after_their_ordinals_and_the_service() {
    let set = Workload::stateful_set("db").replicas(2);
    let set = set.spec(json!({"serviceName": "peers", "ordinals": {"start": 3}}));
    let hosts = played(Case::new("hosts").with(set), |world| {
        let host = |pod: &Value| (pod["spec"]["hostname"].clone(), pod["spec"]["subdomain"].clone());
        all(world, "pods").map(host).collect::<Vec<_>>()
    });
    let host = |name: &str| (json!(name), json!("peers"));
    assert_eq!(hosts, [host("db-3"), host("db-4")]);
}

#[test]
fn a_claim_of_the_right_name_is_taken_as_it_is() {
    let mut case = Case::new("adopted").bound("data-db-0", Disk::Csi, RWO);
    let set = Workload::stateful_set("db").replicas(2).template("data", RWO);
    let says = verdict_on_create(&case, &set.0);
    assert!(says.contains(&"claim-adoption"), "{says:?}");
    case = case.with(set);
    let volumes = played(case, |world| {
        let volume = |claim: &Value| claim["spec"]["volumeName"].as_str().unwrap_or_default().to_owned();
        all(world, "persistentvolumeclaims").map(volume).collect::<Vec<_>>()
    });
    assert!(
        volumes[0].ends_with("data-db-0"),
        "the volume that was there: {volumes:?}"
    );
    assert!(volumes[1].starts_with("pvc-"), "a volume of its own: {volumes:?}");
}

#[test]
fn a_retention_policy_deletes_the_claims_of_a_statefulset_that_goes() {
    let policy = json!({"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Retain", "whenDeleted": "Delete"}});
    let set = Workload::stateful_set("db")
        .replicas(2)
        .template("data", RWO)
        .spec(policy);
    let says = verdict_on_create(&Case::new("gone"), &set.0);
    assert!(says.contains(&"retention-delete"), "{says:?}");
    let scaled = Case::new("scaled").with(set.clone()).act(Act::Scale("db", 1));
    let kept = |world: &World| names(world, "persistentvolumeclaims");
    assert_eq!(played(scaled, kept), ["data-db-0", "data-db-1"]);
    let deleted = Case::new("deleted").with(set).act(Act::Delete("db"));
    assert_eq!(played(deleted, kept), [""; 0]);
}

#[test]
fn no_update_reaches_a_pod_by_itself_on_delete() {
    let strategy = json!({"updateStrategy": {"type": "OnDelete"}});
    let set = Workload::stateful_set("db")
        .replicas(2)
        .template("data", RWO)
        .spec(strategy);
    let says = verdict_on_create(&Case::new("on-delete"), &set.0);
    assert!(says.contains(&"rollout-fields"), "{says:?}");
    let case = Case::new("on-delete").with(set).act(Act::Rollout("db".to_owned()));
    assert_eq!(played(case.clone(), rolled), [""; 0]);
    let deleted = case.act(Act::DeletePod("db".to_owned()));
    assert_eq!(played(deleted, rolled), ["db-0"]);
}

#[test]
fn an_undone_rollout_brings_the_template_back_and_leaves_the_claims() {
    let set = Workload::stateful_set("db").replicas(2).template("data", RWO);
    let case = Case::new("undo").with(set.clone()).act(Act::Rollout("db".to_owned()));
    let seen = |world: &World| (rolled(world), names(world, "persistentvolumes").len());
    assert_eq!(
        played(case.clone(), seen),
        (vec!["db-0".to_owned(), "db-1".to_owned()], 2)
    );
    assert_eq!(played(case.act(Act::Undo("db")), seen), (vec![], 2));
    // Nothing is said of what is as it was.
    let mut after = set.0.clone();
    after["spec"]["template"]["metadata"]["annotations"] = json!({"rolled": "out"});
    let says = verdict_on_change(&Case::new("undo").with(set.clone()), &after, Some(&set.0));
    assert!(
        !says.contains(&"partition-stall") && !says.contains(&"immutable-change"),
        "{says:?}"
    );
}

#[test]
fn a_rollout_to_pods_that_are_not_ready_takes_as_many_as_it_may() {
    let newer = on_stage(async { stage().await.plane.version().minor }) >= 37;
    let strategy = |strategy: Value| {
        let set = Workload::stateful_set("db").replicas(3).template("data", RWO);
        set.spec(json!({"updateStrategy": strategy}))
    };
    let rolling = |most: u32| strategy(json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": most}}));
    // The pods that still serve.
    let kept = |set: Workload| {
        let case = Case::new("broken").with(set).act(Act::Break("db"));
        let (outcome, kept) = left(case, |world| {
            let old = all(world, "pods").filter(|pod| is_ready(pod));
            old.map(|pod| name(pod).to_owned()).collect::<Vec<_>>()
        });
        assert!(outcome != Outcome::Settles, "{kept:?}");
        kept
    };
    assert_eq!(kept(rolling(1)), ["db-0", "db-1"]);
    let two = if newer { &["db-0"][..] } else { &["db-0", "db-1"] };
    assert_eq!(kept(rolling(2)), two, "newer: {newer}");
    if newer {
        // All are gone before the first new one starts.
        assert_eq!(kept(strategy(json!({"type": "Recreate"}))), [""; 0]);
    }
}
