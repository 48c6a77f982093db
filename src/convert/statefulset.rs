//! A Deployment with claims as a StatefulSet: claim templates, a headless Service, and who refers to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::copies::IMAGE;
use super::object::{Object, claim_volumes, is_name, selects, text};
use super::references::{References, Renamed};
use super::steps::{Move, Moved};
use super::{Conversion, Data, Fate, Request, Scope};

/// The label `controller-revision-hash` is the name, a dash and a hash of up to ten characters, and has 63 at most.
const NAME_LIMIT: usize = 52;

/// A claim of the Deployment that becomes the first pod's own.
#[derive(Clone, Copy)]
struct Owned<'o> {
    /// The volume of the pods, whose name the claim template takes.
    volume: &'o str,
    claim: &'o Object,
    number: usize,
}

/// Finds out what becomes of everything, or all reasons why it cannot be.
pub(super) fn convert(request: Request<'_>) -> Result<Conversion, Vec<String>> {
    let subject = &request.objects[request.subject];
    let mut notes = Vec::new();
    let owned = owned(request, &mut notes)?;
    let claims: BTreeMap<String, String> = owned
        .iter()
        .map(|owned| (owned.claim.name().to_owned(), owned.first(subject)))
        .collect();
    let renamed = Renamed {
        subject,
        kind: "StatefulSet",
        claims: &claims,
    };
    let mut references = References::of(&renamed, request.objects);
    references.obstacles.extend(taken(request, &claims));
    if !references.obstacles.is_empty() {
        return Err(references.obstacles);
    }
    let service = Governing::of(request);
    notes.append(&mut references.notes);
    let statefulset = statefulset(subject, &owned, service.name(), &mut notes);
    notes.extend(unseen(subject, &references.changed, request));

    let mut fates = vec![Fate::Same; request.objects.len()];
    for (number, json) in &references.changed {
        fates[*number] = Fate::Becomes(json.clone());
    }
    for owned in &owned {
        fates[owned.number] = Fate::Gone;
    }
    fates[request.subject] = Fate::Becomes(statefulset.clone());
    let added: Vec<Json> = service.object().into_iter().collect();
    let plan = Move {
        subject,
        statefulset: &statefulset,
        service: added.first(),
        moved: owned.iter().map(|owned| owned.moved(subject)).collect(),
        data: request.data,
        referring: references
            .changed
            .iter()
            .map(|(number, json)| (request.objects[*number].cleaned(), json.clone()))
            .collect(),
        notes,
    }
    .plan();
    Ok(Conversion { fates, added, plan })
}

/// The claims that become templates.
fn owned<'o>(request: Request<'o>, notes: &mut Vec<String>) -> Result<Vec<Owned<'o>>, Vec<String>> {
    let subject = &request.objects[request.subject];
    let mut obstacles = standing(subject);
    let Some(pods) = subject.pod_spec() else {
        return Err(vec!["it has no pod template".to_owned()]);
    };
    let (mut owned, mut seen) = (Vec::new(), BTreeSet::new());
    let mut shares = false;
    for (volume, name) in claim_volumes(pods) {
        let claim = request.objects.iter().enumerate().find(|(_, object)| {
            object.is("", "PersistentVolumeClaim") && object.namespace == subject.namespace && object.name() == name
        });
        let Some((number, claim)) = claim else {
            obstacles.push(match request.scope {
                Scope::Files => format!(
                    "claim {name} is not in the files, so what it asks for is not known: add it, or use --from-cluster"
                ),
                Scope::Namespace => format!("claim {name} does not exist"),
            });
            continue;
        };
        if !seen.insert(name) {
            obstacles.push(format!(
                "two volumes of its pods are claim {name}, and only one of them could become a claim template"
            ));
            continue;
        }
        let modes: Vec<&str> = claim.json["spec"]["accessModes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect();
        if modes
            .iter()
            .any(|mode| matches!(*mode, "ReadWriteMany" | "ReadOnlyMany"))
        {
            shares = true;
            notes.push(format!(
                "claim {name} is {}: all pods go on sharing it",
                modes.join(" and ")
            ));
            continue;
        }
        if modes.is_empty() {
            obstacles.push(format!("claim {name} has no accessModes"));
        }
        if request.data == Data::Copy && claim.json["spec"]["volumeMode"] == "Block" {
            obstacles.push(format!("claim {name} is a raw device, of which no files can be copied"));
        }
        if let Some(owner) = claim.json.pointer("/metadata/ownerReferences/0") {
            obstacles.push(format!(
                "claim {name} belongs to {} {}",
                text(owner, "/kind"),
                text(owner, "/name")
            ));
        }
        if !is_name(name) || !is_name(volume) || volume.contains('.') {
            obstacles.push(format!(
                "the volume {volume:?} or its claim {name:?} has a name that Kubernetes refuses"
            ));
        }
        owned.push(Owned { volume, claim, number });
    }
    if owned.is_empty() && obstacles.is_empty() {
        obstacles.push(if shares {
            "all its claims can be shared by pods on several nodes, which is right for a Deployment".to_owned()
        } else {
            "its pods have no claim, so there is no state to own".to_owned()
        });
    }
    if obstacles.is_empty() {
        Ok(owned)
    } else {
        Err(obstacles)
    }
}

