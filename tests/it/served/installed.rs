//! The installation as a user makes it: `certs/make.sh`, `stateward manifests`, `kubectl apply`, and the process in it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::Served;
use super::objects::{claim, deployment, headless, stateful_set, template};
use crate::controlplane::process::Scratch;
use crate::controlplane::{ControlPlane, eventually, free_port};

const CRDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/crds.yaml");
const INSTALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/install.yaml");
const ACCOUNT: &str = "system:serviceaccount:stateward-system:stateward";

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A file of `certs/make.sh`.
fn file(directory: &Path, name: &str) -> String {
    directory.join(name).display().to_string()
}

#[tokio::test]
async fn install_yaml_is_accepted_and_changes_nothing_when_applied_again() {
    let cluster = ControlPlane::start().await;
    cluster.kubectl(["apply", "-f", CRDS]).await.succeeded();
    cluster.established().await;
    let applied = cluster.kubectl(["apply", "-f", INSTALL]).await.succeeded();
    // A warning would be of Pod Security, of a deprecated version or of an unknown field.
    assert_eq!(applied.stderr, "");
    let versions = async || {
        let path = "-o=jsonpath={range .items[*]}{.kind}/{.metadata.resourceVersion} {end}";
        cluster.kubectl(["get", "-f", INSTALL, path]).await.succeeded().stdout
    };
    let before = versions().await;
    assert_eq!(before.split_whitespace().count(), applied.stdout.lines().count());
    cluster.kubectl(["apply", "-f", INSTALL]).await.succeeded();
    assert_eq!(versions().await, before);

    // Its pods are admitted to its namespace, which enforces the strictest Pod Security standard.
    let get = ["get", "deployment", "stateward", "-n", "stateward-system", "-o", "json"];
    let deployment: Value = serde_json::from_str(&cluster.kubectl(get).await.succeeded().stdout).expect("JSON");
    let mut pod = deployment["spec"]["template"].clone();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = "stateward".into();
    let create = ["create", "-n", "stateward-system", "--dry-run=server", "-f", "-"];
    let created = cluster.kubectl_stdin(create, &pod.to_string()).await.succeeded();
    assert_eq!(created.stderr, "");

    // So are the objects that somebody chose to have.
    let scratch = Scratch::new().expect("a directory can be made");
    let certificates = scratch.path().join("certs");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/certs/make.sh");
    run("sh", &[script, &certificates.display().to_string()]);
    let ca = file(&certificates, "ca.crt");
    let arguments = [
        "manifests",
        "--ca-bundle",
        &ca,
        "--client-ca",
        &ca,
        "--allow-from=192.0.2.7/32",
    ];
    let chosen = [
        &arguments[..],
        &["--mode=enforce", "--allow-opt-out", "--failure-policy=scale=Fail"],
    ]
    .concat();
    let chosen = run(env!("CARGO_BIN_EXE_stateward"), &chosen);
    let apply = ["apply", "--dry-run=server", "-f", "-"];
    let applied = cluster.kubectl_stdin(apply, &chosen).await.succeeded();
    assert_eq!(applied.stderr, "");

    // A whole cluster with us installed and not up yet still works: nothing fails closed without a CA.
    cluster
        .kubectl(["create", "deployment", "web", "--image=web"])
        .await
        .succeeded();
}

#[tokio::test]
async fn the_base_for_kustomize_is_the_installation() {
    let cluster = ControlPlane::shared().await;
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy");
    let built = cluster.kubectl(["kustomize", base]).await.succeeded().stdout;
    let kinds = |text: &str| -> Vec<String> {
        let kinds = text.lines().filter(|line| line.starts_with("kind: "));
        let mut kinds: Vec<String> = kinds.map(str::to_owned).collect();
        kinds.sort();
        kinds
    };
    let installed = std::fs::read_to_string(INSTALL).expect("a file");
    assert_eq!(kinds(&built), kinds(&installed));
}

