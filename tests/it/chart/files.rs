//! What of the chart follows from the program: entries, permissions, kinds; and from the metrics pack.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use stateward::graph::Kind;
use stateward::yaml;

use super::manifests;
use crate::generated;

const HEADING: &str = "# From `stateward manifests`; write it again with UPDATE=1 cargo test.\n";

fn yaml(value: &Value) -> String {
    let stream = yaml::stream(HEADING, [value]).expect("YAML");
    stream.replacen("---\n", "", 1)
}

fn of_kind<'o>(objects: &'o [Value], kind: &str) -> &'o Value {
    objects.iter().find(|object| object["kind"] == kind).expect(kind)
}

#[test]
fn the_entries_are_those_of_manifests() {
    let objects = manifests(&["--mode=enforce"]);
    let entry = |mut entry: Value| {
        let mut config = entry["clientConfig"].take();
        entry["path"] = config["service"]["path"].take();
        let members = entry.as_object_mut().expect("an object");
        members.remove("clientConfig");
        members.remove("namespaceSelector");
        entry
    };
    let entries = |kind: &str| -> Value {
        let entries = of_kind(&objects, kind)["webhooks"].as_array().expect("entries");
        entries.iter().cloned().map(entry).collect()
    };
    // There where something is declared; its rules follow from the values.
    let all = every_kind();
    let declared = &of_kind(&all, "ValidatingWebhookConfiguration")["webhooks"];
    let declared = declared.as_array().and_then(|entries| entries.last()).expect("entries");
    let mut declared = entry(declared.clone());
    declared.as_object_mut().expect("an object").remove("rules");
    assert_eq!(declared["name"], "declared.stateward.dev");
    let both = json!({
        "declared": declared,
        "mutating": entries("MutatingWebhookConfiguration"),
        "validating": entries("ValidatingWebhookConfiguration"),
    });
    generated::check("deploy/chart/files/webhooks.yaml", &yaml(&both));
}

#[test]
fn the_permissions_are_those_of_manifests() {
    let permissions = |arguments: &[&str]| {
        let objects = manifests(arguments);
        json!({
            "cluster": of_kind(&objects, "ClusterRole")["rules"],
            "namespace": of_kind(&objects, "Role")["rules"],
        })
    };
    let all = json!({
        "own": permissions(&[]),
        "caFromSecret": permissions(&["--ca-from-secret"]),
        "others": permissions(&["--cert-manager=ca"]),
    });
    generated::check("deploy/chart/files/permissions.yaml", &yaml(&all));
}

/// The objects of an installation that is told of every kind that the program knows.
fn every_kind() -> Vec<Value> {
    let names: Vec<&str> = stateward::kinds::names().collect();
    manifests(&["--mode=enforce", &format!("--workload-kinds={}", names.join(","))])
}

#[test]
fn known_kinds_are_those_of_manifests() {
    let of = |rules: &Value, kind: Kind| -> Vec<Value> {
        let rules = rules.as_array().expect("rules").iter();
        let is_of = |rule: &&Value| {
            let version = rule["apiVersions"].as_array();
            rule["apiGroups"][0] == kind.group() && version.is_none_or(|versions| versions[0] == kind.version())
        };
        let own = rules.filter(is_of).filter_map(|rule| {
            let mut rule = rule.clone();
            let resources = rule["resources"].as_array_mut().expect("resources");
            resources.retain(|resource| {
                let resource = resource.as_str().unwrap_or_default();
                resource.split('/').next() == Some(kind.resource())
            });
            (!resources.is_empty()).then_some(rule)
        });
        own.collect()
    };
    let objects = every_kind();
    let entries = of_kind(&objects, "ValidatingWebhookConfiguration")["webhooks"].clone();
    let permissions = of_kind(&objects, "ClusterRole")["rules"].clone();
    let known = stateward::kinds::shipped();
    let kinds: serde_json::Map<String, Value> = stateward::kinds::names()
        .map(|name| {
            let (resource, group) = name.split_once('.').expect("a name");
            let kind = known.of_resource(group, resource).expect(name);
            let rules = entries.as_array().expect("entries").iter().filter_map(|entry| {
                let rules = of(&entry["rules"], kind);
                let name = entry["name"]
                    .as_str()
                    .expect("a name")
                    .trim_end_matches(".stateward.dev");
                (!rules.is_empty()).then(|| (name.to_owned(), rules.into()))
            });
            let rules: serde_json::Map<String, Value> = rules.collect();
            (
                name.to_owned(),
                json!({"entries": rules, "permissions": of(&permissions, kind)}),
            )
        })
        .collect();
    generated::check("deploy/chart/files/kinds.yaml", &yaml(&kinds.into()));
}

#[test]
fn the_kinds_are_those_of_crds() {
    let objects = manifests(&[]);
    let definitions = objects.iter().filter(|it| it["kind"] == "CustomResourceDefinition");
    for definition in definitions {
        let name = definition["spec"]["names"]["plural"].as_str().expect("a name");
        generated::check(&format!("deploy/chart/files/crds/{name}.yaml"), &yaml(definition));
    }
}

#[test]
fn alerts_and_dashboard_are_those_of_the_repository() {
    for name in ["rules.yaml", "dashboard.json"] {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/metrics").join(name);
        let text = std::fs::read_to_string(source).expect("a file");
        generated::check(&format!("deploy/chart/files/{name}"), &text);
    }
}

#[test]
fn the_chart_has_the_version_of_the_program() {
    let output = Command::new(env!("CARGO_BIN_EXE_stateward")).arg("--version").output();
    let said = String::from_utf8(output.expect("the program starts").stdout).expect("UTF-8");
    let version = said.split_whitespace().nth(1).expect("a version");
    let chart = std::fs::read_to_string(format!("{}/Chart.yaml", super::helm::CHART)).expect("a file");
    let chart: Value = serde_saphyr::from_str(&chart).expect("YAML");
    assert_eq!(
        (&chart["version"], &chart["appVersion"]),
        (&json!(version), &json!(version))
    );
}