/// What of the Deployment itself is in the way.
fn standing(subject: &Object) -> Vec<String> {
    let mut obstacles = Vec::new();
    let name = subject.name();
    if !is_name(name) || name.contains('.') || name.len() > NAME_LIMIT {
        obstacles.push(format!(
            "the name of a StatefulSet becomes part of labels and of host names: at most {NAME_LIMIT} of a-z, 0-9 and -"
        ));
    }
    obstacles.extend(subject.maker());
    if subject.json["spec"]["selector"].is_null() {
        obstacles.push("it has no selector".to_owned());
    }
    obstacles
}

/// Names that the result needs and somebody has.
fn taken(request: Request<'_>, claims: &BTreeMap<String, String>) -> Vec<String> {
    let subject = &request.objects[request.subject];
    let there = |kind: &str, name: &str| {
        request
            .objects
            .iter()
            .any(|object| object.kind() == kind && object.namespace == subject.namespace && object.name() == name)
    };
    let mut taken = Vec::new();
    if there("StatefulSet", subject.name()) {
        taken.push(format!("there is a StatefulSet {} already", subject.name()));
    }
    for name in claims.values() {
        if there("PersistentVolumeClaim", name) {
            taken.push(format!(
                "there is a claim {name} already, which the first pod would start on"
            ));
        }
    }
    taken
}

/// What is said of those that are not seen, and of what works otherwise from now on.
fn unseen(subject: &Object, changed: &BTreeMap<usize, Json>, request: Request<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    for number in changed.keys() {
        let object = &request.objects[*number];
        notes.push(match object.kind() {
            "CronJob" => format!("{} mounts the claim by its new name", object.title()),
            "VerticalPodAutoscaler" => format!("{} points at the StatefulSet", object.title()),
            _ => format!(
                "{} points at the StatefulSet; each pod that it adds begins with an empty volume",
                object.title()
            ),
        });
    }
    match request.data {
        Data::Copy => notes.push(format!(
            "the copy is made by {IMAGE}, as root, so that files keep their owners; the volumes that there are only get read, \
             and stay until you delete their claims"
        )),
        Data::Keep => {}
        Data::Snapshot => notes.push(
            "the cluster needs a snapshot controller, and a VolumeSnapshotClass for the driver; the volumes that there are \
             and the snapshots stay until you delete them"
                .to_owned(),
        ),
    }
    notes.extend(subject.managers());
    if request.scope == Scope::Files {
        notes.push(super::ONLY_FILES.to_owned());
    }
    notes
}

impl Owned<'_> {
    /// The name of the first pod's claim.
    fn first(&self, subject: &Object) -> String {
        format!("{}-{}-0", self.volume, subject.name())
    }

    /// What every pod's claim asks for: what this one does, but for a volume by name and where its data came from.
    fn spec(&self) -> Json {
        let mut spec = self.claim.json["spec"].clone();
        if let Some(members) = spec.as_object_mut() {
            members.retain(|key, _| !matches!(key.as_str(), "dataSource" | "dataSourceRef" | "volumeName"));
        }
        spec
    }

    fn template(&self) -> Json {
        json!({"metadata": {"name": self.volume}, "spec": self.spec()})
    }

    fn moved(&self, subject: &Object) -> Moved {
        let mut labels = self.claim.json["metadata"]["labels"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        // As the StatefulSet's controller labels the claims that it makes.
        let selector = subject.json["spec"]["selector"]["matchLabels"].as_object();
        labels.extend(selector.cloned().unwrap_or_default());
        let mut new = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": self.first(subject)}, "spec": self.spec()});
        if !labels.is_empty() {
            new["metadata"]["labels"] = Json::Object(labels);
        }
        Moved {
            old: self.claim.cleaned(),
            new,
        }
    }
}

