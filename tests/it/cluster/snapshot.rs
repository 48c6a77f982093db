//! The cluster read once, from an API server that answers as scripted.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use stateward::cluster::snapshot::{Cause, Gap, Progress, Scope, SnapshotError, take};
use stateward::graph::{Facts, Graph, Kind, Kinds, Knowledge, Version};

use super::fake::{Fake, failure, list, page, version_info};

const SERVICES: &str = "/api/v1/services";

fn graph() -> Arc<Graph> {
    Arc::new(Graph::new(Facts::new(Knowledge::Unavailable)))
}

fn service(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop"}})
}

#[tokio::test]
async fn pages_fill_the_graph_and_what_is_refused_is_a_gap() {
    let fake = Fake::default();
    fake.on_read(SERVICES, 200, page("more", &[service("a"), service("b")]))
        .on_read(SERVICES, 200, list("5", &[service("c")]))
        .on_read("/api/v1/persistentvolumes", 403, failure(403))
        .on_read("/apis/autoscaling/v2/horizontalpodautoscalers", 404, failure(404))
        .on_read(
            "/apis/apps/v1/statefulsets",
            200,
            list(
                "5",
                &[json!({"metadata": {"name": "db", "namespace": "shop"}, "spec": {"replicas": "x"}})],
            ),
        );
    let (graph, progress) = (graph(), Progress::default());
    let gaps = take(&fake.client(), &graph, &Scope::Cluster, &progress).await.unwrap();
    let set = Kind::STATEFUL_SET;
    let gap = |kind, cause| Gap { kind, cause };
    assert_eq!(
        gaps,
        [
            gap(Kind::AUTOSCALER, Cause::NoSuchKind),
            gap(Kind::VOLUME, Cause::Forbidden),
            gap(set, Cause::Unreadable(1)),
        ]
    );
    assert_eq!(graph.keys(Kind::SERVICE).len(), 3);
    assert_eq!(fake.calls(SERVICES)[1], "/api/v1/services?limit=500&continue=more");
    let facts = graph.facts();
    for (kind, knowledge) in [
        (Kind::SERVICE, Knowledge::Complete),
        (Kind::VOLUME, Knowledge::Unavailable),
        (set, Knowledge::Partial),
    ] {
        assert_eq!(facts.knowledge(kind), knowledge, "{kind}");
    }
    assert_eq!(progress.objects.load(Ordering::Relaxed), 4);
    assert_eq!(progress.kinds.load(Ordering::Relaxed), Kinds::builtin().iter().len());
}

#[tokio::test]
async fn the_version_is_known_where_the_server_tells_it() {
    for (major, minor, version) in [("1", "37+", Some(Version::new(1, 37))), ("1", "", None)] {
        let fake = Fake::default();
        fake.on_read("/version", 200, version_info(major, minor));
        let graph = graph();
        take(&fake.client(), &graph, &Scope::Cluster, &Progress::default())
            .await
            .unwrap();
        assert_eq!(graph.facts().version, version, "{minor}");
    }
}

#[tokio::test]
async fn a_list_that_expires_is_begun_again_and_a_busy_server_asked_again() {
    let fake = Fake::default();
    fake.on_read(SERVICES, 200, page("old", &[service("gone")]))
        .on_read(SERVICES, 410, failure(410))
        .on_read(SERVICES, 429, failure(429))
        .on_read(SERVICES, 200, list("5", &[service("new")]));
    let graph = graph();
    let gaps = take(&fake.client(), &graph, &Scope::Cluster, &Progress::default())
        .await
        .unwrap();
    assert_eq!(gaps, []);
    assert_eq!(graph.keys(Kind::SERVICE), [("shop".into(), "new".into())]);
}

#[tokio::test]
async fn one_namespace_is_read_by_name() {
    let fake = Fake::default();
    let namespace = json!({"metadata": {"name": "shop", "labels": {"tier": "a"}}});
    fake.on_read("/api/v1/namespaces/shop", 200, namespace).on_read(
        "/api/v1/namespaces/shop/services",
        200,
        list("5", &[service("a")]),
    );
    let graph = graph();
    let scope = Scope::Namespace("shop".into());
    let gaps = take(&fake.client(), &graph, &scope, &Progress::default())
        .await
        .unwrap();
    assert_eq!(gaps, []);
    assert_eq!(graph.namespaces(), ["shop"]);
    assert_eq!(graph.keys(Kind::SERVICE).len(), 1);
    assert!(
        fake.calls("/apis/apps/v1/deployments").is_empty(),
        "no list of all namespaces"
    );
    assert_eq!(fake.calls("/api/v1/nodes").len(), 1);

    fake.on_read("/api/v1/namespaces/shop", 404, failure(404));
    let missing = take(&fake.client(), &self::graph(), &scope, &Progress::default()).await;
    assert!(matches!(missing, Err(SnapshotError::NoNamespace(name)) if *name == *"shop"));
}

#[tokio::test]
async fn a_server_that_fails_is_an_error() {
    let fake = Fake::default();
    fake.on_read("/api/v1/nodes", 400, failure(400));
    let failed = take(&fake.client(), &graph(), &Scope::Cluster, &Progress::default()).await;
    assert_eq!(failed.unwrap_err().to_string(), "cannot list nodes");
}
