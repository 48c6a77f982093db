//! A kind that nobody built in is registered at the start, and from then on like any other.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use stateward::admission::router;
use stateward::cluster::install::{Certificate, IMAGE, Installation};
use stateward::cluster::mode::Mode;
use stateward::cluster::scope::Scope;
use stateward::graph::{Defaults, Entry, Facts, Field, Form, Graph, Kind, Kinds, Knowledge, Reach, Role, Row, Runs};
use tower::ServiceExt as _;

use crate::support::webhook::webhook;

/// A workload whose fields stand where no built-in kind has them, whose controller writes Deployments for nobody.
fn widgets() -> &'static Kinds {
    let form = Form {
        runs: Runs::Replicas,
        pod_spec: "/spec/podTemplate/spec",
        fields: &[
            ("/spec/podTemplate", Field::Template),
            ("/spec/scale/count", Field::Replicas),
            ("/spec/selector", Field::Selector),
        ],
        makers: &[],
        declared: None,
    };
    let reach = Reach::Review {
        entry: Entry::Workloads,
        scale: true,
        defaults: Defaults::Never,
    };
    let row = Row::new(0, "example.com/v1", "widgets", "Widget", Role::Workload(form), reach);
    Kinds::with([row]).expect("the first of its name")
}

fn widget(count: u32) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "web", "namespace": "shop"}, "spec": {
        "scale": {"count": count},
        "selector": {"matchLabels": {"app": "web"}},
        "podTemplate": {"metadata": {"labels": {"app": "web"}}, "spec": {
            "containers": [{"name": "main", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}}}})
}

