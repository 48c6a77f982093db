//! Requests at the same moment: of two that cannot both be admitted exactly one is.

use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::{Policy, Shop};

const PAIRS: usize = 50;
/// How many pairs race at a time.
const AT_ONCE: usize = 10;
const LANES: usize = 4;
const PER_LANE: usize = 25;

fn claim(name: &str) -> PersistentVolumeClaim {
    typed(json!({
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }))
}

fn deployment(name: &str, claim: &str, replicas: usize) -> Deployment {
    typed(json!({
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "containers": [{
                        "name": "web", "image": "web", "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                    }],
                    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
                },
            },
        },
    }))
}

fn typed<T: serde::de::DeserializeOwned>(object: Value) -> T {
    serde_json::from_value(object).expect("invariant: a valid object")
}

/// `None` where it was admitted, otherwise why not.
async fn create(api: &Api<Deployment>, deployment: Deployment) -> Option<String> {
    let created = api.create(&PostParams::default(), &deployment).await;
    created.err().map(|error| error.to_string())
}

/// Fails unless of each pair one was admitted, and the other refused for its sake.
fn assert_one_each(pairs: Vec<(Option<String>, Option<String>)>) {
    for (pair, (left, right)) in pairs.into_iter().enumerate() {
        let refused: Vec<String> = left.into_iter().chain(right).collect();
        assert_eq!(refused.len(), 1, "pair {pair}: {refused:?}");
        assert!(refused[0].contains("rwo-consumers"), "pair {pair}: {}", refused[0]);
    }
}

#[tokio::test]
async fn of_two_deployments_that_race_for_one_claim_exactly_one_is_admitted() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let client = shop.cluster.client().await;
    let claims = Api::<PersistentVolumeClaim>::namespaced(client.clone(), &namespace);
    let deployments = Api::<Deployment>::namespaced(client, &namespace);
    let pairs = stream::iter(0..PAIRS).map(async |pair| {
        let data = format!("data-{pair}");
        // As young as it can be: it may not be in the webhook's cache yet.
        claims
            .create(&PostParams::default(), &claim(&data))
            .await
            .expect("the claim is created");
        futures::future::join(
            create(&deployments, deployment(&format!("left-{pair}"), &data, 1)),
            create(&deployments, deployment(&format!("right-{pair}"), &data, 1)),
        )
        .await
    });
    assert_one_each(pairs.buffered(AT_ONCE).collect().await);
    let stored = deployments.list(&Default::default()).await.expect("a list");
    assert_eq!(stored.items.len(), PAIRS);
}

#[tokio::test]
async fn a_claim_created_a_moment_before_its_deployment_is_never_missed() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let client = shop.cluster.client().await;
    let claims = Api::<PersistentVolumeClaim>::namespaced(client.clone(), &namespace);
    let deployments = Api::<Deployment>::namespaced(client, &namespace);
    let lanes = (0..LANES).map(async |lane| {
        for index in 0..PER_LANE {
            let name = format!("web-{lane}-{index}");
            claims
                .create(&PostParams::default(), &claim(&name))
                .await
                .expect("the claim is created");
            let refused = create(&deployments, deployment(&name, &name, 3)).await;
            let message = refused.unwrap_or_else(|| panic!("{name} was admitted"));
            assert!(message.contains("rwo-replicas"), "{name}: {message}");
        }
    });
    join_all(lanes).await;
}

#[tokio::test]
async fn of_two_deployments_that_are_woken_up_at_once_exactly_one_is() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let client = shop.cluster.client().await;
    let claims = Api::<PersistentVolumeClaim>::namespaced(client.clone(), &namespace);
    let deployments = Api::<Deployment>::namespaced(client, &namespace);
    let wake = async |name: String| {
        let one = Patch::Merge(json!({"spec": {"replicas": 1}}));
        let scaled = deployments.patch_scale(&name, &PatchParams::default(), &one).await;
        scaled.err().map(|error| error.to_string())
    };
    let pairs = stream::iter(0..PAIRS).map(async |pair| {
        let data = format!("data-{pair}");
        let created = claims.create(&PostParams::default(), &claim(&data)).await;
        created.expect("the claim is created");
        let [left, right] = ["left", "right"].map(|side| format!("{side}-{pair}"));
        for name in [&left, &right] {
            assert_eq!(create(&deployments, deployment(name, &data, 0)).await, None);
        }
        futures::future::join(wake(left), wake(right)).await
    });
    assert_one_each(pairs.buffered(AT_ONCE).collect().await);
}

/// What a pipeline does all day: of one claim, create, scale in vain, delete, and create the next at once.
#[tokio::test]
async fn a_claim_is_free_for_the_next_as_soon_as_its_workload_is_deleted() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let client = shop.cluster.client().await;
    let claims = Api::<PersistentVolumeClaim>::namespaced(client.clone(), &namespace);
    let deployments = Api::<Deployment>::namespaced(client, &namespace);
    let three = Patch::Merge(json!({"spec": {"replicas": 3}}));
    let lanes = (0..LANES).map(async |lane| {
        let data = format!("next-{lane}");
        let created = claims.create(&PostParams::default(), &claim(&data)).await;
        created.expect("the claim is created");
        for index in 0..PER_LANE {
            let name = format!("next-{lane}-{index}");
            let in_vain = reads_in_vain(shop).await;
            if let Some(refused) = create(&deployments, deployment(&name, &data, 1)).await {
                // Nobody could tell in time on a busy machine; then it is refused as before.
                assert!(reads_in_vain(shop).await > in_vain, "{name}: {refused}");
                continue;
            }
            let scaled = deployments.patch_scale(&name, &PatchParams::default(), &three).await;
            let refusal = scaled.expect_err("three pods").to_string();
            assert!(refusal.contains("rwo-replicas"), "{refusal}");
            let deleted = deployments.delete(&name, &DeleteParams::background()).await;
            deleted.expect("a deletion is never denied");
        }
    });
    join_all(lanes).await;
}

/// How many live reads failed, or were given up.
async fn reads_in_vain(shop: &Shop) -> f64 {
    let metrics = shop.webhook.metrics().await;
    let results = ["error", "skipped", "timeout"].map(|result| {
        let series = metrics.series("stateward_live_reads_total", &[("result", result)]);
        series.unwrap_or_default()
    });
    results.into_iter().sum()
}
