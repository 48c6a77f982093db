//! Chart and `stateward manifests` make the same objects of the same choices.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::helm::{CHART, Helm, template};
use super::manifests;

/// Objects by kind and name.
type Objects = BTreeMap<String, Value>;

/// What is compared: all but what Helm alone says, and the namespace, which is Helm's `--create-namespace`.
fn compared(objects: Vec<Value>) -> Objects {
    let compared = objects.into_iter().filter(|object| {
        // A declared kind is an object of the release; who installs without Helm applies it.
        object["kind"] != "Namespace"
            && object["kind"] != "WorkloadKind"
            && object["metadata"]["annotations"]["helm.sh/hook"] == Value::Null
    });
    let mut named = Objects::new();
    for mut object in compared {
        let metadata = &mut object["metadata"];
        metadata["labels"] = json!({"app.kubernetes.io/name": metadata["labels"]["app.kubernetes.io/name"]});
        if let Some(annotations) = metadata["annotations"].as_object_mut() {
            annotations.remove("helm.sh/resource-policy");
        }
        prune(&mut object);
        spread(&mut object);
        let name = format!("{} {}", object["kind"], object["metadata"]["name"]);
        assert!(named.insert(name.clone(), object).is_none(), "{name} twice");
    }
    named
}

/// What is empty says nothing, whoever writes it.
fn prune(value: &mut Value) {
    if let Value::Object(members) = value {
        members.values_mut().for_each(prune);
        let empty = |member: &Value| member.is_null() || member.as_object().is_some_and(serde_json::Map::is_empty);
        members.retain(|_, member| !empty(member) && member.as_array().is_none_or(|list| !list.is_empty()));
    }
    if let Value::Array(items) = value {
        items.iter_mut().for_each(prune);
    }
}

/// Rules one a resource, sorted: several of one group may stand in one, or each by itself.
fn spread(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(spread);
            let Some(rules) = members.get_mut("rules").and_then(Value::as_array_mut) else {
                return;
            };
            let mut each: Vec<Value> = Vec::new();
            for rule in rules.iter() {
                for resource in rule["resources"].as_array().expect("resources") {
                    let mut rule = rule.clone();
                    rule["resources"] = json!([resource]);
                    each.push(rule);
                }
            }
            each.sort_by_key(Value::to_string);
            *rules = each;
        }
        Value::Array(items) => items.iter_mut().for_each(spread),
        _ => {}
    }
}

fn same(values: &[&str], flags: &[&str]) {
    let chart = compared(template(values).expect("the chart renders"));
    let printed = compared(manifests(flags));
    let names = |objects: &Objects| objects.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&chart), names(&printed), "{values:?}");
    for (name, object) in &chart {
        assert_eq!(object, &printed[name], "{values:?}: {name}");
    }
}

#[test]
fn of_the_same_choices_come_the_same_objects() {
    let scratch = tempfile::tempdir().expect("a directory");
    let ca = rcgen::generate_simple_self_signed(["ca".to_owned()]).expect("a certificate");
    let file = scratch.path().join("ca.crt");
    std::fs::write(&file, ca.cert.pem()).expect("written");
    let file = file.to_str().expect("UTF-8");
    let ca_of = |what: &str| format!("--set-file={what}={file}");

    same(&[], &[]);
    same(&["--set=mode=Warn"], &["--mode=warn"]);
    same(
        &["--set=mode=Enforce", "--set=policy=strict"],
        &["--mode=enforce", "--policy=strict"],
    );
    same(
        &["--set=policy=none", "--set=replicas=5"],
        &["--policy=none", "--replicas=5"],
    );
    same(
        &[
            "--set=image.repository=example.org/stateward",
            "--set-string=image.tag=9",
        ],
        &["--image=example.org/stateward:9"],
    );
    same(
        &[
            "--set=image.repository=example.org/stateward",
            "--set=image.digest=sha256:0a",
        ],
        &["--image=example.org/stateward@sha256:0a"],
    );
    same(
        &[
            "--set=mode=Enforce",
            "--set=webhooks.excludeNamespaces={csi,stateward-system}",
            "--set=webhooks.allowOptOut=true",
            "--set=webhooks.failurePolicy.scale=Fail",
            "--set=webhooks.failurePolicy.workloads=Ignore",
        ],
        &[
            "--mode=enforce",
            "--exclude-namespaces=csi,stateward-system",
            "--allow-opt-out",
            "--failure-policy=scale=Fail",
            "--failure-policy=workloads=Ignore",
        ],
    );
    same(
        &[
            "--set=certificates.source=cert-manager",
            "--set=certificates.issuerKind=ClusterIssuer",
            "--set=certificates.issuerName=ca",
        ],
        &["--cert-manager=ClusterIssuer/ca"],
    );
    same(&["--set=certificates.source=files"], &["--ca-from-secret"]);
    same(&["--set=dashboard.enabled=true"], &["--dashboard=forwarded"]);
    same(
        &[
            "--set=dashboard.enabled=true",
            "--set=dashboard.exposed=true",
            "--set=networkPolicy.allowFrom={192.0.2.7/32}",
        ],
        &["--dashboard=exposed", "--allow-from=192.0.2.7/32"],
    );
    let known: Vec<&str> = stateward::kinds::names().collect();
    let known = known.join(",");
    same(
        &["--set=mode=Enforce", &format!("--set=workloadKinds.known={{{known}}}")],
        &["--mode=enforce", &format!("--workload-kinds={known}")],
    );
    let spec =
        "{group: example.com, version: v1, kind: Widget, plural: widgets, podTemplate: /spec/template, scale: true}";
    let declared = scratch.path().join("widgets.yaml");
    let object = format!(
        "{{apiVersion: stateward.dev/v1alpha1, kind: WorkloadKind, metadata: {{name: widgets.example.com}}, spec: {spec}}}"
    );
    std::fs::write(&declared, object).expect("written");
    let values = scratch.path().join("values.yaml");
    let told = format!("workloadKinds: {{declared: [{{name: widgets.example.com, spec: {spec}}}]}}");
    std::fs::write(&values, told).expect("written");
    let declared = format!("--workload-kinds={}", declared.display());
    let values = format!("--values={}", values.display());
    same(&[&values, "--set=mode=Enforce"], &["--mode=enforce", &declared]);
    same(
        &[&values, "--set=workloadKinds.known={scaledjobs.keda.sh}"],
        &[&declared, "--workload-kinds=scaledjobs.keda.sh"],
    );
    same(
        &[
            "--set=certificates.source=files",
            &ca_of("certificates.caBundle"),
            &ca_of("clientCa"),
            "--set=networkPolicy.allowFrom={192.0.2.7/32,2001:db8::/64}",
        ],
        &[
            "--ca-bundle",
            file,
            "--client-ca",
            file,
            "--allow-from=192.0.2.7/32",
            "--allow-from=2001:db8::/64",
        ],
    );
}

