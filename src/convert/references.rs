//! Who else speaks of a workload: autoscalers that point at it, jobs that mount its claims, and what selects its pods.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::object::{Object, claim_volumes, selects, text};

/// A workload that is about to be of another kind.
pub(super) struct Renamed<'o> {
    pub(super) subject: &'o Object,
    /// The kind that it will be of.
    pub(super) kind: &'static str,
    /// Its claims' names now, and what the first pod's will be.
    pub(super) claims: &'o BTreeMap<String, String>,
}

/// What its surroundings have to do with it.
#[derive(Debug, Default)]
pub(super) struct References {
    /// Objects by their numbers, as they are to be.
    pub(super) changed: BTreeMap<usize, Json>,
    /// What one should know of others, a sentence each.
    pub(super) notes: Vec<String>,
    /// Why nothing can be done.
    pub(super) obstacles: Vec<String>,
}

impl References {
    pub(super) fn of(renamed: &Renamed<'_>, objects: &[Object]) -> Self {
        let mut found = Self::default();
        let mut selecting = Vec::new();
        for (number, object) in objects.iter().enumerate() {
            if std::ptr::eq(object, renamed.subject) || object.namespace != renamed.subject.namespace {
                continue;
            }
            if let Some(pointer) = target_at(object, renamed) {
                match object.json.pointer("/metadata/ownerReferences/0") {
                    None => found.retarget(number, object, pointer, renamed.kind),
                    Some(owner) => found.notes.push(format!(
                        "{} is made by {} {}, and follows it",
                        object.title(),
                        text(owner, "/kind"),
                        text(owner, "/name")
                    )),
                }
            } else if object.pod_spec().is_some() {
                found.claims(number, object, renamed);
            } else if let Some(selector) = selector(object) {
                let labels = renamed.subject.pod_labels();
                if selects(selector, labels) {
                    selecting.push(object.title());
                } else if selector.get("pod-template-hash").is_some() {
                    found.notes.push(format!(
                        "{} selects by pod-template-hash, a label that pods of Deployments alone have: look whether it means these",
                        object.title()
                    ));
                }
            } else if names(&object.json, renamed.subject) {
                found.notes.push(format!(
                    "{} names the {}: change it by hand",
                    object.title(),
                    renamed.subject.title()
                ));
            }
        }
        if !selecting.is_empty() {
            let verb = if selecting.len() == 1 { "selects" } else { "select" };
            found.notes.push(format!(
                "{} {verb} its pods by labels, which stay as they are",
                selecting.join(", ")
            ));
        }
        found
    }

    fn retarget(&mut self, number: usize, object: &Object, pointer: &str, kind: &str) {
        let mut json = object.cleaned();
        if let Some(target) = json.pointer_mut(pointer) {
            target["kind"] = json!(kind);
        }
        self.changed.insert(number, json);
    }

    /// Lets a CronJob mount the claim by its new name; of others, whoever uses a claim is in the way.
    fn claims(&mut self, number: usize, object: &Object, renamed: &Renamed<'_>) {
        let Some((pods, pointer)) = object.pod_spec().zip(object.pod_spec_at()) else {
            return;
        };
        let shared: Vec<&str> = claim_volumes(pods)
            .map(|(_, claim)| claim)
            .filter(|claim| renamed.claims.contains_key(*claim))
            .collect();
        let Some(first) = shared.first() else { return };
        match object.kind() {
            "CronJob" => {
                let mut json = object.cleaned();
                let volumes = json
                    .pointer_mut(pointer)
                    .and_then(|pods| pods["volumes"].as_array_mut());
                for volume in volumes.into_iter().flatten() {
                    let name = volume.pointer_mut("/persistentVolumeClaim/claimName");
                    if let Some(name) = name
                        && let Some(new) = name.as_str().and_then(|name| renamed.claims.get(name))
                    {
                        *name = json!(new);
                    }
                }
                self.changed.insert(number, json);
            }
            // It ends by itself, and the claim is not let go before that.
            "Job" => self
                .notes
                .push(format!("{} mounts claim {first}: wait for its end", object.title())),
            "Pod" if owned(object) => {}
            "ReplicaSet" if owned(object) => {}
            _ => self.obstacles.push(format!(
                "{} mounts claim {first} too, and a volume has one owner: let one of them go without it first",
                object.title()
            )),
        }
    }
}

fn owned(object: &Object) -> bool {
    object.json.pointer("/metadata/ownerReferences/0").is_some()
}

/// Where an object says which workload it scales.
fn target_at(object: &Object, renamed: &Renamed<'_>) -> Option<&'static str> {
    let (pointer, default) = match (object.group(), object.kind()) {
        ("autoscaling", "HorizontalPodAutoscaler") => ("/spec/scaleTargetRef", ""),
        ("keda.sh", "ScaledObject") => ("/spec/scaleTargetRef", "Deployment"),
        ("autoscaling.k8s.io", "VerticalPodAutoscaler") => ("/spec/targetRef", ""),
        _ => return None,
    };
    let target = object.json.pointer(pointer)?;
    let kind = target["kind"].as_str().unwrap_or(default);
    let version = target["apiVersion"].as_str().unwrap_or("apps/v1");
    let is_it = version.starts_with("apps/")
        && kind == renamed.subject.kind()
        && text(target, "/name") == renamed.subject.name();
    is_it.then_some(pointer)
}

/// The labels by which an object selects pods.
fn selector(object: &Object) -> Option<&Json> {
    let pointer = match (object.group(), object.kind()) {
        ("", "Service") => "/spec/selector",
        ("policy", "PodDisruptionBudget") => "/spec/selector/matchLabels",
        ("networking.k8s.io", "NetworkPolicy") => "/spec/podSelector/matchLabels",
        _ => return None,
    };
    object.json.pointer(pointer)
}

/// Whether some part of an object names the workload by kind and name.
fn names(json: &Json, subject: &Object) -> bool {
    match json {
        Json::Object(members) => {
            let said = |key: &str| members.get(key).and_then(Json::as_str);
            said("kind") == Some(subject.kind()) && said("name") == Some(subject.name())
                || members.values().any(|member| names(member, subject))
        }
        Json::Array(items) => items.iter().any(|item| names(item, subject)),
        _ => false,
    }
}
