//! Where a case is played: nodes of its own, and the classes and drivers that all cases share.

use serde_json::{Value, json};
use stateward::graph::{Kind, Kinds};

use super::api::{Api, name, path};

/// The driver whose volumes are attached.
pub(super) const DISK: &str = "disk.stateward.dev";
/// The driver whose volumes are not.
pub(super) const SHARE: &str = "share.stateward.dev";

/// The driver whose volumes are mounted by their SELinux level.
pub(super) const LEVELS: &str = "levels.stateward.dev";

/// A StorageClass, and what the provisioner makes of claims of it.
pub(super) struct Class {
    pub name: &'static str,
    pub provisioner: &'static str,
    /// For the first pod, whose node the scheduler chooses.
    pub waits: bool,
    /// A directory of that node.
    pub local: bool,
}

pub(super) const CLASSES: [Class; 5] = [
    Class {
        name: "disk",
        provisioner: DISK,
        waits: false,
        local: false,
    },
    Class {
        name: "disk-waits",
        provisioner: DISK,
        waits: true,
        local: false,
    },
    Class {
        name: "local-path",
        provisioner: "rancher.io/local-path",
        waits: true,
        local: true,
    },
    Class {
        name: "no-provisioner",
        provisioner: "kubernetes.io/no-provisioner",
        waits: true,
        local: true,
    },
    Class {
        name: "share",
        provisioner: SHARE,
        waits: false,
        local: false,
    },
];

/// How the scheduler chooses among the nodes that can take a pod.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Placement {
    /// The fullest.
    Packed,
    /// The emptiest.
    Spread,
}

impl Placement {
    /// The name of the scheduler's profile.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Packed => "packed",
            Self::Spread => "spread",
        }
    }
}

/// The scheduler's profiles: all of its filters, and one score alone.
pub(super) fn profiles() -> Value {
    let profile = |placement: Placement, strategy: &str| {
        json!({
            "schedulerName": placement.as_str(),
            "plugins": {
                "preScore": {"disabled": [{"name": "*"}], "enabled": [{"name": "NodeResourcesFit"}]},
                "score": {"disabled": [{"name": "*"}], "enabled": [{"name": "NodeResourcesFit", "weight": 1}]},
            },
            "pluginConfig": [{"name": "NodeResourcesFit", "args": {"scoringStrategy": {"type": strategy,
                "resources": [{"name": "cpu", "weight": 1}]}}}],
        })
    };
    json!([
        profile(Placement::Packed, "MostAllocated"),
        profile(Placement::Spread, "LeastAllocated"),
    ])
}

/// The cluster's classes and drivers, as objects.
pub(super) fn furniture() -> Vec<Value> {
    let class = |class: &Class| {
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": class.name},
            "provisioner": class.provisioner, "allowVolumeExpansion": true,
            "volumeBindingMode": if class.waits { "WaitForFirstConsumer" } else { "Immediate" }})
    };
    let driver = |name: &str, attached: bool| {
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": name},
            "spec": {"attachRequired": attached}})
    };
    let mut levels = driver(LEVELS, false);
    levels["spec"]["seLinuxMount"] = json!(true);
    let drivers = [driver(DISK, true), driver(SHARE, false), levels];
    CLASSES.iter().map(class).chain(drivers).collect()
}

/// Nodes `n1`, `n2` … by their host names.
pub(super) fn nodes(count: usize) -> Vec<Value> {
    let node = |number: usize| {
        let name = format!("n{number}");
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name,
            "labels": {"kubernetes.io/hostname": name}}})
    };
    (1..=count).map(node).collect()
}

/// Brings a node into the cluster, for the case of a namespace alone.
pub(super) async fn add_node(api: &Api, namespace: &str, node: &Value) {
    let host = name(node);
    let name = format!("{namespace}-{host}");
    let mut node = node.clone();
    let more = json!({"metadata": {"name": name, "labels": {"oracle": namespace}, "annotations": {
            "volumes.kubernetes.io/controller-managed-attach-detach": "true"}},
        "status": {"allocatable": {"cpu": "8", "memory": "16Gi", "pods": "110"},
            "capacity": {"cpu": "8", "memory": "16Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}]}});
    json_patch::merge(&mut node, &more);
    api.post("/api/v1/nodes", &node).await;
    // New nodes are tainted as not ready until somebody says that they are.
    api.merge(&format!("/api/v1/nodes/{name}"), &json!({"spec": {"taints": null}}))
        .await;
    let drivers = [DISK, SHARE, "pd.csi.storage.gke.io"];
    let drivers = drivers.map(|driver| json!({"name": driver, "nodeID": name, "topologyKeys": []}));
    let csi_node = json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": name,
            "annotations": {"storage.alpha.kubernetes.io/migrated-plugins": "kubernetes.io/gce-pd"}},
        "spec": {"drivers": drivers}});
    api.post("/apis/storage.k8s.io/v1/csinodes", &csi_node).await;
}

/// The kind of an object.
pub(super) fn kind(object: &Value) -> Kind {
    let found = Kinds::builtin()
        .iter()
        .find(|kind| object["kind"] == kind.as_str() && object["apiVersion"] == kind.api_version());
    found.expect("a kind that plays a part")
}

/// Where objects of a kind are created, or one of them is.
pub(super) fn collection(kind: Kind, namespace: &str) -> String {
    if !kind.is_namespaced() {
        let root = if kind.group().is_empty() { "api" } else { "apis" };
        return format!("/{root}/{}/{}", kind.api_version(), kind.resource());
    }
    path(namespace, kind.api_version(), kind.resource())
}

/// An object as it is created for a case: in its namespace, with names of its own where they are the cluster's, and
/// with pods for its nodes and by the profile of the scheduler.
pub(super) fn dressed(object: &Value, namespace: &str, placement: Placement) -> Value {
    let mut object = object.clone();
    let kind = kind(&object);
    let own = |name: &Value| json!(format!("{namespace}-{}", name.as_str().unwrap_or_default()));
    if kind == Kind::VOLUME {
        object["metadata"]["name"] = own(&object["metadata"]["name"]);
        object["spec"]["claimRef"]["namespace"] = json!(namespace);
        for handle in ["/spec/csi/volumeHandle", "/spec/gcePersistentDisk/pdName"] {
            if let Some(handle) = object.pointer_mut(handle) {
                *handle = own(handle);
            }
        }
        if let Some(Value::String(target)) = object.pointer_mut("/spec/iscsi/iqn") {
            target.push_str(own(&json!("disk")).as_str().unwrap_or_default());
        }
        return object;
    }
    object["metadata"]["namespace"] = json!(namespace);
    if let Some(volume) = object.pointer_mut("/spec/volumeName") {
        *volume = own(volume);
    }
    if kind.is_workload()
        && let Some(pods) = object.pointer_mut(kind.pod_spec())
    {
        pods["schedulerName"] = json!(placement.as_str());
        pods["nodeSelector"]["oracle"] = json!(namespace);
        if pods["nodeName"].is_string() {
            pods["nodeName"] = own(&pods["nodeName"]);
        }
    }
    object
}
