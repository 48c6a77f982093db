//! What is answered before a policy is stored: what the parser says of it.

use axum::http::StatusCode;
use serde_json::{Value, json};
use stateward::graph::{Facts, Graph, Kind, Knowledge};

use super::agreement::{BAD, BEYOND_A_SCHEMA, GOOD, policy};
use crate::any_bytes::review::answered;
use crate::support::webhook::webhook;

/// The response to a write of an object, in a cluster with one namespace.
fn response(object: &Value, operation: &str) -> Value {
    let graph = Graph::new(Facts::new(Knowledge::Complete));
    let namespace = json!({"metadata": {"name": "shop", "labels": {"team": "shop"}}});
    graph
        .insert(Kind::NAMESPACE, &"".into(), &namespace.to_string())
        .expect("a namespace");
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "u",
            "kind": {"group": "stateward.dev", "version": "v1alpha1", "kind": object["kind"].as_str().unwrap_or_default()},
            "resource": {"group": "stateward.dev", "version": "v1alpha1", "resource": "workloadpolicies"},
            "operation": operation,
            "object": object,
        },
    });
    let (status, answer) = answered("/policies", review.to_string().as_bytes(), webhook(graph.into()));
    assert_eq!(status, StatusCode::OK);
    answer["response"].clone()
}

#[test]
fn what_the_parser_refuses_is_not_stored() {
    for spec in GOOD {
        let response = response(&policy("a", spec), "CREATE");
        assert_eq!(response["allowed"], true, "{spec}: {response}");
    }
    for spec in BAD.iter().chain(BEYOND_A_SCHEMA) {
        let response = response(&policy("a", spec), "UPDATE");
        assert_eq!(response["allowed"], false, "{spec}: {response}");
    }
}

#[test]
fn a_denial_names_fields_and_stays_short() {
    let rules = vec![json!({"id": "rwo-replica"}); 30];
    let object = policy("a", &json!({"priority": 0.5, "rules": rules}).to_string());
    let response = response(&object, "CREATE");
    let message = response["status"]["message"].as_str().expect("a message");
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines[0], "the WorkloadPolicy is not valid");
    assert_eq!(
        lines[1],
        "  spec.priority: expected a whole number from -1000 to 1000, found 0.5"
    );
    assert_eq!(
        lines[2],
        "  spec.rules[0].id: there is no rule \"rwo-replica\", did you mean \"rwo-replicas\"?"
    );
    assert!(lines[21].starts_with("  and ") && lines.len() == 22, "{message}");
}

#[test]
fn a_policy_that_applies_nowhere_is_warned_about() {
    let warnings = |spec: &str| response(&policy("a", spec), "CREATE")["warnings"].clone();
    let nowhere = json!(["policy \"a\" applies in no namespace of this cluster at present"]);
    assert_eq!(warnings("{match: {namespaces: [pay]}}"), nowhere);
    assert_eq!(
        warnings("{match: {namespaceSelector: {matchLabels: {team: pay}}}}"),
        nowhere
    );
    assert_eq!(warnings("{match: {excludeNamespaces: ['s*']}}"), nowhere);
    assert_eq!(
        warnings("{match: {namespaceSelector: {matchLabels: {team: shop}}}}"),
        Value::Null
    );
    assert_eq!(
        warnings("{match: {objectSelector: {matchLabels: {a: b}}}}"),
        Value::Null
    );
}

#[test]
fn a_name_that_is_yet_to_come_is_no_mistake() {
    let mut generated = policy("a", "{}");
    generated["metadata"] = json!({"generateName": "a-"});
    assert_eq!(response(&generated, "CREATE")["allowed"], true);
    assert_eq!(response(&Value::Null, "DELETE")["allowed"], true);
    let mut other = policy("a", "{}");
    other["kind"] = "WorkloadPolice".into();
    let response = response(&other, "CREATE");
    assert_eq!(response["allowed"], true);
    assert!(
        response["warnings"][0]
            .as_str()
            .is_some_and(|warning| warning.contains("does not know the kind"))
    );
}
