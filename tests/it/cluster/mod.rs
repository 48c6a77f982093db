//! The live graph: against a scripted API server for what a real one does seldom, and against a real one.

mod fake;
mod live;
mod real;
mod snapshot;
mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::Client;
use stateward::cluster::watch::{Pace, Watches};
use stateward::graph::{Facts, Graph, Kind, Knowledge};
use stateward::metrics::Metrics;
use stateward::rules::RULES;

use crate::controlplane::eventually;

/// A live graph that retries without patience.
struct Live {
    graph: Arc<Graph>,
    watches: Watches,
    metrics: Metrics,
}

impl Live {
    fn start(client: &Client) -> Self {
        Self::start_at(client, Instant::now)
    }

    fn start_at(client: &Client, clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        let graph = Arc::new(Graph::new(Facts::new(Knowledge::Unavailable)));
        let pace = Pace {
            first: Duration::from_millis(5),
            last: Duration::from_millis(100),
            refused: Duration::from_millis(100),
        };
        let metrics = Metrics::new(RULES);
        let watches = Watches::start_with(client, &graph, &metrics, pace, Arc::new(clock));
        Self {
            graph,
            watches,
            metrics,
        }
    }

    /// The names of the objects of a kind.
    fn names(&self, kind: Kind) -> Vec<String> {
        let keys = self.graph.keys(kind).into_iter();
        keys.map(|(namespace, name)| match &*namespace {
            "" => name.to_string(),
            namespace => format!("{namespace}/{name}"),
        })
        .collect()
    }

    fn knowledge(&self, kind: Kind) -> Knowledge {
        self.graph.facts().knowledge(kind)
    }

    async fn until_names(&self, kind: Kind, wanted: &[&str]) {
        eventually(&format!("{kind} {wanted:?}"), async || {
            (self.names(kind) == wanted).then_some(())
        })
        .await;
    }

    async fn until_knowledge(&self, kind: Kind, wanted: Knowledge) {
        eventually(&format!("{kind} to be {wanted:?}"), async || {
            (self.knowledge(kind) == wanted).then_some(())
        })
        .await;
    }
}
