//! `stateward audit` before a real API server.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::controlplane::{ControlPlane, eventually};
use crate::generated;

const WORLD: &str = r#"
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: disk}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: web, volumeMounts: [{name: data, mountPath: /data}]}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db}
spec:
  replicas: 1
  strategy: {type: Recreate}
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: db, volumeMounts: [{name: disk, mountPath: /data}]}]
      volumes: [{name: disk, persistentVolumeClaim: {claimName: disk}}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: queue}
spec:
  serviceName: queue
  selector: {matchLabels: {app: queue}}
  template:
    metadata: {labels: {app: queue}}
    spec: {containers: [{name: queue, image: queue}]}
"#;

/// Runs the program without the environment's kubeconfig.
async fn audit(kubeconfig: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stateward"));
    command.arg("audit").arg("--kubeconfig").arg(kubeconfig).args(arguments);
    command.env_remove("KUBECONFIG");
    let run = spawn_blocking(move || command.output()).await.expect("the thread ends");
    run.expect("stateward runs")
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("standard output holds the report and nothing else")
}

/// Level, rule, verdict, kind and name of every finding.
pub fn findings(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().expect("a list").iter();
    findings
        .map(|finding| {
            let object = &finding["object"];
            let words = [
                &finding["level"],
                &finding["rule"],
                &finding["verdict"],
                &object["kind"],
                &object["name"],
            ];
            words.map(text).join(" ")
        })
        .collect()
}

pub async fn namespace_with(cluster: &ControlPlane, name: &str, objects: &str) -> String {
    let namespace = cluster.namespace(name).await;
    let apply = ["apply", "-f", "-", "-n", &namespace];
    cluster.kubectl_stdin(apply, objects).await.succeeded();
    namespace
}

/// A user who may list the given resources everywhere; returns the kubeconfig once the permission is there.
pub async fn user(cluster: &ControlPlane, name: &str, resources: &str) -> std::path::PathBuf {
    let resources = format!("--resource={resources}");
    let create = ["create", "clusterrole", name, "--verb=get,list", &resources];
    cluster.kubectl(create).await.succeeded();
    let (role, user) = (format!("--clusterrole={name}"), format!("--user={name}"));
    let bind = ["create", "clusterrolebinding", name, &role, &user];
    cluster.kubectl(bind).await.succeeded();
    let client = cluster.client_as(name, &[]).await;
    // RBAC is applied from a cache of its own.
    eventually("the permission", async || {
        let request = http::Request::get("/apis/apps/v1/deployments?limit=1")
            .body(Vec::new())
            .expect("a request");
        client.request_text(request).await.ok()
    })
    .await;
    cluster.kubeconfig_as(name, &[])
}

#[tokio::test]
async fn finds_what_is_wrong_in_a_namespace_and_nothing_else() {
    let cluster = ControlPlane::shared().await;
    let namespace = namespace_with(cluster, "audit", WORLD).await;
    let output = audit(cluster.kubeconfig(), &["-n", &namespace, "--format", "json"]).await;
    let report = report(&output);
    assert_eq!(
        findings(&report),
        [
            "error rwo-replicas violation Deployment web",
            "warning service-missing violation StatefulSet queue",
        ]
    );
    assert_eq!(output.status.code(), Some(1), "errors fail");
    let finding = &report["findings"][0];
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": namespace, "name": "web"});
    assert_eq!(
        (&finding["object"], &finding["path"]),
        (&object, &json!("/spec/replicas"))
    );
    assert_eq!(
        finding.get("location"),
        None,
        "what lives in a cluster stands in no file"
    );
    assert_eq!(finding["related"][0]["object"]["name"], "data");
    assert_eq!(report["summary"]["workloads"], 3);

    let human = audit(cluster.kubeconfig(), &["-n", &namespace]).await;
    let text = String::from_utf8(human.stdout).unwrap();
    assert!(text.contains(&format!("Deployment {namespace}/web")), "{text}");

    let directory = tempfile::tempdir().unwrap();
    let known = directory.path().join("known.json");
    let known = known.to_str().unwrap();
    let written = audit(cluster.kubeconfig(), &["-n", &namespace, "--write-known", known]).await;
    assert_eq!(written.status.code(), Some(0));
    let again = audit(
        cluster.kubeconfig(),
        &["-n", &namespace, "--known", known, "--fail-on", "note"],
    )
    .await;
    assert_eq!(
        again.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&again.stdout)
    );
}

