//! What admission may ask of the API server while a request waits.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::graph::{Claim, Name, ObjectRef, Overlay, Service, Workload};

/// Reads of single objects, bounded in time and number by whoever makes them.
pub trait LiveReads: Send + Sync {
    /// Asks for one object by name; `None` where it does not exist or nobody could tell in time.
    fn object<'a>(&'a self, namespace: &'a Name, object: &'a ObjectRef) -> Answer<'a, Option<Found>>;

    /// Lists the Services of a namespace; `None` where that failed.
    fn services<'a>(&'a self, namespace: &'a Name) -> Answer<'a, Option<Vec<Service>>>;
}

/// A future of either.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An object that the graph did not have.
#[derive(Clone, Debug)]
pub enum Found {
    Claim(Claim),
    Service(Service),
    Workload(Workload),
}

impl Found {
    /// Lays the object over the graph.
    pub(super) fn lay(self, overlay: &mut Overlay) {
        match self {
            Self::Claim(claim) => overlay.claims.push((claim.name.clone(), Some(Arc::new(claim)))),
            Self::Service(service) => overlay.services.push((service.name.clone(), Some(Arc::new(service)))),
            Self::Workload(workload) => overlay.workloads.push((workload.id.clone(), Some(Arc::new(workload)))),
        }
    }
}
