//! Objects laid over the graph: what a change makes of it, and what was fetched a moment ago.

use std::sync::Arc;

use super::autoscaler::Autoscaler;
use super::claim::Claim;
use super::kind::Kind;
use super::names::ObjectRef;
use super::node::Node;
use super::service::Service;
use super::workload::Workload;

/// A few objects that replace those of the graph; `None` takes one away. Later entries win.
///
/// Mostly one entry, hardly ever more than three: a scan beats any map.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    entries: Vec<(ObjectRef, Option<Node>)>,
    /// Objects that were asked for in vain: nobody knows whether they exist.
    unanswered: Vec<ObjectRef>,
}

impl Overlay {
    /// Lays an object over the graph, or takes it away.
    pub fn lay(&mut self, object: ObjectRef, node: Option<Node>) {
        self.entries.push((object, node));
    }

    /// Returns true where nothing is laid over, and nothing was asked for in vain.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.unanswered.is_empty()
    }

    /// Notes that an object was asked for and nobody could tell: where the graph does not have it, it is unknown.
    pub fn doubt(&mut self, object: ObjectRef) {
        self.unanswered.push(object);
    }

    /// Returns true where nobody could tell of an object.
    #[must_use]
    pub fn is_doubted(&self, kind: Kind, name: &str) -> bool {
        let mut unanswered = self.unanswered.iter();
        unanswered.any(|object| object.kind == kind && object.name == *name)
    }

    /// Forgets what was said of an object.
    pub fn lift(&mut self, object: &ObjectRef) {
        self.entries.retain(|(other, _)| other != object);
    }

    /// Returns true where something is said of an object.
    #[must_use]
    pub fn has(&self, object: &ObjectRef) -> bool {
        self.node(object.kind, &object.name).is_some()
    }

    /// What is laid over, the last entry of each object only.
    pub fn entries(&self) -> impl Iterator<Item = (&ObjectRef, Option<&Node>)> {
        let last = |position: usize, object: &ObjectRef| {
            let later = &self.entries[position + 1..];
            !later.iter().any(|(other, _)| other == object)
        };
        let entries = self.entries.iter().enumerate();
        entries
            .filter(move |(position, (object, _))| last(*position, object))
            .map(|(_, (object, node))| (object, node.as_ref()))
    }

    /// The workloads that are laid over.
    pub fn workloads(&self) -> impl Iterator<Item = &Arc<Workload>> {
        self.entries().filter_map(|(_, node)| node?.workload())
    }

    /// The claims that are laid over.
    pub fn claims(&self) -> impl Iterator<Item = &Arc<Claim>> {
        self.entries().filter_map(|(_, node)| node?.claim())
    }

    /// The Services that are laid over.
    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.entries().filter_map(|(_, node)| node?.service())
    }

    /// The autoscalers that are laid over.
    pub fn autoscalers(&self) -> impl Iterator<Item = &Arc<Autoscaler>> {
        self.entries().filter_map(|(_, node)| node?.autoscaler())
    }

    /// The workload laid over, if `id` is.
    #[must_use]
    pub fn workload(&self, id: &ObjectRef) -> Option<Option<&Arc<Workload>>> {
        self.node(id.kind, &id.name).map(|node| node?.workload())
    }

    /// The claim laid over, if `name` is.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<Option<&Arc<Claim>>> {
        self.node(Kind::CLAIM, name).map(|node| node?.claim())
    }

    /// The Service laid over, if `name` is.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<Option<&Arc<Service>>> {
        self.node(Kind::SERVICE, name).map(|node| node?.service())
    }

    /// The autoscaler laid over, if `id` is.
    #[must_use]
    pub fn autoscaler(&self, id: &ObjectRef) -> Option<Option<&Arc<Autoscaler>>> {
        self.node(id.kind, &id.name).map(|node| node?.autoscaler())
    }

    fn node(&self, kind: Kind, name: &str) -> Option<Option<&Node>> {
        let mut entries = self.entries.iter().rev();
        entries
            .find(|(object, _)| object.kind == kind && &*object.name == name)
            .map(|(_, node)| node.as_ref())
    }
}
