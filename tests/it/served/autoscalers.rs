//! Autoscalers: the replicas that a workload will have, and no request of its own says so.

use super::objects::{autoscaler, claim, deployment};
use super::{Policy, Shop};

#[tokio::test]
async fn an_autoscaler_past_one_is_warned_about_in_baseline_and_denied_in_strict() {
    let shop = Shop::shared().await;
    let objects = [claim("data", "ReadWriteOnce"), deployment("web", "data", 1)];
    let many = [autoscaler("v2", "web", 5)];

    let baseline = shop.namespace(Policy::Baseline).await;
    shop.create(&baseline, &objects).await.succeeded();
    let warned = shop.create(&baseline, &many).await.succeeded();
    assert!(
        warned.stderr.contains("Warning: rwo-autoscaler: Deployment "),
        "{}",
        warned.stderr
    );

    let strict = shop.namespace(Policy::Strict).await;
    shop.create(&strict, &objects).await.succeeded();
    let refused = shop.create(&strict, &many).await.failed();
    assert!(
        refused.stderr.contains("denied the request: rwo-autoscaler: "),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn raising_the_most_replicas_is_denied_in_either_version_and_lowering_them_is_not() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Strict).await;
    let objects = [claim("data", "ReadWriteOnce"), deployment("web", "data", 1)];
    shop.create(&namespace, &objects).await.succeeded();
    let refused = shop.create(&namespace, &[autoscaler("v1", "web", 3)]).await.failed();
    assert!(refused.stderr.contains("rwo-autoscaler"), "{}", refused.stderr);
    shop.create(&namespace, &[autoscaler("v1", "web", 1)]).await.succeeded();
    for version in ["v1", "v2"] {
        let refused = shop
            .send(&namespace, &["replace"], &[autoscaler(version, "web", 3)])
            .await
            .failed();
        assert!(
            refused.stderr.contains("rwo-autoscaler"),
            "{version}: {}",
            refused.stderr
        );
    }
    let refused = shop
        .kubectl(&namespace, r#"patch hpa web -p {"spec":{"maxReplicas":2}}"#)
        .await
        .failed();
    assert!(refused.stderr.contains("rwo-autoscaler"), "{}", refused.stderr);
    assert_eq!(shop.field(&namespace, "hpa/web", ".spec.maxReplicas").await, "1");
}

#[tokio::test]
async fn an_autoscaler_that_waits_for_its_workload_is_seen_when_that_comes() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Strict).await;
    let first = [claim("data", "ReadWriteOnce"), autoscaler("v2", "web", 5)];
    shop.create(&namespace, &first).await.succeeded();
    // Nobody asks live for autoscalers: this one must have arrived by the watch.
    let refused = crate::controlplane::eventually("the autoscaler in the graph", async || {
        let dry_run = ["create", "--dry-run=server"];
        let output = shop.send(&namespace, &dry_run, &[deployment("web", "data", 1)]).await;
        (!output.success).then_some(output)
    })
    .await;
    assert!(refused.stderr.contains("rwo-autoscaler"), "{}", refused.stderr);
}
