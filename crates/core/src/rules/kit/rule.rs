//! The two kinds of rule.

use super::finding::Finding;
use super::meta::Meta;
use super::parameters::Parameters;
use super::patch::Outcome;
use crate::graph::{Change, Operation, Shape, View, Workload};

/// Judges one workload in its surroundings, and nothing else: it never knows which request asked.
pub trait Rule: Sync {
    fn meta(&self) -> &'static Meta;

    /// Adds what is wrong with `workload`. Called for the kinds of [`Meta::kinds`], never for owned workloads.
    fn judge(&self, workload: &Workload, cx: &Surroundings<'_>, findings: &mut Vec<Finding>);

    /// The default that a new `workload` lacks. Asked on CREATE, never for owned or operated workloads.
    fn inject(&self, _workload: &Workload, _shape: Shape, _cx: &Surroundings<'_>) -> Outcome {
        Outcome::Nothing
    }

    /// The default that an update takes away again: only of a mutable field that a manifest sets against us, so that
    /// a second apply of what a CREATE accepted is accepted too. Asked as [`Rule::inject`] is, on UPDATE.
    fn inject_again(&self, _transition: &Transition<'_>, _cx: &Surroundings<'_>) -> Outcome {
        Outcome::Nothing
    }

    /// Says a finding in the words of the change that causes it, where these are clearer than
    /// `deleting Service shop/db: ` before the finding's own.
    fn rephrase(&self, _finding: &Finding, _change: &Change<'_>, _cx: &Surroundings<'_>) -> Option<String> {
        None
    }
}

/// Judges a change itself: what is lost or cannot be, whatever the surroundings.
pub trait ChangeRule: Sync {
    fn meta(&self) -> &'static Meta;

    /// The default that an updated workload has lost.
    fn inject(&self, transition: &Transition<'_>, cx: &Surroundings<'_>) -> Outcome;
}

/// A rule of either kind.
#[derive(Clone, Copy)]
pub enum AnyRule {
    Change(&'static dyn ChangeRule),
    Workload(&'static dyn Rule),
}

/// What a rule may look at.
#[derive(Debug)]
pub struct Surroundings<'a> {
    pub view: &'a View<'a>,
    pub parameters: &'a Parameters,
}

/// An updated workload.
#[derive(Debug)]
pub struct Transition<'a> {
    pub operation: Operation,
    pub before: &'a Workload,
    pub after: &'a Workload,
    pub shape: Shape,
}

impl AnyRule {
    #[must_use]
    pub fn meta(self) -> &'static Meta {
        match self {
            Self::Change(rule) => rule.meta(),
            Self::Workload(rule) => rule.meta(),
        }
    }
}

impl std::fmt::Debug for AnyRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.meta().id)
    }
}
