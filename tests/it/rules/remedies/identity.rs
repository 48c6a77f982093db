//! Names, labels, Services, autoscalers and nodes: rules `service-*`, `statefulset-name`, `autoscaler-target`,
//! `overlapping-selectors`, `unspread-replicas`.

use serde_json::json;
use stateward::graph::Kind;

use super::site::Site;
use super::{Way, way};

pub const WAYS: &[Way] = &[
    way(&["autoscaler-target"], "Set scaleTargetRef.kind: ", |site| {
        let kind = site.told("scaleTargetRef.kind: ");
        site.set("/spec/scaleTargetRef/kind", kind);
    }),
    way(&["autoscaler-target"], "Correct the name in scaleTargetRef", |site| {
        site.add(deployment("elsewhere"));
        site.set("/spec/scaleTargetRef/name", "elsewhere");
    }),
    way(&["autoscaler-target"], "or delete the autoscaler", |site| {
        site.updates = false;
        site.objects.retain(|object| object.kind != Kind::AUTOSCALER);
    }),
    way(&["autoscaler-target"], "Add Deployment ", |site| {
        let name = site.told("Add Deployment ");
        site.add(deployment(&name));
    }),
    way(&["service-missing"], "Add Service ", |site| {
        let name = site.told("Add Service ");
        site.add_service(&name);
    }),
    way(&["service-missing"], "reate Service ", |site| {
        let name = site.told("reate Service ");
        if site.deletes {
            // Which it says too: only after the StatefulSet.
            site.objects.retain(|object| object.kind != Kind::STATEFUL_SET);
        } else {
            site.add_service(&name);
        }
    }),
    way(
        &[
            "service-missing",
            "service-not-headless",
            "service-selector-mismatch",
            "service-name-missing",
        ],
        "serviceName: ",
        |site| {
            let name = site.told("serviceName: ");
            site.set("/spec/serviceName", name);
        },
    ),
    way(&["service-name-missing"], "Set serviceName to one of ", |site| {
        let name = site.told("to one of ");
        site.set("/spec/serviceName", name);
    }),
    way(
        &["service-name-missing"],
        "Name a headless Service that selects ",
        |site| {
            site.add_service("peers");
            site.set("/spec/serviceName", "peers");
        },
    ),
    way(
        &["service-name-missing"],
        "set the annotation stateward.dev/service: none",
        |site| {
            site.set("/metadata/annotations/stateward.dev~1service", "none");
        },
    ),
    way(
        &["service-not-headless"],
        "under the same name with clusterIP: None",
        |site| {
            let name = site.told("Recreate Service ");
            site.remove(Kind::SERVICE, &name);
            site.add_service(&name);
        },
    ),
    way(
        &["service-not-headless"],
        "name another one in serviceName, with clusterIP: None",
        |site| {
            site.add_service("peers");
            site.set("/spec/serviceName", "peers");
        },
    ),
    way(&["service-selector-mismatch"], "the selector ", |site| {
        let (labels, name) = (site.labels(), site.finding.subject.to_string());
        site.object(Kind::SERVICE, &name).expect("the Service")["spec"]["selector"] = labels;
    }),
    way(&["overlapping-selectors"], "Give each a label of its own", |site| {
        // One that exists is deleted, and created anew.
        site.updates = false;
        for object in &mut site.objects {
            let component = json!({"component": object.name()});
            for labels in [
                "/spec/selector/matchLabels",
                "/spec/selector",
                "/spec/template/metadata/labels",
            ] {
                let labels = object
                    .json
                    .pointer_mut(labels)
                    .filter(|labels| labels.get("matchLabels").is_none());
                if let Some(labels) = labels {
                    json_patch::merge(labels, &component);
                }
            }
        }
    }),
    way(&["service-discovery"], "kubectl patch service ", Site::patch),
    way(&["service-discovery"], "Name the port in Service ", |site| {
        let (service, name) = (site.told("in Service "), site.told("name: "));
        let service = site.object(Kind::SERVICE, &service).expect("the Service");
        for port in service["spec"]["ports"].as_array_mut().expect("ports") {
            if port["name"].is_null() {
                port["name"] = name.clone().into();
            }
        }
    }),
    way(&["service-discovery"], "Name a container's port ", |site| {
        let name = site.told("container's port ");
        site.set(
            "/spec/template/spec/containers/0/ports",
            json!([{"name": name, "containerPort": 7946}]),
        );
    }),
    way(&["service-discovery"], "or write the number as targetPort", |site| {
        for service in site.all(Kind::SERVICE) {
            for port in service["spec"]["ports"].as_array_mut().expect("ports") {
                port["targetPort"] = 7946.into();
            }
        }
    }),
    way(&["unspread-replicas"], "Write labelSelector: ", |site| {
        let (selector, field) = (site.pasted("labelSelector: "), site.field());
        site.set(&format!("{field}/labelSelector"), selector);
    }),
    way(
        &["unspread-replicas"],
        "dd to the pods' spec: topologySpreadConstraints: ",
        |site| {
            let constraints = site.pasted("topologySpreadConstraints: ");
            site.set("/spec/template/spec/topologySpreadConstraints", constraints);
        },
    ),
    way(&["statefulset-name"], "Use a name of at most 52 characters", |site| {
        let member = if site.finding.path.ends_with("generateName") {
            "generateName"
        } else {
            "name"
        };
        let name = site.own()["metadata"][member].as_str().expect("a name")[..40].to_owned();
        site.set(&format!("/metadata/{member}"), name);
    }),
    way(&["statefulset-name"], "at most 63 of a-z, 0-9 and \"-\"", |site| {
        let field = site.field();
        site.set(&field, "db");
    }),
];

fn deployment(name: &str) -> serde_json::Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "web", "image": "web"}]}}}})
}
