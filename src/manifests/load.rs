//! Objects into a graph.

use super::cursor::{Mistyped, NodeCursor};
use super::manifest::Manifest;
use crate::cursor::Cursor as _;
use crate::graph::project::NodeSeed;
use crate::graph::{Graph, Kind, Kinds, Name, Node};

/// What became of an object.
#[derive(Debug)]
pub enum Loaded {
    /// It is in the graph.
    Inserted(Kind),
    /// Its kind plays no part, or it is no Kubernetes object.
    Skipped,
    /// A field has a wrong type.
    Unreadable(Mistyped),
}

/// Puts an object into the graph; one without a namespace goes to `namespace`.
pub fn load(graph: &Graph, manifest: Manifest<'_>, namespace: &Name) -> Loaded {
    let kinds = graph.facts().kinds;
    let kind = manifest.api_version().zip(manifest.kind());
    let Some(kind) = kind.and_then(|(version, kind)| kinds.of(version, kind)) else {
        return Loaded::Skipped;
    };
    match project(manifest, kind, namespace, kinds) {
        Ok(placed) => {
            graph.insert_all([placed]);
            Loaded::Inserted(kind)
        }
        Err(error) => Loaded::Unreadable(error),
    }
}

/// Reads an object of a kind, with the namespace that it is in: its own, else `namespace`; empty for a kind in none.
pub(super) fn project(
    manifest: Manifest<'_>,
    kind: Kind,
    namespace: &Name,
    kinds: &'static Kinds,
) -> Result<(Name, Node), Mistyped> {
    let namespace = if kind.is_namespaced() {
        manifest
            .metadata("namespace")
            .map_or_else(|| namespace.clone(), Name::from)
    } else {
        "".into()
    };
    let seed = NodeSeed {
        kind,
        kinds,
        sent_to: &namespace,
    };
    let mut cursor = NodeCursor::new(manifest.root());
    let object = seed.read_from(&mut cursor);
    match cursor.failure() {
        None => Ok((namespace, object)),
        Some(failure) => Err(failure),
    }
}
