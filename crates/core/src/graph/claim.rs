//! Claims, the volumes behind them, and the templates that make claims.

use std::fmt;

use super::lookup::Lookup;
use super::names::Name;

/// A PersistentVolumeClaim with the resolved facts of its volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub name: Name,
    /// `spec.accessModes`: what was asked for.
    pub requested: Modes,
    /// `status.accessModes`: what the bound volume has, as the controller wrote it. Empty before binding.
    pub granted: Modes,
    pub class: ClassName,
    /// The capacity of the bound volume, else `spec.resources.requests.storage`; as written.
    pub storage: Option<Name>,
    /// Its volume is gone: no pod can use it.
    pub lost: bool,
    /// `spec.volumeName`.
    pub volume_name: Option<Name>,
    /// The volume, where `volume_name` is set. Rewritten when the volume changes; `Absent` where there is none.
    pub volume: Lookup<VolumeTraits>,
    pub deleting: bool,
}

impl Claim {
    /// What applying this claim over one that is there leads to: a manifest does not write what binding wrote.
    #[must_use]
    pub fn over(self, former: &Self) -> Self {
        let class = match self.class {
            ClassName::Default => former.class.clone(),
            written => written,
        };
        Self {
            granted: former.granted,
            class,
            volume_name: self.volume_name.or_else(|| former.volume_name.clone()),
            deleting: former.deleting,
            ..self
        }
    }
}

/// What a claim needs to know of its volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeTraits {
    pub modes: Modes,
    pub kind: VolumeKind,
    /// Only one node can ever reach it: node affinity to one hostname, or a directory of a host.
    pub pinned: bool,
    /// By node affinity, so that the scheduler sends all pods that use it there.
    pub confined: bool,
}

/// A PersistentVolume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    pub name: Name,
    /// Namespace and name of the claim it is bound or reserved to.
    pub claim: Option<(Name, Name)>,
    pub traits: VolumeTraits,
}

/// What enforces a volume's access modes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeKind {
    /// The CSIDriver object of this name says whether attaching is required.
    Csi(Name),
    /// An in-tree disk that the attach/detach controller handles.
    InTreeAttachable,
    /// NFS, CephFS, hostPath, local …: nobody enforces the mode (`docs/kubernetes-facts.md` §2.1).
    NotAttachable,
}

/// Which class a claim asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClassName {
    /// Unset: the default class, where there is one.
    #[default]
    Default,
    Named(Name),
    /// `storageClassName: ""`: no provisioning.
    None,
}

/// An entry of a StatefulSet's `volumeClaimTemplates`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimTemplate {
    pub name: Name,
    pub modes: Modes,
    pub class: ClassName,
    /// `resources.requests.storage` as written.
    pub storage: Option<Name>,
    /// `spec.volumeMode: Block`: pods get the raw device.
    pub block: bool,
    pub written: Written,
    pub unread: Unread,
    /// What of its metadata changes with releases; `None` in most.
    pub volatile: Option<Box<Volatile>>,
}

impl ClaimTemplate {
    /// The name of the claim that it makes for a pod of a set: `<template>-<set>-<ordinal>`.
    pub fn claim<'a>(&'a self, set: &'a str, ordinal: u64) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| write!(f, "{}-{set}-{ordinal}", self.name))
    }

    /// The name of the one claim that it makes for all pods of a workload of a kind that shares them:
    /// `<template>-<workload>`.
    #[must_use]
    pub fn shared_claim(&self, workload: &str) -> String {
        format!("{}-{workload}", self.name)
    }
}

/// What else a claim template says, as digests: rules compare it, for nothing of a template can change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    pub labels: u32,
    pub annotations: u32,
    /// Of its `spec`.
    pub spec: u32,
}

/// The keys in the metadata of a claim template whose values change with releases: a chart writes its version into
/// them, or a digest of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volatile {
    pub labels: Box<[Name]>,
    pub annotations: Box<[Name]>,
}