#[test]
fn helm_finds_nothing_to_complain_about() {
    for helm in [Helm::Three, Helm::Four] {
        let output = helm.run(None, &["lint", "--strict", CHART]);
        assert!(
            output.status.success(),
            "{helm:?}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
}

#[test]
fn what_only_the_chart_has_is_rendered_where_it_is_asked_for() {
    let rendered = template(&[
        "--set=metrics.serviceMonitor.enabled=true",
        "--set=metrics.prometheusRule.enabled=true",
        "--set=metrics.prometheusRule.labels.release=prometheus",
        "--set=metrics.dashboard.enabled=true",
        "--set=podDisruptionBudget.enabled=false",
        "--set=crds.enabled=false",
        "--set=hostNetwork=true",
        "--set=extraArgs={--log-level=debug}",
        "--set=commonLabels.team=platform",
        "--set=podLabels.mesh=off",
        "--set=nodeSelector.kubernetes\\.io/os=linux",
        "--set=webhooks.annotations.admissions\\.enforcer/disabled=yes",
        "--set=webhooks.objectSelector.matchLabels.guard=on",
        "--set-json=webhooks.namespaceSelector=[{\"key\":\"tier\",\"operator\":\"Exists\"}]",
        "--set-json=policies=[{\"name\":\"house\",\"spec\":{\"profile\":\"Strict\"}}]",
        "--set-json=workloadKinds.declared=[{\"name\":\"widgets.example.com\",\"spec\":{\"group\":\"example.com\",\
         \"version\":\"v1\",\"kind\":\"Widget\",\"plural\":\"widgets\",\"podTemplate\":\"/spec/pod\"}}]",
        "--set-json=exceptions=[{\"name\":\"old\",\"namespace\":\"shop\",\"spec\":{\"owner\":\"shop\"}}]",
    ])
    .expect("the chart renders");
    let of = |kind: &str, name: &str| {
        let found = rendered
            .iter()
            .find(|it| it["kind"] == kind && it["metadata"]["name"] == name);
        found.expect(name)
    };
    assert!(
        rendered
            .iter()
            .all(|object| object["metadata"]["labels"]["team"] == "platform")
    );
    let none = |kind: &str| rendered.iter().all(|object| object["kind"] != kind);
    assert!(none("PodDisruptionBudget") && none("CustomResourceDefinition"));
    let rule = of("PrometheusRule", "stateward");
    assert_eq!(rule["metadata"]["labels"]["release"], "prometheus");
    assert_eq!(rule["spec"]["groups"][0]["name"], "stateward");
    let scraped = &of("ServiceMonitor", "stateward")["spec"]["selector"]["matchLabels"];
    let labels = &of("Service", "stateward-metrics")["metadata"]["labels"];
    assert!(
        scraped
            .as_object()
            .expect("labels")
            .iter()
            .all(|(key, value)| labels[key] == *value)
    );
    let dashboard = of("ConfigMap", "stateward-dashboard")["data"]["stateward.json"].as_str();
    let dashboard: Value = serde_json::from_str(dashboard.expect("a text")).expect("JSON");
    assert_eq!(dashboard["title"], "stateward");
    let template = &of("Deployment", "stateward")["spec"]["template"];
    let pod = &template["spec"];
    assert_eq!(template["metadata"]["labels"]["mesh"], "off");
    assert_eq!(
        (&pod["hostNetwork"], &pod["nodeSelector"]["kubernetes.io/os"]),
        (&json!(true), &json!("linux"))
    );
    assert_eq!(pod["containers"][0]["args"][3], "--log-level=debug");
    let configuration = of("ValidatingWebhookConfiguration", "stateward");
    assert_eq!(
        configuration["metadata"]["annotations"]["admissions.enforcer/disabled"],
        "yes"
    );
    for webhook in configuration["webhooks"].as_array().expect("entries") {
        assert_eq!(webhook["objectSelector"]["matchLabels"]["guard"], "on");
        assert_eq!(webhook["namespaceSelector"]["matchExpressions"][1]["key"], "tier");
    }
    assert_eq!(of("WorkloadPolicy", "house")["spec"]["profile"], "Strict");
    assert_eq!(
        of("WorkloadKind", "widgets.example.com")["spec"]["podTemplate"],
        "/spec/pod"
    );
    assert_eq!(of("WorkloadPolicyException", "old")["metadata"]["namespace"], "shop");
}