#[tokio::test]
async fn exceptions_for_what_is_wrong_let_a_stricter_policy_be_switched_on() {
    let cluster = ControlPlane::shared().await;
    let namespace = namespace_with(cluster, "excepted", WORLD).await;
    let asked = [
        "-n",
        &namespace,
        "--write-exceptions",
        "-",
        "--expires",
        "60d",
        "--owner",
        "shop",
    ];
    let printed = audit(cluster.kubeconfig(), &asked).await;
    assert_eq!(
        printed.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&printed.stderr)
    );
    let told = String::from_utf8(printed.stderr).unwrap();
    assert!(told.contains("1 exception written to standard output"), "{told}");
    let exceptions = String::from_utf8(printed.stdout).unwrap();

    let directory = tempfile::tempdir().unwrap();
    let policy = "apiVersion: stateward.dev/v1alpha1\nkind: WorkloadPolicy\nmetadata: {name: house}\n\
                  spec: {exceptions: {allowed: true, maxDuration: 60d}}\n---\n";
    let file = directory.path().join("policy.yaml");
    std::fs::write(&file, format!("{policy}{exceptions}")).unwrap();
    let file = file.to_str().unwrap();
    let output = audit(
        cluster.kubeconfig(),
        &["-n", &namespace, "--policy", file, "--format", "json"],
    )
    .await;
    let excepted = report(&output);
    assert_eq!(output.status.code(), Some(0), "{excepted}");
    assert_eq!(excepted["summary"]["exceptions"], 1);
    let names: Vec<_> = excepted["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["exception"]["name"])
        .collect();
    assert_eq!(names[0], &json!(format!("{namespace}/deployment-web")));

    let compare = ["-n", &namespace, "--compare", file];
    let output = audit(cluster.kubeconfig(), &compare).await;
    let table = String::from_utf8(output.stdout).unwrap();
    let row = format!("rwo-replicas  {namespace}       1       0  1 without");
    assert!(table.contains(&row), "{table}");
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn every_namespace_is_judged_and_every_object_counted() {
    let cluster = ControlPlane::start().await;
    let world = |number: usize| {
        let name = format!("web-{number}");
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
            "replicas": number % 3, "selector": {"matchLabels": {"app": name}}, "template": {
                "metadata": {"labels": {"app": name}}, "spec": {
                    "containers": [{"name": "web", "image": "web", "volumeMounts": [{"name": "d", "mountPath": "/d"}]}],
                    "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": name}}]}}}})
    };
    let claim = |number: usize| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": format!("web-{number}")},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})
    };
    for name in ["one", "two"] {
        let items: Vec<Value> = (0..90).flat_map(|number| [world(number), claim(number)]).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        namespace_with(&cluster, name, &list.to_string()).await;
    }
    let output = audit(cluster.kubeconfig(), &["--format", "json"]).await;
    let report = report(&output);
    let of = |rule: &str| {
        findings(&report)
            .iter()
            .filter(|finding| finding.contains(rule))
            .count()
    };
    // Of three Deployments one has two replicas; the others surge with one, or will once they are scaled up.
    assert_eq!((of("rwo-replicas"), of("rwo-surge")), (60, 120), "{report}");
    assert_eq!(findings(&report).len(), 180);
    assert_eq!(report["summary"]["workloads"], 180);
    let namespaces: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["object"]["namespace"].as_str().unwrap())
        .collect();
    assert!(namespaces.is_sorted());
}

