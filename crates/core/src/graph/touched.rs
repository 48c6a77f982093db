//! What a watch event touched: the workloads and autoscalers that may have to be judged again.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use super::kind::Role;
use super::names::{Name, ObjectRef};
use super::node::Node;
use super::overlay::Overlay;
use super::shard::Shard;
use super::view::{Reservations, View};
use super::workload::Workload;

/// Which workloads and autoscalers may be judged otherwise than before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// A class, a driver or a node changed: all of them.
    pub everything: bool,
    /// By namespace.
    pub namespaces: BTreeMap<Name, Workloads>,
}

/// Workloads and autoscalers of one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Workloads {
    /// A Service, the labels of the namespace, or how it ends, changed: all of them.
    All,
    Some(BTreeSet<ObjectRef>),
}

impl Touched {
    /// Returns true where nothing has to be judged again.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.everything && self.namespaces.is_empty()
    }

    /// Adds what something else touched.
    pub fn merge(&mut self, other: Self) {
        self.everything |= other.everything;
        for (namespace, workloads) in other.namespaces {
            match workloads {
                Workloads::All => self.all_of(&namespace),
                Workloads::Some(workloads) => self.add(&namespace, workloads),
            }
        }
    }

    /// Returns true where nothing of this namespace could be added.
    fn has_all_of(&self, namespace: &Name) -> bool {
        self.everything || self.namespaces.get(namespace) == Some(&Workloads::All)
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

impl Shard {
    /// Puts an object in, or in the place of its former self, or takes it away; and adds the workloads that this touched.
    /// What is the same already touches nothing.
    pub(super) fn write(&mut self, object: &ObjectRef, node: Option<Node>, facts: &Facts, touched: &mut Touched) {
        let namespace = self.namespace.clone();
        let former = self.node(object);
        let changes = former != node;
        // Which Services select its pods matters to a set whatever Service it names; nobody looks for all such sets at
        // every event.
        let is_service = matches!(object.kind.role(), Role::Service);
        if changes && is_service {
            touched.all_of(&namespace);
        } else if changes && !touched.has_all_of(&namespace) {
            touched.add(&namespace, self.touched_by(object, former.as_ref(), facts));
        }
        match node {
            Some(Node::Autoscaler(autoscaler)) => self.insert_autoscaler(autoscaler),
            Some(Node::Claim(claim)) => self.insert_claim(claim),
            Some(Node::Service(service)) => self.insert_service(service),
            Some(Node::Workload(workload)) => self.insert_workload(workload),
            Some(Node::Class(_) | Node::ClusterNode(_) | Node::Driver(_) | Node::Namespace(..) | Node::Volume(_)) => {}
            None => self.remove(object),
        }
        if changes && !touched.has_all_of(&namespace) {
            let node = self.node(object);
            touched.add(&namespace, self.touched_by(object, node.as_ref(), facts));
        }
    }

    fn node(&self, object: &ObjectRef) -> Option<Node> {
        match object.kind.role() {
            Role::Autoscaler(_) => self.autoscaler(object).cloned().map(Node::Autoscaler),
            Role::Claim => self.claim(&object.name).cloned().map(Node::Claim),
            Role::Service => self.service(&object.name).cloned().map(Node::Service),
            Role::Workload(_) => self.workload(object).cloned().map(Node::Workload),
            Role::Class | Role::Driver | Role::Namespace | Role::Node | Role::Volume => None,
        }
    }

    fn remove(&mut self, object: &ObjectRef) {
        match object.kind.role() {
            Role::Autoscaler(_) => self.remove_autoscaler(object),
            Role::Claim => self.remove_claim(&object.name),
            Role::Service => self.remove_service(&object.name),
            Role::Workload(_) => self.remove_workload(object),
            Role::Class | Role::Driver | Role::Namespace | Role::Node | Role::Volume => {}
        }
    }

    fn touched_by(&self, object: &ObjectRef, node: Option<&Node>, facts: &Facts) -> Vec<ObjectRef> {
        let overlay = Overlay::default();
        let view = View::new(self, facts, &overlay, Reservations::Ignored);
        view.touched_by(object, node)
    }
}

impl View<'_> {
    /// The workloads whose judgement may differ where `object` becomes `node`, or was it; this is the graph with it.
    ///
    /// Beside what [`View::affected_by`] names, those that see it from the other side: a request blames the workload that
    /// it writes, but what is found of the one it shares a claim with comes and goes too.
    #[must_use]
    fn touched_by(&self, object: &ObjectRef, node: Option<&Node>) -> Vec<ObjectRef> {
        let mut touched = self.affected_by(object, node);
        let workload = match (object.kind.role(), node) {
            (Role::Workload(_), Some(Node::Workload(workload))) => Some(&**workload),
            // How many pods it may get matters to those that share its claims.
            (Role::Autoscaler(_), Some(Node::Autoscaler(autoscaler))) => {
                let target = autoscaler.target.as_ref();
                target.and_then(|target| self.workload(target).known())
            }
            _ => None,
        };
        // Whether it stands behind those that name it as their owner.
        touched.extend(self.made_by(object).cloned());
        match object.kind.role() {
            Role::Autoscaler(_) => touched.push(object.clone()),
            // Those that have no target but one of its name, or lost it.
            Role::Workload(_) => {
                touched.extend(self.autoscalers_of(&object.name));
            }
            _ => {}
        }
        if let Some(workload) = workload {
            touched.extend(self.companions(workload).into_iter().map(|other| other.id.clone()));
            touched.extend(self.overlapping(workload).into_iter().map(|other| other.id.clone()));
            touched.extend(self.orphans_of(workload));
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
