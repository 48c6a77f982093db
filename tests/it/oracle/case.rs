//! A case as data: the objects, what is done to them, and small builders for both.

use serde_json::{Value, json};
use stateward::graph::Kind;

use super::api::name;
use super::site::{DISK, LEVELS, SHARE, kind};

pub(super) const RWO: &[&str] = &["ReadWriteOnce"];
pub(super) const RWX: &[&str] = &["ReadWriteMany"];
pub(super) const ROX: &[&str] = &["ReadOnlyMany"];
pub(super) const RWOP: &[&str] = &["ReadWriteOncePod"];
pub(super) const RWO_ROX: &[&str] = &["ReadWriteOnce", "ReadOnlyMany"];
pub(super) const RWO_RWX: &[&str] = &["ReadWriteOnce", "ReadWriteMany"];

/// Some objects, and what becomes of them.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// Kebab-case; pages of rules name it.
    pub id: String,
    /// So many nodes, named `n1` and so on.
    pub nodes: usize,
    pub objects: Vec<Value>,
    /// What is done after everything has come to rest; each time it comes to rest again.
    pub acts: Vec<Act>,
    /// Why no rule speaks of it, although somebody waits.
    pub beyond: Option<&'static str>,
}

/// What somebody does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act {
    /// As an autoscaler scales.
    Autoscale(&'static str, u32),
    /// Rolls a workload out to pods that never get ready.
    Break(&'static str),
    /// Creates further objects.
    Create(Vec<Value>),
    /// Deletes a workload and waits for no pod.
    Delete(&'static str),
    /// Deletes a claim that a pod uses, so that it goes with the pod.
    DeleteClaim(&'static str),
    /// Deletes a pod of a workload; its controller makes another.
    DeletePod(String),
    DeleteService(&'static str),
    /// Drains the node of a pod of a workload.
    Drain(&'static str),
    /// Creates an autoscaler, which keeps the workload within its bounds: so many replicas.
    Limit(Value, u32),
    /// Deletes a workload, but not its pods.
    Orphan(&'static str),
    /// Changes the pods' template of a workload.
    Rollout(String),
    /// Makes a Job of a CronJob, as its schedule does.
    Run(&'static str),
    Scale(&'static str, u32),
    /// `kubectl rollout undo`.
    Undo(&'static str),
}

impl Case {
    pub(super) fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            nodes: 2,
            objects: Vec::new(),
            acts: Vec::new(),
            beyond: None,
        }
    }

    pub(super) fn nodes(self, nodes: usize) -> Self {
        Self { nodes, ..self }
    }

    /// A claim bound to a volume of its own.
    pub(super) fn bound(mut self, claim: &str, disk: Disk, modes: &[&str]) -> Self {
        self.objects.push(volume(claim, disk, modes));
        self.objects.push(
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim},
            "spec": {"accessModes": modes, "storageClassName": disk.class(), "volumeName": claim,
                "resources": {"requests": {"storage": "1Gi"}}}}),
        );
        self
    }

    /// A claim that a provisioner makes a volume for.
    pub(super) fn claim(mut self, claim: &str, class: &str, modes: &[&str]) -> Self {
        self.objects.push(
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim},
            "spec": {"accessModes": modes, "storageClassName": class, "resources": {"requests": {"storage": "1Gi"}}}}),
        );
        self
    }

    pub(super) fn with(mut self, workload: Workload) -> Self {
        self.objects.push(workload.0);
        self
    }

    /// An autoscaler, which is for our judge alone: what it does is an act.
    pub(super) fn autoscaled(mut self, target: &str, min: u32, max: u32) -> Self {
        self.objects.push(autoscaler(Kind::DEPLOYMENT, target, min, max));
        self
    }

    pub(super) fn beyond(self, why: &'static str) -> Self {
        let beyond = Some(why);
        Self { beyond, ..self }
    }

    /// Adds what is done. Without, every workload is rolled out, and then loses a pod.
    pub(super) fn act(mut self, act: Act) -> Self {
        self.acts.push(act);
        self
    }

    /// What is done: where nothing is said, every workload is rolled out, and then loses a pod.
    pub(super) fn life(&self) -> Vec<Act> {
        if !self.acts.is_empty() {
            return self.acts.clone();
        }
        let of = |kinds: &[Kind]| -> Vec<String> {
            let objects = self.objects.iter().filter(|object| kinds.contains(&kind(object)));
            objects.map(|object| name(object).to_owned()).collect()
        };
        let rolled = of(&[Kind::DEPLOYMENT, Kind::STATEFUL_SET, Kind::DAEMON_SET]);
        let replaced = of(&[
            Kind::DEPLOYMENT,
            Kind::STATEFUL_SET,
            Kind::DAEMON_SET,
            Kind::REPLICA_SET,
        ]);
        let acts = rolled.into_iter().map(Act::Rollout);
        acts.chain(replaced.into_iter().map(Act::DeletePod)).collect()
    }

    /// The objects as they are after everything that is done.
    pub(super) fn last(&self) -> Vec<Value> {
        let mut objects = self.objects.clone();
        for act in &self.acts {
            match act {
                Act::Create(more) => objects.extend(more.iter().cloned()),
                Act::Delete(gone) | Act::Orphan(gone) => {
                    objects.retain(|object| !kind(object).is_workload() || name(object) != *gone)
                }
                Act::DeleteService(gone) => {
                    objects.retain(|object| kind(object) != Kind::SERVICE || name(object) != *gone);
                }
                Act::Limit(autoscaler, _) => objects.push(autoscaler.clone()),
                Act::Scale(target, replicas) => {
                    let scaled = objects.iter_mut().filter(|object| kind(object).is_workload());
                    for object in scaled.filter(|object| name(object) == *target) {
                        object["spec"]["replicas"] = json!(replicas);
                    }
                }
                Act::Autoscale(..)
                | Act::Break(_)
                | Act::DeleteClaim(_)
                | Act::DeletePod(_)
                | Act::Drain(_)
                | Act::Rollout(_)
                | Act::Run(_)
                | Act::Undo(_) => {}
            }
        }
        objects
    }
}

pub(super) fn autoscaler(kind: Kind, target: &str, min: u32, max: u32) -> Value {
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": target}, "spec": {"minReplicas": min, "maxReplicas": max,
            "scaleTargetRef": {"apiVersion": kind.api_version(), "kind": kind.as_str(), "name": target}}})
}

