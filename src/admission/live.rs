//! What admission may ask of the API server while a request waits.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::graph::project::Object;
use crate::graph::{Name, ObjectRef, Overlay, Service};

/// Reads of single objects, bounded in time and number by whoever makes them.
pub trait LiveReads: Send + Sync {
    /// Asks for one object by name; `None` where it does not exist or nobody could tell in time.
    fn object<'a>(&'a self, namespace: &'a Name, object: &'a ObjectRef) -> Answer<'a, Option<Object>>;

    /// Lists the Services of a namespace; `None` where that failed.
    fn services<'a>(&'a self, namespace: &'a Name) -> Answer<'a, Option<Vec<Service>>>;
}

/// A future of either.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Lays an object that the graph did not have over it; of other kinds no rule rests on the absence.
pub(super) fn lay(object: Object, overlay: &mut Overlay) {
    match object {
        Object::Claim(claim) => overlay.claims.push((claim.name.clone(), Some(Arc::new(claim)))),
        Object::Service(service) => overlay.services.push((service.name.clone(), Some(Arc::new(service)))),
        Object::Workload(workload) => overlay.workloads.push((workload.id.clone(), Some(workload))),
        _ => {}
    }
}
