//! Reviews that no API server sent: they must not stay, and must not decide for long what others may write.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use stateward::admission::{Answer, LiveReads, Webhook, now, router};
use stateward::graph::{Facts, Graph, Kind, Knowledge, Lookup, Name, NamespaceFacts, Node, ObjectRef, Service};
use tower::ServiceExt as _;

use crate::controlplane::eventually;
use crate::support::webhook::webhook;

/// An API server in which there is nothing of what anybody asks for.
struct Nothing;

impl LiveReads for Nothing {
    fn object<'a>(&'a self, _: &'a Name, _: &'a ObjectRef) -> Answer<'a, Lookup<Node>> {
        Box::pin(async { Lookup::Absent })
    }

    fn missing<'a>(&'a self, namespace: &'a Name, object: &'a ObjectRef) -> Answer<'a, Lookup<Node>> {
        self.object(namespace, object)
    }

    fn services<'a>(&'a self, _: &'a Name) -> Answer<'a, Option<Vec<Service>>> {
        Box::pin(async { None })
    }
}

/// A namespace `shop` with a claim, in a cluster of which everything is known, or nothing of namespaces.
fn shop(namespaces: Knowledge) -> Arc<Graph> {
    let graph = Graph::new(Facts::new(Knowledge::Complete));
    let _ = graph.set_knowledge(Kind::NAMESPACE, namespaces);
    let claim = json!({"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}});
    graph
        .insert(Kind::CLAIM, &"shop".into(), &claim.to_string())
        .expect("a claim");
    graph.with("shop", |shard| {
        shard.set_facts(Lookup::Known(NamespaceFacts::default()))
    });
    Arc::new(graph)
}

fn deployment(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"replicas": 1, "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}}, "spec": {
            "containers": [{"name": "main", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}}}})
}

fn review(operation: &str, namespace: &str, name: &str) -> Value {
    let object = deployment(name);
    let (object, old) = match operation {
        "DELETE" => (Value::Null, object),
        _ => (object, Value::Null),
    };
    json!({"uid": "u", "operation": operation, "namespace": namespace, "name": name,
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "resource": {"group": "apps", "version": "v1", "resource": "deployments"}, "object": object, "oldObject": old})
}

/// Whether the webhook allows a request; or why not.
async fn asked(webhook: &Router, request: Value) -> Result<(), String> {
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
    let post = Request::post("/validate").header("content-type", "application/json");
    let post = post.body(Body::from(review.to_string())).expect("a request");
    let answer = webhook.clone().oneshot(post).await.expect("an answer");
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    let response = serde_json::from_slice::<Value>(&body).expect("JSON")["response"].take();
    match response["status"]["message"].as_str() {
        Some(message) => Err(message.to_owned()),
        None => Ok(()),
    }
}

#[tokio::test]
async fn a_forged_creation_is_given_up_as_soon_as_it_should_have_been_stored() {
    let graph = shop(Knowledge::Complete);
    let webhook = router(Arc::new(Webhook {
        live: Some(Arc::new(Nothing)),
        ..webhook(graph)
    }));
    let before = Instant::now();
    assert_eq!(asked(&webhook, review("CREATE", "shop", "ghost")).await, Ok(()));
    match asked(&webhook, review("CREATE", "shop", "web")).await {
        Err(refused) => assert!(refused.contains("being created at this moment"), "{refused}"),
        Ok(()) => assert!(before.elapsed() >= Duration::from_secs(1), "given up too early"),
    }
    eventually("the end of the forged reservation", async || {
        asked(&webhook, review("CREATE", "shop", "web")).await.ok()
    })
    .await;
}

#[tokio::test]
async fn a_forged_deletion_frees_nothing() {
    let graph = shop(Knowledge::Complete);
    let web = deployment("web").to_string();
    graph
        .insert(Kind::DEPLOYMENT, &"shop".into(), &web)
        .expect("a Deployment");
    let webhook = router(Arc::new(webhook(graph)));
    assert_eq!(asked(&webhook, review("DELETE", "shop", "web")).await, Ok(()));
    let refused = asked(&webhook, review("CREATE", "shop", "api"))
        .await
        .expect_err("in use");
    assert!(refused.contains("is also used by Deployment shop/web"), "{refused}");
}

#[tokio::test]
async fn invented_namespaces_leave_nothing_behind() {
    for (knowledge, kept) in [(Knowledge::Complete, 1), (Knowledge::Unavailable, 201)] {
        let graph = shop(knowledge);
        let webhook = router(Arc::new(webhook(graph.clone())));
        for number in 0..200 {
            let name = format!("nobody-has-{number}");
            let _ = asked(&webhook, review("CREATE", &name, "web")).await;
        }
        // Where namespaces are not watched, anybody's may be a real one.
        assert_eq!(graph.namespaces().len(), kept, "{knowledge:?}");
        graph.expire(now().plus_millis(3_000));
        assert_eq!(graph.namespaces(), [Name::from("shop")], "{knowledge:?}");
    }
}

#[tokio::test]
async fn a_flood_of_creations_takes_the_room_of_its_namespace_and_no_more() {
    let graph = shop(Knowledge::Complete);
    let webhook = router(Arc::new(webhook(graph.clone())));
    for number in 0..100 {
        let mut flood = review("CREATE", "shop", &format!("flood-{number}"));
        // Each with its own claim, so that all of them are admitted; and with something that nobody reads.
        flood["object"]["spec"]["template"]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] =
            format!("data-{number}").into();
        flood["object"]["ignored"] = "x".repeat(64 << 10).into();
        let _ = asked(&webhook, flood).await;
    }
    let kept = graph.reservations(now());
    assert!((1..=32).contains(&kept), "{kept} of 64 KiB each in 2 MiB");
    graph.expire(now().plus_millis(3_000));
    assert_eq!(graph.reservations(now()), 0);
}
