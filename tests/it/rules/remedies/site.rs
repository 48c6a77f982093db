//! The objects of a world in the hands of somebody who does what a remedy says.

use serde_json::{Value as Json, json};
use stateward::graph::{Kind, Kinds};
use stateward::rules::kit::Finding;

use crate::rules::world::{Object, World};

/// A world that is being mended.
pub struct Site {
    pub objects: Vec<Object>,
    pub forced: bool,
    pub updates: bool,
    /// What is judged is a deletion.
    pub deletes: bool,
    pub finding: Finding,
    pub remedy: String,
}

impl Site {
    pub fn new(world: &World, finding: Finding, remedy: &str) -> Self {
        Self {
            objects: world.objects.clone(),
            forced: world.forced,
            updates: world.updates,
            deletes: world.deletion().is_some(),
            finding,
            remedy: remedy.to_owned(),
        }
    }

    /// The object that the finding is on: of an update the new one.
    pub fn own(&mut self) -> &mut Json {
        let (kind, name) = (self.finding.object.kind, self.finding.object.name.to_string());
        self.object(kind, &name).expect("the object of the finding")
    }

    pub fn object(&mut self, kind: Kind, name: &str) -> Option<&mut Json> {
        let is_it = |object: &&mut Object| object.kind == kind && [name, ""].contains(&object.name());
        self.objects.iter_mut().rev().find(is_it).map(|object| &mut object.json)
    }

    pub fn all(&mut self, kind: Kind) -> impl Iterator<Item = &mut Json> {
        let objects = self.objects.iter_mut();
        objects
            .filter(move |object| object.kind == kind)
            .map(|object| &mut object.json)
    }

    pub fn add(&mut self, json: Json) {
        let namespace = self.objects[0].namespace.clone();
        let named = json["kind"].as_str().expect("a kind");
        let kind = Kinds::builtin().iter().find(|kind| kind.as_str() == named);
        let kind = kind.expect("a kind that we know");
        let namespace = if kind.is_namespaced() { namespace } else { "".into() };
        self.objects.push(Object { kind, namespace, json });
    }

    pub fn remove(&mut self, kind: Kind, name: &str) {
        let before = self.objects.len();
        self.objects
            .retain(|object| object.kind != kind || object.name() != name);
        assert!(self.objects.len() < before, "no {kind} {name}");
    }

    /// Writes a field of the finding's object, with the members above it.
    pub fn set(&mut self, pointer: &str, value: impl Into<Json>) {
        put(self.own(), pointer, value.into());
    }

    /// Takes a field of the finding's object away.
    pub fn unset(&mut self, pointer: &str) {
        let (parent, last) = pointer.rsplit_once('/').expect("a pointer");
        let last = last.replace("~1", "/");
        match self.own().pointer_mut(parent) {
            Some(Json::Object(members)) => {
                members.remove(&last).expect("the member is there");
            }
            Some(Json::Array(items)) => {
                items.remove(last.parse().expect("a number"));
            }
            _ => unreachable!("nothing at {pointer}"),
        }
    }

    /// The field that the finding names.
    pub fn field(&self) -> String {
        self.finding.path.clone()
    }

    /// JSON pointer to the pod spec of the finding's object.
    pub fn pods(&self) -> &'static str {
        self.finding.object.kind.pod_spec()
    }

    /// The labels of the pods of the finding's object.
    pub fn labels(&mut self) -> Json {
        pod_labels(self.own())
    }

    /// What stands in the remedy after some words, up to a space or a comma.
    pub fn told(&self, words: &str) -> String {
        let (_, rest) = self.remedy.split_once(words).expect("the words");
        let rest = rest.trim_start_matches('"');
        let end = rest.find([' ', ',', '"', ';', ')', ':']).unwrap_or(rest.len());
        rest[..end].to_owned()
    }

    /// The members of a list that stands in the remedy between some words.
    pub fn listed(&self, from: &str, to: &str) -> Vec<String> {
        let (_, rest) = self.remedy.split_once(from).expect("the words before");
        let (list, _) = rest.split_once(to).expect("the words after");
        list.replace(" and ", ", ").split(", ").map(str::to_owned).collect()
    }

    /// A value in flow style that stands in the remedy after some words.
    pub fn pasted(&self, words: &str) -> Json {
        let (_, rest) = self.remedy.split_once(words).expect("the words");
        let mut depth = 0;
        let end = rest.find(|c: char| {
            depth += i32::from("{[".contains(c)) - i32::from("}]".contains(c));
            depth == 0
        });
        serde_saphyr::from_str(&rest[..=end.expect("braces that close")]).expect("a value")
    }

    /// The words of a `kubectl` command that stands in the remedy, up to where the sentence goes on.
    pub fn command(&self, verb: &str) -> Vec<String> {
        let (_, rest) = self.remedy.split_once(&format!("kubectl {verb} ")).expect("a command");
        let end = rest.find([',', ';', ')']).unwrap_or(rest.len());
        rest[..end].split(' ').map(str::to_owned).collect()
    }

    /// Does what `kubectl patch KIND NAME -n NAMESPACE … -p 'PATCH'` would, which stands in the remedy.
    pub fn patch(&mut self) {
        let (_, command) = self.remedy.split_once("kubectl patch ").expect("a command");
        let (target, patch) = command.split_once(" -p '").expect("a patch");
        let (patch, _) = patch.split_once('\'').expect("an end of the patch");
        let patch: Json = serde_json::from_str(patch).expect("JSON");
        let mut target = target.split(' ');
        let (kind, name) = (target.next().expect("a kind"), target.next().expect("a name"));
        let kind = Kinds::builtin().iter().find(|one| one.as_str().to_lowercase() == kind);
        let name = name.to_owned();
        let object = self.object(kind.expect("a kind that we know"), &name);
        json_patch::merge(object.expect("the object to patch"), &patch);
    }

    /// A claim with one access mode.
    pub fn add_claim(&mut self, name: &str, mode: &str) {
        self.add(json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
            "spec": {"accessModes": [mode], "resources": {"requests": {"storage": "10Gi"}}},
        }));
    }

    /// A headless Service for the pods of the finding's object.
    pub fn add_service(&mut self, name: &str) {
        let labels = self.labels();
        self.add(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"clusterIP": "None", "selector": labels},
        }));
    }

    /// The volumes of the pods that keep what outlives a pod.
    pub fn volumes(&mut self) -> Vec<&mut Json> {
        let pods = self.pods();
        let volumes = self.own().pointer_mut(&format!("{pods}/volumes"));
        let volumes = volumes.and_then(Json::as_array_mut).into_iter().flatten();
        volumes
            .filter(|volume| {
                ["persistentVolumeClaim", "gcePersistentDisk", "hostPath"]
                    .iter()
                    .any(|it| volume.get(it).is_some())
            })
            .collect()
    }
}

/// The labels of a workload's pods.
pub fn pod_labels(workload: &Json) -> Json {
    let places = [
        "/spec/jobTemplate/spec/template/metadata/labels",
        "/spec/template/metadata/labels",
        "/metadata/labels",
    ];
    let labels = places.iter().find_map(|place| workload.pointer(place));
    labels.cloned().unwrap_or_else(|| json!({}))
}

/// Writes a field, with the members above it.
pub fn put(object: &mut Json, pointer: &str, value: Json) {
    let mut place = object;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/");
        place = match place {
            Json::Array(items) => &mut items[token.parse::<usize>().expect("a number")],
            other => &mut other[&token],
        };
    }
    *place = value;
}
