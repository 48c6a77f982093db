//! A StatefulSet without state becomes a Deployment.

use serde_json::json;

use super::{Setting, convert};
use crate::oracle::case::{Act, Case, Workload};
use crate::oracle::mirror::one;

/// What scales it.
const AUTOSCALER: &str = "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: db}
spec:
  minReplicas: 2
  maxReplicas: 4
  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}
";

#[test]
fn the_deployment_is_there_before_the_statefulset_goes() {
    let case = Case::new("stateless").with(Workload::stateful_set("db").replicas(2));
    let objects = case.objects.clone();
    let setting = Setting {
        more: AUTOSCALER,
        ..Setting::default()
    };
    convert(&case.act(Act::Scale("db", 2)), setting, async |conversion| {
        let target =
            async || conversion.read("horizontalpodautoscaler", "db").await["spec"]["scaleTargetRef"]["kind"].clone();
        let is_as_it_was = async |when: &str| {
            conversion.show.rest(&objects).await.expect("it runs");
            assert_eq!(target().await, json!("StatefulSet"), "{when}");
            assert!(!conversion.has("deployment", "db").await, "{when}");
            assert!(
                !conversion.has("configmap", "stateward-convert-statefulset-db").await,
                "{when}"
            );
        };
        let has_arrived = async || {
            let world = conversion.show.world();
            let deployment = one(&world, "deployments", "db").expect("a Deployment");
            assert_eq!(deployment["status"]["readyReplicas"], json!(2));
            assert_eq!(target().await, json!("Deployment"));
            assert!(!conversion.has("statefulset", "db").await);
        };
        conversion.there_and_back(is_as_it_was, has_arrived).await;
    });
}
