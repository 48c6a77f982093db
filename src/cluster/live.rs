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
    flights: Mutex<HashMap<(Name, ObjectRef), Flight>>,
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

    /// Asks for one object of a namespace by name.
    pub async fn object(&self, namespace: &Name, object: &ObjectRef) -> Read {
        let key = (namespace.clone(), object.clone());
        let (flight, joined) = self.flight(&key);
        match flight.await {
            // Somebody asked before us, maybe before the object was created. The next flight begins after we came.
            Read::Absent if joined => self.flight(&key).0.await,
            read => read,
        }
    }

    /// The read of an object that is under way, and true, or a new one.
    fn flight(&self, key: &(Name, ObjectRef)) -> (Flight, bool) {
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
    fn fly(self: &Arc<Self>, key: (Name, ObjectRef)) -> Flight {
        let reading = self.clone();
        let task = tokio::spawn(async move {
            let read = reading.read(&key.0, &key.1).await;
            reading
                .flights
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&key);
            read
        });
        async move { task.await.unwrap_or(Read::Unknown) }.boxed().shared()
    }

    async fn read(&self, namespace: &Name, object: &ObjectRef) -> Read {
        let mut got_turn = false;
        let answer = timeout(OBJECT_DEADLINE, async {
            let turn = self.turns.acquire().await;
            got_turn = true;
            let answer = self.get(wire::object(object.kind, namespace, &object.name)).await;
            drop(turn);
            answer
        })
        .await;
        let (read, result) = match answer {
            Err(_) if got_turn => (Read::Unknown, LiveRead::Timeout),
            Err(_) => (Read::Unknown, LiveRead::Skipped),
            Ok(Ok(text)) => match self.node(object.kind, namespace, &text) {
                Ok(found) => (Read::Found(self.resolved(found)), LiveRead::Found),
                Err(_) => (Read::Unknown, LiveRead::Error),
            },
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => (Read::Absent, LiveRead::Absent),
            Ok(Err(error)) => {
                debug!(kind = object.kind.as_str(), %error, "Live read failed");
                (Read::Unknown, LiveRead::Error)
            }
        };
        self.metrics.live_read(object.kind.as_str(), result);
        read
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
