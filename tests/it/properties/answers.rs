//! Any body gets a valid review, or a clean refusal.

use axum::http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::any_bytes::review::answered;
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
pub fn review(dice: &mut Dice<'_>) -> Value {
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
    let (status, answer) = answered(path, body, webhook(world.graph(|position| position as u64)));
    if let (StatusCode::OK, Some(review)) = (status, review) {
        let uid = review["request"]["uid"].as_str().unwrap_or_default();
        assert_eq!(answer["response"]["uid"], uid);
    }
    status
}
