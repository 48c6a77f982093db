//! Claims that pods share, or that are not there: rules `rwo-*`, `rwop-overlap`, `claim-*`, `selinux-conflict`.

use serde_json::{Value as Json, json};
use stateward::graph::Kind;

use super::kind::{as_stateful_set, data_template};
use super::site::{Site, pod_labels, put};
use super::{Way, way};

pub const WAYS: &[Way] = &[
    way(
        &["rwo-replicas", "rwo-autoscaler", "rwo-spread", "rwop-overlap"],
        "a StatefulSet with volumeClaimTemplates",
        as_stateful_set,
    ),
    way(&["rwo-replicas"], "Add a volumeClaimTemplates entry named ", |site| {
        let name = site.told("entry named ");
        let template = data_template(&name);
        site.set("/spec/volumeClaimTemplates", json!([template]));
    }),
    way(
        &[
            "rwo-replicas",
            "rwo-autoscaler",
            "rwo-consumers",
            "rwo-daemonset",
            "rwo-job",
            "rwo-spread",
            "rwop-overlap",
        ],
        "a ReadWriteMany class",
        |site| share(site, "ReadWriteMany"),
    ),
    way(&["rwo-replicas"], "replicas: 1", one_pod),
    way(&["rwo-spread"], "or run one pod", one_pod),
    way(&["rwop-overlap"], "Use one pod", one_pod),
    way(&["rwo-job", "rwop-overlap"], "Use parallelism: 1", one_pod),
    way(
        &["rwop-overlap"],
        "or ReadWriteOnce and co-location on one node",
        |site| {
            share(site, "ReadWriteOnce");
            co_locate(site);
        },
    ),
    way(&["rwo-job"], "or use ReadWriteOnce and put both on one node", |site| {
        share(site, "ReadWriteOnce");
        co_locate(site);
    }),
    way(
        &["rwo-consumers"],
        "keep them on one node by required podAffinity with topologyKey kubernetes.io/hostname, in both",
        co_locate,
    ),
    way(&["rwo-consumers", "rwop-overlap"], "Give each its own claim", |site| {
        site.add_claim("of-its-own", "ReadWriteOnce");
        if site.finding.path.starts_with("/spec/volumeClaimTemplates") {
            return other_uses_its_own(site);
        }
        use_claim(site, "of-its-own");
    }),
    way(&["rwo-consumers"], "Let it follow too: ", paste_affinity),
    way(&["rwo-job"], "Put the job beside it with ", paste_affinity),
    way(&["rwo-job"], "ork on a claim made from a VolumeSnapshot", |site| {
        site.add_claim("from-a-snapshot", "ReadWriteOnce");
        use_claim(site, "from-a-snapshot");
        // The other cause, which this one hid.
        if site.finding.object.kind == Kind::CRON_JOB {
            site.set("/spec/concurrencyPolicy", "Forbid");
        }
    }),
    way(&["rwo-job"], "Use concurrencyPolicy: Forbid", |site| {
        site.set("/spec/concurrencyPolicy", "Forbid");
    }),
    way(
        &["rwo-job", "rwo-daemonset", "rwo-spread", "rwop-overlap"],
        "an ephemeral volume",
        |site| {
            be(
                site,
                &json!({"ephemeral": {"volumeClaimTemplate": {"spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}}),
            );
        },
    ),
    way(&["rwo-daemonset", "rwop-overlap"], "Use hostPath, ", |site| {
        be(site, &json!({"hostPath": {"path": "/srv/data"}}));
    }),
    way(&["rwo-daemonset"], "or a nodeSelector for that node", |site| {
        let selector = format!("{}/nodeSelector", site.pods());
        site.set(&selector, json!({"kubernetes.io/hostname": "n1"}));
    }),
    way(&["rwo-autoscaler"], "et maxReplicas: 1 on the autoscaler", |site| {
        each_autoscaler(site, &[("/spec/maxReplicas", 1)]);
    }),
    way(
        &["rwo-autoscaler"],
        "Set minReplicas: 1 and maxReplicas: 1 on the autoscaler",
        |site| {
            each_autoscaler(site, &[("/spec/minReplicas", 1), ("/spec/maxReplicas", 1)]);
        },
    ),
    way(
        &["rwo-spread", "rwo-surge", "rwop-overlap"],
        "Use strategy type: Recreate",
        |site| {
            site.set("/spec/strategy", json!({"type": "Recreate"}));
        },
    ),
    way(
        &["rwo-spread", "rwo-surge", "rwop-overlap"],
        "maxSurge: 0 with maxUnavailable: 1",
        |site| {
            site.set("/spec/strategy", no_surge());
        },
    ),
    way(
        &["rwo-spread", "rwo-surge", "rwop-overlap"],
        "once by: kubectl patch ",
        Site::patch,
    ),
    way(&["rwo-spread"], "Drop the required podAntiAffinity", |site| {
        let affinity = format!("{}/affinity/podAntiAffinity", site.pods());
        site.unset(&affinity);
    }),
    way(&["rwo-spread"], "Drop the topologySpreadConstraint", |site| {
        let field = site.field();
        site.unset(&field);
    }),
    way(
        &[
            "claim-missing",
            "rwo-consumers",
            "rwo-daemonset",
            "rwo-job",
            "rwo-spread",
            "rwo-surge",
        ],
        "Create PersistentVolumeClaim ",
        |site| {
            let name = site.told("PersistentVolumeClaim ");
            site.add_claim(&name, "ReadWriteOnce");
        },
    ),
    way(
        &["claim-missing", "rwo-replicas"],
        "Add PersistentVolumeClaim ",
        |site| {
            let name = site.told("PersistentVolumeClaim ");
            site.add_claim(&name, "ReadWriteOnce");
        },
    ),
    way(&["claim-missing"], "Name a claim that is there", |site| {
        site.add_claim("of-its-own", "ReadWriteMany");
        use_claim(site, "of-its-own");
    }),
    way(
        &["claim-mixed-modes"],
        "a new claim with one mode: ReadWriteMany",
        |site| {
            site.add_claim("of-one-mode", "ReadWriteMany");
            use_claim(site, "of-one-mode");
        },
    ),
    way(&["claim-mixed-modes"], "else ReadWriteOnce", |site| {
        site.add_claim("of-one-mode", "ReadWriteOnce");
        use_claim(site, "of-one-mode");
        one_pod(site);
    }),
    way(
        &["selinux-conflict"],
        "Give both the same seLinuxOptions.level",
        |site| {
            for pod in sharers(site) {
                put(
                    pod,
                    "/securityContext",
                    json!({"seLinuxOptions": {"level": "s0:c1,c2"}}),
                );
                for container in pod["containers"].as_array_mut().into_iter().flatten() {
                    container
                        .as_object_mut()
                        .expect("a container")
                        .remove("securityContext");
                }
            }
        },
    ),
    way(
        &["selinux-conflict"],
        "or seLinuxChangePolicy: Recursive to all that share it",
        |site| {
            for pod in sharers(site) {
                put(pod, "/securityContext/seLinuxChangePolicy", "Recursive".into());
            }
        },
    ),
    way(
        &["selinux-conflict"],
        "Add the claim, its class and the CSIDriver",
        |site| {
            let claim = site.finding.subject.to_string();
            site.add_claim(&claim, "ReadWriteMany");
            site.object(Kind::CLAIM, &claim).expect("added")["spec"]["storageClassName"] = "shared".into();
            site.add(
                json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "shared"},
            "provisioner": "files.example.com"}),
            );
            site.add(json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver",
            "metadata": {"name": "files.example.com"}, "spec": {"seLinuxMount": true}}));
        },
    ),
];

