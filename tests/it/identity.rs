//! A StatefulSet and its governing Service, one of which changes: who is refused, who is only warned.

use serde_json::{Value, json};
use stateward::graph::store::locked;
use stateward::graph::{Actor, Change, Facts, Graph, Kind, Kinds, Knowledge, Overlay, Timestamp};
use stateward::judge::{Basis, Decision, inspect, judge};
use stateward::policy::{Policies, Profile, Settings};
use stateward::rules::RULES;
use stateward::rules::kit::Action;
use stateward::time::Time;

use crate::support::changes::{change, scale};

#[test]
fn deleting_the_service_is_refused_to_users_and_not_to_the_garbage_collector() {
    let graph = shop(&[&set("db", 3), &service(&json!("None"))]);
    let denied = strict(&graph, service_gone());
    let denial = denied.denial.expect("refused");
    assert!(
        denial.starts_with(
            "service-missing: deleting Service shop/db leaves StatefulSet shop/db (3 pods) without its governing \
             Service: db-0.db stops resolving. "
        ),
        "{denial}"
    );
    let cleanup = Change {
        actor: Actor::Cleanup,
        forced: false,
        ..service_gone()
    };
    let collected = strict(&graph, cleanup);
    assert!(collected.is_allowed(), "{:?}", collected.denial);
    assert_eq!(collected.warnings.len(), 1);

    let scaled_down = shop(&[&set("db", 0), &service(&json!("None"))]);
    let decision = strict(&scaled_down, service_gone());
    assert!(decision.is_allowed() && decision.warnings.is_empty());
}

#[test]
fn a_missing_service_is_no_error_of_what_is_there() {
    let inspection = in_strict(&shop(&[&set("db", 3)]), inspect);
    let found = inspection
        .findings
        .iter()
        .map(|judged| (judged.finding.rule.id, judged.action));
    assert_eq!(found.collect::<Vec<_>>(), [("service-missing", Action::Warn)]);
}

#[test]
fn a_statefulset_may_come_before_its_service() {
    let graph = shop(&[]);
    let decision = strict(&graph, created(&set("db", 3)));
    assert!(decision.is_allowed(), "{:?}", decision.denial);
    assert_eq!(decision.absent.len(), 1, "the Service is worth asking for by name");
    let late = change(Kind::SERVICE, "shop", None, Some(&service(&json!("None"))));
    let graph = shop(&[&set("db", 3)]);
    let decision = strict(&graph, late);
    assert!(decision.findings.is_empty(), "{:?}", decision.findings);
}

#[test]
fn a_second_pod_behind_a_cluster_ip_is_refused_and_a_third_only_warned_about() {
    let address = json!("10.0.0.10");
    let scaled = |before, after| {
        let graph = shop(&[&set("db", before), &service(&address)]);
        strict(&graph, scale(Kind::STATEFUL_SET, "db", before, after))
    };
    let denial = scaled(1, 2).denial.expect("refused");
    assert!(denial.starts_with("service-not-headless: scaling "), "{denial}");
    let third = scaled(2, 3);
    assert!(third.is_allowed(), "{:?}", third.denial);
    assert_eq!(
        third.warnings,
        ["1 finding from before remains: service-not-headless (stateward audit -n shop shows it)"]
    );
}

#[test]
fn a_long_name_is_refused_once_and_then_lived_with() {
    let name = "x".repeat(53);
    let graph = shop(&[]);
    let decision = strict(&graph, created(&set(&name, 1)));
    assert!(decision.denial.expect("refused").contains("statefulset-name: "));

    let (before, after) = (set(&name, 1), set(&name, 2));
    let graph = shop(&[&before]);
    let changed = change(Kind::STATEFUL_SET, "shop", Some(&before), Some(&after));
    let decision = strict(&graph, changed);
    assert!(decision.is_allowed(), "{:?}", decision.denial);
    assert!(
        decision
            .warnings
            .iter()
            .any(|line| line.contains("from before remain") && line.contains("statefulset-name"))
    );
}

fn set(name: &str, replicas: u32) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": {
        "serviceName": "db", "replicas": replicas, "selector": {"matchLabels": {"app": "db"}},
        "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "db"}]}}}})
}

fn service(address: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"},
        "spec": {"clusterIP": address, "selector": {"app": "db"}}})
}

fn shop(objects: &[&Value]) -> Graph {
    let graph = Graph::new(Facts::new(Knowledge::Complete));
    for object in objects {
        let kind = Kinds::builtin().of(
            object["apiVersion"].as_str().expect("a text"),
            object["kind"].as_str().expect("a text"),
        );
        graph
            .insert(kind.expect("a kind of the graph"), &"shop".into(), &object.to_string())
            .expect("a readable object");
    }
    graph
}

fn created(object: &Value) -> Change<'static> {
    change(Kind::STATEFUL_SET, "shop", None, Some(object))
}

fn service_gone() -> Change<'static> {
    change(Kind::SERVICE, "shop", Some(&service(&json!("None"))), None)
}

/// Judges by the five rules of a StatefulSet's identity, in the Strict profile.
fn strict(graph: &Graph, change: Change<'_>) -> Decision {
    in_strict(graph, |basis| judge(&change, basis, Timestamp(0)))
}

fn in_strict<R>(graph: &Graph, judging: impl FnOnce(&Basis<'_>) -> R) -> R {
    let identity = |rule: &&&stateward::rules::kit::Rule| {
        let id = rule.id;
        id.starts_with("service-") || id == "statefulset-name"
    };
    let rules: Vec<_> = RULES.iter().filter(identity).copied().collect();
    let policies = Policies::everywhere(Settings::new(Profile::Strict, &rules));
    let (facts, shard) = (graph.facts(), graph.shard("shop"));
    let shard = locked(&shard);
    judging(&Basis {
        shard: &shard,
        facts: &facts,
        fetched: &Overlay::default(),
        policies: &policies,
        rules: &rules,
        time: Time::from_seconds(0),
    })
}
