//! Whose names resolve: what the identity rules say of them, and what CoreDNS answers.

use futures::future::join_all;
use serde_json::{Value, json};
use stateward::graph::Kind;

use super::api::path;
use super::case::{Act, Case, Workload, headless};
use super::dns::{Dns, Record};
use super::site::{Placement, kind};
use super::stage::{Stage, on_stage, stage};
use super::verdict::{verdict_on_change, verdict_on_create};

/// A StatefulSet `db`, and a name of one of its pods.
struct Question {
    case: Case,
    /// What is there beside the case, which no rule reads.
    slice: Option<Value>,
    record: Record,
    name: &'static str,
    found: bool,
    /// The rule that says why not, or warns that it may not.
    rule: Option<&'static str>,
}

const RULES: [&str; 5] = [
    "service-discovery",
    "service-missing",
    "service-name-missing",
    "service-not-headless",
    "service-selector-mismatch",
];

fn set() -> Workload {
    Workload::stateful_set("db").replicas(2)
}

/// Pods that look for their peers before they are ready, which they never are.
fn cassandra() -> Workload {
    let mut set = set().never_ready().spec(json!({"podManagementPolicy": "Parallel"}));
    set.pods()["containers"][0]["image"] = json!("registry.example/cassandra:5");
    set
}

fn service(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
}

fn question(id: &str, services: Vec<Value>, set: Workload) -> Question {
    let mut case = Case::new(id);
    case.objects = services;
    Question {
        case: case.with(set),
        slice: None,
        record: Record::Address,
        name: "db-0.db",
        found: false,
        rule: None,
    }
}

fn questions() -> Vec<Question> {
    let selector = json!({"app": "db"});
    let port = |port: Value| {
        service(
            "db",
            json!({"clusterIP": "None", "selector": {"app": "db"}, "ports": [port]}),
        )
    };
    let listening = || {
        let mut set = set();
        set.pods()["containers"][0]["ports"] = json!([{"name": "peer", "containerPort": 7000}]);
        set
    };
    let hand_made = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "by-hand", "labels": {"kubernetes.io/service-name": "db"}},
        "endpoints": [{"addresses": ["10.200.0.9"], "hostname": "db-0", "conditions": {"ready": true}}]});
    let nobodys = || service("db", json!({"clusterIP": "None"}));
    let without_name = || set().spec(json!({"serviceName": null}));
    let mut published = headless("db");
    published["spec"]["publishNotReadyAddresses"] = json!(true);
    vec![
        Question {
            found: true,
            ..question("headless", vec![headless("db")], set())
        },
        Question {
            rule: Some("service-missing"),
            ..question("no-service", vec![], set())
        },
        Question {
            rule: Some("service-missing"),
            ..question("another-service", vec![headless("peers")], set())
        },
        Question {
            name: "db-0.peers",
            rule: Some("service-missing"),
            ..question(
                "by-another-service",
                vec![service("peers", json!({"clusterIP": "None", "selector": selector}))],
                set(),
            )
        },
        Question {
            rule: Some("service-missing"),
            ..question("a-service-that-goes", vec![headless("db")], set())
        },
        // `db-0.db` may not resolve, says the rule: CoreDNS answers it, others do not.
        Question {
            found: true,
            rule: Some("service-not-headless"),
            ..question(
                "cluster-ip",
                vec![service(
                    "db",
                    json!({"selector": selector, "ports": [{"name": "db", "port": 5432}]}),
                )],
                set(),
            )
        },
        Question {
            rule: Some("service-not-headless"),
            ..question(
                "external-name",
                vec![service(
                    "db",
                    json!({"type": "ExternalName", "externalName": "db.example"}),
                )],
                set(),
            )
        },
        Question {
            rule: Some("service-selector-mismatch"),
            ..question(
                "selects-others",
                vec![service(
                    "db",
                    json!({"clusterIP": "None", "selector": {"app": "other"}}),
                )],
                set(),
            )
        },
        question("selects-nobody", vec![nobodys()], set()),
        Question {
            slice: Some(hand_made),
            found: true,
            ..question("endpoints-by-hand", vec![nobodys()], set())
        },
        Question {
            rule: Some("service-name-missing"),
            ..question("no-service-name", vec![headless("db")], without_name())
        },
        Question {
            rule: Some("service-discovery"),
            ..question("not-ready", vec![headless("db")], cassandra())
        },
        Question {
            found: true,
            ..question("not-ready-but-published", vec![published], cassandra())
        },
        Question {
            record: Record::Place,
            name: "_peer._tcp.db",
            found: true,
            ..question(
                "named-port",
                vec![port(json!({"name": "peer", "port": 7000}))],
                listening(),
            )
        },
        Question {
            record: Record::Place,
            name: "_peer._tcp.db",
            rule: Some("service-discovery"),
            ..question("unnamed-port", vec![port(json!({"port": 7000}))], listening())
        },
        Question {
            record: Record::Place,
            name: "_peer._tcp.db",
            rule: Some("service-discovery"),
            ..question(
                "port-of-no-container",
                vec![port(json!({"name": "peer", "port": 7000, "targetPort": "gossip"}))],
                listening(),
            )
        },
    ]
}

/// What is wrong with what the rules say of a name.
async fn wrong(stage: &Stage, dns: &Dns, question: Question) -> Option<String> {
    let Question { case, .. } = &question;
    let db = case.objects.last().expect("a StatefulSet");
    let goes = case.id == "a-service-that-goes";
    let said = if goes {
        verdict_on_change(case, &case.objects[0], None)
    } else {
        verdict_on_create(case, db)
    };
    let said: Vec<&str> = said.into_iter().filter(|rule| RULES.contains(rule)).collect();
    let ask = async |namespace: &str| {
        if let Some(slice) = &question.slice {
            let slices = path(namespace, "discovery.k8s.io/v1", "endpointslices");
            stage.api.post(&slices, slice).await;
        }
        witness(stage, dns, namespace).await;
        dns.has(question.record, question.name, namespace).await
    };
    let case = if goes {
        case.clone().act(Act::DeleteService("db"))
    } else {
        case.clone()
    };
    let (_, found) = stage.play_and_ask(&case, Placement::Spread, ask).await;
    let expected = (question.found, Vec::from_iter(question.rule));
    ((found, said.clone()) != expected).then(|| {
        let id = &question.case.id;
        format!(
            "{id}: {} is found: {found}; the rules that speak: {said:?}; expected {expected:?}",
            question.name
        )
    })
}

/// Waits until the server has heard of everything: a Service that is younger, and its pod.
async fn witness(stage: &Stage, dns: &Dns, namespace: &str) {
    let mut pod = Workload::of(Kind::POD, "witness").0;
    pod["spec"]["hostname"] = json!("w");
    pod["spec"]["subdomain"] = json!("witness");
    for object in [headless("witness"), pod] {
        let kind = kind(&object);
        let object = super::site::dressed(&object, namespace, Placement::Spread);
        stage
            .api
            .post(&path(namespace, kind.api_version(), kind.resource()), &object)
            .await;
    }
    crate::controlplane::eventually("the name of a witness", async || {
        dns.has(Record::Address, "w.witness", namespace).await.then_some(())
    })
    .await;
}

#[test]
fn names_resolve_where_the_rules_say_so() {
    let breaches: Vec<String> = on_stage(async {
        let stage = stage().await;
        let dns = &Dns::start(&stage.plane).await;
        let all = questions().into_iter().map(|question| wrong(stage, dns, question));
        let breaches = join_all(all).await.into_iter().flatten().collect();
        stage.cleared().await;
        breaches
    });
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}
