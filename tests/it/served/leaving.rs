//! What becomes of injected immutable fields once nobody injects them any more, and the way out (`docs/leaving.md`).

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

use super::Served;
use crate::controlplane::process::Scratch;
use crate::controlplane::{ControlPlane, Output, eventually};

const NAMESPACE: &str = "shop";
const POLICY: &str = "
apiVersion: stateward.dev/v1alpha1
kind: WorkloadPolicy
metadata: {name: all}
spec:
  profile: Baseline
  rules:
  - {id: dangling-volume-mount, mutation: Enabled}
  - {id: claim-template-storage, mutation: Enabled, parameters: {storage: 1Gi}}
";

/// The injected immutable fields.
const FIELDS: [&str; 4] = ["service-name", "access-modes", "storage", "template"];

/// A manifest that lacks one of them.
fn lacking(field: &str, name: &str) -> Value {
    let size = json!({"requests": {"storage": "1Gi"}});
    let mode = json!(["ReadWriteOnce"]);
    let (service, template) = match field {
        "service-name" => (None, Some(json!({"accessModes": mode, "resources": size}))),
        "access-modes" => (Some("db"), Some(json!({"resources": size}))),
        "storage" => (Some("db"), Some(json!({"accessModes": mode}))),
        _ => (Some("db"), None),
    };
    set(name, service, template.as_ref())
}

/// How people write objects, the first time and again.
const WAYS: [(&str, &[&str], &[&str]); 3] = [
    ("client-side", &["apply"], &["apply"]),
    ("server-side", &["apply", "--server-side"], &["apply", "--server-side"]),
    ("replace", &["create"], &["replace"]),
];

fn set(name: &str, service: Option<&str>, template: Option<&Value>) -> Value {
    let mut set = json!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{
                    "name": "db", "image": "db:1", "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                }]},
            },
        },
    });
    if let Some(service) = service {
        set["spec"]["serviceName"] = service.into();
    }
    if let Some(spec) = template {
        set["spec"]["volumeClaimTemplates"] = json!([{"metadata": {"name": "data"}, "spec": spec}]);
    }
    set
}

async fn write(cluster: &ControlPlane, way: &[&str], object: &Value) -> Output {
    let arguments = [way, &["-n", NAMESPACE, "-f", "-"]].concat();
    cluster.kubectl_stdin(arguments, &object.to_string()).await
}

/// The same object with another image.
fn with_image(object: &Value, image: &str) -> Value {
    let mut object = object.clone();
    object["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
    object
}

/// A manifest, and how it is written.
struct Case {
    field: &'static str,
    way: &'static str,
    name: String,
    first: &'static [&'static str],
    again: &'static [&'static str],
    manifest: Value,
}

fn cases() -> impl Iterator<Item = Case> {
    FIELDS.into_iter().flat_map(|field| {
        WAYS.into_iter().map(move |(way, first, again)| {
            let name = format!("{field}-{way}");
            Case {
                manifest: lacking(field, &name),
                field,
                way,
                name,
                first,
                again,
            }
        })
    })
}

/// A manifest with the lines that it lacked.
fn completed(manifest: &Value, lines: &Value) -> Value {
    let mut manifest = manifest.clone();
    let spec = &mut manifest["spec"];
    if let Some(name) = lines["spec"].get("serviceName") {
        spec["serviceName"] = name.clone();
    }
    let Some(template) = lines["spec"]
        .get("volumeClaimTemplates")
        .map(|templates| templates[0].clone())
    else {
        return manifest;
    };
    if spec["volumeClaimTemplates"].is_null() {
        spec["volumeClaimTemplates"] = json!([template]);
        return manifest;
    }
    for (field, value) in template["spec"].as_object().expect("a spec") {
        spec["volumeClaimTemplates"][0]["spec"][field] = value.clone();
    }
    manifest
}

