//! Kustomizations: which of the files beside them are patches.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use stateward_yaml::{Node, Reading};

use super::file::{File, Skipped};

/// Sets aside the objects of files that a kustomization names as patches.
pub(super) fn set_patches_aside(files: &mut [File]) {
    let mut patches: BTreeMap<PathBuf, Arc<str>> = BTreeMap::new();
    for file in files.iter() {
        let Some(directory) = named_directory(&file.path) else {
            continue;
        };
        for patch in named(file.manifests.reading()) {
            patches.insert(tidy(&directory.join(patch)), file.name.clone());
        }
    }
    if patches.is_empty() {
        return;
    }
    for file in files {
        let Some(kustomization) = patches.get(&tidy(&file.path)) else {
            continue;
        };
        let why = format!("a patch of {kustomization}");
        for object in std::mem::take(&mut file.objects) {
            file.skipped
                .extend(file.manifests.get(object.number).map(|manifest| Skipped {
                    position: manifest.position(),
                    why: why.clone(),
                }));
        }
        // What a patch lacks is no fault of it.
        for broken in std::mem::take(&mut file.broken) {
            match broken.position {
                Some(position) if !file.manifests.problems().iter().any(|one| one.position == position) => {
                    file.skipped.push(Skipped {
                        position,
                        why: why.clone(),
                    });
                }
                _ => file.broken.push(broken),
            }
        }
    }
}

/// The directory that the names in a kustomization start from; `None` where the file is none.
pub(super) fn named_directory(path: &Path) -> Option<&Path> {
    let name = path.file_name().and_then(|name| name.to_str());
    matches!(name, Some("kustomization.yaml" | "kustomization.yml")).then(|| path.parent().unwrap_or(Path::new("")))
}

/// What changes the objects that a kustomization names, and is not applied where its files are judged as they stand.
const LEFT_OUT: [&str; 12] = [
    "components",
    "helmCharts",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "patches",
    "patchesJson6902",
    "patchesStrategicMerge",
    "replacements",
    "replicas",
    "transformers",
    "vars",
];

/// The fields of a kustomization that do not count; none where the file is no kustomization.
pub fn left_out(file: &File) -> Vec<&'static str> {
    if named_directory(&file.path).is_none() {
        return Vec::new();
    }
    let documents = || file.manifests.reading().documents();
    let stands = |field: &&str| documents().any(|document| document.root().get(field).is_some());
    LEFT_OUT.into_iter().filter(stands).collect()
}

/// The files that a kustomization names as patches, in any of the three ways it ever had.
fn named(reading: &Reading) -> Vec<&str> {
    let mut found = Vec::new();
    for document in reading.documents() {
        let list = |key| document.root().get(key).into_iter().flat_map(Node::items);
        found.extend(list("patches").filter_map(|entry| entry.get("path")?.as_str()));
        found.extend(list("patchesJson6902").filter_map(|entry| entry.get("path")?.as_str()));
        found.extend(list("patchesStrategicMerge").filter_map(Node::as_str));
    }
    found
}

/// The same path without `.` and, where it can be told, `..`.
pub(super) fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            part => tidy.push(part),
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_compared_without_detours() {
        assert_eq!(tidy(Path::new("./a/../b/./c.yaml")), Path::new("b/c.yaml"));
        assert_eq!(tidy(Path::new("../a/../../b")), Path::new("../../b"));
    }

    #[test]
    fn patches_are_found_in_all_three_ways() {
        let text = "patches:\n- path: a.yaml\n- patch: |-\n    kind: X\n- {path: b.yaml, target: {kind: Deployment}}\n\
                    patchesStrategicMerge: [c.yaml]\npatchesJson6902:\n- path: d.yaml\nresources: [e.yaml]\n";
        let reading = stateward_yaml::read(text);
        assert_eq!(named(&reading), ["a.yaml", "b.yaml", "d.yaml", "c.yaml"]);
    }
}