/// A headless Service that selects the pods of a workload.
pub(super) fn headless(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"clusterIP": "None", "selector": {"app": name}}})
}

/// What a volume is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Disk {
    /// Of a driver that attaches.
    Csi,
    /// Of a driver with `attachRequired: false`.
    Share,
    /// Of a driver that mounts by SELinux level.
    Levels,
    /// A directory of `n1`.
    Local,
    /// Of a driver that attaches, and for `n1` only.
    CsiOfOneNode,
    Nfs,
    Iscsi,
    /// Migrated to CSI.
    Gce,
}

impl Disk {
    fn class(self) -> &'static str {
        match self {
            Self::Local => "no-provisioner",
            _ => "",
        }
    }
}

fn volume(claim: &str, disk: Disk, modes: &[&str]) -> Value {
    let mut volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": claim},
        "spec": {"accessModes": modes, "capacity": {"storage": "1Gi"}, "storageClassName": disk.class(),
            "persistentVolumeReclaimPolicy": "Retain", "claimRef": {"namespace": "shop", "name": claim}}});
    let spec = &mut volume["spec"];
    match disk {
        Disk::Csi | Disk::CsiOfOneNode => spec["csi"] = json!({"driver": DISK, "volumeHandle": claim}),
        Disk::Share => spec["csi"] = json!({"driver": SHARE, "volumeHandle": claim}),
        Disk::Levels => spec["csi"] = json!({"driver": LEVELS, "volumeHandle": claim}),
        Disk::Local => spec["local"] = json!({"path": "/volumes"}),
        Disk::Nfs => spec["nfs"] = json!({"server": "nfs.example", "path": "/"}),
        Disk::Iscsi => {
            spec["iscsi"] = json!({"targetPortal": "10.0.0.1:3260", "iqn": "iqn.2026-01.dev.stateward:", "lun": 0})
        }
        Disk::Gce => spec["gcePersistentDisk"] = json!({"pdName": claim}),
    }
    if matches!(disk, Disk::Local | Disk::CsiOfOneNode) {
        spec["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [
            {"key": "kubernetes.io/hostname", "operator": "In", "values": ["n1"]}]}]}});
    }
    volume
}

/// Whether pods of this spec run for ever, although they might end.
pub(super) fn is_endless(pods: &Value) -> bool {
    pods["containers"][0]["command"][0] == "sleep"
}

/// Whether pods of this spec never get ready.
pub(super) fn is_never_ready(pods: &Value) -> bool {
    pods["containers"][0]["readinessProbe"].is_object()
}

/// A workload in the making; its pods have the label `app` with its name.
#[derive(Clone, Debug)]
pub(super) struct Workload(pub Value);

