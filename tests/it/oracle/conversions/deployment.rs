//! A Deployment becomes a StatefulSet that has the same volume.

use serde_json::json;

use super::{Setting, convert};
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

#[test]
fn the_first_pod_has_the_same_volume() {
    let database = Workload::deployment("db").recreated().uses("db-data");
    let case = Case::new("convert").claim("db-data", "disk", RWO).with(database);
    let objects = case.objects.clone();
    let setting = Setting {
        more: OTHERS,
        ..Setting::default()
    };
    convert(&case.act(Act::Scale("db", 1)), setting, async |conversion| {
        let volume = conversion.volume_of("db-data").expect("a bound claim");
        let referred = async || {
            let autoscaler = conversion.read("horizontalpodautoscaler", "db").await;
            let job = conversion.read("cronjob", "backup").await;
            let pods = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
            let claim = &pods["volumes"][0]["persistentVolumeClaim"]["claimName"];
            [autoscaler["spec"]["scaleTargetRef"]["kind"].clone(), claim.clone()]
        };
        let is_as_it_was = async |when: &str| {
            conversion.show.rest(&objects).await.expect("it runs");
            assert_eq!(conversion.volume_of("db-data").as_ref(), Some(&volume), "{when}");
            assert_eq!(referred().await, [json!("Deployment"), json!("db-data")], "{when}");
            for (kind, name) in [
                ("persistentvolumeclaim", "db-data-db-0"),
                ("statefulset", "db"),
                ("service", "db-headless"),
                ("configmap", "stateward-convert-deployment-db"),
            ] {
                assert!(!conversion.has(kind, name).await, "{when}: {kind} {name}");
            }
        };
        let has_arrived = async || {
            let world = conversion.show.world();
            let pod = one(&world, "pods", "db-0").expect("a pod");
            assert!(is_ready(pod));
            assert_eq!(
                pod["spec"]["volumes"][0]["persistentVolumeClaim"],
                json!({"claimName": "db-data-db-0"})
            );
            assert_eq!(conversion.volume_of("db-data-db-0").as_ref(), Some(&volume));
            assert_eq!(referred().await, [json!("StatefulSet"), json!("db-data-db-0")]);
            assert!(!conversion.has("deployment", "db").await);
            assert!(!conversion.has("persistentvolumeclaim", "db-data").await);
        };
        conversion.there_and_back(is_as_it_was, has_arrived).await;
    });
}
