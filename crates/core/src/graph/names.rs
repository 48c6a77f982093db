//! Names of things: kinds, identities, references, and the time that is handed in.

use std::fmt;
use std::sync::Arc;

/// A shared string. Nodes, indices and findings share one allocation a name.
pub type Name = Arc<str>;

/// The eight kinds that run pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    CronJob,
    DaemonSet,
    Deployment,
    Job,
    Pod,
    ReplicaSet,
    ReplicationController,
    StatefulSet,
}

impl Kind {
    /// Every kind, in the order of the enum.
    pub const ALL: [Self; 8] = [
        Self::CronJob,
        Self::DaemonSet,
        Self::Deployment,
        Self::Job,
        Self::Pod,
        Self::ReplicaSet,
        Self::ReplicationController,
        Self::StatefulSet,
    ];

    /// The kind as Kubernetes writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CronJob => "CronJob",
            Self::DaemonSet => "DaemonSet",
            Self::Deployment => "Deployment",
            Self::Job => "Job",
            Self::Pod => "Pod",
            Self::ReplicaSet => "ReplicaSet",
            Self::ReplicationController => "ReplicationController",
            Self::StatefulSet => "StatefulSet",
        }
    }

    /// The API group and version this kind is judged in.
    #[must_use]
    pub const fn api_version(self) -> &'static str {
        match self {
            Self::CronJob | Self::Job => "batch/v1",
            Self::DaemonSet | Self::Deployment | Self::ReplicaSet | Self::StatefulSet => "apps/v1",
            Self::Pod | Self::ReplicationController => "v1",
        }
    }

    /// The plural resource name, as in a URL or an admission request.
    #[must_use]
    pub const fn resource(self) -> &'static str {
        match self {
            Self::CronJob => "cronjobs",
            Self::DaemonSet => "daemonsets",
            Self::Deployment => "deployments",
            Self::Job => "jobs",
            Self::Pod => "pods",
            Self::ReplicaSet => "replicasets",
            Self::ReplicationController => "replicationcontrollers",
            Self::StatefulSet => "statefulsets",
        }
    }

    /// JSON pointer to the pod spec.
    #[must_use]
    pub const fn pod_spec(self) -> &'static str {
        match self {
            Self::CronJob => "/spec/jobTemplate/spec/template/spec",
            Self::Pod => "/spec",
            _ => "/spec/template/spec",
        }
    }

    /// Parses the kind as Kubernetes writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Every kind of object that the graph is made of: what may be known, absent or unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    Autoscaler,
    Claim,
    Class,
    Driver,
    Namespace,
    Node,
    Service,
    Volume,
    Workload(Kind),
}

impl ObjectKind {
    /// Every kind of object, in the order of the enum.
    pub const ALL: [Self; 16] = [
        Self::Autoscaler,
        Self::Claim,
        Self::Class,
        Self::Driver,
        Self::Namespace,
        Self::Node,
        Self::Service,
        Self::Volume,
        Self::Workload(Kind::CronJob),
        Self::Workload(Kind::DaemonSet),
        Self::Workload(Kind::Deployment),
        Self::Workload(Kind::Job),
        Self::Workload(Kind::Pod),
        Self::Workload(Kind::ReplicaSet),
        Self::Workload(Kind::ReplicationController),
        Self::Workload(Kind::StatefulSet),
    ];

    /// The kind as Kubernetes writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Autoscaler => "HorizontalPodAutoscaler",
            Self::Claim => "PersistentVolumeClaim",
            Self::Class => "StorageClass",
            Self::Driver => "CSIDriver",
            Self::Namespace => "Namespace",
            Self::Node => "Node",
            Self::Service => "Service",
            Self::Volume => "PersistentVolume",
            Self::Workload(kind) => kind.as_str(),
        }
    }

    /// A dense number below [`ObjectKind::ALL`]'s length, for arrays and bit sets.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Autoscaler => 0,
            Self::Claim => 1,
            Self::Class => 2,
            Self::Driver => 3,
            Self::Namespace => 4,
            Self::Node => 5,
            Self::Service => 6,
            Self::Volume => 7,
            Self::Workload(kind) => 8 + kind as usize,
        }
    }

    /// Whether objects of this kind are in a namespace.
    #[must_use]
    pub const fn is_namespaced(self) -> bool {
        matches!(self, Self::Autoscaler | Self::Claim | Self::Service | Self::Workload(_))
    }

    /// The plural resource name, as in a URL or an admission request.
    #[must_use]
    pub const fn resource(self) -> &'static str {
        match self {
            Self::Autoscaler => "horizontalpodautoscalers",
            Self::Claim => "persistentvolumeclaims",
            Self::Class => "storageclasses",
            Self::Driver => "csidrivers",
            Self::Namespace => "namespaces",
            Self::Node => "nodes",
            Self::Service => "services",
            Self::Volume => "persistentvolumes",
            Self::Workload(kind) => kind.resource(),
        }
    }

    /// The API group and version this kind is read in.
    #[must_use]
    pub const fn api_version(self) -> &'static str {
        match self {
            Self::Autoscaler => "autoscaling/v2",
            Self::Claim | Self::Namespace | Self::Node | Self::Service | Self::Volume => "v1",
            Self::Class | Self::Driver => "storage.k8s.io/v1",
            Self::Workload(kind) => kind.api_version(),
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A workload within its namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadId {
    pub kind: Kind,
    pub name: Name,
}

impl WorkloadId {
    /// Names a workload.
    #[must_use]
    pub fn new(kind: Kind, name: impl Into<Name>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }
}

/// Any object of the graph within the namespace that is judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    pub kind: ObjectKind,
    pub name: Name,
}

impl ObjectRef {
    /// Names an object.
    #[must_use]
    pub fn new(kind: ObjectKind, name: impl Into<Name>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }
}

impl From<&WorkloadId> for ObjectRef {
    fn from(id: &WorkloadId) -> Self {
        Self {
            kind: ObjectKind::Workload(id.kind),
            name: id.name.clone(),
        }
    }
}

/// Milliseconds since the Unix epoch. Time is an argument: nothing in the core asks a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The moment `millis` later.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_kinds_are_dense() {
        for (position, kind) in ObjectKind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), position);
        }
    }
}
