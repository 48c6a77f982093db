//! A release from its first revision to its end, by real Helm before a real API server.
//!
//! There is no kubelet, so that processes of ours stand for the replicas, and for the pods of the hooks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tokio::task::spawn_blocking;

use super::helm::{CHART, Helm};
use crate::served::installation::{Installed, NAMESPACE};
use crate::served::objects::{claim, deployment};

/// The chart with a Service that leads to this machine, as there is no network of pods.
fn chart_that_leads_to(port: u16) -> tempfile::TempDir {
    let scratch = tempfile::tempdir().expect("a directory");
    copy(Path::new(CHART), scratch.path());
    let templates = scratch.path().join("templates");
    let webhooks = templates.join("webhooks.yaml");
    let text = fs::read_to_string(&webhooks).expect("a file");
    assert!(text.contains("port: 443"));
    fs::write(&webhooks, text.replace("port: 443", &format!("port: {port}"))).expect("written");
    let service = templates.join("service.yaml");
    let text = fs::read_to_string(&service).expect("a file");
    let (metadata, _) = text.split_once("\nspec:").expect("a spec");
    let external = format!("{metadata}\nspec: {{type: ExternalName, externalName: localhost}}\n");
    fs::write(&service, external).expect("written");
    scratch
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&to).expect("created");
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).expect("copied");
        }
    }
}

/// A cluster, and Helm in it.
struct Site {
    helm: Helm,
    installed: Installed,
    chart: tempfile::TempDir,
}

impl Site {
    async fn new(helm: Helm) -> Self {
        let installed = Installed::bare().await;
        let chart = chart_that_leads_to(installed.balancer.port);
        Self { helm, installed, chart }
    }

    async fn helm(&self, arguments: &[&str]) -> String {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let (helm, kubeconfig) = (self.helm, self.installed.cluster.kubeconfig().to_owned());
        let run = spawn_blocking(move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let all = [&arguments[..], &["--namespace", NAMESPACE]].concat();
            helm.run(Some(&kubeconfig), &all)
        });
        let output = run.await.expect("Helm's thread ends");
        assert!(
            output.status.success(),
            "{helm:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    async fn upgrade(&self, values: &[&str]) {
        let chart = self.chart.path().to_str().expect("UTF-8");
        self.helm(&[&["upgrade", "stateward", chart], values].concat()).await;
    }

    /// Whether every entry trusts this and no more, at this moment, and which of them fail closed.
    async fn closed(&self, authority: &str) -> Vec<Value> {
        let webhooks = self.installed.webhooks().await;
        assert!(
            webhooks.iter().all(|entry| self.installed.is_trusted(entry, authority)),
            "{webhooks:?}"
        );
        let closed = webhooks.iter().filter(|webhook| webhook["failurePolicy"] == "Fail");
        closed.map(|webhook| webhook["name"].clone()).collect()
    }

    /// Runs what a hook of this name would, with its permissions.
    async fn hook(&self, command: &'static str) -> Output {
        let account = format!("system:serviceaccount:{NAMESPACE}:stateward-{command}");
        let kubeconfig = self.installed.cluster.kubeconfig_as(&account, &[]);
        spawn_blocking(move || run(command, &kubeconfig))
            .await
            .expect("the thread ends")
    }
}

fn run(command: &str, kubeconfig: &PathBuf) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stateward"))
        .arg(command)
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .output()
        .expect("the program starts")
}

