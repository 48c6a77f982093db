//! A change as rules judge it.

use crate::graph::{Actor, Node, ObjectRef, Operation, Workload};

/// What a request makes of one object, of whatever kind.
#[derive(Debug)]
pub struct Transition<'a> {
    pub target: &'a ObjectRef,
    pub operation: Operation,
    pub actor: Actor,
    /// A deletion that waits for nothing.
    pub forced: bool,
    pub through: Through,
    /// The phase of admission that asks.
    pub phase: Phase,
    /// `None` where there was no object, or where it cannot be read: an update without it tells nothing.
    pub before: Option<Node>,
    /// `None` where the object goes away.
    pub after: Option<Node>,
}

impl Transition<'_> {
    /// The workload before and after, where one is changed that stays.
    #[must_use]
    pub fn updated(&self) -> Option<(&Workload, &Workload)> {
        let before = self.before.as_ref()?.workload()?;
        let after = self.after.as_ref()?.workload()?;
        Some((before, after))
    }
}

/// Through what an object is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    Object,
    /// Its `scale`, as autoscalers and `kubectl scale` do it: nothing but the replicas differs.
    Scale,
}

/// A phase of admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the API server's own validation: for what that refuses in words that help nobody, and for what it drops.
    Mutating,
    /// After it, with the object as it will be stored.
    Validating,
}