fn shop(kinds: &'static Kinds, objects: &[(Kind, Value)]) -> Arc<Graph> {
    let graph = Graph::new(Facts::of(kinds, Knowledge::Complete));
    let claim = json!({"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}});
    for (kind, object) in [&[(Kind::CLAIM, claim)], objects].concat() {
        graph
            .insert(kind, &"shop".into(), &object.to_string())
            .expect("a readable object");
    }
    Arc::new(graph)
}

/// What the webhook answers to a review.
async fn asked(graph: Arc<Graph>, request: Value) -> Value {
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
    let post = Request::post("/validate").header("content-type", "application/json");
    let post = post.body(Body::from(review.to_string())).expect("a request");
    let answer = router(Arc::new(webhook(graph))).oneshot(post).await.expect("an answer");
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    serde_json::from_slice::<Value>(&body).expect("JSON")["response"].take()
}

fn message(response: &Value) -> &str {
    response["status"]["message"].as_str().unwrap_or("allowed")
}

#[tokio::test]
async fn a_registered_kind_is_judged_on_both_paths() {
    let kinds = widgets();
    let kind = kinds.of("example.com/v1", "Widget").expect("registered");
    let created = json!({"uid": "u", "operation": "CREATE", "namespace": "shop", "name": "web",
        "kind": {"group": "example.com", "version": "v1", "kind": "Widget"},
        "resource": {"group": "example.com", "version": "v1", "resource": "widgets"}, "object": widget(3)});
    let response = asked(shop(kinds, &[]), created.clone()).await;
    let expected = "rwo-replicas: Widget shop/web: 3 replicas mount claim \"data\"";
    assert!(message(&response).starts_with(expected), "{response}");

    let scale = |group: &str| {
        json!({"uid": "u", "operation": "UPDATE", "namespace": "shop", "name": "web", "subResource": "scale",
            "kind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
            "resource": {"group": group, "version": "v1", "resource": "widgets"},
            "object": {"spec": {"replicas": 3}}, "oldObject": {"spec": {"replicas": 1}}})
    };
    let graph = shop(kinds, &[(kind, widget(1))]);
    let response = asked(graph.clone(), scale("example.com")).await;
    assert!(
        message(&response).contains("scaling Widget shop/web from 1 to 3"),
        "{response}"
    );
    let response = asked(graph.clone(), scale("elsewhere.com")).await;
    assert_eq!(
        response["allowed"], true,
        "a resource of that name in another group is somebody else's"
    );

    // What was not registered is not known, and said to be so.
    let response = asked(shop(Kinds::builtin(), &[]), created).await;
    assert!(
        response["warnings"][0]
            .as_str()
            .expect("a warning")
            .contains("\"Widget\""),
        "{response}"
    );
}

#[tokio::test]
async fn a_registered_kind_has_the_neighbours_of_a_built_in_one() {
    let kinds = widgets();
    let kind = kinds.of("example.com/v1", "Widget").expect("registered");
    let graph = shop(kinds, &[(kind, widget(1))]);
    let autoscaler = json!({"uid": "u", "operation": "CREATE", "namespace": "shop", "name": "auto",
        "kind": {"group": "autoscaling", "version": "v2", "kind": "HorizontalPodAutoscaler"},
        "resource": {"group": "autoscaling", "version": "v2", "resource": "horizontalpodautoscalers"},
        "object": {"metadata": {"name": "auto"}, "spec": {"maxReplicas": 4,
            "scaleTargetRef": {"apiVersion": "example.com/v1", "kind": "Widget", "name": "web"}}}});
    let response = asked(graph.clone(), autoscaler).await;
    assert!(message(&response).contains("rwo-autoscaler: creating"), "{response}");
    let deployment = json!({"metadata": {"name": "api"}, "spec": {"template": {"spec": {
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}}}});
    let beside = json!({"uid": "u", "operation": "CREATE", "namespace": "shop", "name": "api",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "resource": {"group": "apps", "version": "v1", "resource": "deployments"}, "object": deployment});
    let response = asked(graph, beside).await;
    assert!(message(&response).contains("Widget shop/web (1 pod)"), "{response}");
}

#[test]
fn permissions_and_webhook_rules_follow_from_the_table() {
    let installation = Installation {
        namespace: "stateward-system",
        image: IMAGE,
        certificate: Certificate::Own,
        mode: Mode::Audit,
        replicas: 2,
        client_ca: None,
        callers: &[],
        scope: &Scope::default(),
        kinds: widgets(),
        definitions: &[],
        default_policy: None,
        workload_kinds: &[],
        dashboard: None,
    };
    let yaml = installation.to_yaml().expect("YAML");
    let readable = "- apiGroups:\n  - example.com\n  resources:\n  - widgets\n  verbs:";
    let sent = "- apiGroups:\n    - example.com\n    apiVersions:\n    - v1\n    operations:\n    - CREATE\n    - UPDATE\n    \
                resources:\n    - widgets\n    - widgets/scale\n";
    assert!(yaml.contains(readable) && yaml.contains(sent), "{yaml}");
}

/// What `stateward manifests` prints.
fn printed(arguments: &[&str]) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_stateward"));
    let output = command
        .arg("manifests")
        .args(arguments)
        .output()
        .expect("stateward runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn an_installation_is_told_of_the_kinds_that_it_may_read_and_is_sent() {
    let plain = printed(&[]);
    assert!(!plain.contains("- argoproj.io") && !plain.contains("--workload-kinds"));
    let further = printed(&["--workload-kinds", "rollouts.argoproj.io,scaledobjects.keda.sh"]);
    for line in [
        "- --workload-kinds=rollouts.argoproj.io,scaledobjects.keda.sh",
        "- rollouts",
        "- rollouts/scale",
        "- scaledobjects",
    ] {
        assert!(further.lines().any(|printed| printed.trim() == line), "{line}");
    }
    // What a Rollout makes does not wait for us, whether or not it is judged with it.
    for printed in [plain, further] {
        assert!(printed.contains(r#"o.kind == "Rollout" && o.apiVersion.startsWith("argoproj.io/")"#));
    }
}

/// A Rollout whose pods are made of the template of a Deployment.
fn borrower(replicas: u32) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "blue", "namespace": "shop"}, "spec": {
        "replicas": replicas, "strategy": {"canary": {"maxSurge": 0, "maxUnavailable": 1}},
        "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}})
}

/// A Deployment of no pods, whose template uses the claim.
fn lender(claim: &str) -> Value {
    let mut lender = widget(0);
    lender["apiVersion"] = "apps/v1".into();
    lender["kind"] = "Deployment".into();
    let mut template = lender["spec"]["podTemplate"].take();
    template["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] = claim.into();
    lender["spec"] = json!({"replicas": 0, "template": template, "selector": {"matchLabels": {"app": "web"}}});
    lender
}

#[tokio::test]
async fn a_borrowed_template_is_judged_by_whoever_borrows_it() {
    let kinds = stateward::kinds::shipped();
    let rollouts = kinds.of("argoproj.io/v1alpha1", "Rollout").expect("shipped");
    let request = |kind: Kind, name: &str, operation: &str, object: Value| {
        json!({"uid": "u", "operation": operation, "namespace": "shop", "name": name, "object": object,
            "kind": {"group": kind.group(), "version": kind.version(), "kind": kind.as_str()},
            "resource": {"group": kind.group(), "version": kind.version(), "resource": kind.resource()}})
    };
    let rwo_replicas = "rwo-replicas: ";
    let create = |replicas| request(rollouts, "blue", "CREATE", borrower(replicas));
    let there = || shop(kinds, &[(Kind::DEPLOYMENT, lender("data"))]);
    let denied = asked(there(), create(3)).await;
    assert!(
        message(&denied).contains(rwo_replicas) && message(&denied).contains("Rollout shop/blue"),
        "{denied}"
    );
    let allowed = asked(there(), create(1)).await;
    assert_eq!(message(&allowed), "allowed");
    // The template changes for the one that borrows it.
    let both = || shop(kinds, &[(Kind::DEPLOYMENT, lender("free")), (rollouts, borrower(3))]);
    let update = |claim: &str| {
        let mut update = request(Kind::DEPLOYMENT, "web", "UPDATE", lender(claim));
        update["oldObject"] = lender("free");
        update
    };
    let denied = asked(both(), update("data")).await;
    assert!(
        message(&denied).contains(rwo_replicas) && message(&denied).contains("Rollout shop/blue"),
        "{denied}"
    );
    assert_eq!(message(&asked(both(), update("other")).await), "allowed");
}
