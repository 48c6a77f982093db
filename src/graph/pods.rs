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
    /// `persistentVolumeClaim`. The name may be empty (`kubernetes-facts.md` §1.4: shadowed by a template).
    Claim {
        claim: Name,
        read_only: bool,
    },
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
}

/// When the kubelet restarts a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestartPolicy {
    #[default]
    Always,
    Never,
    OnFailure,
}
