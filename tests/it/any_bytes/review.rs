//! Whatever is sent as a review: a valid answer to that request, or a short refusal.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use stateward::admission::{Webhook, router};
use stateward::graph::{Facts, Graph, Kind, Knowledge};
use tower::ServiceExt as _;

use super::webhook::webhook;

/// Sends bytes to all paths of a webhook that knows a Deployment and its claim.
///
/// # Panics
/// An answer is none of its kind, or is for another request.
pub fn check(bytes: &[u8]) {
    for path in ["/validate", "/mutate", "/policies"] {
        let (status, answer) = answered(path, bytes, webhook(shop()));
        let review = serde_json::from_slice::<Value>(bytes);
        if let (StatusCode::OK, Ok(review)) = (status, review) {
            let uid = review["request"]["uid"].as_str().unwrap_or_default();
            assert_eq!(answer["response"]["uid"], uid, "{review}");
        }
    }
}

fn shop() -> Arc<Graph> {
    let graph = Graph::new(Facts::new(Knowledge::Complete));
    let claim = json!({"metadata": {"name": "shared"}, "spec": {"accessModes": ["ReadWriteOnce"]}});
    let volume = json!({"name": "data", "persistentVolumeClaim": {"claimName": "shared"}});
    let web = json!({"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {
        "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web"}], "volumes": [volume]}}}});
    for (kind, object) in [(Kind::CLAIM, claim), (Kind::DEPLOYMENT, web)] {
        let inserted = graph.insert(kind, &"shop".into(), &object.to_string());
        assert!(inserted.is_ok(), "{inserted:?}");
    }
    Arc::new(graph)
}

/// Sends a body and checks the answer, which is null where the body is refused.
pub fn answered(path: &str, body: &[u8], webhook: Webhook) -> (StatusCode, Value) {
    let router = router(Arc::new(webhook));
    let request = Request::post(path)
        .header("content-type", "application/json")
        .body(Body::from(body.to_vec()))
        .expect("a request");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let (status, headers, answer) = runtime.block_on(async {
        let answer = router.oneshot(request).await.expect("an answer");
        let (head, body) = answer.into_parts();
        (
            head.status,
            head.headers,
            body.collect().await.expect("a body").to_bytes(),
        )
    });
    assert!(!headers.contains_key("retry-after"));
    let text = std::str::from_utf8(&answer).expect("UTF-8");
    if status == StatusCode::BAD_REQUEST {
        assert_eq!(text.lines().count(), 1, "one line: {text}");
        assert!(text.chars().count() < 1000, "a short one: {text}");
        return (status, Value::Null);
    }
    assert_eq!(status, StatusCode::OK, "{text}");
    assert_eq!(headers["content-type"], "application/json");
    assert!(!text.contains("failed to judge this request"), "a panic: {text}");
    let answer: Value = serde_json::from_str(text).expect("JSON");
    check_answer(path, &answer);
    (status, answer)
}

/// The contract of `docs/kubernetes-facts.md` §3.1.
fn check_answer(path: &str, answer: &Value) {
    let members = answer.as_object().expect("an object");
    assert_eq!(members.len(), 3, "{answer}");
    assert_eq!(answer["apiVersion"], "admission.k8s.io/v1");
    assert_eq!(answer["kind"], "AdmissionReview");
    let response = answer["response"].as_object().expect("a response");
    assert!(response["uid"].is_string());
    let allowed = response["allowed"].as_bool().expect("allowed");
    assert_eq!(allowed, !response.contains_key("status"), "{answer}");
    for (key, value) in response {
        match key.as_str() {
            "uid" | "allowed" => {}
            "status" => check_status(value),
            "patch" | "patchType" => {
                assert_eq!(path, "/mutate", "a validating answer with a patch: {answer}");
                assert!(response.contains_key("patch") && response["patchType"] == "JSONPatch");
            }
            "warnings" => check_warnings(value),
            "auditAnnotations" => check_annotations(value),
            other => assert_eq!(other, "a field of a response"),
        }
    }
}

fn check_status(status: &Value) {
    assert_eq!(status["code"], 403);
    assert_eq!(status["reason"], "Forbidden");
    assert!(!status["message"].as_str().expect("a message").is_empty());
}

fn check_warnings(warnings: &Value) {
    let warnings: Vec<usize> = warnings
        .as_array()
        .expect("a list")
        .iter()
        .map(|warning| warning.as_str().expect("a text").chars().count())
        .collect();
    assert!(!warnings.is_empty());
    assert!(warnings.iter().all(|length| (1..=256).contains(length)), "{warnings:?}");
    assert!(warnings.iter().sum::<usize>() < 4096, "{warnings:?}");
}

fn check_annotations(annotations: &Value) {
    for (key, value) in annotations.as_object().expect("a map") {
        let qualified = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        assert!((1..=63).contains(&key.len()) && key.bytes().all(qualified), "{key}");
        assert!(key.starts_with(|first: char| first.is_ascii_alphanumeric()));
        assert!(value.is_string());
    }
}