/// The Service that gives the pods their names.
enum Governing<'o> {
    Found(&'o str),
    Made { name: String, object: Json },
}

impl<'o> Governing<'o> {
    /// The headless Service that selects the pods, or one that does.
    fn of(request: Request<'o>) -> Self {
        let subject = &request.objects[request.subject];
        let services = request
            .objects
            .iter()
            .filter(|object| object.is("", "Service") && object.namespace == subject.namespace);
        let labels = subject.pod_labels();
        let fits = |service: &&Object| {
            let spec = &service.json["spec"];
            spec["clusterIP"] == "None" && selects(&spec["selector"], labels)
        };
        if let Some(found) = services.clone().find(fits) {
            return Self::Found(found.name());
        }
        // A Service's name has to begin with a letter.
        let own = subject.name();
        let name = if own.starts_with(|c: char| c.is_ascii_alphabetic()) {
            format!("{own}-headless")
        } else {
            format!("headless-{own}")
        };
        let selector = subject.json["spec"]["selector"]["matchLabels"].as_object();
        let selector = selector
            .cloned()
            .unwrap_or_else(|| labels.as_object().cloned().unwrap_or_default());
        let mut metadata = Map::new();
        metadata.insert("name".to_owned(), json!(name));
        for member in ["labels", "namespace"] {
            if let Some(value) = subject.json["metadata"].get(member) {
                metadata.insert(member.to_owned(), value.clone());
            }
        }
        let mut object = json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": {"clusterIP": "None", "selector": selector}});
        let ports = ports(subject);
        if !ports.is_empty() {
            object["spec"]["ports"] = json!(ports);
        }
        Self::Made { name, object }
    }

    fn name(&self) -> &str {
        match self {
            Self::Found(name) => name,
            Self::Made { name, .. } => name,
        }
    }

    fn object(&self) -> Option<Json> {
        match self {
            Self::Found(_) => None,
            Self::Made { object, .. } => Some(object.clone()),
        }
    }
}

/// The named ports of the pods: only these get SRV records.
fn ports(subject: &Object) -> Vec<Json> {
    let containers = subject.pod_spec().and_then(|pods| pods["containers"].as_array());
    let ports = containers
        .into_iter()
        .flatten()
        .filter_map(|container| container["ports"].as_array())
        .flatten();
    let mut seen = BTreeSet::new();
    let named = ports.filter_map(|port| {
        let name = port["name"].as_str()?;
        let mut one = json!({"name": name, "port": port["containerPort"], "targetPort": name});
        if let Some(protocol) = port.get("protocol") {
            one["protocol"] = protocol.clone();
        }
        seen.insert(name).then_some(one)
    });
    named.collect()
}

/// The StatefulSet, with everything of the Deployment that means something there.
fn statefulset(subject: &Object, owned: &[Owned<'_>], service: &str, notes: &mut Vec<String>) -> Json {
    let mut json = subject.cleaned();
    json["kind"] = json!("StatefulSet");
    let spec = &mut json["spec"];
    spec["serviceName"] = json!(service);
    spec["volumeClaimTemplates"] = owned.iter().map(Owned::template).collect();
    let replicas = spec["replicas"].as_u64().unwrap_or(1);
    if replicas > 1 {
        spec["replicas"] = json!(1);
        notes.push(format!(
            "its {replicas} pods shared what each pod of a StatefulSet has for itself: the StatefulSet has one; a second \
             one would begin with an empty volume, so scale it once the program copies its data itself"
        ));
    }
    if let Some(members) = spec.as_object_mut() {
        for (member, note) in [
            ("strategy", ""),
            ("progressDeadlineSeconds", ""),
            (
                "paused",
                "it was paused; a StatefulSet cannot be, so its pods follow the template at once",
            ),
        ] {
            if members.remove(member).is_some() && !note.is_empty() {
                notes.push(note.to_owned());
            }
        }
    }
    let pods = &mut spec["template"]["spec"];
    if let Some(volumes) = pods["volumes"].as_array_mut() {
        volumes.retain(|volume| !owned.iter().any(|owned| volume["name"] == owned.volume));
    }
    if pods["volumes"].as_array().is_some_and(Vec::is_empty)
        && let Some(members) = pods.as_object_mut()
    {
        members.remove("volumes");
    }
    for owned in owned {
        if owned.claim.json["spec"].get("volumeName").is_some() && owned.claim.json["status"].is_null() {
            notes.push(format!(
                "claim {} names its volume, which a claim template cannot: further pods get what the class gives them",
                owned.claim.name()
            ));
        }
    }
    json
}
