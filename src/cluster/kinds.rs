//! The kinds of Kubernetes objects that play a part: what is watched, and what arrives as an admission request.
//!
//! One table for the permissions (`cli/manifests`), the webhook rules (`webhooks`) and the laws that compare them.

/// A kind of object, under the one version in which we ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchedKind {
    /// API group, `""` for the core group.
    pub group: &'static str,
    /// The version that we watch and register; `matchPolicy: Equivalent` converts requests of other versions to it.
    pub version: &'static str,
    /// Plural resource name, as in a URL and in RBAC.
    pub resource: &'static str,
    /// The kind's name, as in `kind:`.
    pub kind: &'static str,
    /// How a change of such an object reaches us.
    pub admission: Admission,
}

/// How a change of an object reaches us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// As an admission request for the object.
    Judged,
    /// As an admission request for the object, and for its `scale` subresource.
    JudgedAndScaled,
    /// By the watch alone: changes of such objects are a subject of the audit.
    Watched,
}

/// All kinds of the graph, sorted by group and resource.
pub const KINDS: &[WatchedKind] = &[
    kind("", "v1", "namespaces", "Namespace", Admission::Watched),
    kind("", "v1", "nodes", "Node", Admission::Watched),
    kind(
        "",
        "v1",
        "persistentvolumeclaims",
        "PersistentVolumeClaim",
        Admission::Judged,
    ),
    kind("", "v1", "persistentvolumes", "PersistentVolume", Admission::Watched),
    kind("", "v1", "pods", "Pod", Admission::Judged),
    kind(
        "",
        "v1",
        "replicationcontrollers",
        "ReplicationController",
        Admission::JudgedAndScaled,
    ),
    kind("", "v1", "services", "Service", Admission::Judged),
    kind("apps", "v1", "daemonsets", "DaemonSet", Admission::Judged),
    kind("apps", "v1", "deployments", "Deployment", Admission::JudgedAndScaled),
    kind("apps", "v1", "replicasets", "ReplicaSet", Admission::JudgedAndScaled),
    kind("apps", "v1", "statefulsets", "StatefulSet", Admission::JudgedAndScaled),
    kind(
        "autoscaling",
        "v2",
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
        Admission::Judged,
    ),
    kind("batch", "v1", "cronjobs", "CronJob", Admission::Judged),
    kind("batch", "v1", "jobs", "Job", Admission::Judged),
    kind("storage.k8s.io", "v1", "csidrivers", "CSIDriver", Admission::Watched),
    kind(
        "storage.k8s.io",
        "v1",
        "storageclasses",
        "StorageClass",
        Admission::Watched,
    ),
];

const fn kind(
    group: &'static str,
    version: &'static str,
    resource: &'static str,
    kind: &'static str,
    admission: Admission,
) -> WatchedKind {
    WatchedKind {
        group,
        version,
        resource,
        kind,
        admission,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::ObjectKind;

    #[test]
    fn kinds_are_sorted_and_unique() {
        let keys: Vec<_> = KINDS.iter().map(|kind| (kind.group, kind.resource)).collect();
        assert!(
            keys.is_sorted_by(|a, b| a < b),
            "sort src/cluster/kinds.rs by group and resource: {keys:?}"
        );
    }

    #[test]
    fn kinds_are_those_of_the_graph() {
        let mut watched: Vec<_> = ObjectKind::ALL
            .map(|kind| (kind.api_version().to_owned(), kind.resource(), kind.as_str()))
            .to_vec();
        let version = |kind: &WatchedKind| match kind.group {
            "" => kind.version.to_owned(),
            group => format!("{group}/{}", kind.version),
        };
        let mut here: Vec<_> = KINDS
            .iter()
            .map(|kind| (version(kind), kind.resource, kind.kind))
            .collect();
        watched.sort();
        here.sort();
        assert_eq!(here, watched, "src/cluster/kinds.rs and ObjectKind name the same kinds");
    }
}