/// One pod, with the strategy that the remedy says beside it.
pub fn one_pod(site: &mut Site) {
    let runs_jobs = site.finding.object.kind == Kind::JOB;
    site.set(
        if runs_jobs {
            "/spec/parallelism"
        } else {
            "/spec/replicas"
        },
        1,
    );
    if site.remedy.contains("with strategy type: Recreate") {
        site.set("/spec/strategy", json!({"type": "Recreate"}));
    } else if site.remedy.contains("with maxSurge: 0 and maxUnavailable: 1") {
        site.set("/spec/strategy", no_surge());
    }
}

fn no_surge() -> Json {
    json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}})
}

/// Gives the claim that the finding is about another access mode, and its volume and its template too.
fn share(site: &mut Site, mode: &str) {
    let claim = site.finding.subject.to_string();
    let modes = json!([mode]);
    for claim in site.all(Kind::CLAIM).filter(|one| one["metadata"]["name"] == *claim) {
        claim["spec"]["accessModes"] = modes.clone();
        if claim["status"].is_object() {
            claim["status"]["accessModes"] = modes.clone();
        }
    }
    for volume in site
        .all(Kind::VOLUME)
        .filter(|one| one["spec"]["claimRef"]["name"] == *claim)
    {
        volume["spec"]["accessModes"] = modes.clone();
    }
    for set in site.all(Kind::STATEFUL_SET) {
        for template in set["spec"]["volumeClaimTemplates"].as_array_mut().into_iter().flatten() {
            template["spec"]["accessModes"] = modes.clone();
        }
    }
}

