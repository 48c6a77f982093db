//! Reservations that run out where no further request comes.

use std::sync::Arc;
use std::time::Duration;

use super::parts::{End, Parts};
use crate::admission::now;
use crate::graph::Graph;

/// How often it is looked: they last for three seconds.
const EVERY: Duration = Duration::from_secs(1);

/// Drops them, and the namespaces that nobody but a request has named.
pub(super) fn start(graph: Arc<Graph>, parts: &mut Parts) {
    parts.start("reservations", End::Cut, async move {
        loop {
            tokio::time::sleep(EVERY).await;
            graph.expire(now());
        }
    });
}
