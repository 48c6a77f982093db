//! Releases of workloads by real Helm, under Baseline: nothing that Helm does is denied.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::objects::{autoscaler, claim, deployment, headless, selected, stateful_set, using};
use super::{Policy, Shop};
use crate::chart::helm::Helm;

/// A release of a chart without values.
pub struct Release {
    helm: Helm,
    shop: &'static Shop,
    pub namespace: String,
    chart: TempDir,
}

impl Release {
    pub async fn new(helm: Helm, policy: Policy) -> Self {
        let shop = Shop::shared().await;
        let namespace = shop.namespace(policy).await;
        let chart = tempfile::tempdir().expect("a directory");
        fs::create_dir(chart.path().join("templates")).expect("a directory");
        let about = "apiVersion: v2\nname: shop\nversion: 0.1.0\n";
        fs::write(chart.path().join("Chart.yaml"), about).expect("written");
        Self {
            helm,
            shop,
            namespace,
            chart,
        }
    }

    /// Installs or upgrades to these objects.
    pub async fn apply(&self, verb: &str, objects: &[String]) {
        let all = self.chart.path().join("templates/all.yaml");
        fs::write(all, objects.join("\n---\n")).expect("written");
        let chart = self.chart.path().display().to_string();
        self.run(&[verb, "shop", &chart]).await;
    }

    async fn run(&self, arguments: &[&str]) {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let (helm, kubeconfig) = (self.helm, self.shop.cluster.kubeconfig().to_owned());
        let namespace = format!("--namespace={}", self.namespace);
        let run = spawn_blocking(move || {
            let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            arguments.push(&namespace);
            helm.run(Some(&kubeconfig), &arguments)
        });
        let output = run.await.expect("Helm's thread ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{helm:?}: {said}");
    }

    async fn names(&self, kinds: &str) -> Vec<String> {
        let get = format!("get {kinds} -o=json");
        let output = self.shop.kubectl(&self.namespace, &get).await.succeeded();
        let list: Value = serde_json::from_str(&output.stdout).expect("JSON");
        let metadata = list["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|item| &item["metadata"]);
        let stays = metadata.filter(|metadata| metadata["deletionTimestamp"].is_null());
        stays
            .map(|metadata| metadata["name"].as_str().expect("a name").to_owned())
            .collect()
    }
}

/// Two databases and a shop, as charts have them.
fn objects() -> Vec<String> {
    let rolling = format!(
        "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web, labels: {{app.kubernetes.io/instance: shop}}}}, \
         spec: {{{}}}}}",
        selected("web", &using("data"))
    );
    vec![
        claim("data", "ReadWriteOnce"),
        rolling,
        headless("db"),
        stateful_set("db", 2),
        claim("files", "ReadWriteMany"),
        deployment("front", "files", 2),
        autoscaler("v2", "front", 5),
    ]
}

async fn passes(helm: Helm) {
    let release = Release::new(helm, Policy::Baseline).await;
    release.apply("install", &objects()).await;
    let next = |text: &String| {
        text.replace("image: web", "image: web:2")
            .replace("replicas: 2", "replicas: 3")
    };
    let second: Vec<String> = objects().iter().map(next).collect();
    release.apply("upgrade", &second).await;
    // A workload under a new name is created before the old one is deleted.
    let renamed = |text: &String| text.replacen("metadata: {name: web,", "metadata: {name: shop-web,", 1);
    let third: Vec<String> = second.iter().map(renamed).collect();
    release.apply("upgrade", &third).await;
    assert_eq!(release.names("deployments").await, ["front", "shop-web"]);
    release.run(&["rollback", "shop", "1"]).await;
    assert_eq!(release.names("deployments").await, ["front", "web"]);
    // Services go first, then claims, then what uses them.
    release.run(&["uninstall", "shop"]).await;
    assert_eq!(release.names("deployments,statefulsets,services,hpa").await, [""; 0]);
}

#[tokio::test]
async fn a_release_by_helm_3_passes() {
    passes(Helm::Three).await;
}

#[tokio::test]
async fn a_release_by_helm_4_passes() {
    passes(Helm::Four).await;
}
