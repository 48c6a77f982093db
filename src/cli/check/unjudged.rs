//! What a reader may take for judged, and is not: workloads of kinds that nobody knows, and slips in a kind's name.

use std::collections::BTreeMap;

use stateward_nearest::nearest;
use stateward_yaml::{Node, Value};

use crate::graph::Kinds;
use crate::manifests::Manifest;
use crate::manifests::corpus::Corpus;
use crate::manifests::file::File;
use crate::rules::kit::text;

/// Groups and kinds of which other workloads are made, some for each of several places: these are judged, and such an
/// object with them would count the same pods twice.
const MADE_OF_OTHERS: [(&str, &str); 1] = [("apps.kruise.io", "UnitedDeployment")];

/// How deep in an object a pod template is looked for.
const DEPTH: usize = 8;

/// What the reader of a report should know of the objects that play no part in it.
#[must_use]
pub fn notes(corpus: &Corpus) -> Vec<String> {
    let mut kinds: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut makers = kinds.clone();
    // Asked once of a kind: to compare it with all that are known costs more than to read an object of it.
    let mut slips: BTreeMap<(&str, &str), Option<String>> = BTreeMap::new();
    let mut notes = Vec::new();
    for file in corpus.files.iter().filter(|file| !file.skipped.is_empty()) {
        for manifest in file.manifests.iter() {
            let Some((version, kind)) = manifest.api_version().zip(manifest.kind()) else {
                continue;
            };
            if corpus.kinds.of(version, kind).is_some() {
                continue;
            }
            let meant = slips
                .entry((version, kind))
                .or_insert_with(|| meant(version, kind, corpus.kinds));
            if let Some(meant) = meant {
                notes.push(slip(file, manifest, meant));
            } else if has_pods(manifest.root(), DEPTH) {
                let group = version.split_once('/').map_or("", |(group, _)| group);
                let is_maker = MADE_OF_OTHERS.contains(&(group, kind));
                let kinds = if is_maker { &mut makers } else { &mut kinds };
                *kinds.entry((kind, version)).or_default() += 1;
            }
        }
    }
    let made = [
        "but what is made of it in a cluster is",
        "but what is made of them in a cluster is",
    ];
    let unknown = [
        "for nothing is known of its kind",
        "for nothing is known of their kinds",
    ];
    notes.extend(told(&makers, made));
    notes.extend(told(&kinds, unknown));
    notes
}

fn slip(file: &File, manifest: Manifest<'_>, meant: &str) -> String {
    let position = manifest.root().position_of("/kind");
    format!(
        "{}:{position}: this object is not judged: did you mean {meant}?",
        file.name
    )
}

/// Says of objects of these kinds that they are not judged, and why: of one, and of several.
fn told(kinds: &BTreeMap<(&str, &str), usize>, [of_one, of_several]: [&str; 2]) -> Option<String> {
    let count: usize = kinds.values().sum();
    let names: Vec<String> = kinds
        .keys()
        .map(|(kind, version)| format!("{kind} ({version})"))
        .collect();
    let (are, why) = match count {
        0 => return None,
        1 => ("is", of_one),
        _ => ("are", of_several),
    };
    let (objects, kinds) = (text::counted(count as u64, "object"), names.join(", "));
    Some(format!(
        "{objects} with a pod template {are} not judged, {why}: {kinds}"
    ))
}

/// A kind that is known and written almost so, in the same group or in one that is written almost so.
fn meant(version: &str, kind: &str, kinds: &Kinds) -> Option<String> {
    let group = |version: &str| version.split_once('/').map_or("", |(group, _)| group).to_owned();
    let written = group(version);
    if kinds.in_group(&written, kind).is_some() {
        return None;
    }
    let known = || kinds.iter();
    let same_group = known().filter(|one| one.group() == written).map(|one| one.as_str());
    if let Some(near) = nearest(kind, same_group) {
        return Some(format!("{near} instead of {kind}"));
    }
    let same_kind = known().find(|one| one.as_str() == kind)?;
    nearest(&written, [same_kind.group()])?;
    Some(format!("{} instead of {version}", same_kind.api_version()))
}

/// Whether a pod template stands somewhere in an object.
fn has_pods(node: Node<'_>, depth: usize) -> bool {
    if depth == 0 {
        return false;
    }
    match node.value() {
        Value::Mapping(mut entries) => entries.any(|entry| {
            let is_template = ends_with_template(entry.key())
                && entry
                    .value
                    .get("spec")
                    .and_then(|spec| spec.get("containers"))
                    .is_some_and(|containers| containers.items().next().is_some());
            is_template || has_pods(entry.value, depth - 1)
        }),
        Value::Sequence(mut items) => items.any(|item| has_pods(item, depth - 1)),
        _ => false,
    }
}

fn ends_with_template(key: &str) -> bool {
    let end = key.as_bytes().last_chunk::<8>();
    end.is_some_and(|end| end.eq_ignore_ascii_case(b"template"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    fn has_pods_in(text: &str) -> bool {
        let reading = stateward_yaml::read(text);
        has_pods(reading.document(0).expect("a document").root(), DEPTH)
    }

    #[test]
    fn a_slip_is_told_and_no_kind_that_exists_is_one() {
        assert_eq!(
            meant("apps/v1", "StatefulSett", kinds::shipped()).as_deref(),
            Some("StatefulSet instead of StatefulSett")
        );
        assert_eq!(
            meant("apps/v1", "deployment", kinds::shipped()).as_deref(),
            Some("Deployment instead of deployment")
        );
        assert_eq!(
            meant("app/v1", "Deployment", kinds::shipped()).as_deref(),
            Some("apps/v1 instead of app/v1")
        );
        let core = "Binding ComponentStatus ConfigMap Endpoints Event LimitRange List PodTemplate ResourceQuota Secret \
                    ServiceAccount";
        for kind in core.split(' ') {
            assert_eq!(meant("v1", kind, kinds::shipped()), None, "{kind}");
        }
        for (version, kind) in [
            ("apps/v1", "ControllerRevision"),
            ("apps.kruise.io/v1beta1", "StatefulSet"),
            ("serving.knative.dev/v1", "Service"),
            ("storage.k8s.io/v1", "CSINode"),
            ("storage.k8s.io/v1", "VolumeAttachment"),
            ("batch.volcano.sh/v1alpha1", "Job"),
        ] {
            assert_eq!(meant(version, kind, kinds::shipped()), None, "{kind}");
        }
    }

    #[test]
    fn a_pod_template_is_found_wherever_it_stands() {
        let pod = "{spec: {containers: [{name: a}]}}";
        assert!(has_pods_in(&format!("spec: {{template: {pod}}}")));
        assert!(has_pods_in(&format!(
            "spec: {{replicatedJobs: [{{template: {{spec: {{template: {pod}}}}}}}]}}"
        )));
        assert!(has_pods_in(&format!("spec: {{podTemplate: {pod}}}")));
        assert!(!has_pods_in("spec: {template: {spec: {containers: []}}}"));
        // A schema is none.
        assert!(!has_pods_in("template: {spec: {containers: {type: array}}}"));
    }
}
