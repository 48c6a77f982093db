//! What admission may ask of the API server while a request waits.

use std::future::Future;
use std::pin::Pin;

use crate::graph::{Lookup, Name, Node, ObjectRef, Service};

/// Reads of single objects, bounded in time and number by whoever makes them.
pub trait LiveReads: Send + Sync {
    /// Asks for one object by name; unknown where nobody could tell in time.
    fn object<'a>(&'a self, namespace: &'a Name, object: &'a ObjectRef) -> Answer<'a, Lookup<Node>>;

    /// As [`Self::object`], for an object that the graph did not have: what the watch brought meanwhile will do.
    fn missing<'a>(&'a self, namespace: &'a Name, object: &'a ObjectRef) -> Answer<'a, Lookup<Node>>;

    /// Lists the Services of a namespace; `None` where that failed.
    fn services<'a>(&'a self, namespace: &'a Name) -> Answer<'a, Option<Vec<Service>>>;
}

/// A future of either.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