#[tokio::test]
async fn without_us_an_apply_may_be_refused_and_the_lines_of_the_audit_mend_it() {
    let cluster = ControlPlane::start().await;
    cluster.kubectl(["create", "namespace", NAMESPACE]).await.succeeded();
    let scratch = Scratch::new().expect("a directory can be made");
    let policy = scratch
        .write("policy.yaml", POLICY)
        .expect("written")
        .display()
        .to_string();
    let served = Served::start(&cluster, &["--policy", &policy]).await;
    for Case {
        field,
        way,
        name,
        first,
        again,
        manifest,
    } in cases()
    {
        let created = write(&cluster, first, &manifest).await.succeeded();
        assert!(created.stderr.contains(": injected "), "{name}: {}", created.stderr);
        let written = write(&cluster, again, &with_image(&manifest, "db:2")).await.succeeded();
        // What the object keeps by itself needs nobody to keep it.
        let kept = written.stderr.contains("kept the injected");
        assert_eq!(kept, is_refused(field, way), "{name}: {}", written.stderr);
    }

    served.signal("TERM");
    assert_eq!(served.ended().await.code(), Some(0));
    eventually("the end of the webhook", async || {
        let get = ["get", "mutatingwebhookconfigurations", "-o", "name"];
        cluster.kubectl(get).await.succeeded().stdout.is_empty().then_some(())
    })
    .await;
    for case in cases() {
        let written = write(&cluster, case.again, &with_image(&case.manifest, "db:3")).await;
        let (name, refused) = (&case.name, is_refused(case.field, case.way));
        let forbidden = written
            .stderr
            .contains("updates to statefulset spec for fields other than");
        assert_eq!(
            (forbidden, written.success),
            (refused, !refused),
            "{name}: {}",
            written.stderr
        );
    }

    // The way out: what the audit prints, in the manifests.
    let told = stateward("audit --defaulted", &cluster);
    let lines: BTreeMap<String, Value> = told
        .split("\n---\n")
        .skip(1)
        .map(|document| {
            let object: Value = serde_saphyr::from_str(document).expect("YAML");
            (object["metadata"]["name"].as_str().expect("a name").to_owned(), object)
        })
        .collect();
    for case in cases() {
        let completed = completed(&case.manifest, &lines[&case.name]);
        let written = write(&cluster, case.again, &with_image(&completed, "db:4")).await;
        assert!(written.success, "{}: {}", case.name, written.stderr);
    }
}

/// The table of `docs/leaving.md`: a merge leaves alone what the manifest does not name, but for lists without merge keys.
fn is_refused(field: &str, way: &str) -> bool {
    !matches!(
        (field, way),
        ("service-name" | "template", "client-side" | "server-side")
    )
}

/// The commands of the page, in order.
fn commands() -> Vec<&'static str> {
    let page = include_str!("../../../docs/leaving.md");
    let blocks = page.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap_or(block).lines());
    lines.map(str::trim).filter(|line| !line.is_empty()).collect()
}

fn stateward(arguments: &str, cluster: &ControlPlane) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stateward"));
    let output = command
        .args(arguments.split(' '))
        .env("KUBECONFIG", cluster.kubeconfig())
        .output();
    let output = output.expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[tokio::test]
async fn the_commands_of_the_page_leave_nothing() {
    let cluster = ControlPlane::start().await;
    let file = |path: &str| format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    for path in [
        "deploy/crds.yaml",
        "tests/it/reports/openreports.yaml",
        "tests/it/reports/policyreport.yaml",
    ] {
        cluster
            .kubectl(["apply", "--server-side", "-f", &file(path)])
            .await
            .succeeded();
    }
    cluster.established().await;
    cluster
        .kubectl(["apply", "-f", &file("deploy/install.yaml")])
        .await
        .succeeded();
    let reports = [
        ("openreports.io/v1alpha1", "Report"),
        ("wgpolicyk8s.io/v1alpha2", "PolicyReport"),
    ]
    .map(|(version, kind)| {
        let labels = json!({"app.kubernetes.io/managed-by": "stateward"});
        let metadata = json!({"name": "stateward-1", "namespace": "default", "labels": labels});
        json!({"apiVersion": version, "kind": kind, "metadata": metadata}).to_string()
    });
    let create = ["create", "-f", "-"];
    cluster
        .kubectl_stdin(create, &reports.join("\n---\n"))
        .await
        .succeeded();

    for command in commands() {
        match command.split_once(" | ") {
            Some((first, second)) => {
                let printed = stateward(first.strip_prefix("stateward ").expect(command), &cluster);
                let arguments = second.strip_prefix("kubectl ").expect(command).split(' ');
                // Nothing ends here what deletion waits for: no controller runs.
                let arguments = arguments.chain(["--wait=false"]);
                cluster.kubectl_stdin(arguments, &printed).await.succeeded();
            }
            None if command.starts_with("stateward ") => {
                let printed = stateward(&command["stateward ".len()..], &cluster);
                let expected = match command {
                    "stateward unregister" => "removed the MutatingWebhookConfiguration stateward",
                    _ => "No object rests on",
                };
                assert!(printed.contains(expected), "{printed}");
            }
            None => {
                let arguments = command.strip_prefix("kubectl ").expect(command);
                cluster.kubectl(arguments.split(' ')).await.succeeded();
            }
        }
    }
    for kind in [
        "mutatingwebhookconfigurations,validatingwebhookconfigurations",
        "deployments,services,configmaps,poddisruptionbudgets,networkpolicies,roles,rolebindings -n stateward-system \
         -l app.kubernetes.io/name=stateward",
        "clusterroles,clusterrolebindings -l app.kubernetes.io/name=stateward",
        "reports.openreports.io,policyreports -A",
    ] {
        eventually(kind, async || {
            let get = ["get", "-o", "name"].into_iter().chain(kind.split_whitespace());
            cluster.kubectl(get).await.succeeded().stdout.is_empty().then_some(())
        })
        .await;
    }
}