/// How far down a claim template's `spec.resources.requests` is written, so that a patch below it can apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Written {
    #[default]
    Nothing,
    /// `spec` is there.
    Spec,
    /// `spec.resources` is there.
    Resources,
    /// `spec.resources.requests` is there.
    Requests,
}

/// One access mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessMode {
    ReadOnlyMany = 1,
    ReadWriteMany = 2,
    ReadWriteOnce = 4,
    ReadWriteOncePod = 8,
}

impl AccessMode {
    const ALL: [Self; 4] = [
        Self::ReadWriteOnce,
        Self::ReadWriteOncePod,
        Self::ReadOnlyMany,
        Self::ReadWriteMany,
    ];

    /// The mode as Kubernetes writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnlyMany => "ReadOnlyMany",
            Self::ReadWriteMany => "ReadWriteMany",
            Self::ReadWriteOnce => "ReadWriteOnce",
            Self::ReadWriteOncePod => "ReadWriteOncePod",
        }
    }
}

/// A set of access modes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Modes(u8);

impl Modes {
    /// Adds a mode as Kubernetes writes it. One that we do not know counts as shared: never a reason to deny.
    pub fn insert(&mut self, mode: &str) {
        let known = AccessMode::ALL.into_iter().find(|candidate| candidate.as_str() == mode);
        self.0 |= known.unwrap_or(AccessMode::ReadWriteMany) as u8;
    }

    /// Returns true where the set has this mode.
    #[must_use]
    pub const fn contains(self, mode: AccessMode) -> bool {
        self.0 & mode as u8 != 0
    }

    /// Returns true where no mode is given.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The modes of the set, always in the same order.
    pub fn iter(self) -> impl Iterator<Item = AccessMode> {
        AccessMode::ALL.into_iter().filter(move |mode| self.contains(*mode))
    }

    /// Only one node may use it at a time: modes are known and none of them is a shared one
    /// (`IsMultiAttachAllowed`, `docs/kubernetes-facts.md` §2.1).
    #[must_use]
    pub const fn is_single_node(self) -> bool {
        !self.is_empty() && !self.contains(AccessMode::ReadWriteMany) && !self.contains(AccessMode::ReadOnlyMany)
    }

    /// Only one pod of the cluster may use it at a time.
    #[must_use]
    pub const fn is_single_pod(self) -> bool {
        self.contains(AccessMode::ReadWriteOncePod)
    }
}

impl FromIterator<AccessMode> for Modes {
    fn from_iter<I: IntoIterator<Item = AccessMode>>(modes: I) -> Self {
        Self(modes.into_iter().fold(0, |set, mode| set | mode as u8))
    }
}

impl fmt::Display for Modes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for mode in self.iter() {
            write!(f, "{separator}{}", mode.as_str())?;
            separator = ", ";
        }
        Ok(())
    }
}

impl fmt::Debug for Modes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{self}]")
    }
}

impl Claim {
    /// The modes that count: the volume's where it is bound and readable, else the granted ones, else the
    /// requested ones (`docs/kubernetes-facts.md` §2.2).
    #[must_use]
    pub fn modes(&self) -> Modes {
        match &self.volume {
            Lookup::Known(volume) if !volume.modes.is_empty() => volume.modes,
            _ if !self.granted.is_empty() => self.granted,
            _ => self.requested,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_mode_lifts_the_single_node() {
        let modes = |list: &[AccessMode]| list.iter().copied().collect::<Modes>();
        assert!(modes(&[AccessMode::ReadWriteOnce]).is_single_node());
        assert!(!modes(&[AccessMode::ReadWriteOnce, AccessMode::ReadOnlyMany]).is_single_node());
        assert!(!Modes::default().is_single_node());
        assert!(modes(&[AccessMode::ReadWriteOncePod]).is_single_node());
        let mut future = Modes::default();
        future.insert("ReadWriteSometimes");
        assert!(!future.is_single_node());
        assert_eq!(
            modes(&[AccessMode::ReadOnlyMany, AccessMode::ReadWriteOnce]).to_string(),
            "ReadWriteOnce, ReadOnlyMany"
        );
    }
}