async fn lives_and_leaves(helm: Helm) {
    let site = Site::new(helm).await;
    let (cluster, chart) = (&site.installed.cluster, site.chart.path().to_str().expect("UTF-8"));
    let namespace = cluster.namespace("guarded").await;
    let create = ["create", "-n", &namespace, "-f", "-"];

    // In mode Audit nothing is refused before somebody can answer.
    site.helm(&["install", "stateward", chart, "--create-namespace"]).await;
    let early = [claim("data", "ReadWriteOnce"), deployment("early", "data", 3)].join("\n---\n");
    cluster.kubectl_stdin(create, &early).await.succeeded();
    site.installed.permitted().await;
    let replica = site.installed.replica(0, &[]);
    site.installed.use_replica(0, &replica).await;
    let authority = site.installed.secret("ca.crt").await;
    site.installed.trusted(&authority).await;

    // An upgrade leaves alone what the leader wrote, and the same once more changes nothing at all.
    assert_eq!(site.closed(&authority).await, [Value::Null; 0]);
    site.upgrade(&["--set=mode=Enforce"]).await;
    assert_eq!(site.closed(&authority).await, ["workloads.stateward.dev"]);
    site.installed.guards(&namespace).await;
    let versions = site.installed.versions().await;
    site.upgrade(&["--set=mode=Enforce"]).await;
    assert_eq!(site.installed.versions().await, versions);

    // An audit from outside knows by which policy the installation judges.
    let admin = cluster.kubeconfig().to_owned();
    let audited = spawn_blocking(move || run("audit", &admin))
        .await
        .expect("the thread ends");
    let report = String::from_utf8_lossy(&audited.stdout);
    assert!(report.contains("policies: default (cluster)"), "{report}");

    // By now the cluster knows the kind of policies; what the release no longer has goes.
    let house = "--set-json=policies=[{\"name\":\"house\",\"spec\":{\"profile\":\"Strict\"}}]";
    site.upgrade(&["--set=mode=Enforce", house]).await;
    cluster.kubectl(["get", "workloadpolicy", "house"]).await.succeeded();
    site.helm(&["rollback", "stateward", "1"]).await;
    assert_eq!(site.closed(&authority).await, [Value::Null; 0]);
    cluster.kubectl(["get", "workloadpolicy", "house"]).await.failed();

    // The hooks, whose pods nobody runs here: they are admitted under the strictest standard, and may do what they do.
    let restricted = format!("namespace/{NAMESPACE}");
    let label = ["label", &restricted, "pod-security.kubernetes.io/enforce=restricted"];
    cluster.kubectl(label).await.succeeded();
    let hooks = site.helm(&["get", "hooks", "stateward"]).await;
    for hook in hooks.split("---\n").filter(|hook| hook.contains("\nkind: ")) {
        if hook.contains("\nkind: Job\n") || hook.contains("\nkind: Pod\n") {
            let mut pod: Value = serde_saphyr::from_str(hook).expect("YAML");
            if pod["kind"] == "Job" {
                pod["spec"] = pod["spec"]["template"]["spec"].take();
            }
            (pod["kind"], pod["apiVersion"]) = ("Pod".into(), "v1".into());
            let dry = ["create", "--dry-run=server", "-n", NAMESPACE, "-f", "-"];
            cluster.kubectl_stdin(dry, &pod.to_string()).await.succeeded();
        } else {
            cluster.kubectl_stdin(["apply", "-f", "-"], hook).await.succeeded();
        }
    }
    crate::controlplane::eventually("the permissions of the hooks", async || {
        let verified = site.hook("verify").await;
        verified.status.success().then_some(())
    })
    .await;
    let removed = site.hook("unregister").await;
    let said = String::from_utf8_lossy(&removed.stdout);
    assert!(removed.status.success(), "{}", String::from_utf8_lossy(&removed.stderr));
    assert_eq!(said.lines().count(), 2, "{said}");
    assert_eq!(site.installed.webhooks().await, [Value::Null; 0]);
    let again = site.hook("unregister").await;
    assert!(String::from_utf8_lossy(&again.stdout).contains("nothing to remove"));

    site.helm(&["uninstall", "stateward", "--no-hooks"]).await;
    let ours = [
        "get",
        "clusterrole,clusterrolebinding",
        "-o=name",
        "-l=app.kubernetes.io/instance=stateward",
    ];
    let left = cluster.kubectl(ours).await.succeeded().stdout;
    assert!(
        left.lines()
            .all(|name| name.contains("stateward-unregister") || name.contains("stateward-verify"))
    );
    cluster
        .kubectl(["get", "deployment", "stateward", "-n", NAMESPACE])
        .await
        .failed();
    cluster.kubectl(["get", "workloadpolicies"]).await.succeeded();
    cluster
        .kubectl_stdin(create, &deployment("late", "data", 3))
        .await
        .succeeded();
}

#[tokio::test]
async fn a_release_of_helm_3_lives_and_leaves() {
    lives_and_leaves(Helm::Three).await;
}

#[tokio::test]
async fn a_release_of_helm_4_lives_and_leaves() {
    lives_and_leaves(Helm::Four).await;
}
