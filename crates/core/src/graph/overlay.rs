//! Objects laid over the graph: what a change makes of it, and what was fetched a moment ago.

use std::sync::Arc;

use super::autoscaler::Autoscaler;
use super::claim::Claim;
use super::names::{Name, WorkloadId};
use super::service::Service;
use super::workload::Workload;

/// A few objects that replace those of the graph; `None` takes one away. Later entries win.
///
/// Mostly one entry, hardly ever more than three: a scan beats any map.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    pub workloads: Vec<(WorkloadId, Option<Arc<Workload>>)>,
    pub claims: Vec<(Name, Option<Arc<Claim>>)>,
    pub services: Vec<(Name, Option<Arc<Service>>)>,
    pub autoscalers: Vec<(Name, Option<Arc<Autoscaler>>)>,
}

impl Overlay {
    /// The workload laid over, if `id` is.
    #[must_use]
    pub fn workload(&self, id: &WorkloadId) -> Option<Option<&Arc<Workload>>> {
        find(&self.workloads, id)
    }

    /// The claim laid over, if `name` is.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<Option<&Arc<Claim>>> {
        self.claims
            .iter()
            .rev()
            .find(|(key, _)| &**key == name)
            .map(|(_, node)| node.as_ref())
    }

    /// The Service laid over, if `name` is.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<Option<&Arc<Service>>> {
        self.services
            .iter()
            .rev()
            .find(|(key, _)| &**key == name)
            .map(|(_, node)| node.as_ref())
    }

    /// The autoscaler laid over, if `name` is.
    #[must_use]
    pub fn autoscaler(&self, name: &str) -> Option<Option<&Arc<Autoscaler>>> {
        self.autoscalers
            .iter()
            .rev()
            .find(|(key, _)| &**key == name)
            .map(|(_, node)| node.as_ref())
    }
}

fn find<'a, K: PartialEq, V>(entries: &'a [(K, Option<Arc<V>>)], key: &K) -> Option<Option<&'a Arc<V>>> {
    entries
        .iter()
        .rev()
        .find(|(candidate, _)| candidate == key)
        .map(|(_, node)| node.as_ref())
}
