//! Claim templates, and what containers mount: rules `claim-template-*`, `claim-adoption`, `dangling-volume-mount`.

use serde_json::{Value as Json, json};
use stateward::graph::Kind;

use super::kind::{as_stateful_set, data_template};
use super::site::{Site, put};
use super::{Way, way};

const TEMPLATES: &str = "/spec/volumeClaimTemplates";

pub const WAYS: &[Way] = &[
    way(&["claim-adoption"], "kubectl delete pvc ", |site| {
        let words = site.command("delete pvc");
        let names: Vec<String> = words.into_iter().take_while(|word| !word.starts_with('-')).collect();
        for name in names {
            site.remove(Kind::CLAIM, &name);
        }
    }),
    way(&["claim-adoption"], "Wait for it (", |site| {
        let claim = site.finding.subject.to_string();
        site.remove(Kind::CLAIM, &claim);
    }),
    way(&["claim-adoption"], "Stop that workload first", |site| {
        for workload in [Kind::DEPLOYMENT, Kind::STATEFUL_SET] {
            let own = site.finding.object.clone();
            let other = |one: &&mut Json| workload != own.kind || one["metadata"]["name"] != *own.name;
            for other in site.all(workload).filter(other) {
                other["spec"]["replicas"] = 0.into();
            }
        }
    }),
    way(
        &["claim-adoption"],
        "or give the StatefulSet or its claim template another name",
        |site| {
            site.set("/metadata/name", "another");
        },
    ),
    way(&["claim-template-access-mode"], "Use ReadWriteOnce", |site| {
        let field = site.field();
        site.set(&field, json!(["ReadWriteOnce"]));
    }),
    way(
        &["claim-template-access-mode"],
        "Write accessModes: [ReadWriteOnce]",
        |site| {
            let field = site.field();
            site.set(&field, json!(["ReadWriteOnce"]));
        },
    ),
    way(&["claim-template-access-mode"], "or [ReadWriteOncePod]", |site| {
        let field = site.field();
        site.set(&field, json!(["ReadWriteOncePod"]));
    }),
    way(
        &["claim-template-access-mode"],
        "name one claim in a pod volume",
        |site| {
            let name = site.finding.subject.to_string();
            site.unset(TEMPLATES);
            site.add_claim("of-all", "ReadWriteMany");
            site.set(
                "/spec/template/spec/volumes",
                json!([{"name": name, "persistentVolumeClaim": {"claimName": "of-all"}}]),
            );
        },
    ),
    way(
        &["claim-template-class"],
        "Make a PersistentVolume without a class for every pod",
        |site| {
            let (set, template) = (site.finding.object.name.to_string(), site.finding.subject.to_string());
            let name = format!("{template}-{set}-0");
            site.add_claim(&name, "ReadWriteOnce");
            put(
                site.object(Kind::CLAIM, &name).expect("added"),
                "/spec/volumeName",
                "disk-0".into(),
            );
        },
    ),
    way(&["claim-template-class"], "or name a class", name_class),
    way(&["claim-template-class"], "or name one that exists, after ", name_class),
    way(&["claim-template-class"], "Make a class \"", |site| {
        let name = site.told("Make a class ");
        add_class(site, &name);
    }),
    way(&["claim-template-class"], "Name a class", name_class),
    way(
        &["claim-template-class"],
        "kubectl annotate storageclass NAME ",
        |site| {
            let (key, value) = site
                .told("storageclass NAME ")
                .split_once('=')
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .expect("a pair");
            let class = site.all(Kind::CLASS).next().expect("a class");
            class["metadata"]["annotations"][key] = value.into();
        },
    ),
    way(
        &["claim-template-class"],
        "Use a class with volumeBindingMode: WaitForFirstConsumer",
        |site| {
            let class = site.all(Kind::CLASS).next().expect("a class").clone();
            let mut other = class;
            other["metadata"]["name"] = "later".into();
            other["volumeBindingMode"] = "WaitForFirstConsumer".into();
            site.add(other);
            let field = site.field();
            site.set(&field, "later");
        },
    ),
    way(&["claim-template-shadows-volume"], "emove volume ", |site| {
        let field = site.field();
        site.unset(&field);
    }),
    way(
        &["claim-template-shadows-volume"],
        "Rename one of the two and its mounts",
        |site| {
            let field = format!("{}/name", site.field());
            site.set(&field, "other");
            let mounts = json!([{"name": "data", "mountPath": "/data"}, {"name": "other", "mountPath": "/other"}]);
            site.set("/spec/template/spec/containers/0/volumeMounts", mounts);
        },
    ),
    way(&["claim-template-storage"], "such as 10Gi", |site| {
        request(site, "10Gi")
    }),
    way(&["claim-template-storage"], "such as Gi: 10Gi", |site| {
        request(site, "10Gi")
    }),
    way(&["claim-template-storage"], "Request at least ", |site| {
        at_limit(site, "Request at least ")
    }),
    way(&["claim-template-storage"], "Request at most ", |site| {
        at_limit(site, "Request at most ")
    }),
    way(&["claim-template-unmounted"], "Mount ", |site| {
        let name = site.told("Mount ");
        mount(site, &name);
    }),
    way(&["claim-template-unmounted"], "or leave the template out", |site| {
        let field = site.field();
        site.unset(&field);
    }),
    way(&["claim-template-volatile"], "Drop ", |site| {
        let keys = site.listed("Drop ", " from the template");
        let metadata = site
            .own()
            .pointer_mut("/spec/volumeClaimTemplates/0/metadata")
            .expect("metadata");
        for key in keys {
            let dropped = ["labels", "annotations"].iter().any(|of| {
                metadata
                    .get_mut(of)
                    .and_then(Json::as_object_mut)
                    .is_some_and(|members| members.remove(&key).is_some())
            });
            assert!(dropped, "no {key}");
        }
    }),
    way(&["dangling-volume-mount"], "a volume ", |site| {
        let name = site.finding.subject.to_string();
        let place = format!("{}/volumes", site.pods());
        let mut volumes = site
            .own()
            .pointer(&place)
            .and_then(Json::as_array)
            .cloned()
            .unwrap_or_default();
        volumes.push(json!({"name": name, "emptyDir": {}}));
        site.set(&place, volumes);
    }),
    way(&["dangling-volume-mount"], "Add a claim template ", |site| {
        let name = site.told("a claim template ");
        let mut templates = site
            .own()
            .pointer(TEMPLATES)
            .and_then(Json::as_array)
            .cloned()
            .unwrap_or_default();
        templates.push(data_template(&name));
        site.set(TEMPLATES, templates);
    }),
    way(&["dangling-volume-mount"], "Did you mean ", |site| {
        let (name, field) = (site.told("Did you mean "), site.field());
        site.set(&field, name);
    }),
    way(
        &["dangling-volume-mount"],
        "use a StatefulSet with a claim template",
        |site| {
            let name = site.finding.subject.to_string();
            as_stateful_set(site);
            let templates = site.own()["spec"]["volumeClaimTemplates"].as_array_mut();
            templates.expect("templates").push(data_template(&name));
        },
    ),
];

fn request(site: &mut Site, storage: &str) {
    let field = site.field();
    site.set(&field, storage);
}

fn at_limit(site: &mut Site, words: &str) {
    let storage = site.told(words);
    // The limit is another remedy's words where it is no quantity.
    if storage.starts_with(|c: char| c.is_ascii_digit()) {
        request(site, &storage);
    } else {
        request(site, "1Gi");
    }
}

fn name_class(site: &mut Site) {
    add_class(site, "there");
    let field = site.field();
    site.set(&field, "there");
}

fn add_class(site: &mut Site, name: &str) {
    site.add(
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
        "provisioner": "disks.example.com", "volumeBindingMode": "WaitForFirstConsumer"}),
    );
}

fn mount(site: &mut Site, name: &str) {
    let place = "/spec/template/spec/containers/0/volumeMounts";
    let mut mounts = site
        .own()
        .pointer(place)
        .and_then(Json::as_array)
        .cloned()
        .unwrap_or_default();
    mounts.push(json!({"name": name, "mountPath": format!("/{name}")}));
    site.set(place, mounts);
}
