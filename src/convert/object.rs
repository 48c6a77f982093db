//! Whole objects as JSON: who they are, and what of them was written by people.

use serde_json::Value as Json;

use crate::graph::Kinds;

/// An object, with the namespace that it is in; empty for one that is in none.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub namespace: String,
    pub json: Json,
}

/// Annotations that say what somebody did, not what somebody wants.
const TRACES: [&str; 7] = [
    "autoscaling.alpha.kubernetes.io/",
    "control-plane.alpha.kubernetes.io/",
    "deployment.kubernetes.io/",
    "kubectl.kubernetes.io/last-applied-configuration",
    "pv.kubernetes.io/",
    "volume.beta.kubernetes.io/",
    "volume.kubernetes.io/",
];

/// What Helm, Argo CD and Flux write on what is theirs.
const MANAGERS: [(&str, &str); 5] = [
    ("/metadata/annotations/meta.helm.sh~1release-name", "the Helm release"),
    (
        "/metadata/annotations/argocd.argoproj.io~1tracking-id",
        "Argo CD's application",
    ),
    ("/metadata/labels/argocd.argoproj.io~1instance", "Argo CD's application"),
    (
        "/metadata/labels/kustomize.toolkit.fluxcd.io~1name",
        "Flux's Kustomization",
    ),
    ("/metadata/labels/helm.toolkit.fluxcd.io~1name", "Flux's HelmRelease"),
];

/// Metadata that the API server writes.
const SERVED: [&str; 9] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

impl Object {
    pub fn name(&self) -> &str {
        text(&self.json, "/metadata/name")
    }

    pub fn kind(&self) -> &str {
        text(&self.json, "/kind")
    }

    /// The group of its kind; empty for the core's.
    pub(super) fn group(&self) -> &str {
        let version = text(&self.json, "/apiVersion");
        version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Whether it is of a kind.
    pub(super) fn is(&self, group: &str, kind: &str) -> bool {
        self.kind() == kind && self.group() == group
    }

    /// `Deployment web`.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.kind(), self.name())
    }

    /// The spec of its pods, if it is a workload of Kubernetes' own.
    pub(super) fn pod_spec(&self) -> Option<&Json> {
        self.json.pointer(self.pod_spec_at()?)
    }

    pub(super) fn pod_spec_at(&self) -> Option<&'static str> {
        let kind = Kinds::builtin().of(text(&self.json, "/apiVersion"), self.kind())?;
        kind.is_workload().then(|| kind.pod_spec())
    }

    /// The labels of a workload's pods.
    pub(super) fn pod_labels(&self) -> &Json {
        &self.json["spec"]["template"]["metadata"]["labels"]
    }

    /// Who else has it and would bring it back, a sentence each.
    pub(super) fn managers(&self) -> Vec<String> {
        let named = MANAGERS
            .iter()
            .filter_map(|(pointer, manager)| Some((self.json.pointer(pointer)?.as_str()?, manager)));
        let note = |(name, manager)| {
            format!(
                "{manager} {name} has this {} and would bring it back: stop it before the first step, and give it the new \
                 manifests before it goes on",
                self.kind()
            )
        };
        named.map(note).collect()
    }

    /// What makes it and would make it again.
    pub(super) fn maker(&self) -> Option<String> {
        let owner = self.json.pointer("/metadata/ownerReferences/0")?;
        Some(format!(
            "{} {} made it and would make it again: change that one",
            text(owner, "/kind"),
            text(owner, "/name")
        ))
    }

    /// As somebody would write it: without what the API server and controllers added.
    pub(super) fn cleaned(&self) -> Json {
        let mut json = self.json.clone();
        let Some(members) = json.as_object_mut() else {
            return json;
        };
        members.remove("status");
        if let Some(metadata) = members.get_mut("metadata").and_then(Json::as_object_mut) {
            metadata.retain(|key, _| !SERVED.contains(&key.as_str()));
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Json::as_object_mut) {
                annotations.retain(|key, _| !TRACES.iter().any(|trace| key.starts_with(trace)));
                if annotations.is_empty() {
                    metadata.remove("annotations");
                }
            }
        }
        json
    }
}

/// The volumes of pods that are claims, with the claims' names.
pub(super) fn claim_volumes(pods: &Json) -> impl Iterator<Item = (&str, &str)> {
    let volumes = pods["volumes"].as_array().into_iter().flatten();
    volumes.filter_map(|volume| {
        let claim = volume["persistentVolumeClaim"]["claimName"].as_str()?;
        Some((volume["name"].as_str()?, claim))
    })
}

/// A string; empty where there is none.
pub(super) fn text<'j>(json: &'j Json, pointer: &str) -> &'j str {
    json.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

/// Whether all labels of a selector are among these; an empty one selects nothing here.
pub(super) fn selects(selector: &Json, labels: &Json) -> bool {
    let Some(wanted) = selector.as_object().filter(|wanted| !wanted.is_empty()) else {
        return false;
    };
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// Whether a name can stand in a command as it is: a DNS subdomain (RFC 1123).
pub(super) fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    !name.is_empty() && name.len() <= 253 && name.chars().all(inner) && !name.starts_with(['-', '.'])
}