#[tokio::test]
async fn what_may_not_be_listed_is_unknown_and_named() {
    let cluster = ControlPlane::shared().await;
    let namespace = namespace_with(cluster, "gaps", WORLD).await;
    let kinds = "deployments.apps,statefulsets.apps,services,namespaces";
    let limited = user(cluster, &format!("{namespace}-limited"), kinds).await;
    let output = audit(&limited, &["-n", &namespace, "--format", "json"]).await;
    let report = report(&output);
    let rwo: Vec<_> = findings(&report)
        .into_iter()
        .filter(|finding| finding.contains("rwo"))
        .collect();
    assert!(
        !rwo.is_empty()
            && rwo
                .iter()
                .all(|finding| finding.starts_with("note ") && finding.contains(" unknown ")),
        "{rwo:?}"
    );
    assert_eq!(output.status.code(), Some(0), "what cannot be told fails nothing");
    let human = audit(&limited, &["-n", &namespace, "-v"]).await;
    let text = String::from_utf8(human.stdout).unwrap();
    for resource in [
        "persistentvolumeclaims",
        "horizontalpodautoscalers of the API group autoscaling",
    ] {
        assert!(
            text.contains(&format!("no permission to list {resource}: ")),
            "{resource} in\n{text}"
        );
    }
}

#[test]
fn help_teaches() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stateward"));
    let output = command.args(["audit", "--help"]).output().expect("stateward runs");
    let help = String::from_utf8(output.stdout).unwrap();
    generated::check("tests/it/audit-help.txt", &help);
}

#[tokio::test]
async fn a_cluster_that_cannot_be_read_is_no_clean_one() {
    let cluster = ControlPlane::shared().await;
    let nobody = cluster.kubeconfig_as("audit-nobody", &[]);
    let directory = tempfile::tempdir().unwrap();
    let dead = directory.path().join("config");
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {}}]});
    std::fs::write(&dead, config.to_string()).unwrap();
    for (kubeconfig, arguments, message) in [
        (
            cluster.kubeconfig(),
            &["-n", "audit-nowhere"][..],
            "there is no namespace \"audit-nowhere\"",
        ),
        (
            &*nobody,
            &[],
            "no workload can be listed: no permission to list cronjobs",
        ),
        (&*dead, &[], "cannot reach the cluster"),
    ] {
        let output = audit(kubeconfig, arguments).await;
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(message), "{error}");
        assert!(output.stdout.is_empty());
    }
}

const ROLLOUT: &str = r#"
apiVersion: argoproj.io/VERSION
kind: Rollout
metadata: {name: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  strategy: {blueGreen: {activeService: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers: [{name: shop, image: shop, volumeMounts: [{name: data, mountPath: /data}]}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
"#;

#[tokio::test]
async fn a_kind_that_is_not_built_in_is_judged_where_the_cluster_serves_it() {
    let cluster = ControlPlane::start().await;
    let namespace = namespace_with(&cluster, "rollouts", WORLD).await;
    let audited = async || {
        let output = audit(cluster.kubeconfig(), &["-n", &namespace, "--format", "json"]).await;
        let report = report(&output);
        let rollouts = findings(&report)
            .into_iter()
            .filter(|finding| finding.ends_with(" Rollout shop"));
        (rollouts.collect::<Vec<_>>(), report["notes"].clone())
    };
    // Without a definition there are none, and nobody has to be told so.
    assert_eq!(audited().await, (Vec::new(), json!(null)));
    let definitions = include_str!("check/data/definitions.yaml").split("---\n");
    let definition = definitions
        .filter(|text| text.contains("name: rollouts.argoproj.io"))
        .collect::<String>();
    for version in ["v1", "v1alpha1"] {
        let definition = definition.replace("v1alpha1", version);
        cluster
            .kubectl_stdin(["apply", "-f", "-"], &definition)
            .await
            .succeeded();
        cluster.established().await;
        let apply = ["apply", "-f", "-", "-n", &namespace];
        eventually("the kind is served", async || {
            let applied = cluster.kubectl_stdin(apply, &ROLLOUT.replace("VERSION", version)).await;
            applied.success.then_some(())
        })
        .await;
        let (found, notes) = audited().await;
        if version == "v1" {
            let unknown = "the API server has no rollouts: every Rollout is unknown";
            assert_eq!((found, notes), (Vec::new(), json!([unknown])));
        } else {
            assert_eq!(
                (found, notes),
                (
                    vec!["error rwo-replicas violation Rollout shop".to_owned()],
                    json!(null)
                )
            );
        }
        cluster
            .kubectl(["delete", "crd", "rollouts.argoproj.io"])
            .await
            .succeeded();
    }
    assert_eq!(
        audited().await.0,
        [""; 0],
        "its definition is gone, and with it the objects"
    );
}
