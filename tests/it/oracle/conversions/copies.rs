//! A Deployment becomes a StatefulSet on a copy of its volume.

use super::{Setting, convert};
use crate::oracle::actor::is_ready;
use crate::oracle::case::{Act, Case, RWO, Workload};
use crate::oracle::mirror::one;

/// What the cluster knows of snapshots: each is ready as soon as it is asked for.
const SNAPSHOTS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: volumesnapshots.snapshot.storage.k8s.io
  annotations: {api-approved.kubernetes.io: https://github.com/kubernetes-csi/external-snapshotter}
spec:
  group: snapshot.storage.k8s.io
  scope: Namespaced
  names: {kind: VolumeSnapshot, plural: volumesnapshots, singular: volumesnapshot}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
          status:
            type: object
            default: {readyToUse: true}
            properties: {readyToUse: {type: boolean}}
";

/// Moves a database onto a copy, there and back; both volumes are there afterwards.
fn copied(data: &'static str, more: &'static str) {
    let case = Case::new(data)
        .claim("db-data", "disk", RWO)
        .with(Workload::deployment("db").recreated().uses("db-data"));
    let objects = case.objects.clone();
    let setting = Setting {
        more,
        data,
        ..Setting::default()
    };
    convert(&case.act(Act::Scale("db", 1)), setting, async |conversion| {
        let volume = conversion.volume_of("db-data");
        let is_as_it_was = async |when: &str| {
            conversion.show.rest(&objects).await.expect("it runs");
            assert_eq!(conversion.volume_of("db-data"), volume, "{when}");
            for (kind, name) in [
                ("persistentvolumeclaim", "db-data-db-0"),
                ("statefulset", "db"),
                ("job", "copy-db"),
                ("configmap", "stateward-convert-deployment-db"),
            ] {
                assert!(!conversion.has(kind, name).await, "{when}: {kind} {name}");
            }
        };
        let has_arrived = async || {
            let world = conversion.show.world();
            assert!(one(&world, "pods", "db-0").is_some_and(is_ready));
            let copy = conversion.volume_of("db-data-db-0");
            assert!(copy.is_some() && copy != volume);
            assert_eq!(conversion.volume_of("db-data"), volume);
            assert!(!conversion.has("deployment", "db").await);
            assert!(!conversion.has("job", "copy-db").await);
        };
        conversion.there_and_back(is_as_it_was, has_arrived).await;
    });
}

#[test]
fn files_are_copied_and_the_old_volume_stays() {
    copied("copy", "");
}

#[test]
fn a_snapshot_is_restored_and_the_old_volume_stays() {
    copied("snapshot", SNAPSHOTS);
}
