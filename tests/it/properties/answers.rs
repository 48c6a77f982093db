//! Any body gets a valid review, or a clean refusal.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use proptest::prelude::*;
use serde_json::{Value, json};
use stateward::admission::router;
use tower::ServiceExt as _;

use crate::support::changes::workload_kinds;
use crate::support::dice::Dice;
use crate::support::webhook::webhook;
use crate::support::workloads::{NAMES, workload};
use crate::support::worlds::{World, autoscaler, claim, entropy, service};

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered(body in prop::collection::vec(any::<u8>(), 0..64)) {
        for path in ["/validate", "/mutate"] {
            check(path, &body, &World::new(&mut Dice::new(&[])), None);
        }
    }

    #[test]
    fn any_json_is_answered(body in any_json()) {
        for path in ["/validate", "/mutate"] {
            check(path, body.to_string().as_bytes(), &World::new(&mut Dice::new(&[])), None);
        }
    }

    #[test]
    fn any_review_is_answered(world in entropy(), request in entropy()) {
        let world = World::new(&mut Dice::new(&world));
        let review = review(&mut Dice::new(&request));
        for path in ["/validate", "/mutate"] {
            let status = check(path, review.to_string().as_bytes(), &world, Some(&review));
            prop_assert_eq!(status, StatusCode::OK);
        }
    }

    #[test]
    fn any_broken_review_is_answered(world in entropy(), request in entropy(), place in any::<u32>(), value in any_json()) {
        let world = World::new(&mut Dice::new(&world));
        let mut review = review(&mut Dice::new(&request));
        let mut places = count(&review);
        places = place as usize % places;
        replace(&mut review, &mut places, &value);
        for path in ["/validate", "/mutate"] {
            check(path, review.to_string().as_bytes(), &world, Some(&review));
        }
    }

    #[test]
    fn any_cut_review_is_refused(request in entropy(), place in any::<u32>()) {
        let body = review(&mut Dice::new(&request)).to_string();
        let cut = &body.as_bytes()[..place as usize % body.len()];
        let status = check("/validate", cut, &World::new(&mut Dice::new(&[])), None);
        prop_assert_eq!(status, StatusCode::BAD_REQUEST);
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "",
        "a",
        "apiVersion",
        "kind",
        "request",
        "uid",
        "object",
        "metadata",
        "name",
        "spec",
        "\u{0}",
        "é\n\"",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..4).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

/// A review as an API server sends it, of anything that plays a part.
fn review(dice: &mut Dice<'_>) -> Value {
    let what = dice.below(12);
    let name = dice.pick(&NAMES);
    let (group, kind, resource, sub_resource): (&str, &str, &str, &str) = match what {
        0..=7 => {
            let kind = workload_kinds()[what];
            (kind.group(), kind.as_str(), kind.resource(), "")
        }
        8 => ("", "PersistentVolumeClaim", "persistentvolumeclaims", ""),
        9 => ("", "Service", "services", ""),
        10 => ("autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers", ""),
        _ => ("autoscaling", "Scale", "deployments", "scale"),
    };
    let mut object = || match what {
        0..=7 => workload(workload_kinds()[what], name, dice),
        8 => claim("shared", dice),
        9 => service("db", dice),
        10 => autoscaler("auto", dice),
        _ => json!({"metadata": {"name": name}, "spec": {"replicas": dice.pick(&[0, 1, 3])}}),
    };
    let (before, after) = (object(), object());
    let (operation, object, old_object) = match dice.below(3) {
        0 => ("CREATE", after, Value::Null),
        1 => ("UPDATE", after, before),
        _ => ("DELETE", Value::Null, before),
    };
    let version = if group == "autoscaling" && what == 10 {
        "v2"
    } else {
        "v1"
    };
    json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
        "uid": "3a9b2f0e",
        "kind": {"group": group, "version": version, "kind": kind},
        "resource": {"group": group, "version": version, "resource": resource},
        "subResource": sub_resource,
        "name": dice.pick(&[name, ""]),
        "namespace": "shop",
        "operation": operation,
        "userInfo": {"username": dice.pick(&["ann", "system:kube-controller-manager"])},
        "object": object,
        "oldObject": old_object,
        "dryRun": dice.one_in(3),
        "options": null,
    }})
}

/// How many values there are in a value, itself included.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// Puts `new` in the place of the value with this number; returns true once that is done.
fn replace(value: &mut Value, number: &mut usize, new: &Value) -> bool {
    if *number == 0 {
        *value = new.clone();
        return true;
    }
    *number -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| replace(item, number, new)),
        Value::Object(members) => members.values_mut().any(|member| replace(member, number, new)),
        _ => false,
    }
}

/// Sends a body and checks the answer; returns its status.
fn check(path: &str, body: &[u8], world: &World, review: Option<&Value>) -> StatusCode {
    let router = router(Arc::new(webhook(world.graph(|position| position as u64))));
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
        return status;
    }
    assert_eq!(status, StatusCode::OK, "{text}");
    assert_eq!(headers["content-type"], "application/json");
    let answer: Value = serde_json::from_str(text).expect("JSON");
    check_answer(path, &answer);
    if let Some(review) = review {
        let uid = review["request"]["uid"].as_str().unwrap_or_default();
        assert_eq!(answer["response"]["uid"], uid);
    }
    status
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
