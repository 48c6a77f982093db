//! Who is told of reviews, and of which.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use stateward::admission::{Reviewed, TraceParent, Traces, Webhook, router};
use stateward::graph::{Facts, Graph, Knowledge};
use tower::ServiceExt as _;

use crate::support::webhook::webhook;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// What is remembered of a review.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    webhook: &'static str,
    decision: &'static str,
    uid: String,
    parent: Option<TraceParent>,
    findings: String,
    patched: usize,
}

#[derive(Default)]
struct Remembered(Mutex<Vec<Told>>);

impl Traces for Remembered {
    fn reviewed(&self, review: &Reviewed<'_>) {
        let findings = review.annotations.iter().find(|(key, _)| *key == "findings");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Told {
            webhook: review.webhook.as_str(),
            decision: review.outcome.as_str(),
            uid: review.uid.to_owned(),
            parent: review.parent,
            findings: findings.map(|(_, value)| value.clone()).unwrap_or_default(),
            patched: review.patch.len(),
        });
    }
}

/// The creation of an object.
fn review(uid: &str, object: &Value) -> Value {
    let kind = object["kind"].as_str().unwrap_or_default();
    let (group, version) = match kind {
        "WorkloadPolicy" => ("stateward.dev", "v1alpha1"),
        _ => ("apps", "v1"),
    };
    let resource = format!("{}s", kind.to_lowercase());
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": uid, "operation": "CREATE", "namespace": "shop", "name": "db",
        "kind": {"group": group, "version": version, "kind": kind},
        "resource": {"group": group, "version": version, "resource": resource}, "object": object,
    }})
}

/// What is told of a review that is sent to a path with this `traceparent`.
async fn told(path: &str, review: &Value, parent: Option<&str>) -> Vec<Told> {
    let remembered = Arc::<Remembered>::default();
    let webhook = Webhook {
        traces: Some(remembered.clone()),
        ..webhook(Arc::new(Graph::new(Facts::new(Knowledge::Complete))))
    };
    let mut post = Request::post(path).header("content-type", "application/json");
    if let Some(parent) = parent {
        post = post.header("traceparent", parent);
    }
    let post = post.body(Body::from(review.to_string())).expect("a request");
    let answer = router(Arc::new(webhook)).oneshot(post).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let told = remembered.0.lock().unwrap_or_else(PoisonError::into_inner);
    told.clone()
}

#[tokio::test]
async fn every_webhook_tells_what_it_answered() {
    let claimed = json!({"kind": "Deployment", "metadata": {"name": "db"}, "spec": {"strategy": {"type": "Recreate"}, "template": {"spec": {
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "gone"}}],
    }}}});
    let bare = json!({"kind": "StatefulSet", "metadata": {"name": "db"}, "spec": {"template": {"spec": {
        "containers": [{"name": "db", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
    }}}});
    let broken = json!({"kind": "Deployment", "metadata": {"name": "db"}, "spec": {"replicas": "three"}});
    let policy = json!({"kind": "WorkloadPolicy", "metadata": {"name": "a"}, "spec": {"rules": [{"id": "none"}]}});
    for (path, object, webhook, decision, findings, patched) in [
        ("/validate", &claimed, "validate", "warn", "claim-missing=Warn", false),
        ("/mutate", &bare, "mutate", "patch", "", true),
        ("/validate", &broken, "validate", "error", "", false),
        ("/policies", &policy, "policies", "deny", "", false),
    ] {
        let told = told(path, &review("7e3c", object), None).await;
        let [one] = &told[..] else { panic!("{told:?}") };
        assert_eq!(
            (one.webhook, one.decision, &*one.uid, &*one.findings, one.patched > 0),
            (webhook, decision, "7e3c", findings, patched),
            "{path}"
        );
        assert_eq!(one.parent, None);
    }
}

#[tokio::test]
async fn a_trace_that_is_not_recorded_is_not_told_of() {
    let object = json!({"kind": "Deployment", "metadata": {"name": "db"}});
    let told = async |parent: &str| told("/validate", &review("7e3c", &object), Some(parent)).await;
    let parents = async |parent: &str| -> Vec<_> { told(parent).await.into_iter().map(|told| told.parent).collect() };
    let sampled = TraceParent {
        trace: u128::from_str_radix(TRACE, 16).expect("a number"),
        span: u64::from_str_radix(SPAN, 16).expect("a number"),
        sampled: true,
    };
    assert_eq!(parents(&format!("00-{TRACE}-{SPAN}-01")).await, [Some(sampled)]);
    assert_eq!(parents(&format!("00-{TRACE}-{SPAN}-00")).await, []);
    assert_eq!(parents(&format!("ff-{TRACE}-{SPAN}-00")).await, [None], "that is none");
}
