//! Documents into a graph.

use super::document::Document;
use crate::graph::{Graph, Name, ObjectKind};

/// What became of a document.
#[derive(Debug)]
pub enum Loaded {
    /// It is in the graph.
    Inserted(ObjectKind),
    /// Its kind plays no part, or it is no Kubernetes object.
    Skipped,
    /// A field has a wrong type.
    Unreadable(crate::json::Error),
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
    match graph.insert(kind, &namespace, &document.to_json().to_string()) {
        Ok(()) => Loaded::Inserted(kind),
        Err(error) => Loaded::Unreadable(error),
    }
}
