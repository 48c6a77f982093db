//! What of the chart follows from the program: entries, permissions, kinds; and from the metrics pack.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
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
    let entries = |kind: &str| -> Value {
        let mut entries = of_kind(&objects, kind)["webhooks"].clone();
        for entry in entries.as_array_mut().expect("entries") {
            let mut config = entry["clientConfig"].take();
            entry["path"] = config["service"]["path"].take();
            let entry = entry.as_object_mut().expect("an object");
            entry.remove("clientConfig");
            entry.remove("namespaceSelector");
        }
        entries
    };
    let both = json!({
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