/// Makes the volumes of the pods that are claims something else.
fn be(site: &mut Site, source: &Json) {
    for volume in site.volumes() {
        let mut other = source.clone();
        other["name"] = volume["name"].clone();
        *volume = other;
    }
}

fn use_claim(site: &mut Site, claim: &str) {
    let former = site.finding.subject.to_string();
    for volume in site.volumes() {
        if volume["persistentVolumeClaim"]["claimName"] == *former {
            volume["persistentVolumeClaim"]["claimName"] = claim.into();
        }
    }
}

/// Where a StatefulSet makes the claim, the other one has to let go of it.
fn other_uses_its_own(site: &mut Site) {
    let former = site.finding.subject.to_string();
    for pod in sharers(site) {
        for volume in pod["volumes"].as_array_mut().into_iter().flatten() {
            if volume["persistentVolumeClaim"]["claimName"] == *former {
                volume["persistentVolumeClaim"]["claimName"] = "of-its-own".into();
            }
        }
    }
}

fn paste_affinity(site: &mut Site) {
    let affinity = site.pasted("affinity: ");
    let place = format!("{}/affinity", site.pods());
    site.set(&place, affinity);
}

/// Required affinity of each workload that uses the claim to the pods of all of them; of a StatefulSet to the pod whose
/// claim it is.
fn co_locate(site: &mut Site) {
    let claim = site.finding.subject.to_string();
    let own_pod = site.all(Kind::STATEFUL_SET).find_map(|set| {
        let name = set["metadata"]["name"].as_str().expect("a name").to_owned();
        let (_, ordinal) = claim.split_once(&format!("-{name}-"))?;
        Some(json!({"matchLabels": {"statefulset.kubernetes.io/pod-name": format!("{name}-{ordinal}")}}))
    });
    for pod in site.all(Kind::POD) {
        // A pod that names its node follows nobody, and one without labels is followed by nobody.
        pod["spec"].as_object_mut().expect("a spec").remove("nodeName");
        if pod["metadata"]["labels"].is_null() {
            pod["metadata"]["labels"] = json!({"app": pod["metadata"]["name"]});
        }
    }
    let workloads = site.objects.iter().filter(|object| object.kind.is_workload());
    let labels: Vec<Json> = workloads
        .map(|object| pod_labels(&object.json)["app"].clone())
        .collect();
    let all = json!({"matchExpressions": [{"key": "app", "operator": "In", "values": labels}]});
    let workloads = site.objects.iter_mut().filter(|object| object.kind.is_workload());
    for object in workloads {
        let selector = match &own_pod {
            Some(own_pod) if object.kind != Kind::STATEFUL_SET => own_pod.clone(),
            _ => all.clone(),
        };
        let terms = json!([{"topologyKey": "kubernetes.io/hostname", "labelSelector": selector}]);
        let place = format!(
            "{}/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution",
            object.kind.pod_spec()
        );
        put(&mut object.json, &place, terms);
    }
}

/// The pod specs of all workloads.
fn sharers(site: &mut Site) -> impl Iterator<Item = &mut Json> {
    let workloads = site.objects.iter_mut().filter(|object| object.kind.is_workload());
    workloads.filter_map(|object| object.json.pointer_mut(object.kind.pod_spec()))
}

fn each_autoscaler(site: &mut Site, fields: &[(&str, u32)]) {
    for autoscaler in site.all(Kind::AUTOSCALER) {
        for (field, value) in fields {
            put(autoscaler, field, (*value).into());
        }
    }
}
