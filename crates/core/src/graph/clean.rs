//! Workloads in which nothing was found, as long as nothing changed by which they are judged.

use super::edges::Table;
use super::facts::Facts;
use super::hashed::Hashed;
use super::names::ObjectRef;

/// The clean workloads of a namespace, by what they were judged by.
///
/// Most requests change nothing that a rule reads: a new image, a restart, an annotation, the same manifest once more.
/// What such a request asks was answered before.
#[derive(Debug, Default)]
pub(super) struct Clean {
    facts: u64,
    policies: String,
    workloads: Table<ObjectRef, ()>,
}

impl Clean {
    pub(super) fn has(&self, workload: &ObjectRef, facts: &Facts, policies: &str) -> bool {
        self.is_by(facts, policies) && self.workloads.get(Hashed::object_like(workload)).is_some()
    }

    pub(super) fn add(&mut self, workload: ObjectRef, facts: &Facts, policies: &str) {
        if !self.is_by(facts, policies) {
            *self = Self {
                facts: facts.edition(),
                policies: policies.to_owned(),
                workloads: Table::default(),
            };
        }
        self.workloads.insert(Hashed::object(workload), ());
    }

    /// Something in the namespace changed.
    pub(super) fn forget(&mut self) {
        if !self.workloads.is_empty() {
            self.workloads = Table::default();
        }
    }

    fn is_by(&self, facts: &Facts, policies: &str) -> bool {
        self.facts == facts.edition() && self.policies == policies
    }
}
