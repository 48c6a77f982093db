//! Documents into a graph.

use serde::de::DeserializeSeed as _;

use super::de::ShapeError;
use super::document::Document;
use crate::graph::project::ObjectSeed;
use crate::graph::{Graph, Name, ObjectKind};

/// What became of a document.
#[derive(Debug)]
pub enum Loaded {
    /// It is in the graph.
    Inserted(ObjectKind),
    /// Its kind plays no part, or it is no Kubernetes object.
    Skipped,
    /// A field has a wrong type.
    Unreadable(ShapeError),
}

/// Puts an object into the graph; one without a namespace goes to `namespace`.
pub fn load(graph: &Graph, document: Document<'_>, namespace: &Name) -> Loaded {
    let kind = document.api_version().zip(document.kind());
    let Some(kind) = kind.and_then(|(version, kind)| ObjectKind::of(version, kind)) else {
        return Loaded::Skipped;
    };
    let own = document
        .root()
        .get("metadata")
        .and_then(|metadata| metadata.get("namespace")?.as_str());
    let namespace = own
        .filter(|own| !own.is_empty())
        .map_or_else(|| namespace.clone(), Name::from);
    let seed = ObjectSeed {
        kind,
        sent_to: &namespace,
    };
    match seed.deserialize(document.root()) {
        Ok(object) => {
            graph.insert_all([(namespace, object)]);
            Loaded::Inserted(kind)
        }
        Err(error) => Loaded::Unreadable(error),
    }
}
