//! The scheduler, the kubelets and the CSI attacher of one namespace, played step by step.

use serde_json::{Value, json};

use super::shop::{Attach, Shop};

impl Shop {
    /// Whatever each of them would do now.
    pub(super) async fn step(&self) {
        self.attach().await;
        let mut pods = self.list(&self.path("v1", "pods")).await;
        for pod in &mut pods {
            if pod["spec"]["nodeName"].is_null() && !is_leaving(pod) {
                self.bind(pod).await;
            }
        }
        for name in &self.nodes {
            self.run(name, &pods).await;
        }
    }

    /// The CSI attacher: every attachment of this driver succeeds.
    async fn attach(&self) {
        for attachment in self.attachments().await {
            if attachment["status"]["attached"] != true {
                let path = format!("/apis/storage.k8s.io/v1/volumeattachments/{}", name(&attachment));
                self.try_merge(&format!("{path}/status"), &json!({"status": {"attached": true}}))
                    .await;
            }
        }
    }

    /// The scheduler: the node that the pod asks for, else one after the other.
    async fn bind(&self, pod: &mut Value) {
        let spec = &pod["spec"];
        let affinity = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0\
                        /matchFields/0/values/0";
        let wanted = spec["nodeSelector"]["kubernetes.io/hostname"]
            .as_str()
            .or_else(|| spec.pointer(affinity)?.as_str());
        let node = wanted.map_or_else(|| self.next_node().to_owned(), str::to_owned);
        let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name(pod)},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node}});
        let path = format!("{}/{}/binding", self.path("v1", "pods"), name(pod));
        // It may have been deleted meanwhile.
        if self.request("POST", &path, &binding).await.is_ok() {
            pod["spec"]["nodeName"] = node.into();
        }
    }

    /// The kubelet of a node: pods are ready once their volumes are attached, and leave when they are told to.
    async fn run(&self, node: &str, pods: &[Value]) {
        let path = format!("/api/v1/nodes/{node}");
        let status = self.get(&path).await;
        let listed = |field: &str| -> Vec<String> {
            let entries = status["status"][field].as_array().into_iter().flatten();
            let names = entries.map(|entry| {
                entry["name"]
                    .as_str()
                    .unwrap_or_else(|| entry.as_str().unwrap_or_default())
            });
            names.map(str::to_owned).collect()
        };
        let here: Vec<&Value> = pods.iter().filter(|pod| pod["spec"]["nodeName"] == node).collect();
        let (leaving, staying): (Vec<&Value>, Vec<&Value>) = here.into_iter().partition(|pod| is_leaving(pod));
        let mut in_use: Vec<String> = staying.iter().flat_map(|pod| self.volumes(pod)).collect();
        in_use.sort();
        in_use.dedup();
        if self.attach == Attach::Required && listed("volumesInUse") != in_use {
            self.try_merge(&format!("{path}/status"), &json!({"status": {"volumesInUse": in_use}}))
                .await;
        }
        for pod in leaving {
            let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0,
                "preconditions": {"uid": pod["metadata"]["uid"]}});
            let path = format!("{}/{}", self.path("v1", "pods"), name(pod));
            // Somebody else may have been quicker.
            let _ = self.request("DELETE", &path, &options).await;
        }
        let attached = listed("volumesAttached");
        for pod in staying {
            let mounts = |volume: &String| self.attach == Attach::None || attached.contains(volume);
            if !is_ready(pod) && self.volumes(pod).iter().all(mounts) {
                let ready = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True",
                    "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
                let path = format!("{}/{}/status", self.path("v1", "pods"), name(pod));
                self.try_merge(&path, &ready).await;
            }
        }
    }

    /// The unique names of a pod's volumes, as nodes report them.
    fn volumes(&self, pod: &Value) -> Vec<String> {
        let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
        let claims = volumes.filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str());
        claims
            .map(|claim| format!("kubernetes.io/csi/{}^{}", self.driver(), self.volume(claim)))
            .collect()
    }
}

/// The name of an object.
pub(super) fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// Whether the pod serves.
pub(super) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

fn is_leaving(pod: &Value) -> bool {
    !pod["metadata"]["deletionTimestamp"].is_null()
}
