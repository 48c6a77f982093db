//! Autoscalers: who may multiply whom.

use super::names::{Name, ObjectRef};

/// A HorizontalPodAutoscaler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Autoscaler {
    pub name: Name,
    /// `None` where the target is a kind that runs no pods we know.
    pub target: Option<ObjectRef>,
    pub max_replicas: u32,
    /// Made by KEDA for one of its `ScaledObject`s: the user edits that one, not this.
    pub keda: bool,
    pub deleting: bool,
}
