//! What is wrong, and what somebody does who follows the remedy.

use super::{requests, storage};
use crate::served::objects::{autoscaler, claim, deployment, headless, selected, spread, stateful_set, using};

/// A finding whose remedy is followed.
pub struct Case {
    pub rule: &'static str,
    pub there: Vec<String>,
    pub wrong: String,
    /// Words of the remedy.
    pub says: &'static str,
    pub steps: Vec<Step>,
    /// The request whose refusal says so; `None` where an audit does.
    pub refused: Option<Step>,
    /// The first minor release of Kubernetes 1 in which the rule speaks.
    pub since: u32,
}

/// One thing to do.
#[derive(Debug)]
pub enum Step {
    Apply(String),
    Delete(&'static str),
    /// The command of the remedy.
    Paste,
    /// A field of the remedy is written into the pods' spec.
    Pods(&'static str),
    /// `kubectl replace --force`.
    Replace(String),
    /// The Service of the remedy is made.
    Service,
    /// The manifest with some of it replaced is applied.
    Write(Vec<(&'static str, &'static str)>),
}

use Step::{Apply, Delete, Paste, Pods, Replace, Service, Write};

const MODES: &str = "accessModes: [ReadWriteOnce]";

pub fn cases() -> Vec<Case> {
    [
        storage::cases(),
        identity(),
        templates(),
        changes(),
        kinds(),
        requests::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub fn case(
    rule: &'static str,
    there: Vec<String>,
    wrong: impl Into<String>,
    says: &'static str,
    steps: Vec<Step>,
) -> Case {
    Case {
        rule,
        there,
        wrong: wrong.into(),
        says,
        steps,
        refused: None,
        since: 0,
    }
}

fn identity() -> Vec<Case> {
    let set = stateful_set("db", 2);
    let service = headless("db");
    let address = service.replace("clusterIP: None, ", "");
    let balancer = service.replace("clusterIP: None", "type: LoadBalancer");
    let peers = service.replace("metadata: {name: db}", "metadata: {name: peers}");
    let elsewhere = service.replace("app: db", "app: other");
    let unnamed = service.replace("name: db, port", "port");
    let to_peers = || Write(vec![("serviceName: db", "serviceName: peers")]);
    vec![
        case(
            "service-missing",
            vec![],
            set.clone(),
            "Create Service \"db\" with clusterIP: None and the selector app=db",
            vec![Service],
        ),
        case(
            "service-missing",
            vec![peers.clone()],
            set.clone(),
            "Write serviceName: peers",
            vec![Delete("statefulset db --cascade=orphan"), to_peers()],
        ),
        case(
            "service-not-headless",
            vec![address],
            set.clone(),
            "(kubectl replace --force)",
            vec![Replace(service.clone()), Apply(service.clone())],
        ),
        case(
            "service-not-headless",
            vec![balancer.clone()],
            set.clone(),
            "name another one in serviceName",
            vec![
                Apply(peers.clone()),
                Delete("statefulset db --cascade=orphan"),
                to_peers(),
            ],
        ),
        case(
            "service-not-headless",
            vec![balancer, peers.clone()],
            set.clone(),
            "Write serviceName: peers",
            vec![Delete("statefulset db --cascade=orphan"), to_peers()],
        ),
        case(
            "service-selector-mismatch",
            vec![elsewhere.clone()],
            set.clone(),
            "Give Service \"db\" the selector app=db",
            vec![Apply(service.clone())],
        ),
        case(
            "service-selector-mismatch",
            vec![elsewhere, peers.clone()],
            set.clone(),
            "recreate the StatefulSet with serviceName: peers",
            vec![Delete("statefulset db --cascade=orphan"), to_peers()],
        ),
        case(
            "service-name-missing",
            vec![],
            set.replace("serviceName: db, ", ""),
            "the annotation stateward.dev/service: none",
            vec![Write(vec![(
                "metadata: {name: db}, spec: {replicas",
                "metadata: {name: db, annotations: {stateward.dev/service: none}}, spec: {replicas",
            )])],
        ),
        case(
            "service-name-missing",
            vec![peers],
            set.replace("serviceName: db, ", ""),
            "--cascade=orphan",
            vec![
                Paste,
                Write(vec![("spec: {replicas", "spec: {serviceName: peers, replicas")]),
            ],
        ),
        case(
            "service-discovery",
            vec![service.clone()],
            set.replace("image: db", "image: cassandra:5"),
            "kubectl patch service db",
            vec![Paste],
        ),
        case(
            "service-discovery",
            vec![unnamed],
            set.clone(),
            "Name the port in Service \"db\", such as name: peer",
            vec![Apply(service.replace("name: db, port", "name: peer, port"))],
        ),
        case(
            "unspread-replicas",
            vec![service.clone()],
            set.replace(&spread("db"), ""),
            "Add to the pods' spec: topologySpreadConstraints: ",
            vec![Pods("topologySpreadConstraints: ")],
        ),
        case(
            "autoscaler-target",
            vec![service, set],
            autoscaler("v2", "db", 5),
            "Set scaleTargetRef.kind: StatefulSet",
            vec![Write(vec![("kind: Deployment", "kind: StatefulSet")])],
        ),
    ]
}

fn templates() -> Vec<Case> {
    let there = || vec![headless("db")];
    let set = stateful_set("db", 1);
    let shared = set.replace(MODES, "accessModes: [ReadWriteMany]");
    let large = set.replace("storage: 1Gi", "storage: 20Gi");
    let volatile = set.replace(
        "[{metadata: {name: data}",
        "[{metadata: {name: data, labels: {helm.sh/chart: db-1}}",
    );
    let unmounted = set.replace(", volumeMounts: [{name: data, mountPath: /data}]", "");
    let shadowing = set.replace(
        "mountPath: /data}]}]",
        "mountPath: /data}]}], volumes: [{name: data, configMap: {name: db}}]",
    );
    let classless = set.replace(MODES, "accessModes: [ReadWriteOnce], storageClassName: class-NAMESPACE");
    let class = |name: &str| {
        format!(
            "{{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {{name: {name}}}, provisioner: disks.example.com, volumeBindingMode: WaitForFirstConsumer}}"
        )
    };
    vec![
        case(
            "claim-template-access-mode",
            there(),
            shared,
            "Use ReadWriteOnce",
            vec![Paste, Write(vec![("ReadWriteMany", "ReadWriteOnce")])],
        ),
        case(
            "claim-template-volatile",
            there(),
            volatile,
            "Drop helm.sh/chart from the template",
            vec![Paste, Write(vec![(", labels: {helm.sh/chart: db-1}", "")])],
        ),
        case(
            "claim-template-unmounted",
            there(),
            unmounted.clone(),
            "Mount \"data\" where the data is written",
            vec![Write(vec![(
                "image: db",
                "image: db, volumeMounts: [{name: data, mountPath: /data}]",
            )])],
        ),
        case(
            "claim-template-unmounted",
            there(),
            unmounted,
            "to leave the template out, first kubectl",
            vec![
                Paste,
                Apply(format!(
                    "{{apiVersion: apps/v1, kind: StatefulSet, metadata: {{name: db}}, spec: {{serviceName: db, {}}}}}",
                    selected("db", "containers: [{name: db, image: db}]")
                )),
            ],
        ),
        case(
            "claim-template-shadows-volume",
            there(),
            shadowing.clone(),
            "Rename one of the two and its mounts",
            vec![Write(vec![("volumes: [{name: data", "volumes: [{name: settings")])],
        ),
        case(
            "claim-template-shadows-volume",
            there(),
            shadowing,
            "remove volume \"data\"",
            vec![Write(vec![(", volumes: [{name: data, configMap: {name: db}}]", "")])],
        ),
        case(
            "claim-template-class",
            vec![headless("db"), class("other-NAMESPACE")],
            classless,
            "Make a class \"class-",
            vec![Apply(class("class-NAMESPACE"))],
        ),
        case(
            "claim-template-storage",
            there(),
            large,
            "Request at most 10Gi",
            vec![Paste, Write(vec![("storage: 20Gi", "storage: 10Gi")])],
        ),
    ]
}

fn changes() -> Vec<Case> {
    let there = || vec![headless("db")];
    let set = stateful_set("db", 2);
    let with = |more: &str| set.replace("spec: {serviceName", &format!("spec: {{{more}, serviceName"));
    let retention = "persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Delete}";
    let grace = set.replace("containers:", "terminationGracePeriodSeconds: 0, containers:");
    vec![
        case(
            "retention-delete",
            there(),
            with(retention),
            "Set it to Retain",
            vec![Write(vec![(
                "{whenDeleted: Delete, whenScaled: Delete}",
                "{whenDeleted: Retain, whenScaled: Retain}",
            )])],
        ),
        case(
            "zero-grace",
            there(),
            grace.clone(),
            "Leave the field out",
            vec![Write(vec![("terminationGracePeriodSeconds: 0, ", "")])],
        ),
        case(
            "zero-grace",
            there(),
            grace,
            "or set what a clean stop takes",
            vec![Write(vec![(
                "terminationGracePeriodSeconds: 0",
                "terminationGracePeriodSeconds: 60",
            )])],
        ),
        case(
            "rollout-fields",
            there(),
            with("updateStrategy: {type: OnDelete}"),
            "Use RollingUpdate",
            vec![Write(vec![("type: OnDelete", "type: RollingUpdate")])],
        ),
        case(
            "unbacked-data",
            there(),
            set.clone(),
            "Annotate it with stateward.dev/backup: HOW",
            vec![Write(vec![(
                "metadata: {name: db}, spec: {serviceName",
                "metadata: {name: db, annotations: {stateward.dev/backup: nightly}}, spec: {serviceName",
            )])],
        ),
    ]
}

fn kinds() -> Vec<Case> {
    let bare = format!(
        "{{apiVersion: apps/v1, kind: StatefulSet, metadata: {{name: db}}, spec: {{serviceName: db, {}}}}}",
        selected("db", "containers: [{name: db, image: db}]")
    );
    let pod = format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: web, labels: {{app: web}}}}, spec: {{{}}}}}",
        using("data")
    );
    vec![
        case(
            "needless-statefulset",
            vec![headless("db").replace("clusterIP: None, ", "")],
            bare.clone(),
            "annotation stateward.dev/ordinals: needed",
            vec![Write(vec![(
                "metadata: {name: db}, spec: {serviceName",
                "metadata: {name: db, annotations: {stateward.dev/ordinals: needed}}, spec: {serviceName",
            )])],
        ),
        case(
            "needless-statefulset",
            vec![headless("db").replace("clusterIP: None, ", "")],
            bare,
            "Make it a Deployment",
            vec![
                Delete("statefulset db"),
                Apply(format!(
                    "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: db}}, spec: {{{}}}}}",
                    selected("db", "containers: [{name: db, image: db}]")
                )),
            ],
        ),
        case(
            "naked-pod",
            vec![claim("data", "ReadWriteOnce")],
            pod,
            "Make it the template of a StatefulSet, or of a Deployment",
            vec![Delete("pod web --now"), Apply(deployment("web", "data", 1))],
        ),
    ]
}
