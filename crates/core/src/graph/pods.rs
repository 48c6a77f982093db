//! The pods that a workload makes: volumes, mounts, placement.

use super::labels::Labels;
use super::names::Name;
use super::placement::Placement;

/// A pod template, or the spec of a bare Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pods {
    pub labels: Labels,
    pub volumes: Box<[PodVolume]>,
    /// Mounts and raw devices of all containers: init, main and sidecar, in that order.
    pub mounts: Box<[Mount]>,
    /// `None` where nothing restricts the node.
    pub placement: Option<Box<Placement>>,
    pub restart: RestartPolicy,
    /// `terminationGracePeriodSeconds`, where set.
    pub grace_seconds: Option<i64>,
}

/// A volume of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodVolume {
    pub name: Name,
    pub source: VolumeSource,
}

/// What is behind a pod's volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeSource {
    /// `persistentVolumeClaim`. The name may be empty (`docs/kubernetes-facts.md` §1.4: shadowed by a template).
    Claim {
        claim: Name,
        read_only: bool,
    },
    /// An `emptyDir`, or no source at all, which is the same.
    Empty,
    /// A generic ephemeral volume: a claim for each pod, never shared.
    Ephemeral,
    HostPath,
    Other,
}

/// A `volumeMounts` or `volumeDevices` entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub container: Name,
    pub volume: Name,
    pub form: MountForm,
    pub position: MountPosition,
}

/// How a container gets the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountForm {
    /// `volumeDevices`: the raw block device.
    Device,
    /// `volumeMounts`.
    Directory,
}

/// Where a mount stands in its pod spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MountPosition {
    /// Among `initContainers`, which sidecars are too.
    pub init: bool,
    /// Index of the container in its list.
    pub container: u16,
    /// Index of the mount in its list.
    pub mount: u16,
}

impl Mount {
    /// JSON pointer below the pod spec.
    #[must_use]
    pub fn pointer(&self) -> String {
        let containers = if self.position.init {
            "initContainers"
        } else {
            "containers"
        };
        let mounts = match self.form {
            MountForm::Device => "volumeDevices",
            MountForm::Directory => "volumeMounts",
        };
        let MountPosition { container, mount, .. } = self.position;
        format!("/{containers}/{container}/{mounts}/{mount}")
    }
}

/// When the kubelet restarts a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestartPolicy {
    #[default]
    Always,
    Never,
    OnFailure,
}
