//! Labels that a kustomization adds to its resources: without them a Service seems to select none of their pods.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stateward_yaml::{Node, Reading, Value};

use super::file::File;
use super::kustomize::{named_directory, tidy};
use crate::graph;
use crate::graph::{Labels, Selector, Workload};

/// What `commonLabels`, or an entry of `labels`, adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Added {
    /// On pod templates.
    pods: Vec<(String, String)>,
    /// In selectors, and so on pod templates too.
    selectors: Vec<(String, String)>,
}

/// Adds them to the objects of files that a kustomization names as resources. What overlays in other directories add
/// they add to both sides, so that it decides nothing.
pub(super) fn add(files: &mut [File]) {
    let mut resources: BTreeMap<PathBuf, Added> = BTreeMap::new();
    for file in files.iter() {
        let Some(directory) = named_directory(&file.path) else {
            continue;
        };
        let added = added(file.manifests.reading());
        if added != Added::default() {
            for resource in named(file.manifests.reading()) {
                resources.insert(tidy(&directory.join(resource)), added.clone());
            }
        }
    }
    if resources.is_empty() {
        return;
    }
    for file in files {
        if let Some(added) = resources.get(&tidy(Path::new(&file.path))) {
            for loaded in &mut file.objects {
                added.label(&mut loaded.object);
            }
        }
    }
}

impl Added {
    fn label(&self, object: &mut graph::Node) {
        match object {
            graph::Node::Service(service) => with(&mut Arc::make_mut(service).selector, &self.selectors),
            graph::Node::Workload(workload) => self.label_workload(Arc::make_mut(workload)),
            _ => {}
        }
    }

    fn label_workload(&self, workload: &mut Workload) {
        with(&mut workload.selector.match_labels, &self.selectors);
        let pods = Arc::make_mut(&mut workload.pods);
        with(&mut pods.labels, &self.pods);
        with(&mut pods.labels, &self.selectors);
        let Some(placement) = &mut pods.placement else { return };
        for term in placement
            .pod_affinity
            .iter_mut()
            .chain(&mut placement.pod_anti_affinity)
        {
            // Kustomize adds to the pairs that are there and begins none.
            if let Some(Selector { match_labels, .. }) = &mut term.selector
                && !match_labels.is_empty()
            {
                with(match_labels, &self.selectors);
            }
        }
    }
}

fn with(labels: &mut Labels, added: &[(String, String)]) {
    if added.is_empty() {
        return;
    }
    let added = added.iter().map(|(key, value)| (&**key, &**value));
    *labels = Labels::from_pairs(labels.iter().chain(added));
}

fn added(reading: &Reading) -> Added {
    let mut all = Added::default();
    for document in reading.documents() {
        let root = document.root();
        all.selectors.extend(pairs(root.get("commonLabels")));
        for entry in root.get("labels").into_iter().flat_map(Node::items) {
            let is_set = |key| matches!(entry.get(key).map(Node::value), Some(Value::Bool(true)));
            if is_set("includeSelectors") {
                all.selectors.extend(pairs(entry.get("pairs")));
            } else if is_set("includeTemplates") {
                all.pods.extend(pairs(entry.get("pairs")));
            }
        }
    }
    all
}

fn pairs(node: Option<Node<'_>>) -> Vec<(String, String)> {
    let Some(Value::Mapping(entries)) = node.map(Node::value) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| Some((entry.key().to_owned(), entry.value.as_str()?.to_owned())))
        .collect()
}

fn named(reading: &Reading) -> Vec<&str> {
    reading
        .documents()
        .flat_map(|document| document.root().get("resources").into_iter().flat_map(Node::items))
        .filter_map(Node::as_str)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_in_all_forms() {
        let text = "commonLabels: {app: web}\nlabels:\n- pairs: {tier: front}\n  includeSelectors: true\n\
                    - pairs: {team: shop}\n  includeTemplates: true\n- pairs: {only: metadata}\n";
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            added(&stateward_yaml::read(text)),
            Added {
                pods: vec![pair("team", "shop")],
                selectors: vec![pair("app", "web"), pair("tier", "front")],
            }
        );
    }
}
