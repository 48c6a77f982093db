//! Documents into a graph.

use serde::de::DeserializeSeed as _;

use super::de::ShapeError;
use super::document::Document;
use crate::graph::project::NodeSeed;
use crate::graph::{Graph, Kind, Kinds, Name, Node};

/// What became of a document.
#[derive(Debug)]
pub enum Loaded {
    /// It is in the graph.
    Inserted(Kind),
    /// Its kind plays no part, or it is no Kubernetes object.
    Skipped,
    /// A field has a wrong type.
    Unreadable(ShapeError),
}

/// Puts an object into the graph; one without a namespace goes to `namespace`.
pub fn load(graph: &Graph, document: Document<'_>, namespace: &Name) -> Loaded {
    let kind = document.api_version().zip(document.kind());
    let Some(kind) = kind.and_then(|(version, kind)| Kinds::builtin().of(version, kind)) else {
        return Loaded::Skipped;
    };
    match project(document, kind, namespace) {
        Ok(placed) => {
            graph.insert_all([placed]);
            Loaded::Inserted(kind)
        }
        Err(error) => Loaded::Unreadable(error),
    }
}

/// Reads an object of a kind, with the namespace that it is in: its own, else `namespace`; empty for a kind in none.
pub(super) fn project(document: Document<'_>, kind: Kind, namespace: &Name) -> Result<(Name, Node), ShapeError> {
    let namespace = if kind.is_namespaced() {
        document
            .metadata("namespace")
            .map_or_else(|| namespace.clone(), Name::from)
    } else {
        "".into()
    };
    let seed = NodeSeed {
        kind,
        kinds: Kinds::builtin(),
        sent_to: &namespace,
    };
    let object = seed.deserialize(document.root())?;
    Ok((namespace, object))
}
