//! What the API server has, by watches: the world of each case, and when it last changed.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures::AsyncBufReadExt as _;
use kube::Client;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::api::name;

/// What is watched: the group and version, and the resource.
const WATCHED: [(&str, &str); 11] = [
    ("apis/apps/v1", "daemonsets"),
    ("apis/apps/v1", "deployments"),
    ("apis/apps/v1", "replicasets"),
    ("apis/apps/v1", "statefulsets"),
    ("apis/batch/v1", "jobs"),
    ("api/v1", "nodes"),
    ("api/v1", "persistentvolumeclaims"),
    ("api/v1", "persistentvolumes"),
    ("api/v1", "pods"),
    ("api/v1", "replicationcontrollers"),
    ("apis/storage.k8s.io/v1", "volumeattachments"),
];

/// The objects of one case by resource and name, also those that are in no namespace.
pub(super) type World = BTreeMap<(&'static str, String), Arc<Value>>;

/// What was seen so far.
pub(super) struct Mirror {
    seen: Mutex<Seen>,
    /// Counts events.
    events: watch::Sender<u64>,
}

#[derive(Default)]
struct Seen {
    worlds: BTreeMap<String, World>,
    changed: BTreeMap<String, Instant>,
    /// Namespaces that nobody has acted upon since.
    fresh: BTreeSet<String>,
}

impl Mirror {
    /// Begins to watch.
    pub(super) fn start(client: &Client) -> Arc<Self> {
        let mirror = Arc::new(Self {
            seen: Mutex::default(),
            events: watch::channel(0).0,
        });
        for (version, resource) in WATCHED {
            let (mirror, client) = (mirror.clone(), client.clone());
            tokio::spawn(async move {
                loop {
                    mirror.follow(&client, version, resource).await;
                }
            });
        }
        mirror
    }

    /// The objects of a case now.
    pub(super) fn world(&self, namespace: &str) -> World {
        self.lock().worlds.get(namespace).cloned().unwrap_or_default()
    }

    /// When something of a case last changed.
    pub(super) fn changed(&self, namespace: &str) -> Instant {
        let seen = self.lock();
        seen.changed.get(namespace).copied().unwrap_or_else(Instant::now)
    }

    /// The namespaces in which something has changed since this was last asked.
    pub(super) fn fresh(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.lock().fresh)
    }

    /// Tells of events.
    pub(super) fn events(&self) -> watch::Receiver<u64> {
        self.events.subscribe()
    }

    /// Waits until something holds of a case.
    pub(super) async fn until(&self, namespace: &str, what: &str, holds: impl Fn(&World) -> bool) {
        let mut events = self.events();
        let wait = async {
            while !holds(&self.world(namespace)) {
                events.changed().await.expect("the mirror outlives who looks into it");
            }
        };
        let waited = tokio::time::timeout(super::HANG, wait).await;
        assert!(
            waited.is_ok(),
            "waited in vain for {what}: {:#?}",
            self.world(namespace)
        );
    }

    /// One list and watch, until the watch ends.
    async fn follow(&self, client: &Client, version: &str, resource: &'static str) {
        let path = format!("/{version}/{resource}");
        let get = |path: String| {
            http::Request::get(path)
                .body(Vec::new())
                .expect("invariant: a valid path")
        };
        let Ok(list) = client.request::<Value>(get(path.clone())).await else {
            return tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        };
        let items = list["items"].as_array().cloned().unwrap_or_default();
        self.relist(resource, items);
        let from = list["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        let path = format!("{path}?watch=true&resourceVersion={from}");
        let Ok(lines) = client.request_stream(get(path)).await else {
            return;
        };
        let mut lines = pin!(lines.lines());
        while let Some(Ok(line)) = futures::StreamExt::next(&mut lines).await {
            let Ok(mut event) = serde_json::from_str::<Value>(&line) else {
                return;
            };
            let object = event["object"].take();
            match event["type"].as_str() {
                Some("ADDED" | "MODIFIED") => self.put(resource, object),
                Some("DELETED") => self.remove(resource, &object),
                _ => return,
            }
        }
    }

    fn relist(&self, resource: &'static str, items: Vec<Value>) {
        let mut gone = Vec::new();
        for (namespace, world) in &self.lock().worlds {
            let of_kind = world.iter().filter(|((kind, _), _)| *kind == resource);
            gone.extend(of_kind.map(|((_, name), object)| (namespace.clone(), name.clone(), object.clone())));
        }
        for object in items {
            gone.retain(|(namespace, own, _)| *own != name(&object) || *namespace != case(resource, &object));
            self.put(resource, object);
        }
        for (_, _, object) in gone {
            self.remove(resource, &object);
        }
    }

    fn put(&self, resource: &'static str, mut object: Value) {
        leave_out_noise(&mut object);
        let (namespace, name) = (case(resource, &object), name(&object).to_owned());
        self.note(&namespace, |world| {
            let object = Arc::new(object);
            world.insert((resource, name), object.clone()) != Some(object)
        });
    }

    fn remove(&self, resource: &'static str, object: &Value) {
        self.note(&case(resource, object), |world| {
            world.remove(&(resource, name(object).to_owned())).is_some()
        });
    }

    /// Changes a world; whether that is news, the change says.
    fn note(&self, namespace: &str, change: impl FnOnce(&mut World) -> bool) {
        let mut seen = self.lock();
        if !change(seen.worlds.entry(namespace.to_owned()).or_default()) {
            return;
        }
        seen.changed.insert(namespace.to_owned(), Instant::now());
        seen.fresh.insert(namespace.to_owned());
        drop(seen);
        self.events.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leaves out what changes although nothing moves: the scheduler tells a pod that fits nowhere how many nodes there are
/// whenever another case brings some or removes them.
fn leave_out_noise(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
        metadata.remove("resourceVersion");
    }
    let conditions = object.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten().filter_map(Value::as_object_mut) {
        condition.remove("message");
    }
}

/// The namespace of the case that an object belongs to. Nodes are named `NAMESPACE-n1`.
fn case(resource: &str, object: &Value) -> String {
    let namespace = match resource {
        "nodes" => &object["metadata"]["labels"]["oracle"],
        "persistentvolumes" => &object["spec"]["claimRef"]["namespace"],
        "volumeattachments" => {
            let node = object["spec"]["nodeName"].as_str().unwrap_or_default();
            return node.rsplit_once('-').map_or("", |(namespace, _)| namespace).to_owned();
        }
        _ => &object["metadata"]["namespace"],
    };
    namespace.as_str().unwrap_or_default().to_owned()
}

/// The objects of one resource in a world.
pub(super) fn all<'a>(world: &'a World, resource: &'static str) -> impl Iterator<Item = &'a Value> {
    let of_kind = world.range((resource, String::new())..);
    of_kind
        .take_while(move |((kind, _), _)| *kind == resource)
        .map(|(_, object)| &**object)
}

/// One object of a world.
pub(super) fn one<'a>(world: &'a World, resource: &'static str, name: &str) -> Option<&'a Value> {
    world.get(&(resource, name.to_owned())).map(|object| &**object)
}