impl Workload {
    pub(super) fn of(kind: Kind, name: &str) -> Self {
        let mut object = json!({"apiVersion": kind.api_version(), "kind": kind.as_str(), "metadata": {"name": name}});
        let pods = json!({"metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "main", "image": "registry.example/main:1"}]}});
        if kind == Kind::POD {
            object["metadata"]["labels"] = pods["metadata"]["labels"].clone();
            object["spec"] = pods["spec"].clone();
        } else if kind == Kind::CRON_JOB {
            object["spec"] =
                json!({"schedule": "0 3 * * *", "suspend": false, "jobTemplate": {"spec": {"template": pods}}});
        } else {
            object["spec"] = json!({"template": pods});
        }
        let mut workload = Self(object);
        if kind == Kind::JOB || kind == Kind::CRON_JOB {
            workload.pods()["restartPolicy"] = json!("Never");
        } else if kind == Kind::REPLICATION_CONTROLLER {
            workload.0["spec"]["selector"] = json!({"app": name});
        } else if kind != Kind::POD {
            workload.0["spec"]["selector"] = json!({"matchLabels": {"app": name}});
        }
        if kind == Kind::STATEFUL_SET {
            workload.0["spec"]["serviceName"] = json!(name);
        }
        workload
    }

    pub(super) fn deployment(name: &str) -> Self {
        Self::of(Kind::DEPLOYMENT, name)
    }

    pub(super) fn stateful_set(name: &str) -> Self {
        Self::of(Kind::STATEFUL_SET, name)
    }

    pub(super) fn daemon_set(name: &str) -> Self {
        Self::of(Kind::DAEMON_SET, name)
    }

    pub(super) fn replica_set(name: &str) -> Self {
        Self::of(Kind::REPLICA_SET, name)
    }

    pub(super) fn job(name: &str) -> Self {
        Self::of(Kind::JOB, name)
    }

    /// The pods' spec.
    pub(super) fn pods(&mut self) -> &mut Value {
        let pods = kind(&self.0).pod_spec();
        self.0.pointer_mut(pods).expect("invariant: every workload has pods")
    }

    pub(super) fn replicas(self, replicas: u32) -> Self {
        self.spec(json!({"replicas": replicas}))
    }

    /// A Job whose pods do not end.
    pub(super) fn endless(mut self) -> Self {
        self.pods()["containers"][0]["command"] = json!(["sleep", "infinity"]);
        self
    }

    /// Pods that run, and are never ready.
    pub(super) fn never_ready(mut self) -> Self {
        self.pods()["containers"][0]["readinessProbe"] = json!({"exec": {"command": ["false"]}});
        self
    }

    /// Merges into the spec.
    pub(super) fn spec(mut self, spec: Value) -> Self {
        json_patch::merge(&mut self.0["spec"], &spec);
        self
    }

    /// Merges into the pods' spec.
    pub(super) fn placed(mut self, spec: Value) -> Self {
        json_patch::merge(self.pods(), &spec);
        self
    }

    /// Mounts a claim; the volume has its name.
    pub(super) fn uses(self, claim: &str) -> Self {
        self.volume(json!({"name": claim, "persistentVolumeClaim": {"claimName": claim}}))
    }

    pub(super) fn volume(mut self, volume: Value) -> Self {
        let pods = self.pods();
        let mount =
            json!({"name": volume["name"], "mountPath": format!("/{}", volume["name"].as_str().unwrap_or_default())});
        for (list, element) in [("volumes", volume)] {
            match pods[list].as_array_mut() {
                Some(elements) => elements.push(element),
                None => pods[list] = json!([element]),
            }
        }
        let container = &mut pods["containers"][0];
        match container["volumeMounts"].as_array_mut() {
            Some(mounts) => mounts.push(mount),
            None => container["volumeMounts"] = json!([mount]),
        }
        self
    }

    /// A claim of the class `disk` for each pod.
    pub(super) fn template(mut self, template: &str, modes: &[&str]) -> Self {
        self.0["spec"]["volumeClaimTemplates"] = json!([{"metadata": {"name": template},
            "spec": {"accessModes": modes, "storageClassName": "disk", "resources": {"requests": {"storage": "1Gi"}}}}]);
        self.pods()["containers"][0]["volumeMounts"] = json!([{"name": template, "mountPath": "/own"}]);
        self
    }

    pub(super) fn recreated(self) -> Self {
        self.spec(json!({"strategy": {"type": "Recreate"}}))
    }

    pub(super) fn rolling(self, surge: &Value, unavailable: &Value) -> Self {
        self.spec(json!({"strategy": {"type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}))
    }

    /// On one node by its name.
    pub(super) fn pinned(self, node: &str) -> Self {
        self.placed(json!({"nodeSelector": {"kubernetes.io/hostname": node}}))
    }

    /// Only where pods with this label `app` run.
    pub(super) fn beside(self, app: &str) -> Self {
        self.placed(
            json!({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": app}}}]}}}),
        )
    }

    /// Only where pods with one of these labels `app` run.
    pub(super) fn beside_any(self, apps: &[&str]) -> Self {
        self.placed(
            json!({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchExpressions": [
                {"key": "app", "operator": "In", "values": apps}]}}]}}}),
        )
    }

    /// Never where pods with this label `app` run.
    pub(super) fn apart_from(self, app: &str) -> Self {
        self.placed(
            json!({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": app}}}]}}}),
        )
    }

    /// Evenly over the nodes, or not at all.
    pub(super) fn even(self, max_skew: u32) -> Self {
        let app = name(&self.0).to_owned();
        self.placed(
            json!({"topologySpreadConstraints": [{"maxSkew": max_skew, "whenUnsatisfiable": "DoNotSchedule",
            "topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": app}}}]}),
        )
    }
}
