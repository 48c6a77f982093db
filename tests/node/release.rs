//! stateward as a release of the chart, by real Helm.

use kube::Client;
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::cluster::Cluster;
use super::image::STATEWARD;
use super::load;
use crate::controlplane::eventually;
use crate::helm::{CHART, Helm};

pub const NAMESPACE: &str = "stateward-system";

/// The namespace of the release takes no pod but a restricted one.
const RESTRICTED: &str = r#"
apiVersion: v1
kind: Namespace
metadata:
  name: stateward-system
  labels: {pod-security.kubernetes.io/enforce: restricted}
"#;

/// A release, or none yet.
pub struct Release {
    pub cluster: &'static Cluster,
    pub client: Client,
    helm: Helm,
}

impl Release {
    /// The cluster as it is before anybody installs.
    pub async fn none(helm: Helm) -> Self {
        let cluster = Cluster::get().await;
        let client = cluster.client().await;
        cluster.apply(&[RESTRICTED, load::OBJECTS].join("---\n"));
        let release = Self { cluster, client, helm };
        release
            .helm(&["uninstall", "stateward", "--ignore-not-found", "--wait"])
            .await;
        release
    }

    /// A release in mode Enforce, that answers, with both replicas.
    pub async fn at_peace(values: &[&str]) -> Self {
        let cluster = Cluster::get().await;
        let client = cluster.client().await;
        cluster.apply(&[RESTRICTED, load::OBJECTS].join("---\n"));
        let helm = Helm::Four;
        let release = Self { cluster, client, helm };
        release.upgrade("Enforce", values).await;
        release.is_whole().await;
        release
    }

    /// Waits for both replicas, and for reviews that are right.
    pub async fn is_whole(&self) {
        let status = [
            "rollout",
            "status",
            "deployment/stateward",
            "--timeout=1s",
            "-n",
            NAMESPACE,
        ];
        eventually("both replicas", async || {
            self.cluster.kubectl(status).status.success().then_some(())
        })
        .await;
        load::right(&self.client).await;
    }

    /// Installs the chart, or changes it, and waits until the replicas are ready.
    pub async fn upgrade(&self, mode: &str, values: &[&str]) {
        let mode = format!("--set=mode={mode}");
        let arguments = [
            "upgrade",
            "--install",
            "stateward",
            CHART,
            "--wait",
            "--timeout=4m",
            &mode,
        ];
        self.helm(&[&arguments[..], values].concat()).await;
    }

    pub async fn helm(&self, arguments: &[&str]) {
        let (repository, tag) = STATEWARD.rsplit_once(':').expect("a tag");
        let (repository, tag) = (
            format!("--set=image.repository={repository}"),
            format!("--set=image.tag={tag}"),
        );
        let image = [repository, tag, "--set=image.pullPolicy=Never".to_owned()];
        let namespace = format!("--namespace={NAMESPACE}");
        let mut all: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        all.push(namespace);
        if arguments[0] == "upgrade" {
            all.extend(image);
        }
        let (helm, kubeconfig) = (self.helm, self.cluster.kubeconfig());
        let run = spawn_blocking(move || {
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            helm.run(Some(&kubeconfig), &all)
        });
        let output = run.await.expect("Helm's thread ends");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?} {arguments:?}: {error}", self.helm);
    }

    /// The pods of the release, as Kubernetes has them.
    pub fn pods(&self) -> Vec<Value> {
        let list = ["get", "pods", "-o", "json", "-n", NAMESPACE];
        let list: Value = serde_json::from_str(&self.cluster.told(list)).expect("JSON");
        let is_ours = |pod: &&Value| pod["metadata"]["labels"]["app.kubernetes.io/name"] == "stateward";
        let pods = list["items"].as_array().expect("items");
        pods.iter().filter(is_ours).cloned().collect()
    }

    /// One of the pods: its name.
    pub fn pod(&self) -> String {
        let pods = self.pods();
        pods[0]["metadata"]["name"].as_str().expect("a name").to_owned()
    }
}
