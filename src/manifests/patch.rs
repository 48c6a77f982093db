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
    let mut images = pod_specs(manifest, kind)
        .into_iter()
        .flat_map(|spec| ["containers", "initContainers"].map(|list| spec.get(list)))
        .flatten()
        .flat_map(Node::items)
        .map(|container| container.get("image").is_some());
    if images.any(|image| image) {
        None
    } else {
        Some("a part of an object, such as a patch: no container has an image")
    }
}

/// The specs of the pods of a workload, of however many templates they are.
fn pod_specs(manifest: Manifest<'_>, kind: Kind) -> Vec<Node<'_>> {
    let templates = kind.declared().map_or(&[][..], |declared| declared.templates);
    if templates.is_empty() {
        let place = manifest.root().locate(kind.pod_spec());
        return place.exact.then_some(place.node).into_iter().collect();
    }
    let found = templates
        .iter()
        .flat_map(|template| all_at(manifest.root(), template.path));
    found.filter_map(|template| template.get("spec")).collect()
}

/// All values at a path that may lead through lists.
fn all_at<'m>(root: Node<'m>, path: &str) -> Vec<Node<'m>> {
    let mut nodes = vec![root];
    for name in path.split('/').skip(1) {
        nodes = match name.strip_suffix("[]") {
            Some(list) => nodes
                .into_iter()
                .filter_map(|node| node.get(list))
                .flat_map(Node::items)
                .collect(),
            None => nodes.into_iter().filter_map(|node| node.get(name)).collect(),
        };
    }
    nodes
}
