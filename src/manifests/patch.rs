//! Patches, which look like objects and are only parts of some.

use stateward_yaml::Node;

use super::manifest::Manifest;
use crate::graph::{Field, Kind};

/// Says why a manifest is no whole object: a patch is written as one, but the API server would take none without
/// containers or without an image.
pub(super) fn fragment(manifest: Manifest<'_>, kind: Kind) -> Option<&'static str> {
    if manifest.root().get("$patch").is_some() {
        return Some("a patch: it has $patch");
    }
    if !kind.is_workload() {
        return None;
    }
    let borrows = kind.path_of(Field::TemplateOf);
    if borrows.is_some_and(|path| manifest.root().locate(path).exact) {
        return None;
    }
    let place = manifest.root().locate(kind.pod_spec());
    let mut images = ["containers", "initContainers"]
        .into_iter()
        .filter_map(|list| place.node.get(list))
        .flat_map(Node::items)
        .map(|container| container.get("image").is_some());
    if place.exact && images.any(|image| image) {
        None
    } else {
        Some("a part of an object, such as a patch: no container has an image")
    }
}
