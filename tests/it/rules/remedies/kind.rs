//! Another kind of workload: what the rules about the right kind say, and the claim templates that others end with.

use serde_json::{Map, Value as Json, json};
use stateward::graph::Kind;

use super::site::Site;
use super::{Way, way};

pub const WAYS: &[Way] = &[
    way(&["daemonset-shaped"], "write a DaemonSet", |site| {
        let own = site.own();
        own["kind"] = "DaemonSet".into();
        let spec = own["spec"].as_object_mut().expect("a spec");
        spec.remove("replicas");
        spec.remove("strategy");
        become_kind(site, Kind::DAEMON_SET);
    }),
    way(
        &["database-in-deployment", "database-overlap", "inline-disk"],
        "a StatefulSet with volumeClaimTemplates",
        as_stateful_set,
    ),
    way(&["database-in-deployment"], "or replicas: 1", |site| {
        super::storage::one_pod(site);
    }),
    way(
        &["database-in-deployment"],
        "For replicas with names and disks of their own use a StatefulSet",
        as_stateful_set,
    ),
    way(
        &["database-overlap"],
        "replicas: 1 with strategy type: Recreate",
        |site| {
            site.set("/spec/replicas", 1);
            site.set("/spec/strategy", json!({"type": "Recreate"}));
        },
    ),
    way(&["database-overlap"], "Use strategy type: Recreate", |site| {
        site.set("/spec/strategy", json!({"type": "Recreate"}));
    }),
    way(
        &["database-overlap"],
        "Scale the other to 0 before the Job runs",
        |site| {
            for other in site.all(Kind::DEPLOYMENT) {
                other["spec"]["replicas"] = 0.into();
            }
        },
    ),
    way(&["inline-disk"], "Mount a PersistentVolumeClaim", |site| {
        site.add_claim("of-its-own", "ReadWriteOnce");
        for volume in site.volumes() {
            *volume = json!({"name": volume["name"], "persistentVolumeClaim": {"claimName": "of-its-own"}});
        }
        // A claim for one pod at a time.
        site.set("/spec/strategy", json!({"type": "Recreate"}));
    }),
    way(&["naked-pod"], "Make it the template of a StatefulSet", as_stateful_set),
    way(&["naked-pod"], "a Deployment", as_deployment),
    way(&["naked-pod"], "Write a StatefulSet instead", as_stateful_set),
    way(&["needless-statefulset"], "Make it a Deployment", as_deployment),
    way(
        &["needless-statefulset"],
        "annotation stateward.dev/ordinals: needed",
        |site| {
            site.set("/metadata/annotations/stateward.dev~1ordinals", "needed");
        },
    ),
    way(&["statefulset-static-claim"], "Write a claim template ", |site| {
        let name = site.told("a claim template ");
        for volume in site.volumes() {
            *volume = Json::Null;
        }
        let volumes = site.own()["spec"]["template"]["spec"]["volumes"]
            .as_array_mut()
            .expect("volumes");
        volumes.retain(|volume| !volume.is_null());
        site.set("/spec/volumeClaimTemplates", json!([data_template(&name)]));
    }),
    way(
        &["unbacked-data"],
        "Annotate it with stateward.dev/backup: HOW",
        |site| {
            site.set("/metadata/annotations/stateward.dev~1backup", "nightly");
        },
    ),
];

/// A claim template as it should be.
pub fn data_template(name: &str) -> Json {
    json!({"metadata": {"name": name}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}})
}

/// Makes a StatefulSet of the finding's object, with a claim template for each volume that keeps data, or a first one.
pub fn as_stateful_set(site: &mut Site) {
    let mut names: Vec<String> = Vec::new();
    for volume in site.volumes() {
        names.push(volume["name"].as_str().expect("a name").to_owned());
        *volume = Json::Null;
    }
    let (own, pods) = (site.finding.object.clone(), site.pods());
    let pod = site.own().pointer_mut(pods).expect("a pod spec");
    if let Some(volumes) = pod["volumes"].as_array_mut() {
        volumes.retain(|volume| !volume.is_null());
    }
    if names.is_empty() {
        names.push("data".to_owned());
        let mounts = &mut pod["containers"][0]["volumeMounts"];
        let mut all = mounts.as_array().cloned().unwrap_or_default();
        all.push(json!({"name": "data", "mountPath": "/data"}));
        *mounts = all.into();
    }
    let templates: Vec<Json> = names.iter().map(|name| data_template(name)).collect();
    as_workload(
        site,
        Kind::STATEFUL_SET,
        json!({"serviceName": &*own.name, "volumeClaimTemplates": templates}),
    );
    if site.object(Kind::SERVICE, &own.name).is_none() {
        site.add_service(&own.name);
    }
    let targets = site.all(Kind::AUTOSCALER).map(|one| &mut one["spec"]["scaleTargetRef"]);
    for target in targets.filter(|target| target["name"] == *own.name) {
        target["kind"] = "StatefulSet".into();
    }
}

fn as_deployment(site: &mut Site) {
    as_workload(site, Kind::DEPLOYMENT, json!({"strategy": {"type": "Recreate"}}));
}

/// Makes a workload with a selector of another one, or of a Pod.
fn as_workload(site: &mut Site, kind: Kind, mut spec: Json) {
    let own = site.own();
    let labels = super::site::pod_labels(own);
    let template = if own["spec"]["template"].is_object() {
        own["spec"]["template"].clone()
    } else {
        json!({"metadata": {"labels": labels}, "spec": own["spec"]})
    };
    let replicas = own["spec"].get("replicas").cloned().unwrap_or_else(|| 1.into());
    spec["template"] = template;
    spec["replicas"] = replicas;
    spec["selector"] = json!({"matchLabels": labels});
    let metadata: Map<String, Json> = own["metadata"].as_object().expect("metadata").clone();
    *own = json!({"apiVersion": kind.api_version(), "kind": kind.as_str(), "metadata": metadata, "spec": spec});
    become_kind(site, kind);
}

fn become_kind(site: &mut Site, kind: Kind) {
    let own = site.finding.object.clone();
    let is_it = |object: &&mut crate::rules::world::Object| object.kind == own.kind && object.name() == &*own.name;
    let object = site
        .objects
        .iter_mut()
        .rev()
        .find(is_it)
        .expect("the object of the finding");
    object.kind = kind;
    site.finding.object.kind = kind;
}