#[tokio::test]
async fn an_installation_with_its_own_certificate_guards_the_cluster_with_the_permissions_it_has() {
    let cluster = ControlPlane::start().await;
    let scratch = Scratch::new().expect("a directory can be made");
    let certificates = scratch.path().join("certs");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/certs/make.sh");
    let told = run("sh", &[script, &certificates.display().to_string()]);

    // What the script says comes next: every command, as it is printed.
    let mut commands = told.lines().filter(|line| !line.is_empty()).skip(1);
    let apply = ["apply", "--server-side", "-f", "-"];
    let applied = |command: &'_ str| -> Option<String> {
        let rest = command.strip_prefix("stateward ")?;
        rest.strip_suffix(" | kubectl apply --server-side -f -")
            .map(str::to_owned)
    };
    for command in commands.by_ref().take(2) {
        let arguments = command.strip_prefix("kubectl ").expect("a command of kubectl");
        cluster.kubectl(arguments.split(' ')).await.succeeded();
    }
    let manifests = commands
        .next()
        .and_then(applied)
        .expect("a command of stateward, applied");
    assert_eq!(commands.next(), None);
    // A first installation lets everything pass; what comes after it is tried here.
    let arguments: Vec<&str> = manifests.split(' ').chain(["--mode=enforce"]).collect();
    let manifests = run(env!("CARGO_BIN_EXE_stateward"), &arguments);

    // There is no network of pods here: the Service leads to this process, by the same name as far as TLS knows.
    let port = free_port().expect("a port is free");
    let manifests = manifests.replace("      port: 443\n", &format!("      port: {port}\n"));
    cluster.kubectl_stdin(apply, &manifests).await.succeeded();
    let delete = ["delete", "service", "stateward", "-n", "stateward-system"];
    cluster.kubectl(delete).await.succeeded();
    let local = [
        "create",
        "service",
        "externalname",
        "stateward",
        "--external-name=localhost",
        "-n",
        "stateward-system",
    ];
    cluster.kubectl(local).await.succeeded();

    // RBAC is applied from a cache of its own.
    eventually("the permissions", async || {
        let may = ["auth", "can-i", "list", "services", "--as", ACCOUNT];
        cluster.kubectl(may).await.success.then_some(())
    })
    .await;

    let definition = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/reports/openreports.yaml");
    cluster.kubectl(["apply", "-f", definition]).await.succeeded();
    eventually("the kind of reports", async || {
        let get = ["get", "reports.openreports.io", "-A"];
        cluster.kubectl(get).await.success.then_some(())
    })
    .await;
    let account = cluster.kubeconfig_as(ACCOUNT, &[]).display().to_string();
    let (certificate, key) = (file(&certificates, "tls.crt"), file(&certificates, "tls.key"));
    let arguments = [
        "--kubeconfig",
        &account,
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
        "--policy-source=cluster",
        "--default-policy=baseline",
        "--namespace",
        "stateward-system",
    ];
    let served = Served::on(port, &arguments);
    served.ready().await;
    served.called(&cluster).await;
    let namespace = cluster.namespace("guarded").await;
    let create = ["create", "-n", &namespace, "-f", "-"];
    let objects = [claim("data", "ReadWriteOnce"), deployment("web", "data", 3)].join("\n---\n");
    let refused = cluster.kubectl_stdin(create, &objects).await.failed();
    assert!(refused.stderr.contains("rwo-replicas"), "{}", refused.stderr);

    // Objects that the controllers, which do not run yet, will act on.
    let job = "restartPolicy: Never, containers: [{name: once, image: once}]";
    let objects = [
        deployment("one", "data", 1),
        headless("db"),
        stateful_set("db", 1),
        format!(
            "{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: nightly}}, \
             spec: {{schedule: '0 0 1 1 *', jobTemplate: {{spec: {{{}}}}}}}}}",
            template("nightly", job)
        ),
    ]
    .join("\n---\n");
    cluster.kubectl_stdin(create, &objects).await.succeeded();
    writes_what_it_may(&cluster, &served, &namespace).await;

    // Without us, workloads wait for us; all else goes on, and so does the control plane.
    served.signal("TERM");
    assert_eq!(served.ended().await.code(), Some(0));
    eventually("the end of the connections", async || {
        let web = deployment("web", "data", 1);
        let output = cluster.kubectl_stdin(create, &web).await.failed();
        output
            .stderr
            .contains("failed calling webhook \"workloads.stateward.dev\"")
            .then_some(())
    })
    .await;
    cluster
        .kubectl_stdin(create, &claim("more", "ReadWriteOnce"))
        .await
        .succeeded();
    for system in ["kube-system", "stateward-system"] {
        let create = ["create", "-n", system, "-f", "-"];
        cluster
            .kubectl_stdin(create, &deployment("dns", "data", 2))
            .await
            .succeeded();
    }
    controllers_work_without_us(&cluster, &namespace).await;
}

