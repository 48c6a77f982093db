//! Claims and Services: their workloads are judged when they come, change and go.

use super::objects::{claim, deployment, headless, stateful_set};
use super::{Policy, Shop};
use crate::controlplane::eventually;

#[tokio::test]
async fn a_claim_may_come_after_its_deployment_and_then_tells_what_is_wrong() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Strict).await;
    let early = shop
        .create(&namespace, &[deployment("web", "data", 3)])
        .await
        .succeeded();
    assert!(
        early.stderr.contains("Warning: claim-missing: Deployment "),
        "{}",
        early.stderr
    );
    let late = shop
        .create(&namespace, &[claim("data", "ReadWriteOnce")])
        .await
        .succeeded();
    assert!(
        late.stderr.contains("Warning: rwo-replicas: Deployment "),
        "{}",
        late.stderr
    );
    let again = shop
        .kubectl(&namespace, "set image deployment/web web=web:2")
        .await
        .succeeded();
    assert!(
        again.stderr.contains("1 finding from before remains: rwo-replicas ("),
        "{}",
        again.stderr
    );
}

#[tokio::test]
async fn a_claim_is_known_to_the_next_request() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    for round in 0..5 {
        let name = format!("data-{round}");
        // In one call: there is no time for any cache.
        let objects = [claim(&name, "ReadWriteOnce"), deployment(&name, &name, 3)];
        let refused = shop.create(&namespace, &objects).await.failed();
        assert!(refused.stderr.contains("rwo-replicas"), "{}", refused.stderr);
    }
}

/// Creates a StatefulSet with its Service, and waits until the webhook knows both.
async fn governed(shop: &Shop, policy: Policy) -> String {
    let namespace = shop.namespace(policy).await;
    shop.create(&namespace, &[headless("db"), stateful_set("db", 3)])
        .await
        .succeeded();
    eventually("the webhook's knowledge of the StatefulSet", async || {
        let deleted = shop.kubectl(&namespace, "delete service db --dry-run=server").await;
        deleted.stderr.contains("service-missing").then_some(())
    })
    .await;
    namespace
}

#[tokio::test]
async fn deleting_a_governing_service_is_denied_in_strict_and_warned_about_in_baseline() {
    let shop = Shop::shared().await;
    let strict = governed(shop, Policy::Strict).await;
    let refused = shop.kubectl(&strict, "delete service db").await.failed();
    assert!(
        refused
            .stderr
            .contains("denied the request: service-missing: deleting Service "),
        "{}",
        refused.stderr
    );
    // Of a collection: one request an object, and none has a name (`docs/kubernetes-facts.md` §3.2).
    let collection = |resource: &str| format!("delete --raw=/api/v1/namespaces/{strict}/{resource}");
    let refused = shop.kubectl(&strict, &collection("services")).await.failed();
    assert!(refused.stderr.contains("service-missing"), "{}", refused.stderr);
    shop.kubectl(&strict, "get service db").await.succeeded();
    // Without pods there is nothing to find.
    shop.kubectl(&strict, "scale statefulset db --replicas=0")
        .await
        .succeeded();
    eventually("a deletion that leaves no pod alone", async || {
        let deleted = shop.kubectl(&strict, "delete service db").await;
        deleted.success.then_some(())
    })
    .await;

    let baseline = governed(shop, Policy::Baseline).await;
    let warned = shop.kubectl(&baseline, "delete service db").await.succeeded();
    assert!(
        warned.stderr.contains("Warning: service-missing: StatefulSet "),
        "{}",
        warned.stderr
    );
}

#[tokio::test]
async fn deleting_claims_in_use_one_by_one_or_all_at_once_is_warned_about_and_refused_by_strict() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let objects = [
        claim("one", "ReadWriteOnce"),
        claim("two", "ReadWriteOnce"),
        deployment("one", "one", 1),
        deployment("two", "two", 1),
    ];
    shop.create(&namespace, &objects).await.succeeded();
    let warning = |name: &str| format!("Warning: claim-in-use: PersistentVolumeClaim {namespace}/{name}: ");
    let one = shop
        .kubectl(&namespace, "delete pvc one --wait=false")
        .await
        .succeeded();
    assert!(one.stderr.contains(&warning("one")), "{}", one.stderr);
    let collection = format!("delete --raw=/api/v1/namespaces/{namespace}/persistentvolumeclaims");
    let two = shop.kubectl(&namespace, &collection).await.succeeded();
    assert!(two.stderr.contains(&warning("two")), "{}", two.stderr);

    let strict = shop.namespace(Policy::Strict).await;
    shop.create(&strict, &objects).await.succeeded();
    let refused = shop.kubectl(&strict, "delete pvc one").await.failed();
    let denied = "denied the request: claim-in-use: PersistentVolumeClaim ";
    assert!(refused.stderr.contains(denied), "{}", refused.stderr);
    shop.kubectl(&strict, "delete deployment one").await.succeeded();
    shop.kubectl(&strict, "delete pvc one --wait=false").await.succeeded();
}

#[tokio::test]
async fn a_governing_service_stays_headless_and_selects_its_pods() {
    let shop = Shop::shared().await;
    let namespace = governed(shop, Policy::Strict).await;
    let changes = [
        (
            r#"patch service db -p {"spec":{"type":"ExternalName","externalName":"db.example","clusterIP":null,"clusterIPs":null}}"#,
            "service-not-headless",
        ),
        (
            r#"patch service db -p {"spec":{"selector":{"app":"other"}}}"#,
            "service-selector-mismatch",
        ),
        (
            r#"patch service db -p {"spec":{"selector":{"role":"leader"}}}"#,
            "service-selector-mismatch",
        ),
    ];
    for (change, rule) in changes {
        let refused = shop.kubectl(&namespace, change).await.failed();
        assert!(
            refused.stderr.contains(&format!("denied the request: {rule}: ")),
            "{change}: {}",
            refused.stderr
        );
    }
    let harmless = shop
        .kubectl(
            &namespace,
            r#"patch service db -p {"spec":{"publishNotReadyAddresses":true}}"#,
        )
        .await
        .succeeded();
    assert_eq!(harmless.stderr, "");
}
