//! `kubectl scale`: a request that holds no pod template.

use super::objects::{claim, deployment, selected, template, using};
use super::{Policy, Shop};

#[tokio::test]
async fn scaling_past_one_is_denied_for_each_of_the_four_kinds() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let replicated = |kind: &str, name: &str| {
        format!(
            "{{apiVersion: apps/v1, kind: {kind}, metadata: {{name: {name}}}, spec: {{replicas: 1, {}}}}}",
            selected(name, &using(name))
        )
    };
    let controller = format!(
        "{{apiVersion: v1, kind: ReplicationController, metadata: {{name: rc}}, \
         spec: {{replicas: 1, selector: {{app: rc}}, {}}}}}",
        template("rc", &using("rc"))
    );
    let kinds = ["deployment", "statefulset", "replicaset", "rc"];
    let claims = kinds.map(|name| claim(name, "ReadWriteOnce"));
    shop.create(&namespace, &claims).await.succeeded();
    let workloads = [
        deployment("deployment", "deployment", 1),
        replicated("StatefulSet", "statefulset"),
        replicated("ReplicaSet", "replicaset"),
        controller,
    ];
    shop.create(&namespace, &workloads).await.succeeded();
    for kind in kinds {
        let up = format!("scale {kind}/{kind} --replicas=3");
        let refused = shop.kubectl(&namespace, &up).await.failed();
        let words = format!("/{kind} from 1 to 3: 3 replicas mount claim \"{kind}\"");
        assert!(
            refused.stderr.contains("denied the request: rwo-replicas: scaling ") && refused.stderr.contains(&words),
            "{}",
            refused.stderr
        );
        let down = format!("scale {kind}/{kind} --replicas=0");
        shop.kubectl(&namespace, &down).await.succeeded();
    }
    // The bypass of a bypass: to nothing, and from there past one.
    let refused = shop
        .kubectl(&namespace, "scale deployment/deployment --replicas=2")
        .await
        .failed();
    assert!(refused.stderr.contains("from 0 to 2: "), "{}", refused.stderr);
}

#[tokio::test]
async fn a_patch_of_the_scale_subresource_is_a_scale() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let objects = [claim("data", "ReadWriteOnce"), deployment("web", "data", 1)];
    shop.create(&namespace, &objects).await.succeeded();
    let patch = r#"patch deployment web --subresource=scale -p {"spec":{"replicas":2}}"#;
    let refused = shop.kubectl(&namespace, patch).await.failed();
    assert!(
        refused.stderr.contains("rwo-replicas: scaling Deployment "),
        "{}",
        refused.stderr
    );
    // An autoscaler's request is judged like anybody's: it reports the refusal as FailedRescale.
    let autoscaler = "scale deployment/web --replicas=2 --as-group=system:masters \
                      --as=system:serviceaccount:kube-system:horizontal-pod-autoscaler";
    let refused = shop.kubectl(&namespace, autoscaler).await.failed();
    assert!(refused.stderr.contains("rwo-replicas"), "{}", refused.stderr);
    let dry_run = "scale deployment/web --replicas=2 --dry-run=server";
    shop.kubectl(&namespace, dry_run).await.failed();
    assert_eq!(shop.field(&namespace, "deployment/web", ".spec.replicas").await, "1");
}

#[tokio::test]
async fn a_claim_wakes_with_the_consumer_that_is_scaled_up_from_nothing() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let objects = [
        claim("data", "ReadWriteOnce"),
        deployment("asleep", "data", 0),
        deployment("awake", "data", 1),
    ];
    shop.create(&namespace, &objects).await.succeeded();
    let refused = shop
        .kubectl(&namespace, "scale deployment/asleep --replicas=1")
        .await
        .failed();
    assert!(
        refused.stderr.contains("rwo-consumers: scaling Deployment ") && refused.stderr.contains("awake"),
        "{}",
        refused.stderr
    );
    shop.kubectl(&namespace, "scale deployment/awake --replicas=0")
        .await
        .succeeded();
    shop.kubectl(&namespace, "scale deployment/asleep --replicas=1")
        .await
        .succeeded();
}
