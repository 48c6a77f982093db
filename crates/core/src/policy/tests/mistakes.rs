//! What is wrong with a policy is told all at once, with places and nearest names.

use serde_json::{Value, json};

use super::{document, index, policy};
use crate::policy::description::KIND;
use crate::policy::parse;
use crate::rules::RULES;
use crate::rules::kit::Action;

fn mistakes(document: &Value) -> Vec<String> {
    let mistakes = parse(document, RULES).unwrap_err();
    mistakes
        .into_iter()
        .map(|mistake| format!("{}: {}", mistake.pointer, mistake.message))
        .collect()
}

fn of(spec: &Value) -> Vec<String> {
    mistakes(&document("test", spec))
}

#[test]
fn every_mistake_is_told_with_its_place_and_the_nearest_name() {
    let found = of(&json!({
        "profil": "Strict",
        "match": {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Gt"}]}},
        "rules": [{"id": "rwo-replica"}, {"id": "rwo-replicas", "actions": ["deny"], "mutation": "Enabled"}],
    }));
    assert_eq!(
        found,
        [
            "/spec/profil: unknown field \"profil\", did you mean \"profile\"?",
            "/spec/match/namespaceSelector/matchExpressions/0/operator: \"Gt\" is none of DoesNotExist, Exists, In, NotIn",
            "/spec/rules/0/id: there is no rule \"rwo-replica\", did you mean \"rwo-replicas\"?",
            "/spec/rules/1/actions/0: \"deny\" is none of Audit, Deny, Warn, did you mean \"Deny\"?",
            "/spec/rules/1/mutation: rule \"rwo-replicas\" injects nothing: it cannot be enabled",
        ]
    );
    assert_eq!(mistakes(&json!([])), [": expected an object, found a list"]);
    assert_eq!(
        mistakes(&json!({"apiVersion": "v1", "kind": KIND})),
        [
            "/apiVersion: apiVersion is \"v1\", expected \"stateward.dev/v1alpha1\"",
            "/metadata: metadata.name is missing",
            ": spec is missing"
        ]
    );
    assert_eq!(
        mistakes(&json!({"kind": 1, "metadata": {}, "spec": 1})),
        [
            ": apiVersion is missing, expected \"stateward.dev/v1alpha1\"",
            "/kind: expected a text, found a number",
            "/metadata: metadata.name is missing",
            "/spec: expected an object, found a number",
        ]
    );
}

#[test]
fn names_of_namespaces_and_priorities_have_bounds() {
    let found = of(&json!({
        "priority": 100_000,
        "match": {
            "namespace": ["a"],
            "namespaces": ["legacy-*", "", "Shop", 7, "legacy-*"],
            "excludeNamespaces": "kube-*",
        },
    }));
    assert_eq!(
        found,
        [
            "/spec/match/namespace: unknown field \"namespace\", did you mean \"namespaces\"?",
            "/spec/match/excludeNamespaces: expected a list, found a text",
            "/spec/match/namespaces/1: expected the name of a namespace, found an empty text",
            "/spec/match/namespaces/2: no namespace is called \"Shop\": up to 63 lower-case letters, digits and -, begun \
             and ended without -, with the wildcards * and ?",
            "/spec/match/namespaces/3: expected a text, found a number",
            "/spec/match/namespaces/4: \"legacy-*\" is listed already",
            "/spec/priority: expected a whole number from -1000 to 1000, found 100000",
        ]
    );
    assert_eq!(
        of(&json!({"priority": "10", "match": {"namespaces": []}})),
        [
            "/spec/match/namespaces: expected at least one entry, found an empty list",
            "/spec/priority: expected a whole number from -1000 to 1000, found a text",
        ]
    );
}

#[test]
fn selectors_are_as_the_api_server_wants_them() {
    let found = of(&json!({"match": {"objectSelector": {
        "matchLabels": {"a/b": 1},
        "matchExpressions": [
            {"key": "a", "operator": "In"},
            {"key": "a", "operator": "NotIn", "values": []},
            {"key": "a", "operator": "Exists", "values": ["b"]},
            {"operator": "exists", "value": "b"},
            {"key": "a"},
        ],
    }}}));
    let at = "/spec/match/objectSelector/matchExpressions";
    assert_eq!(
        found,
        [
            format!("{at}/0: values is missing"),
            format!("{at}/1/values: expected at least one entry, found an empty list"),
            format!("{at}/2/values: expected no entries here"),
            format!("{at}/3/value: unknown field \"value\", did you mean \"values\"?"),
            format!("{at}/3/operator: \"exists\" is none of DoesNotExist, Exists, In, NotIn, did you mean \"Exists\"?"),
            format!("{at}/4: operator is missing: name the operator"),
            "/spec/match/objectSelector/matchLabels/a~1b: expected a text, found a number".to_owned(),
        ]
    );
}

#[test]
fn parameters_are_those_of_the_rule() {
    let found = of(&json!({"rules": [
        {"id": "rwo-surge", "parameters": {"strategie": "Recreate", "strategy": "recreate"}},
        {"id": "claim-template-storage", "parameters": {"min": "10 Gi", "max": 1.5, "storage": 1_024}},
        {"id": "dangling-volume-mount", "parameters": {"injected": [1]}},
        {"id": "rwo-surge"},
        {"actions": []},
    ]}));
    assert_eq!(
        found,
        [
            "/spec/rules/0/parameters/strategie: unknown field \"strategie\", did you mean \"strategy\"?",
            "/spec/rules/0/parameters/strategy: \"recreate\" is none of Recreate, NoSurge, did you mean \"Recreate\"?",
            "/spec/rules/1/parameters/max: expected a text or a whole number, found 1.5: quote it",
            "/spec/rules/1/parameters/min: \"10 Gi\" is no quantity such as 10Gi",
            "/spec/rules/2/parameters/injected/0: expected a text, found a number",
            "/spec/rules/4: id is missing: name the rule",
            "/spec/rules/3/id: \"rwo-surge\" is listed already",
        ]
    );
}

#[test]
fn actions_replace_those_of_the_profile_and_nothing_is_stated_by_null() {
    let stated = |spec: &serde_json::Value| {
        let policy = policy("test", spec);
        let actions = policy.statement.rules[index("rwo-replicas")].actions.as_ref()?;
        Some(actions.iter().map(|action| Some((*action)?.action)).collect::<Vec<_>>())
    };
    let listed = json!({"profile": "Audit", "rules": [{"id": "rwo-replicas", "actions": ["Warn", "Audit"]}]});
    assert_eq!(stated(&listed), Some(vec![Some(Action::Warn)]));
    let off = json!({"rules": [{"id": "rwo-replicas", "actions": []}]});
    assert_eq!(stated(&off), Some(vec![None]));
    let null = json!({"profile": null, "priority": null, "rules": [{"id": "rwo-replicas", "actions": null}]});
    assert_eq!(stated(&null), None);
    let profile = json!({"profile": "Audit", "rules": [{"id": "rwo-replicas", "actions": null}]});
    assert_eq!(stated(&profile), Some(vec![Some(Action::Audit)]));
}