/// Leases, a report, an event and a status are written with the permissions of the account, and nothing was refused.
async fn writes_what_it_may(cluster: &ControlPlane, served: &Served, namespace: &str) {
    eventually("the Leases", async || {
        let get = ["get", "leases", "-n", "stateward-system", "-o", "name"];
        let leases = cluster.kubectl(get).await.succeeded().stdout;
        let both =
            leases.contains("lease.coordination.k8s.io/stateward-leader") && leases.contains("/stateward-replica-");
        both.then_some(())
    })
    .await;
    let create = ["create", "-n", namespace, "-f", "-"];
    let objects = |replicas| [claim("told", "ReadWriteOnce"), deployment("told", "told", replicas)].join("\n---\n");
    cluster.kubectl_stdin(create, &objects(1)).await.succeeded();
    eventually("an event", async || {
        // It is refused, and the workload is there.
        let scale = ["scale", "deployment", "told", "--replicas=2", "-n", namespace];
        cluster.kubectl(scale).await.failed();
        let get = ["get", "events.events.k8s.io", "-n", namespace, "-o", "name"];
        let found = cluster.kubectl(get).await.succeeded().stdout;
        (!found.is_empty()).then_some(())
    })
    .await;

    // Nothing of this namespace is sent, so that it is there to be found.
    let system = "kube-system";
    let create = ["create", "-n", system, "-f", "-"];
    cluster.kubectl_stdin(create, &objects(2)).await.succeeded();
    let names = async || {
        let path = "-o=jsonpath={.items[*].scope.name}";
        let get = ["get", "reports.openreports.io", "-n", system, path];
        cluster.kubectl(get).await.succeeded().stdout
    };
    eventually("a report", async || (names().await == "told").then_some(())).await;
    // It is removed with the same permissions.
    let delete = ["delete", "deployment", "told", "-n", system, "--wait=false"];
    cluster.kubectl(delete).await.succeeded();
    eventually("the end of the report", async || names().await.is_empty().then_some(())).await;
    let policy = "{apiVersion: stateward.dev/v1alpha1, kind: WorkloadPolicy, metadata: {name: house}, spec: {}}";
    cluster.kubectl_stdin(["apply", "-f", "-"], policy).await.succeeded();
    eventually("the status of the policy", async || {
        let path = r#"-o=jsonpath={.items[*].status.conditions[?(@.type=="Ready")].reason}"#;
        let get = cluster.kubectl(["get", "workloadpolicies", path]).await;
        (get.succeeded().stdout == "Served").then_some(())
    })
    .await;
    let refused: Vec<Value> = served
        .log()
        .into_iter()
        .filter(|line| line["level"] == "WARN" || line["level"] == "ERROR")
        .collect();
    assert_eq!(refused, [Value::Null; 0]);
}

/// The controllers start, and do their work, while nobody answers for an entry that fails closed.
async fn controllers_work_without_us(cluster: &ControlPlane, namespace: &str) {
    // A year was missed: it runs at once.
    let missed = r#"{"status":{"lastScheduleTime":"2025-06-01T00:00:00Z"}}"#;
    let patch = [
        "patch",
        "cronjob",
        "nightly",
        "--subresource=status",
        "--type=merge",
        "-p",
        missed,
        "-n",
        namespace,
    ];
    cluster.kubectl(patch).await.succeeded();
    cluster.start_controller_manager().await;
    for made in [
        "replicaset.apps/one-",
        "pod/one-",
        "pod/db-0",
        "persistentvolumeclaim/data-db-0",
        "job.batch/nightly-",
    ] {
        eventually(made, async || {
            let get = [
                "get",
                "replicasets,pods,persistentvolumeclaims,jobs",
                "-o=name",
                "-n",
                namespace,
            ];
            let found = cluster.kubectl(get).await.succeeded().stdout;
            found.contains(made).then_some(())
        })
        .await;
    }
    cluster
        .kubectl(["delete", "namespace", namespace, "--wait=false"])
        .await
        .succeeded();
    eventually("the end of the namespace", async || {
        let get = ["get", "namespace", namespace, "--ignore-not-found"];
        cluster.kubectl(get).await.succeeded().stdout.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_cluster_without_us_is_told_from_one_that_cannot_be_asked() {
    let cluster = ControlPlane::shared().await;
    let kubeconfig = cluster.kubeconfig().to_owned();
    let verify = move || {
        Command::new(env!("CARGO_BIN_EXE_stateward"))
            .args(["verify", "--kubeconfig"])
            .arg(kubeconfig)
            .output()
            .expect("the program starts")
    };
    let output = tokio::task::spawn_blocking(verify).await.expect("no panic");
    let (told, error) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(1), "{told}{error}");
    assert!(
        told.contains("kubectl get crd workloadpolicies.stateward.dev\n"),
        "{told}"
    );
    assert_eq!(error, "");
}
