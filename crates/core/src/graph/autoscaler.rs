//! Autoscalers: who may multiply whom.

use super::kind::{Role, Scaler};
use super::names::ObjectRef;
use super::uid::Uid;

/// A HorizontalPodAutoscaler, or what makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Autoscaler {
    pub id: ObjectRef,
    pub uid: Option<Uid>,
    /// `None` where the target is a kind that runs no pods we know.
    pub target: Option<ObjectRef>,
    /// 1 where unset; 0 lets it end the last pod, and start the first again (Kubernetes 1.37).
    pub min_replicas: u32,
    pub max_replicas: u32,
    /// KEDA's: a `ScaledObject`, or what KEDA made for one.
    pub keda: bool,
    pub deleting: bool,
}

impl Autoscaler {
    /// Whether it starts a first pod where there is none: KEDA does so itself; any other leaves a workload of no
    /// replicas alone, unless its minimum is none.
    #[must_use]
    pub const fn wakes(&self) -> bool {
        self.keda || self.min_replicas == 0
    }

    /// Made by KEDA for one of its `ScaledObject`s: the user edits that one, not this.
    #[must_use]
    pub fn is_made(&self) -> bool {
        self.keda && !matches!(self.id.kind.role(), Role::Autoscaler(Scaler::Keda))
    }
}
