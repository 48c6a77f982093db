//! What a watch event touched: the workloads that may have to be judged again.

use std::collections::{BTreeMap, BTreeSet};

use super::kind::{Field, Role};
use super::names::{Name, ObjectRef};
use super::node::Node;
use super::view::View;
use super::workload::Workload;

/// Which workloads may be judged otherwise than before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// A class, a driver or a node changed: all of them.
    pub everything: bool,
    /// By namespace.
    pub namespaces: BTreeMap<Name, Workloads>,
}

/// Workloads of one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Workloads {
    /// Its labels, or how it ends, changed: all of them.
    All,
    Some(BTreeSet<ObjectRef>),
}

impl Touched {
    /// Returns true where nothing has to be judged again.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.everything && self.namespaces.is_empty()
    }

    /// Adds what another change touched.
    pub fn merge(&mut self, other: Self) {
        self.everything |= other.everything;
        for (namespace, workloads) in other.namespaces {
            match workloads {
                Workloads::All => drop(self.namespaces.insert(namespace, Workloads::All)),
                Workloads::Some(workloads) => self.add(&namespace, workloads),
            }
        }
    }

    pub(super) fn all_of(&mut self, namespace: &Name) {
        self.namespaces.insert(namespace.clone(), Workloads::All);
    }

    pub(super) fn add(&mut self, namespace: &Name, workloads: impl IntoIterator<Item = ObjectRef>) {
        let mut workloads = workloads.into_iter().peekable();
        if workloads.peek().is_none() {
            return;
        }
        let known = self.namespaces.entry(namespace.clone());
        if let Workloads::Some(known) = known.or_insert_with(|| Workloads::Some(BTreeSet::new())) {
            known.extend(workloads);
        }
    }
}

impl View<'_> {
    /// The workloads whose judgement may differ where `object` becomes `node`, or was it; this is the graph with it.
    ///
    /// Beside what [`View::affected_by`] names, those that see it from the other side: a request blames the workload that
    /// it writes, but what is found of the one it shares a claim with comes and goes too.
    #[must_use]
    pub fn touched_by(&self, object: &ObjectRef, node: Option<&Node>) -> Vec<ObjectRef> {
        let mut touched = self.affected_by(object, node);
        match (object.kind.role(), node) {
            (Role::Workload(_), Some(Node::Workload(workload))) => {
                touched.extend(self.companions(workload).into_iter().map(|other| other.id.clone()));
            }
            // Which Services select the pods matters to a set whatever Service it names.
            (Role::Service, _) => {
                let governed = self.workloads().into_iter().filter(|one| one.id.kind.has(Field::ServiceName));
                touched.extend(governed.map(|one| one.id.clone()));
            }
            _ => {}
        }
        touched
    }

    /// The other workloads that may use a claim of this one.
    fn companions(&self, workload: &Workload) -> Vec<&Workload> {
        let made = self.borrowed_claims(workload).into_iter().map(|(_, claim)| claim);
        let claims = workload.claims().map(|(claim, _)| claim.clone()).chain(made);
        let mut companions = Vec::new();
        for claim in claims {
            companions.extend(self.claim_users(&claim));
            companions.extend(self.template_user(&claim).map(|(set, _)| set));
        }
        companions
    }
}
