//! The control plane with a webhook that most tests share, and its policies.

use std::path::PathBuf;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::PostParams;
use tokio::sync::OnceCell;

use super::Served;
use super::objects::{self, claim, deployment};
use crate::controlplane::process::Scratch;
use crate::controlplane::{ControlPlane, Output, eventually};

/// Policies with selectors that no namespace matches twice.
const POLICIES: &str = "
apiVersion: stateward.dev/v1alpha1
kind: WorkloadPolicy
metadata: {name: baseline}
spec:
  match:
    namespaceSelector:
      matchExpressions: [{key: policy, operator: DoesNotExist}]
  profile: Baseline
---
apiVersion: stateward.dev/v1alpha1
kind: WorkloadPolicy
metadata: {name: strict}
spec:
  match: {namespaceSelector: {matchLabels: {policy: strict}}}
  profile: Strict
---
apiVersion: stateward.dev/v1alpha1
kind: WorkloadPolicy
metadata: {name: for-state}
spec:
  match:
    namespaceSelector: {matchLabels: {policy: for-state}}
    objectSelector: {matchLabels: {tier: state}}
  profile: Strict
---
apiVersion: stateward.dev/v1alpha1
kind: WorkloadPolicy
metadata: {name: defaults}
spec:
  match: {namespaceSelector: {matchLabels: {policy: defaults}}}
  profile: Baseline
  rules:
  - {id: claim-template-storage, mutation: Enabled}
  - {id: dangling-volume-mount, mutation: Enabled, parameters: {storage: 2Gi}}
  - {id: partition-stall, mutation: Enabled, parameters: {canary: 1}}
  - {id: retention-delete, mutation: Enabled}
  - {id: rwo-job, mutation: Enabled}
  - {id: rwo-surge, mutation: Enabled}
  - {id: service-discovery, mutation: Enabled}
  - {id: zero-grace, mutation: Enabled}
";

/// A control plane and the webhook that is registered there.
pub struct Shop {
    pub cluster: ControlPlane,
    pub webhook: Served,
    _policies: Scratch,
}

/// The policy that a namespace lives under.
#[derive(Clone, Copy, Debug)]
pub enum Policy {
    Baseline,
    /// Baseline with every default injected.
    Defaults,
    /// Strict for what has the label `tier: state`, and nothing for the rest.
    ForState,
    Strict,
}

impl Shop {
    /// The namespace whose objects are older than the webhook ([`older`]).
    pub const OLDER: &str = "older";

    /// The one that the tests of this process share.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Shop> = OnceCell::const_new();
        SHARED.get_or_init(Self::open).await
    }

    async fn open() -> Self {
        let cluster = ControlPlane::start().await;
        cluster.kubectl(["create", "namespace", Self::OLDER]).await.succeeded();
        create(&cluster, Self::OLDER, &older()).await.succeeded();
        let scratch = Scratch::new().expect("a directory can be made");
        let policies: PathBuf = scratch.write("policies.yaml", POLICIES).expect("a file can be written");
        let policies = policies.display().to_string();
        let webhook = Served::start(&cluster, &["--policy", &policies]).await;
        Self {
            cluster,
            webhook,
            _policies: scratch,
        }
    }

    /// Creates a namespace of a new name under a policy, and waits until the webhook knows its labels.
    pub async fn namespace(&self, policy: Policy) -> String {
        let client = self.cluster.client().await;
        let mut namespace = Namespace::default();
        namespace.metadata.generate_name = Some("shop-".to_owned());
        let label = match policy {
            Policy::Baseline => None,
            Policy::Defaults => Some("defaults"),
            Policy::ForState => Some("for-state"),
            Policy::Strict => Some("strict"),
        };
        namespace.metadata.labels = label.map(|label| [("policy".to_owned(), label.to_owned())].into());
        let created = Api::all(client.clone())
            .create(&PostParams::default(), &namespace)
            .await
            .expect("the namespace is created");
        let name = created.metadata.name.expect("invariant: created objects have names");
        // While the labels are unknown every selector matches, and nothing is denied.
        let sets = Api::<StatefulSet>::namespaced(client, &name);
        let denied = objects::probe(&"too-long-for-the-names-of-its-pods-".repeat(2)[..60]);
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        eventually("the webhook's knowledge of the namespace", async || {
            sets.create(&dry_run, &denied).await.is_err().then_some(())
        })
        .await;
        name
    }

    /// `kubectl create` of objects in one call; kubectl goes on to the next when one is refused.
    pub async fn create(&self, namespace: &str, objects: &[String]) -> Output {
        create(&self.cluster, namespace, objects).await
    }

    /// `kubectl VERB -f -` of objects, with further arguments.
    pub async fn send(&self, namespace: &str, arguments: &[&str], objects: &[String]) -> Output {
        send(&self.cluster, namespace, arguments, objects).await
    }

    /// Runs kubectl in a namespace; arguments are separated by spaces.
    pub async fn kubectl(&self, namespace: &str, arguments: &str) -> Output {
        let arguments = arguments.split(' ').chain(["-n", namespace]);
        self.cluster.kubectl(arguments).await
    }

    /// One field of an object, by `kubectl get -o jsonpath`.
    pub async fn field(&self, namespace: &str, object: &str, path: &str) -> String {
        let path = format!("-o=jsonpath={{{path}}}");
        let output = self.cluster.kubectl(["get", object, &path, "-n", namespace]).await;
        output.succeeded().stdout
    }
}

/// Objects of which some have been wrong for long.
fn older() -> Vec<String> {
    let mut objects = Vec::new();
    for name in ["image", "scale", "shrink", "gone", "allowed", "metadata", "audit"] {
        objects.push(claim(name, "ReadWriteOnce"));
        objects.push(deployment(name, name, 3));
    }
    objects
}

async fn create(cluster: &ControlPlane, namespace: &str, objects: &[String]) -> Output {
    send(cluster, namespace, &["create"], objects).await
}

async fn send(cluster: &ControlPlane, namespace: &str, arguments: &[&str], objects: &[String]) -> Output {
    let arguments = arguments.iter().copied().chain(["-f", "-", "-n", namespace]);
    cluster.kubectl_stdin(arguments, &objects.join("\n---\n")).await
}
