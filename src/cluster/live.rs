//! Asking the API server for single objects while a request waits: the hot path's one exception.
//!
//! A claim created a moment ago is often in no cache yet. Bounded in time and in number; who asks for what is already
//! being asked for waits for the same answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use kube::Client;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::debug;

use super::wire::{self, Page};
use crate::graph::project::NodeSeed;
use crate::graph::store::locked;
use crate::graph::{Graph, Kind, Name, Node, ObjectRef, Service};
use crate::json;
use crate::metrics::{LiveRead, Metrics};

/// For one object, the wait for a turn included.
const OBJECT_DEADLINE: Duration = Duration::from_millis(500);
/// For the Services of a namespace.
const LIST_DEADLINE: Duration = Duration::from_millis(300);
/// How many reads may be under way at once.
const AT_ONCE: usize = 16;

/// What the API server says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    Found(Node),
    Absent,
    /// It failed, or took too long.
    Unknown,
}

/// Where an answer comes from.
enum Answered {
    /// The watch brought the object while its read waited for a turn.
    Arrived(Node),
    /// The API server.
    Text(String),
}

/// Reads objects by name, each with its own deadline.
#[derive(Clone)]
pub struct LiveReader {
    shared: Arc<Reading>,
}

struct Reading {
    client: Client,
    graph: Arc<Graph>,
    metrics: Arc<Metrics>,
    turns: Semaphore,
    flights: Mutex<HashMap<Question, Flight>>,
}

/// An object of a namespace, and why it is asked for.
type Question = (Name, ObjectRef, Why);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Why {
    /// The graph has it, and may lag.
    Doubted,
    /// The graph did not have it.
    Missing,
}

type Flight = Shared<BoxFuture<'static, Read>>;

impl LiveReader {
    /// Reads with `client`, and resolves the volumes of claims in `graph`.
    #[must_use]
    pub fn new(client: Client, graph: Arc<Graph>, metrics: Arc<Metrics>) -> Self {
        Self {
            shared: Arc::new(Reading {
                client,
                graph,
                metrics,
                turns: Semaphore::new(AT_ONCE),
                flights: Mutex::default(),
            }),
        }
    }

    /// Asks for one object of a namespace by name, whatever the graph has of it.
    pub async fn object(&self, namespace: &Name, object: &ObjectRef) -> Read {
        self.ask((namespace.clone(), object.clone(), Why::Doubted)).await
    }

    /// Asks for one object that the graph did not have. Where many wait for their turn the watch may bring it meanwhile:
    /// then nobody is asked, and the next has its turn.
    pub async fn missing(&self, namespace: &Name, object: &ObjectRef) -> Read {
        self.ask((namespace.clone(), object.clone(), Why::Missing)).await
    }

    async fn ask(&self, key: Question) -> Read {
        let (flight, joined) = self.flight(&key);
        match flight.await {
            // Somebody asked before us, maybe before the object was created. The next flight begins after we came.
            Read::Absent if joined => self.flight(&key).0.await,
            read => read,
        }
    }

    /// The read of an object that is under way, and true, or a new one.
    fn flight(&self, key: &Question) -> (Flight, bool) {
        let mut flights = self.shared.flights.lock().unwrap_or_else(PoisonError::into_inner);
        match flights.get(key) {
            Some(flight) => (flight.clone(), true),
            None => {
                let flight = self.shared.fly(key.clone());
                flights.insert(key.clone(), flight.clone());
                (flight, false)
            }
        }
    }

    /// Lists the Services of a namespace; `None` where that failed or took too long.
    pub async fn services(&self, namespace: &Name) -> Option<Vec<Service>> {
        let path = wire::collection(Kind::SERVICE, Some(namespace));
        let listed = timeout(LIST_DEADLINE, self.shared.get(path)).await;
        let (services, result) = match listed {
            Err(_) => (None, LiveRead::Timeout),
            Ok(Ok(text)) => match services(&text) {
                Ok(services) => (Some(services), LiveRead::Found),
                Err(_) => (None, LiveRead::Error),
            },
            Ok(Err(_)) => (None, LiveRead::Error),
        };
        self.shared.metrics.live_read(Kind::SERVICE.as_str(), result);
        services
    }
}

impl std::fmt::Debug for LiveReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveReader").finish_non_exhaustive()
    }
}

