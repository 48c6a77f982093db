//! A Deployment becomes a StatefulSet that has the same volume.

use serde_json::{Value, json};

use super::{Setting, Trial, convert};
use crate::oracle::actor::is_ready;
use crate::oracle::case::{Act, Case, RWO, Workload};
use crate::oracle::mirror::one;

/// Who refers to it: an autoscaler that would scale it again, and a job that mounts its claim.
const OTHERS: &str = "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: db}
spec:
  maxReplicas: 1
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: db}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: backup}
spec:
  schedule: 0 3 1 1 *
  suspend: true
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: backup, image: backup}]
          volumes: [{name: data, persistentVolumeClaim: {claimName: db-data}}]
";

/// Moves a database with these claims.
fn moves(id: &str, claims: &[&str], trial: Trial) {
    let database = Workload::deployment("db").recreated();
    let database = claims.iter().fold(database, |database, claim| database.uses(claim));
    let case = claims
        .iter()
        .fold(Case::new(id), |case, claim| case.claim(claim, "disk", RWO));
    let case = case.with(database);
    let objects = case.objects.clone();
    let setting = Setting {
        more: OTHERS,
        ..Setting::default()
    };
    let heirs: Vec<String> = claims.iter().map(|claim| format!("{claim}-db-0")).collect();
    convert(&case.act(Act::Scale("db", 1)), setting, async |conversion| {
        let volumes_of = |claims: &[String]| -> Vec<Option<String>> {
            let volumes = claims.iter().map(|claim| conversion.volume_of(claim));
            volumes.collect()
        };
        let owned: Vec<String> = claims.iter().map(ToString::to_string).collect();
        let volumes = volumes_of(&owned);
        assert!(volumes.iter().all(Option::is_some), "bound claims");
        let referred = async || {
            let autoscaler = conversion.read("horizontalpodautoscaler", "db").await;
            let job = conversion.read("cronjob", "backup").await;
            let pods = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
            let claim = &pods["volumes"][0]["persistentVolumeClaim"]["claimName"];
            [autoscaler["spec"]["scaleTargetRef"]["kind"].clone(), claim.clone()]
        };
        let is_as_it_was = async |when: &str| {
            conversion.show.rest(&objects).await.expect("it runs");
            assert_eq!(volumes_of(&owned), volumes, "{when}");
            assert_eq!(referred().await, [json!("Deployment"), json!("db-data")], "{when}");
            let claims = heirs.iter().map(|heir| ("persistentvolumeclaim", &**heir));
            let others = [
                ("statefulset", "db"),
                ("service", "db-headless"),
                ("configmap", "stateward-convert-deployment-db"),
            ];
            for (kind, name) in claims.chain(others) {
                assert!(!conversion.has(kind, name).await, "{when}: {kind} {name}");
            }
        };
        let has_arrived = async || {
            let world = conversion.show.world();
            let pod = one(&world, "pods", "db-0").expect("a pod");
            assert!(is_ready(pod));
            let mounted: Vec<&Value> = pod["spec"]["volumes"]
                .as_array()
                .expect("volumes")
                .iter()
                .filter_map(|volume| volume.pointer("/persistentVolumeClaim/claimName"))
                .collect();
            assert!(heirs.iter().all(|heir| mounted.contains(&&json!(heir))), "{mounted:?}");
            assert_eq!(volumes_of(&heirs), volumes);
            assert_eq!(referred().await, [json!("StatefulSet"), json!("db-data-db-0")]);
            assert!(!conversion.has("deployment", "db").await);
            for claim in claims {
                assert!(!conversion.has("persistentvolumeclaim", claim).await, "{claim}");
            }
        };
        conversion.stands(trial, is_as_it_was, has_arrived).await;
    });
}

#[test]
fn the_first_pod_has_the_same_volume() {
    moves("convert", &["db-data"], Trial::ThereAndBack);
}

#[test]
fn the_first_pod_has_all_of_several_volumes() {
    moves(
        "convert-several",
        &["db-data", "db-logs", "db-archive"],
        Trial::ThereAndBack,
    );
}

#[test]
fn a_script_that_is_killed_goes_on_where_it_was() {
    moves("convert-killed", &["db-data", "db-logs"], Trial::KilledAgainAndAgain);
}
