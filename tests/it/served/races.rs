//! Requests at the same moment: none slips past another, and none is refused for one that was refused itself.

use futures::future::join_all;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use super::{Policy, Shop};

const PAIRS: usize = 50;
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

#[tokio::test]
async fn of_two_deployments_that_race_for_one_claim_exactly_one_is_admitted() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let client = shop.cluster.client().await;
    let claims = Api::<PersistentVolumeClaim>::namespaced(client.clone(), &namespace);
    let deployments = Api::<Deployment>::namespaced(client, &namespace);
    let pairs = (0..PAIRS).map(async |pair| {
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
    for (pair, (left, right)) in join_all(pairs).await.into_iter().enumerate() {
        match (left, right) {
            (Some(message), None) | (None, Some(message)) => {
                assert!(message.contains("rwo-consumers"), "pair {pair}: {message}");
            }
            (None, None) => panic!("pair {pair}: both were admitted"),
            (Some(left), Some(right)) => panic!("pair {pair}: neither was admitted: {left} / {right}"),
        }
    }
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
