//! The live graph of a real API server.

use std::time::Duration;

use kube::Client;
use stateward::graph::{Kind, Kinds, Knowledge};

use super::Live;
use crate::controlplane::{ControlPlane, eventually};

const OBJECTS: &str = r#"
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: web}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
"#;

const KINDS: [Kind; 4] = [Kind::AUTOSCALER, Kind::CLAIM, Kind::SERVICE, Kind::DEPLOYMENT];

/// How many of the four objects are in the graph.
fn found(live: &Live, namespace: &str) -> usize {
    let keys = KINDS.into_iter().flat_map(|kind| live.graph.keys(kind));
    keys.filter(|(here, _)| **here == *namespace).count()
}

async fn until_found(live: &Live, namespace: &str, wanted: usize) {
    eventually("the objects in the graph", async || {
        (found(live, namespace) == wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn objects_come_and_go_and_an_api_server_may_restart() {
    let cluster = ControlPlane::start().await;
    let live = Live::start(&cluster.client().await);
    live.watches.synced().await;
    for kind in Kinds::builtin().iter() {
        assert_eq!(live.knowledge(kind), Knowledge::Complete, "{kind}");
    }
    let namespace = cluster.namespace("graph").await;
    let apply = ["apply", "-f", "-", "-n", &namespace];
    cluster.kubectl_stdin(apply, OBJECTS).await.succeeded();
    until_found(&live, &namespace, 4).await;
    let users = live.graph.with(&namespace, |shard| shard.claim_users("data").count());
    assert_eq!(users, 1);

    cluster.restart_api_server().await;
    assert_eq!(found(&live, &namespace), 4);
    cluster
        .kubectl(["delete", "service", "web", "-n", &namespace])
        .await
        .succeeded();
    until_found(&live, &namespace, 3).await;
    cluster
        .kubectl(["delete", "deployment", "web", "-n", &namespace])
        .await
        .succeeded();
    until_found(&live, &namespace, 2).await;
    cluster.kubectl_stdin(apply, OBJECTS).await.succeeded();
    until_found(&live, &namespace, 4).await;
}

#[tokio::test]
async fn a_missing_permission_makes_one_kind_unknown_until_it_is_granted() {
    let cluster = ControlPlane::shared().await;
    let name = cluster.namespace("limited").await;
    let grant = async |role: &str, resources: &[Kind]| {
        let resources: Vec<String> = resources.iter().map(|kind| resource(*kind)).collect();
        let resources = format!("--resource={}", resources.join(","));
        let create = ["create", "clusterrole", role, "--verb=get,list,watch", &resources];
        cluster.kubectl(create).await.succeeded();
        let (to, user) = (format!("--clusterrole={role}"), format!("--user={name}"));
        cluster
            .kubectl(["create", "clusterrolebinding", role, &to, &user])
            .await
            .succeeded();
    };
    let (missing, granted): (Vec<_>, Vec<_>) = Kinds::builtin().iter().partition(|kind| *kind == Kind::VOLUME);
    grant(&format!("{name}-most"), &granted).await;
    let client: Client = cluster.client_as(&name, &[]).await;
    // RBAC is applied from a cache of its own.
    eventually("the permissions", async || {
        let request = http::Request::get("/api/v1/services").body(Vec::new()).unwrap();
        client.request_text(request).await.ok()
    })
    .await;
    let live = Live::start(&client);
    tokio::time::timeout(Duration::from_secs(60), live.watches.synced())
        .await
        .unwrap();
    for kind in granted {
        assert_eq!(live.knowledge(kind), Knowledge::Complete, "{kind}");
    }
    assert_eq!(live.knowledge(Kind::VOLUME), Knowledge::Unavailable);
    grant(&format!("{name}-rest"), &missing).await;
    live.until_knowledge(Kind::VOLUME, Knowledge::Complete).await;
}

fn resource(kind: Kind) -> String {
    match kind.api_version().rsplit_once('/') {
        Some((group, _)) => format!("{}.{group}", kind.resource()),
        None => kind.resource().to_owned(),
    }
}
