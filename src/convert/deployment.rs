//! A StatefulSet without state as a Deployment: pods that are alike, and none of them waited for.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::object::{Object, claim_volumes, is_name, text};
use super::plan::{Back, Check, Command, Down, Plan, Step};
use super::references::{References, Renamed};
use super::shell::Shell;
use super::{Conversion, Fate, Request, Scope};

/// Labels by which a pod of a StatefulSet is told from the others.
const OWN: [&str; 2] = ["apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name"];

pub(super) fn convert(request: Request<'_>) -> Result<Conversion, Vec<String>> {
    let subject = &request.objects[request.subject];
    let renamed = Renamed {
        subject,
        kind: "Deployment",
        claims: &BTreeMap::new(),
    };
    let mut references = References::of(&renamed, request.objects);
    references.obstacles.extend(state(request));
    references.obstacles.extend(identity(request));
    if !references.obstacles.is_empty() {
        return Err(references.obstacles);
    }
    let mut notes = references.notes;
    notes.extend(subject.managers());
    let service = text(&subject.json, "/spec/serviceName");
    if !service.is_empty() {
        notes.push(format!(
            "Service {service} stays: it goes on naming the pods together, and none of them by itself"
        ));
    }
    notes.push(
        "for some moments there are twice as many pods; a program that must not run so often is not for this way"
            .to_owned(),
    );
    if request.scope == Scope::Files {
        notes.push(super::ONLY_FILES.to_owned());
    }
    let deployment = deployment(subject);
    let mut fates = vec![Fate::Same; request.objects.len()];
    for (number, json) in &references.changed {
        fates[*number] = Fate::Becomes(json.clone());
    }
    fates[request.subject] = Fate::Becomes(deployment.clone());
    let referring = references
        .changed
        .iter()
        .map(|(number, json)| (request.objects[*number].cleaned(), json.clone()))
        .collect();
    Ok(Conversion {
        fates,
        added: Vec::new(),
        plan: plan(subject, &deployment, referring, notes),
    })
}

/// What its pods keep for themselves.
fn state(request: Request<'_>) -> Vec<String> {
    let subject = &request.objects[request.subject];
    let mut obstacles = Vec::new();
    if !is_name(subject.name()) {
        obstacles.push("it has a name that Kubernetes refuses".to_owned());
    }
    obstacles.extend(subject.maker());
    let templates = subject.json["spec"]["volumeClaimTemplates"].as_array();
    if templates.is_some_and(|templates| !templates.is_empty()) {
        obstacles.push("each of its pods has volumes of its own, which pods of a Deployment cannot have".to_owned());
    }
    for (_, name) in subject.pod_spec().into_iter().flat_map(claim_volumes) {
        let claim = request.objects.iter().find(|object| {
            object.is("", "PersistentVolumeClaim") && object.namespace == subject.namespace && object.name() == name
        });
        let modes = claim.and_then(|claim| claim.json["spec"]["accessModes"].as_array());
        match modes {
            None => obstacles.push(format!("claim {name} is not known, so whether pods on several nodes may share it is not either: add it, or use --from-cluster")),
            Some(modes) if modes.iter().any(|mode| mode == "ReadWriteMany" || mode == "ReadOnlyMany") => {}
            Some(_) => obstacles.push(format!("its pods use claim {name}, which one node alone can have: it has state")),
        }
    }
    let deployment = request.objects.iter().any(|object| {
        object.is("apps", "Deployment") && object.namespace == subject.namespace && object.name() == subject.name()
    });
    if deployment {
        obstacles.push(format!("there is a Deployment {} already", subject.name()));
    }
    obstacles
}

/// Who counts on its pods' being told apart.
fn identity(request: Request<'_>) -> Vec<String> {
    let subject = &request.objects[request.subject];
    let spec = &subject.json["spec"];
    let mut obstacles = Vec::new();
    if spec["ordinals"]["start"].as_u64().is_some_and(|start| start > 0) {
        obstacles.push("its ordinals begin at a number of their own, so somebody counts on them".to_owned());
    }
    if spec["updateStrategy"]["rollingUpdate"]["partition"]
        .as_u64()
        .is_some_and(|partition| partition > 0)
    {
        obstacles.push("its partition holds an update back: let that end first".to_owned());
    }
    if spec["updateStrategy"]["type"] == "OnDelete" {
        obstacles.push("its updateStrategy is OnDelete, which a Deployment does not have".to_owned());
    }
    let first = format!("{}-0", subject.name());
    for object in request
        .objects
        .iter()
        .filter(|object| object.namespace == subject.namespace)
    {
        if !matches!(object.kind(), "Pod" | "EndpointSlice" | "Endpoints")
            && says(&object.json, &|text| {
                OWN.iter().any(|label| text.contains(label)) || names(text, &first)
            })
            && !object.is("apps", "ControllerRevision")
        {
            let who = if std::ptr::eq(object, subject) {
                "its template".to_owned()
            } else {
                object.title()
            };
            obstacles.push(format!(
                "{who} speaks of single pods of it, such as {first}, which would have no such names"
            ));
        }
    }
    obstacles
}

