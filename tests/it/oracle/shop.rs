//! A namespace with two nodes and a CSI driver of its own; what becomes of its pods, and what our judge says of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use kube::Client;
use serde_json::{Value, json};
use stateward::graph::project::NodeSeed;
use stateward::graph::store::locked;
use stateward::graph::{Facts, Graph, Kind, Kinds, Knowledge, Name, Overlay, Role, Timestamp};
use stateward::judge::{Basis, judge};
use stateward::policy::{Policies, Profile, Settings};
use stateward::rules::RULES;
use stateward::rules::kit::Action;
use stateward::time::Time;

use super::play::{is_ready, name};
use crate::controlplane::eventually;
use crate::support::changes::change;

/// One test's part of the cluster.
pub(super) struct Shop {
    pub client: Client,
    pub namespace: String,
    pub nodes: [String; 2],
    pub attach: Attach,
    bound: AtomicUsize,
}

/// What the driver's `CSIDriver` object says in `attachRequired`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Attach {
    Required,
    None,
}

impl Shop {
    /// Opens a shop: nodes `…-a` and `…-b`, and the driver.
    pub(super) async fn open(attach: Attach) -> Self {
        let plane = super::plane().await;
        let namespace = plane.namespace("oracle").await;
        let shop = Self {
            client: plane.client().await,
            nodes: ["a", "b"].map(|node| format!("{namespace}-{node}")),
            namespace,
            attach,
            bound: AtomicUsize::new(0),
        };
        let required = attach == Attach::Required;
        let driver = json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver",
            "metadata": {"name": shop.driver()}, "spec": {"attachRequired": required}});
        shop.post("/apis/storage.k8s.io/v1/csidrivers", &driver).await;
        for name in &shop.nodes {
            let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name,
                "labels": {"kubernetes.io/hostname": name, "oracle": shop.namespace},
                "annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}}});
            shop.post("/api/v1/nodes", &node).await;
            // New nodes are tainted as not ready until somebody says that they are.
            shop.merge(&format!("/api/v1/nodes/{name}"), &json!({"spec": {"taints": null}}))
                .await;
            let csi_node = json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": name},
                "spec": {"drivers": [{"name": shop.driver(), "nodeID": name, "topologyKeys": []}]}});
            shop.post("/apis/storage.k8s.io/v1/csinodes", &csi_node).await;
        }
        shop
    }

    /// The driver's name.
    pub(super) fn driver(&self) -> String {
        format!("{}.stateward.dev", self.namespace)
    }

    /// The name of the volume that a claim is bound to.
    pub(super) fn volume(&self, claim: &str) -> String {
        format!("{}-{claim}", self.namespace)
    }

    /// A volume that waits for a claim, with these access modes.
    pub(super) async fn volume_for(&self, claim: &str, modes: &[&str]) {
        let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": self.volume(claim)},
            "spec": {"accessModes": modes, "capacity": {"storage": "1Gi"}, "storageClassName": "",
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": self.namespace, "name": claim},
                "csi": {"driver": self.driver(), "volumeHandle": self.volume(claim)}}});
        self.post("/api/v1/persistentvolumes", &volume).await;
    }

    /// A claim that asks for the first mode, bound to a volume that has all of them.
    pub(super) async fn claim(&self, claim: &str, modes: &[&str]) {
        self.volume_for(claim, modes).await;
        let object = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim},
            "spec": {"accessModes": modes[..1], "storageClassName": "", "resources": {"requests": {"storage": "1Gi"}}}});
        let path = self.path("v1", "persistentvolumeclaims");
        self.post(&path, &object).await;
        eventually("a bound claim", async || {
            let claim = self.get(&format!("{path}/{claim}")).await;
            (claim["status"]["phase"] == "Bound").then_some(())
        })
        .await;
    }

    /// Creates a workload of `apps/v1` whose pods mount a claim.
    pub(super) async fn workload(&self, kind: Kind, name: &str, claim: &str, spec: Value) {
        let mut object = json!({"apiVersion": kind.api_version(), "kind": kind.as_str(), "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "main"}],
                    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]}}}});
        json_patch::merge(&mut object["spec"], &spec);
        self.post(&self.path(kind.api_version(), kind.resource()), &object)
            .await;
    }

    /// The path of a kind's objects in this namespace.
    pub(super) fn path(&self, api_version: &str, resource: &str) -> String {
        let root = if api_version.contains('/') { "apis" } else { "api" };
        format!("/{root}/{api_version}/namespaces/{}/{resource}", self.namespace)
    }

    /// One node after the other, so that two pods in a row are never on the same.
    pub(super) fn next_node(&self) -> &str {
        &self.nodes[self.bound.fetch_add(1, Ordering::Relaxed) % self.nodes.len()]
    }

    /// Plays until there is an answer.
    pub(super) async fn until<T>(&self, what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
        eventually(what, async || {
            self.step().await;
            probe().await
        })
        .await
    }

    /// The workloads' pods; those that [`Self::passes_by`] makes are left out.
    pub(super) async fn pods(&self) -> Vec<Value> {
        let mut pods = self.list(&self.path("v1", "pods")).await;
        pods.retain(|pod| !name(pod).starts_with("control-"));
        pods
    }

    /// The attachments of this shop's driver.
    pub(super) async fn attachments(&self) -> Vec<Value> {
        let mut all = self.list("/apis/storage.k8s.io/v1/volumeattachments").await;
        all.retain(|attachment| attachment["spec"]["attacher"] == self.driver());
        all
    }

    /// The nodes to which a claim's volume is attached, or is being attached.
    pub(super) async fn attached_to(&self, claim: &str) -> Vec<String> {
        let volume = self.volume(claim);
        let attachments = self.attachments().await.into_iter();
        let ours = attachments.filter(|one| one["spec"]["source"]["persistentVolumeName"] == *volume);
        let mut nodes: Vec<String> = ours.map(|one| text(&one["spec"]["nodeName"])).collect();
        nodes.sort();
        nodes
    }

    /// Waits until two pods are placed on the two nodes and one is ready, then until the attach/detach controller has
    /// passed by both nodes; asserts that the other pod still waits for a volume that the ready one holds.
    pub(super) async fn one_of_two_waits(&self, claim: &str) {
        self.until("two pods, one of them ready", async || {
            let pods = self.pods().await;
            let placed = pods.iter().filter(|pod| !pod["spec"]["nodeName"].is_null()).count();
            (placed == 2 && pods.iter().any(is_ready)).then_some(())
        })
        .await;
        self.passes_by().await;
        self.one_of_two_still_waits(claim).await;
    }

    /// The second half of [`Self::one_of_two_waits`].
    pub(super) async fn one_of_two_still_waits(&self, claim: &str) {
        let pods = self.pods().await;
        let (ready, waiting): (Vec<&Value>, Vec<&Value>) = pods.iter().partition(|pod| is_ready(pod));
        assert_eq!((ready.len(), waiting.len()), (1, 1), "{pods:#?}");
        let holder = text(&ready[0]["spec"]["nodeName"]);
        assert_ne!(waiting[0]["spec"]["nodeName"], holder, "the pods are on two nodes");
        assert!(ready[0]["metadata"]["deletionTimestamp"].is_null(), "the holder stays");
        assert_eq!(
            self.attached_to(claim).await,
            [holder],
            "only the holder has the volume"
        );
    }

    /// Waits until this many pods are there and all of them ready.
    pub(super) async fn all_ready(&self, count: usize) -> Vec<Value> {
        self.until("ready pods", async || {
            let pods = self.pods().await;
            (pods.len() == count && pods.iter().all(is_ready)).then_some(pods)
        })
        .await
    }

    /// Our judge's verdict on a workload, as if it were created last: the storage rules that speak, and how loudly in
    /// the Strict profile. The graph is filled from what the API server has now.
    pub(super) async fn verdict(&self, kind: Kind, name: &str) -> Vec<(&'static str, Action)> {
        let graph = self.graph().await;
        let path = self.path(kind.api_version(), kind.resource());
        let object = self.get(&format!("{path}/{name}")).await;
        let change = change(kind, &self.namespace, None, Some(&object));
        let policies = Policies::everywhere(Settings::new(Profile::Strict, RULES));
        let (facts, shard) = (graph.facts(), graph.shard(&self.namespace));
        let shard = locked(&shard);
        let world = Basis {
            shard: &shard,
            facts: &facts,
            fetched: &Overlay::default(),
            policies: &policies,
            rules: RULES,
            time: Time::from_seconds(0),
        };
        let findings = judge(&change, &world, Timestamp(0)).findings.into_iter();
        let storage = findings.filter(|judged| judged.finding.rule.id.starts_with("rwo"));
        storage.map(|judged| (judged.finding.rule.id, judged.action)).collect()
    }

    async fn graph(&self) -> Graph {
        let graph = Graph::new(Facts::new(Knowledge::Complete));
        let namespace: Name = (&*self.namespace).into();
        for kind in Kinds::builtin().iter() {
            let root = if kind.group().is_empty() { "api" } else { "apis" };
            let everywhere = format!("/{root}/{}/{}", kind.api_version(), kind.resource());
            let path = match kind.role() {
                Role::Namespace | Role::Class => continue,
                Role::Node => format!("{everywhere}?labelSelector=oracle%3D{}", self.namespace),
                Role::Driver | Role::Volume => everywhere,
                _ => self.path(kind.api_version(), kind.resource()),
            };
            let seed = NodeSeed {
                kind,
                kinds: Kinds::builtin(),
                sent_to: &namespace,
            };
            for object in self.list(&path).await {
                let node = seed.read(&object.to_string()).expect("a readable object");
                if node.workload().is_none_or(|workload| workload.is_kept()) {
                    graph.insert_all([(namespace.clone(), node)]);
                }
            }
        }
        graph
    }

    /// Makes a pod with a volume of its own on each node and waits until both are ready: the attach/detach controller
    /// has then looked at every pod that was there before.
    async fn passes_by(&self) {
        for node in &self.nodes {
            let name = format!("control-{}", node.rsplit('-').next().unwrap_or_default());
            self.claim(&name, &["ReadWriteOnce"]).await;
            let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"nodeName": node,
                "containers": [{"name": "main", "image": "main"}],
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]}});
            self.post(&self.path("v1", "pods"), &pod).await;
        }
        self.until("the control pods", async || {
            let pods = self.list(&self.path("v1", "pods")).await;
            let passed = pods
                .iter()
                .filter(|pod| name(pod).starts_with("control-") && is_ready(pod));
            (passed.count() == self.nodes.len()).then_some(())
        })
        .await;
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        self.request("GET", path, &Value::Null)
            .await
            .expect("the object is there")
    }

    pub(super) async fn list(&self, path: &str) -> Vec<Value> {
        match self.get(path).await["items"].take() {
            Value::Array(items) => items,
            other => unreachable!("a list has items, not {other}"),
        }
    }

    pub(super) async fn post(&self, path: &str, object: &Value) -> Value {
        self.request("POST", path, object).await.expect("the object is created")
    }

    /// A merge patch that must succeed.
    pub(super) async fn merge(&self, path: &str, patch: &Value) -> Value {
        self.request("PATCH", path, patch).await.expect("the object is patched")
    }

    /// A merge patch of something that may be gone by now.
    pub(super) async fn try_merge(&self, path: &str, patch: &Value) {
        let result = self.request("PATCH", path, patch).await;
        assert!(
            result.is_ok() || matches!(&result, Err(kube::Error::Api(status)) if [404, 409].contains(&status.code)),
            "{path}: {result:?}"
        );
    }

    pub(super) async fn request(&self, method: &str, path: &str, body: &Value) -> Result<Value, kube::Error> {
        let media = match method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", media);
        self.client
            .request(request.body(body).expect("invariant: method and path are valid"))
            .await
    }
}

/// A JSON string's text.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
