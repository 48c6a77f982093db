//! What no policy can enforce (`docs/limits.md`, "Never denied").

use std::cmp::Ordering;

use super::decision::Exemption;
use super::terms::{Found, Origin};
use crate::graph::{Actor, Change, Kind, Node, Operation, States, View, Workload};
use crate::rules::kit::{Action, Finding};

/// The strongest actions that findings may meet with, by the kind of change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    /// What is found in a state.
    state: Action,
    /// What is found in the change itself.
    change: Action,
}

impl Caps {
    /// The caps of a change; `after` is the graph with it.
    pub(super) fn of(change: &Change<'_>, after: &View<'_>) -> Self {
        let terminating = after
            .namespace_facts()
            .known()
            .is_some_and(|namespace| namespace.terminating);
        let weight = if terminating || change.actor == Actor::Cleanup {
            Weight::None
        } else {
            Weight::of(change)
        };
        let (state, change) = match weight {
            Weight::None => (Action::Warn, Action::Warn),
            // No state gets worse by it; what is lost is for the rules to say that judge changes.
            Weight::Less => (Action::Warn, Action::Deny),
            Weight::Full => (Action::Deny, Action::Deny),
        };
        Self { state, change }
    }

    /// The cap of a finding.
    pub(super) fn of_found(self, found: &Found) -> Action {
        match found.origin {
            Origin::Change => self.change,
            Origin::State => self.state,
        }
    }
}

/// The strongest action that a finding may meet with once it is overridden for a reason, or as long as what it misses
/// may come yet; not where the change itself took that away.
pub(super) fn cap(finding: &Finding, reason: Option<&str>, removed: bool) -> Action {
    match &finding.absent {
        _ if reason.is_some() => Action::Audit,
        Some(_) if !removed => Action::Warn,
        _ => Action::Deny,
    }
}

/// The strongest action that a finding may meet with once exceptions were heard.
pub(super) fn exempt(exemption: Option<&Exemption>) -> Action {
    match exemption {
        Some(Exemption::Granted(_)) => Action::Audit,
        Some(Exemption::Void(_)) | None => Action::Deny,
    }
}

/// What a change can do to the data of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// It may do anything.
    Full,
    /// It takes replicas away, and touches nothing else.
    Less,
    /// It touches nothing that matters, or must not be refused.
    None,
}

impl Weight {
    fn of(change: &Change<'_>) -> Self {
        match &change.states {
            // Apply order is arbitrary, and the binder must be able to bind.
            States::Object { .. } if change.target.kind == Kind::CLAIM => match change.operation {
                Operation::Create | Operation::Update => Self::None,
                Operation::Delete => Self::Full,
            },
            States::Object { .. } => match change.workload() {
                Some((_, after, _)) if after.deleting => Self::None,
                Some((before, after, _)) => {
                    let before = before.node().and_then(Node::workload);
                    before.map_or(Self::Full, |before| Self::of_update(before, after))
                }
                None => Self::Full,
            },
            States::Scale { before, after } => match before {
                Some(before) if after <= before => Self::Less,
                _ => Self::Full,
            },
        }
    }

    fn of_update(before: &Workload, after: &Workload) -> Self {
        let comparable = Workload {
            generation: before.generation,
            uid: before.uid,
            created: before.created,
            labels: before.labels.clone(),
            annotations: before.annotations.clone(),
            owner: before.owner.clone(),
            replicas: before.replicas,
            ..after.clone()
        };
        match after.replicas.cmp(&before.replicas) {
            _ if comparable != *before => Self::Full,
            Ordering::Equal => Self::None,
            Ordering::Less => Self::Less,
            Ordering::Greater => Self::Full,
        }
    }
}