impl Reading {
    /// Begins a read. A task of its own, so that it ends, and clears its entry, even where nobody waits any more.
    fn fly(self: &Arc<Self>, key: Question) -> Flight {
        let reading = self.clone();
        let task = tokio::spawn(async move {
            let read = reading.read(&key).await;
            reading
                .flights
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&key);
            read
        });
        async move { task.await.unwrap_or(Read::Unknown) }.boxed().shared()
    }

    async fn read(&self, (namespace, object, why): &Question) -> Read {
        let mut got_turn = false;
        let answer = timeout(OBJECT_DEADLINE, async {
            let turn = self.turns.acquire().await;
            got_turn = true;
            if *why == Why::Missing
                && let Some(node) = self.arrived(namespace, object)
            {
                return Ok(Answered::Arrived(node));
            }
            let answer = self.get(wire::object(object.kind, namespace, &object.name)).await;
            drop(turn);
            answer.map(Answered::Text)
        })
        .await;
        let (read, result) = match answer {
            Err(_) if got_turn => (Read::Unknown, LiveRead::Timeout),
            Err(_) => (Read::Unknown, LiveRead::Skipped),
            Ok(Ok(Answered::Arrived(node))) => return Read::Found(node),
            Ok(Ok(Answered::Text(text))) => match self.node(object.kind, namespace, &text) {
                Ok(found) => (Read::Found(self.resolved(found)), LiveRead::Found),
                Err(_) => (Read::Unknown, LiveRead::Error),
            },
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => (Read::Absent, LiveRead::Absent),
            Ok(Err(error)) => {
                debug!(kind = object.kind.as_str(), %error, "Live read failed");
                (Read::Unknown, LiveRead::Error)
            }
        };
        self.metrics.live_read(object.kind.label(), result);
        read
    }

    /// What the graph has by now.
    fn arrived(&self, namespace: &Name, object: &ObjectRef) -> Option<Node> {
        let shard = self.graph.existing_shard(namespace)?;
        let shard = locked(&shard);
        let claim = || shard.claim(&object.name).cloned().map(Node::Claim);
        let service = || shard.service(&object.name).cloned().map(Node::Service);
        match object.kind {
            kind if kind == Kind::CLAIM => claim(),
            kind if kind == Kind::SERVICE => service(),
            _ => shard.workload(object).cloned().map(Node::Workload),
        }
    }

    async fn get(&self, path: String) -> Result<String, kube::Error> {
        let request = http::Request::get(path)
            .body(Vec::new())
            .map_err(kube::Error::HttpError)?;
        self.client.request_text(request).await
    }

    fn node(&self, kind: Kind, sent_to: &Name, text: &str) -> Result<Node, json::Error> {
        let kinds = self.graph.facts().kinds;
        NodeSeed { kind, kinds, sent_to }.read(text)
    }

    fn resolved(&self, mut node: Node) -> Node {
        if let Node::Claim(claim) = &mut node {
            let volume = self.graph.volume_of(claim);
            Arc::make_mut(claim).volume = volume;
        }
        node
    }
}

fn services(text: &str) -> Result<Vec<Service>, json::Error> {
    let page = Page::read(text)?;
    page.items
        .into_iter()
        .map(|json| json::whole(json, Service::read))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http::Response;
    use kube::client::Body;

    use super::*;
    use crate::graph::{Facts, Knowledge};

    #[tokio::test]
    async fn what_the_watch_brings_before_its_turn_is_not_asked_for() {
        let calls = Arc::<AtomicUsize>::default();
        let counted = calls.clone();
        let service = tower::service_fn(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Err::<Response<Body>, _>(io::Error::other("down")) }
        });
        let graph = Arc::new(Graph::new(Facts::new(Knowledge::Complete)));
        let metrics = Arc::new(Metrics::new(&[]));
        let reader = LiveReader::new(Client::new(service, "default"), graph.clone(), metrics);
        let all = u32::try_from(AT_ONCE).expect("a small number");
        let turns = reader.shared.turns.acquire_many(all).await.expect("turns");
        let (shop, data): (Name, _) = ("shop".into(), ObjectRef::new(Kind::CLAIM, "data"));
        let arrives = async {
            let claim = r#"{"metadata":{"name":"data"},"spec":{}}"#;
            graph.insert(Kind::CLAIM, &shop, claim).expect("a claim");
            drop(turns);
        };
        let (missing, doubted, ()) = tokio::join!(reader.missing(&shop, &data), reader.object(&shop, &data), arrives);
        assert!(matches!(missing, Read::Found(Node::Claim(_))), "{missing:?}");
        assert_eq!(
            doubted,
            Read::Unknown,
            "it may be gone, which only the API server knows"
        );
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }
}