/// Whether a text names a pod, perhaps within a host name or a URL.
fn names(text: &str, pod: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.match_indices(pod).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(part) && !text[at + pod.len()..].chars().next().is_some_and(part)
    })
}

/// Whether a key or a string of an object is such a one.
fn says(json: &Json, wanted: &dyn Fn(&str) -> bool) -> bool {
    match json {
        Json::String(text) => wanted(text),
        Json::Array(items) => items.iter().any(|item| says(item, wanted)),
        // What was applied once says nothing of now.
        Json::Object(members) => members
            .iter()
            .any(|(key, value)| !key.contains("last-applied") && (wanted(key) || says(value, wanted))),
        _ => false,
    }
}

fn deployment(subject: &Object) -> Json {
    let mut json = subject.cleaned();
    json["kind"] = json!("Deployment");
    if let Some(spec) = json["spec"].as_object_mut() {
        for member in [
            "ordinals",
            "persistentVolumeClaimRetentionPolicy",
            "podManagementPolicy",
            "serviceName",
            "updateStrategy",
            "volumeClaimTemplates",
        ] {
            spec.remove(member);
        }
        // As before: one pod after the other, and never one more than there were.
        spec.insert(
            "strategy".to_owned(),
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}),
        );
    }
    json
}

fn plan(subject: &Object, deployment: &Json, referring: Vec<(Json, Json)>, notes: Vec<String>) -> Plan {
    let (namespace, name) = (&subject.namespace, subject.name());
    let shell = Shell(namespace);
    let replicas = (
        "replicas".to_owned(),
        shell.field("statefulset", name, "{.spec.replicas}"),
    );
    let start = Step {
        title: "Start the Deployment beside the StatefulSet".to_owned(),
        why: "Its pods have the same labels, so that Services send them requests as soon as they are ready.".to_owned(),
        down: Down::Nothing,
        learn: vec![replicas],
        before: vec![shell.none("deployment", name)],
        run: vec![
            Command::apply([deployment.clone()]),
            shell.line(&format!("scale deployment {name} --replicas=\"$replicas\"")),
        ],
        after: vec![shell.complete("deployment", name)],
        back: Back {
            says: "The Deployment goes, with its pods.".to_owned(),
            run: vec![shell.line(&format!(
                "delete deployment {name} --ignore-not-found --cascade=foreground"
            ))],
            after: vec![shell.none("deployment", name)],
        },
    };
    let titles: Vec<String> = referring
        .iter()
        .map(|(_, new)| format!("{} {}", text(new, "/kind"), text(new, "/metadata/name")))
        .collect();
    let refer = (!referring.is_empty()).then(|| Step {
        title: format!("Point {} at the Deployment", titles.join(", ")),
        why: "Nobody scales the StatefulSet any more.".to_owned(),
        down: Down::Nothing,
        learn: Vec::new(),
        before: Vec::new(),
        run: vec![Command::apply(referring.iter().map(|(_, new)| new.clone()))],
        after: Vec::new(),
        back: Back {
            says: "They are what they were.".to_owned(),
            run: vec![Command::apply(referring.iter().map(|(old, _)| old.clone()))],
            after: Vec::new(),
        },
    });
    let end = Step {
        title: "Let the StatefulSet go".to_owned(),
        why: "Its pods end, once those of the Deployment do their work.".to_owned(),
        down: Down::Nothing,
        learn: Vec::new(),
        before: vec![shell.complete("deployment", name)],
        run: vec![shell.line(&format!(
            "delete statefulset {name} --ignore-not-found --cascade=foreground"
        ))],
        after: vec![shell.none("statefulset", name)],
        back: Back {
            says: "The StatefulSet is made again, with its pods.".to_owned(),
            run: vec![
                Command::apply([subject.cleaned()]),
                shell.line(&format!("scale statefulset {name} --replicas=\"$replicas\"")),
            ],
            after: vec![
                Check::new("its pods are ready", shell.ready("statefulset", name), "$replicas"),
                shell.complete("statefulset", name),
            ],
        },
    };
    Plan {
        namespace: namespace.clone(),
        id: format!("convert-statefulset-{name}"),
        title: format!("StatefulSet {namespace}/{name} becomes a Deployment, for its pods keep nothing"),
        notes,
        steps: [start].into_iter().chain(refer).chain([end]).collect(),
    }
}
