//! What is left of a StatefulSet's claims, and of the pods of a Deployment that goes without them.

use serde_json::json;

use super::actor::claims;
use super::api::name;
use super::case::{Act, Case, Disk, RWO, Workload};
use super::mirror::{World, all};
use super::site::Placement;
use super::stage::{Outcome, on_stage, stage};

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
