//! Two replicas behind two API servers: what is written through both at once may be admitted twice, for neither replica
//! has heard of the other's by then. Whoever is concerned hears of it at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::join;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::events::v1::Event;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::installation::{ENFORCE, Installed};
use super::objects::{claim, deployment};
use crate::controlplane::eventually;

/// How many claims are raced for.
const RACES: usize = 200;

async fn create(client: &Client, namespace: &str, name: &str, claim: &str) -> bool {
    let object: Deployment = serde_saphyr::from_str(&deployment(name, claim, 1)).expect("a Deployment");
    let deployments = Api::namespaced(client.clone(), namespace);
    match deployments.create(&PostParams::default(), &object).await {
        Ok(_) => true,
        Err(error) => {
            assert!(error.to_string().contains("rwo-consumers"), "{error}");
            false
        }
    }
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "figures are there to be read")]
async fn what_both_admit_is_told_to_both() {
    let installed = Installed::new().await;
    let cluster = &installed.cluster;
    let (one, other) = (installed.replica(0, &[]), installed.replica(1, &[]));
    installed.use_replica(0, &one).await;
    installed.use_replica(1, &other).await;
    installed.trusted(&installed.secret("ca.crt").await).await;
    installed.manifests(ENFORCE).await;
    let another = cluster.another_api_server().await;
    let namespace = cluster.namespace("raced").await;
    let first = cluster.client().await;
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(first.clone(), &namespace);
    let data: PersistentVolumeClaim = serde_saphyr::from_str(&claim("data", "ReadWriteOnce")).expect("a claim");
    claims.create(&PostParams::default(), &data).await.expect("created");
    installed.guards(&namespace).await;

    let seen = Seen::default();
    let events: Api<Event> = Api::namespaced(first.clone(), &namespace);
    let mut looking = JoinSet::new();
    looking.spawn(look(events, seen.clone()));
    let mut both = BTreeMap::new();
    for race in 0..RACES {
        let name = format!("data-{race}");
        let mut data = data.clone();
        data.metadata.name = Some(name.clone());
        claims.create(&PostParams::default(), &data).await.expect("created");
        // Both replicas know the claim by the time they are asked.
        sleep(Duration::from_millis(20)).await;
        let (left, right) = (format!("left-{race}"), format!("right-{race}"));
        let (here, there) = join(
            create(&first, &namespace, &left, &name),
            create(&another.client, &namespace, &right, &name),
        )
        .await;
        assert!(here || there, "of two, one is admitted");
        if here && there {
            let now = Instant::now();
            both.extend([(left, now), (right, now)]);
        }
    }
    let slowest = eventually("an event on each that was admitted beside another", async || {
        let seen = seen.lock().expect("no panic");
        let waits = both
            .iter()
            .map(|(name, since)| Some(seen.get(name)?.saturating_duration_since(*since)));
        waits.collect::<Option<Vec<_>>>().map(|waits| waits.into_iter().max())
    })
    .await;
    println!(
        "{RACES} races, {} admitted twice, an event after {slowest:?} at most",
        both.len() / 2
    );
}

/// When the first event of the rule was seen of each workload.
type Seen = Arc<Mutex<BTreeMap<String, Instant>>>;

async fn look(events: Api<Event>, seen: Seen) {
    loop {
        let told = events.list(&ListParams::default()).await.expect("listed");
        for event in told
            .items
            .into_iter()
            .filter(|event| event.reason.as_deref() == Some("RwoConsumers"))
        {
            let about = event.regarding.and_then(|about| about.name).unwrap_or_default();
            seen.lock().expect("no panic").entry(about).or_insert_with(Instant::now);
        }
        sleep(Duration::from_millis(50)).await;
    }
}
