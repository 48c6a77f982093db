//! Requests that lose data, or say that they change what cannot change.

use super::objects::{claim, headless, stateful_set};
use super::{Policy, Shop};

const AUTOSCALER: &str = "--as=system:serviceaccount:kube-system:horizontal-pod-autoscaler --as-group=system:masters";

/// A StatefulSet of three pods whose claims are there, and are deleted with them.
async fn shop_that_deletes(shop: &Shop, policy: Policy) -> String {
    let namespace = shop.namespace(policy).await;
    let set = stateful_set("db", 3)
        .replacen(
            "metadata: {name: db}",
            "metadata: {name: db, annotations: {stateward.dev/allow: 'retention-delete: a cache'}}",
            1,
        )
        .replacen(
            "spec: {",
            "spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain, whenScaled: Delete}, ",
            1,
        );
    let claims = [0, 1, 2].map(|ordinal| claim(&format!("data-db-{ordinal}"), "ReadWriteOnce"));
    let objects: Vec<String> = [headless("db"), set].into_iter().chain(claims).collect();
    shop.create(&namespace, &objects).await.succeeded();
    namespace
}

#[tokio::test]
async fn what_fewer_replicas_delete_is_refused_unless_the_set_allows_it() {
    let shop = Shop::shared().await;
    let namespace = shop_that_deletes(shop, Policy::Strict).await;
    let down = "scale statefulset db --replicas=1";
    let words =
        format!("scaling StatefulSet {namespace}/db from 3 to 1: pods \"db-1\", \"db-2\" go, and Kubernetes deletes");
    for change in [down, r#"patch statefulset db -p {"spec":{"replicas":1}}"#] {
        let refused = shop.kubectl(&namespace, change).await.failed();
        let start = "denied the request: scale-down-data: ";
        assert!(refused.stderr.contains(start), "{change}: {}", refused.stderr);
        assert!(change != down || refused.stderr.contains(&words), "{}", refused.stderr);
    }
    // Nobody reads what an autoscaler is told.
    let dry_run = format!("{down} --dry-run=server {AUTOSCALER}");
    let silent = shop.kubectl(&namespace, &dry_run).await.succeeded();
    assert!(!silent.stderr.contains("scale-down-data"), "{}", silent.stderr);
    let allow = "annotate statefulset db --overwrite stateward.dev/allow=scale-down-data:moved";
    shop.kubectl(&namespace, allow).await.succeeded();
    let allowed = shop.kubectl(&namespace, down).await.succeeded();
    assert!(!allowed.stderr.contains("scale-down-data"), "{}", allowed.stderr);
}

#[tokio::test]
async fn a_forced_deletion_of_a_pod_is_warned_about_by_strict() {
    let shop = Shop::shared().await;
    for (policy, told) in [(Policy::Strict, true), (Policy::Baseline, false)] {
        let namespace = shop.namespace(policy).await;
        shop.create(&namespace, &[headless("db"), stateful_set("db", 1)])
            .await
            .succeeded();
        let uid = shop.field(&namespace, "statefulset/db", ".metadata.uid").await;
        let pod = format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: db-0, labels: {{app: db}}, ownerReferences: \
             [{{apiVersion: apps/v1, kind: StatefulSet, name: db, uid: {uid}, controller: true}}]}}, \
             spec: {{nodeName: node-1, containers: [{{name: db, image: db}}]}}}}"
        );
        shop.create(&namespace, &[pod]).await.succeeded();
        let plain = shop
            .kubectl(&namespace, "delete pod db-0 --wait=false --dry-run=server")
            .await
            .succeeded();
        assert!(!plain.stderr.contains("pod-force-delete"), "{}", plain.stderr);
        let forced = shop.kubectl(&namespace, "delete pod db-0 --force").await.succeeded();
        let warning = format!("Warning: pod-force-delete: Pod {namespace}/db-0: the next \"db-0\" starts at once");
        assert_eq!(forced.stderr.contains(&warning), told, "{policy:?}: {}", forced.stderr);
    }
}

#[tokio::test]
async fn what_the_api_server_refuses_is_explained_before_it_does() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    shop.create(&namespace, &[headless("db"), stateful_set("db", 1)])
        .await
        .succeeded();
    let larger = stateful_set("db", 1).replacen("storage: 1Gi", "storage: 2Gi", 1);
    let refused = shop.send(&namespace, &["apply"], &[larger]).await.failed();
    let warning = format!(
        "Warning: immutable-change: StatefulSet {namespace}/db: storage of \"data\" 1Gi to 2Gi cannot change: expand each claim"
    );
    assert!(refused.stderr.contains(&warning), "{}", refused.stderr);
    assert!(
        refused
            .stderr
            .contains("updates to statefulset spec for fields other than"),
        "{}",
        refused.stderr
    );
}
