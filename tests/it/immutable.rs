//! What `immutable-change` tells of an update, and what the API server makes of it.

use serde_json::{Value, json};
use stateward::graph::store::locked;
use stateward::graph::{Facts, Graph, Kind, Knowledge, Overlay};
use stateward::judge::Basis;
use stateward::judge::defaults::{Services, defaults};
use stateward::policy::{Policies, Profile, Settings};
use stateward::rules::RULES;
use stateward::time::Time;

use crate::controlplane::ControlPlane;
use crate::support::changes::change;

/// What the rule says of an update; nothing where the API server shall take it.
fn told(old: &Value, new: &Value) -> Vec<String> {
    let change = change(Kind::STATEFUL_SET, "shop", Some(old), Some(new));
    let graph = Graph::new(Facts::new(Knowledge::Complete));
    let (facts, shard) = (graph.facts(), graph.shard("shop"));
    let basis = Basis {
        shard: &locked(&shard),
        facts: &facts,
        fetched: &Overlay::default(),
        policies: &Policies::everywhere(Settings::new(Profile::Strict, RULES)),
        rules: RULES,
        time: Time::from_seconds(0),
    };
    let findings = defaults(&change, &basis, Services::Confirmed).decision.findings;
    findings.into_iter().map(|judged| judged.finding.text).collect()
}

fn set(namespace: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": namespace},
        "spec": {
            "serviceName": "db",
            "selector": {"matchLabels": {"app": "db"}},
            "template": {
                "metadata": {"labels": {"app": "db", "tier": "data"}},
                "spec": {"containers": [{
                    "name": "db",
                    "image": "registry.example/db:1",
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "log", "mountPath": "/log"}],
                }]},
            },
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "data", "labels": {"chart": "db-1"}, "annotations": {"note": "one"}},
                    "spec": {
                        "accessModes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": "1Gi"}, "limits": {"storage": "2Gi"}},
                    },
                },
                {
                    "metadata": {"name": "log"},
                    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
                },
            ],
        },
    })
}

/// Changes of one field, by the pointer to its parent, and whether the API server refuses them.
fn changes() -> Vec<(&'static str, &'static str, Value, bool)> {
    const DATA: &str = "/spec/volumeClaimTemplates/0";
    const SPEC: &str = "/spec/volumeClaimTemplates/0/spec";
    vec![
        ("/spec", "serviceName", json!("peers"), true),
        ("/spec", "podManagementPolicy", json!("Parallel"), true),
        ("/spec", "podManagementPolicy", json!("OrderedReady"), false),
        ("/spec/selector/matchLabels", "tier", json!("data"), true),
        (
            "/spec/selector",
            "matchExpressions",
            json!([{"key": "tier", "operator": "Exists"}]),
            true,
        ),
        ("/spec", "volumeClaimTemplates", json!([]), true),
        (
            "/spec/volumeClaimTemplates/0/metadata",
            "labels",
            json!({"chart": "db-2"}),
            true,
        ),
        (
            "/spec/volumeClaimTemplates/0/metadata",
            "annotations",
            json!({"note": "two"}),
            true,
        ),
        (
            "/spec/volumeClaimTemplates/0/metadata",
            "creationTimestamp",
            json!(null),
            false,
        ),
        ("/spec/volumeClaimTemplates/1/metadata", "labels", json!({}), false),
        (DATA, "apiVersion", json!("v1"), false),
        (DATA, "kind", json!("PersistentVolumeClaim"), false),
        (DATA, "status", json!({"phase": "Pending"}), false),
        (SPEC, "volumeMode", json!("Filesystem"), false),
        (SPEC, "volumeMode", json!("Block"), true),
        (SPEC, "storageClassName", json!("fast"), true),
        (SPEC, "storageClassName", json!(""), true),
        (SPEC, "accessModes", json!(["ReadWriteMany"]), true),
        (SPEC, "volumeName", json!("pv-1"), true),
        (SPEC, "selector", json!({"matchLabels": {"disk": "fast"}}), true),
        (
            SPEC,
            "dataSource",
            json!({"kind": "PersistentVolumeClaim", "name": "seed"}),
            true,
        ),
        (
            "/spec/volumeClaimTemplates/0/spec/resources/requests",
            "storage",
            json!("1024Mi"),
            false,
        ),
        (
            "/spec/volumeClaimTemplates/0/spec/resources/requests",
            "storage",
            json!("1073741824"),
            false,
        ),
        (
            "/spec/volumeClaimTemplates/0/spec/resources/requests",
            "storage",
            json!("2Gi"),
            true,
        ),
        (
            "/spec/volumeClaimTemplates/0/spec/resources/limits",
            "storage",
            json!("3Gi"),
            true,
        ),
        ("/spec", "replicas", json!(3), false),
        ("/spec", "minReadySeconds", json!(5), false),
        ("/spec", "ordinals", json!({"start": 1}), false),
        ("/spec", "updateStrategy", json!({"type": "OnDelete"}), false),
        (
            "/spec",
            "persistentVolumeClaimRetentionPolicy",
            json!({"whenDeleted": "Delete", "whenScaled": "Delete"}),
            false,
        ),
        (
            "/spec/template/spec/containers/0",
            "image",
            json!("registry.example/db:2"),
            false,
        ),
        ("/metadata", "labels", json!({"a": "b"}), false),
    ]
}

#[tokio::test]
async fn the_api_server_refuses_what_is_told_and_nothing_else() {
    let cluster = ControlPlane::shared().await;
    let namespace = cluster.namespace("immutable").await;
    let manifest = set(&namespace);
    let created = cluster
        .kubectl_stdin(["create", "-o", "json", "-f", "-"], &manifest.to_string())
        .await
        .succeeded();
    let stored: Value = serde_json::from_str(&created.stdout).expect("JSON");
    assert_eq!(told(&stored, &manifest), Vec::<String>::new());

    let mut breaches = Vec::new();
    for (parent, field, value, refused) in changes() {
        let mut changed = manifest.clone();
        changed.pointer_mut(parent).expect("a parent")[field] = value.clone();
        let told = told(&stored, &changed);
        let replaced = cluster
            .kubectl_stdin(["replace", "--dry-run=server", "-f", "-"], &changed.to_string())
            .await;
        let failed = replaced
            .stderr
            .contains("updates to statefulset spec for fields other than");
        if failed != refused || failed == told.is_empty() {
            breaches.push(format!(
                "{parent}/{field} = {value}: told {told:?}, the API server: {}",
                replaced.stderr.trim()
            ));
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}
