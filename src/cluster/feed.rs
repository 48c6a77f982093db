//! One kind's lists and events into the graph: what is kept, what goes, what cannot be read.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use tracing::warn;

use super::changes::Changes;
use super::wire::Head;
use crate::graph::project::NodeSeed;
use crate::graph::{Graph, Kind, Kinds, Name, Node};
use crate::json;

/// More reasons than these are not told apart any more; a log is no place for every typing error.
const REASONS: usize = 20;

/// Namespace (empty for none) and name.
type Key = (Name, Name);

/// The way of one kind's objects into the graph.
#[derive(Debug)]
pub(super) struct Feed {
    kind: Kind,
    kinds: &'static Kinds,
    graph: Arc<Graph>,
    /// Who hears what the objects touched.
    changes: Arc<Changes>,
    /// Something of this kind may be in the graph already.
    filled: bool,
    /// What a relist has named so far; what it does not name in the end has vanished.
    listed: Option<HashSet<Key>>,
    unreadable: BTreeSet<Key>,
    reasons: BTreeSet<String>,
    /// The namespace of the last object: lists come sorted by it, so that hardly any name is allocated twice.
    namespace: Name,
}

impl Feed {
    /// `filled` where something of this kind may be in the graph already.
    pub(super) fn new(kind: Kind, graph: Arc<Graph>, changes: Arc<Changes>, filled: bool) -> Self {
        Self {
            kind,
            kinds: graph.facts().kinds,
            graph,
            changes,
            filled,
            listed: None,
            unreadable: BTreeSet::new(),
            reasons: BTreeSet::new(),
            namespace: "".into(),
        }
    }

    /// A list begins. Until it ends, what it has not named yet stays as it was.
    pub(super) fn begin_list(&mut self) {
        self.unreadable.clear();
        self.listed = self.filled.then(HashSet::new);
        self.filled = true;
    }

    /// Takes some objects of a list, or the one of an event.
    pub(super) fn take<'a>(&mut self, objects: impl Iterator<Item = &'a str>) {
        let mut kept = Vec::new();
        let mut dropped = Vec::new();
        for json in objects {
            let head = Head::of(json);
            let key = self.key(&head);
            self.unreadable.remove(&key);
            match self.read(&key.0, json) {
                Ok(object) if is_kept(&object) => {
                    if let Some(listed) = &mut self.listed {
                        listed.insert(key.clone());
                    }
                    kept.push((key.0, object));
                }
                Ok(_) => dropped.push(key),
                Err(error) => {
                    self.report(&key, &error);
                    // What it was before is no longer true. The hole that it leaves makes the kind's other absences
                    // unknown (`Freshness::knowledge`), so that nothing is concluded from it.
                    dropped.push(key.clone());
                    self.unreadable.insert(key);
                }
            }
        }
        self.changes.add(self.graph.insert_all(kept));
        self.changes.add(self.graph.remove(self.kind, dropped));
    }

    /// Takes the object of a deletion event.
    pub(super) fn delete(&mut self, json: &str) {
        let key = self.key(&Head::of(json));
        self.unreadable.remove(&key);
        self.changes.add(self.graph.remove(self.kind, [key]));
    }

    /// The list is complete: what it did not name has vanished.
    pub(super) fn end_list(&mut self) {
        if let Some(listed) = self.listed.take() {
            let vanished = self
                .graph
                .keys(self.kind)
                .into_iter()
                .filter(|key| !listed.contains(key));
            self.changes.add(self.graph.remove(self.kind, vanished));
        }
    }

    /// How many objects exist that cannot be read.
    pub(super) fn unreadable(&self) -> usize {
        self.unreadable.len()
    }

    fn read(&self, namespace: &Name, json: &str) -> Result<Node, json::Error> {
        let seed = NodeSeed {
            kind: self.kind,
            kinds: self.kinds,
            sent_to: namespace,
        };
        seed.read(json)
    }

    fn key(&mut self, head: &Head<'_>) -> Key {
        if *self.namespace != *head.namespace() {
            self.namespace = self.graph.namespace_name(head.namespace());
        }
        (self.namespace.clone(), head.name())
    }

    /// Says why, once a kind and reason.
    fn report(&mut self, (namespace, name): &Key, error: &json::Error) {
        let text = error.to_string();
        let reason = text.split(" at line ").next().unwrap_or_default();
        if self.reasons.len() < REASONS && self.reasons.insert(reason.to_owned()) {
            let kind = self.kind.as_str();
            warn!(kind, %namespace, %name, reason, "Object cannot be read and counts as unknown; others like it are not told");
        }
    }
}

/// What the graph has room for (`Workload::is_kept`).
fn is_kept(node: &Node) -> bool {
    match node {
        Node::Workload(workload) => workload.is_kept(),
        _ => true,
    }
}
