//! What a StatefulSet may do otherwise than by default: replace its pods, start them, number them, keep their claims.

use super::ordinals::Reserved;
use super::workload::Amount;

/// The options of a StatefulSet (`pkg/apis/apps/v1/defaults.go`). Few set any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetOptions {
    pub management: PodManagement,
    /// Which OpenKruise's have, and Kubernetes' own have not.
    pub reserved: Reserved,
    pub retention: Retention,
    /// A digest of `spec.template`, where a partition may hold it back: no rule reads all of it, but what changes it
    /// starts a rollout.
    pub template: Option<u32>,
    pub update: UpdateStrategy,
}

/// `spec.podManagementPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PodManagement {
    #[default]
    OrderedReady,
    /// What a later Kubernetes may add.
    Other,
    Parallel,
}

/// `spec.persistentVolumeClaimRetentionPolicy`: what becomes of the claims that its templates made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    pub when_deleted: ClaimFate,
    pub when_scaled: ClaimFate,
}

/// What becomes of a claim that its pod needs no more. What a later Kubernetes may add counts as kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClaimFate {
    Delete,
    #[default]
    Retain,
}

/// `spec.updateStrategy`: how pods of an older template are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateStrategy {
    /// Not before somebody deletes them.
    OnDelete,
    /// What a later Kubernetes may add.
    Other,
    /// All at once, since Kubernetes 1.37.
    Recreate,
    RollingUpdate {
        /// Pods with a lower ordinal keep the older template.
        partition: u32,
        /// How many at once; `None` for one, which is the default.
        max_unavailable: Option<Amount>,
    },
}

impl SetOptions {
    /// Those of a StatefulSet that sets none.
    pub const DEFAULT: Self = Self {
        management: PodManagement::OrderedReady,
        reserved: Reserved::NONE,
        retention: Retention {
            when_deleted: ClaimFate::Retain,
            when_scaled: ClaimFate::Retain,
        },
        template: None,
        update: UpdateStrategy::DEFAULT,
    };
}

impl PodManagement {
    /// The policy of this name, which is empty where none is given.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "" | "OrderedReady" => Self::OrderedReady,
            "Parallel" => Self::Parallel,
            _ => Self::Other,
        }
    }
}

impl ClaimFate {
    /// The fate of this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "Delete" => Self::Delete,
            _ => Self::Retain,
        }
    }
}

impl UpdateStrategy {
    const DEFAULT: Self = Self::RollingUpdate {
        partition: 0,
        max_unavailable: None,
    };

    /// The ordinal below which pods keep the older template; 0 where none do.
    #[must_use]
    pub const fn partition(self) -> u32 {
        match self {
            Self::RollingUpdate { partition, .. } => partition,
            Self::OnDelete | Self::Other | Self::Recreate => 0,
        }
    }
}

impl Default for UpdateStrategy {
    fn default() -> Self {
        Self::DEFAULT
    }
}
