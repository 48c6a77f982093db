//! The pods that a workload makes: volumes, mounts, placement.

use thin_vec::ThinVec;

use super::labels::Labels;
use super::names::Name;
use super::placement::Placement;

/// A pod template, or the spec of a bare Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pods {
    // Compared in this order: what lies side by side comes before what has to be fetched.
    /// A digest of the images of all containers, of kinds that replace pods step by step; else 0.
    pub image_digest: u32,
    /// `terminationGracePeriodSeconds`, where it is set to what a pod may take.
    pub grace_seconds: Option<u32>,
    pub restart: RestartPolicy,
    /// A port of the node leads to a main container.
    pub host_port: bool,
    /// Somebody is attached to a main container: it lives as long as they stay.
    pub interactive: bool,
    pub labels: Labels,
    pub volumes: Box<[PodVolume]>,
    /// Mounts and raw devices of all containers: init, main and sidecar, in that order.
    pub mounts: Box<[Mount]>,
    /// The images of the main containers that run the program that theirs is for.
    pub images: Box<[Image]>,
    /// `None` where nothing restricts the node.
    pub placement: Option<Box<Placement>>,
    /// The names of the containers' ports; read of kinds that have a governing Service.
    pub ports: ThinVec<Name>,
    /// `None` where nothing is said of it.
    pub selinux: Option<Box<SeLinux>>,
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
    Claim { claim: Name, read_only: bool },
    /// An `emptyDir`, or no source at all, which is the same.
    Empty,
    /// A generic ephemeral volume: a claim for each pod, never shared.
    Ephemeral,
    /// Of a cloud, named by hand (`gcePersistentDisk` and the like).
    Disk { disk: Disk, read_only: bool },
    /// A file or directory of the node.
    HostPath {
        path: Name,
        /// Its `type` says so, or says nothing.
        may_be_directory: bool,
    },
    /// What Kubernetes or an image provides: a ConfigMap, a Secret.
    Provided,
    /// Anything else: a file system elsewhere, a driver's own volume.
    Other,
}

/// An in-tree disk of a cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    AwsElasticBlockStore,
    AzureDisk,
    Cinder,
    GcePersistentDisk,
    VsphereVolume,
}

impl Disk {
    /// The disk that a volume source of this name is.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        const ALL: [Disk; 5] = [
            Disk::AwsElasticBlockStore,
            Disk::AzureDisk,
            Disk::Cinder,
            Disk::GcePersistentDisk,
            Disk::VsphereVolume,
        ];
        ALL.into_iter().find(|disk| disk.as_str() == name)
    }

    /// The volume source as Kubernetes writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwsElasticBlockStore => "awsElasticBlockStore",
            Self::AzureDisk => "azureDisk",
            Self::Cinder => "cinder",
            Self::GcePersistentDisk => "gcePersistentDisk",
            Self::VsphereVolume => "vsphereVolume",
        }
    }
}

/// The image of a main container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The last two segments of its path, without registry, tag and digest: `bitnami/postgresql`.
    pub repository: Name,
    /// Index of the container in its list.
    pub container: u16,
}

/// What decides by which SELinux label volumes are mounted: of a label the level alone reaches the mount
/// (kubernetes/kubernetes#133424).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeLinux {
    /// `seLinuxOptions.level` of the pod; empty where there are options without it.
    pub level: Option<Name>,
    /// `seLinuxChangePolicy: Recursive`: files are relabelled one by one, and volumes mounted without a label.
    pub recursive: bool,
    /// The containers with options of their own.
    pub containers: Box<[ContainerLevel]>,
}

/// `seLinuxOptions.level` of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerLevel {
    /// Among `initContainers`, which sidecars are too.
    pub init: bool,
    /// Index in its list.
    pub container: u16,
    pub level: Name,
}

/// A `volumeMounts` or `volumeDevices` entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub container: Name,
    pub volume: Name,
    pub form: MountForm,
    pub read_only: bool,
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
