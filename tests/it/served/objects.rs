//! The objects that these tests write: as small as Kubernetes takes them, each kind with what a rule looks at.

use k8s_openapi::api::apps::v1::StatefulSet;
use serde_json::json;

/// A claim with one access mode.
pub fn claim(name: &str, mode: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: {name}}}, \
         spec: {{accessModes: [{mode}], resources: {{requests: {{storage: 1Gi}}}}}}}}"
    )
}

/// A Deployment whose pods use a claim, and whose rollouts never overlap.
pub fn deployment(name: &str, claim: &str, replicas: u32) -> String {
    format!(
        "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {name}}}, \
         spec: {{replicas: {replicas}, strategy: {{type: Recreate}}, {}}}}}",
        selected(name, &using(claim))
    )
}

/// An autoscaler of a Deployment.
pub fn autoscaler(version: &str, name: &str, most: u32) -> String {
    format!(
        "{{apiVersion: autoscaling/{version}, kind: HorizontalPodAutoscaler, metadata: {{name: {name}}}, \
         spec: {{maxReplicas: {most}, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {name}}}}}}}"
    )
}

/// A headless Service that selects the pods of one workload.
pub fn headless(name: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, \
         spec: {{clusterIP: None, selector: {{app: {name}}}, ports: [{{name: db, port: 5432}}]}}}}"
    )
}

/// A StatefulSet with a governing Service of its own name and a claim template, as it should be.
pub fn stateful_set(name: &str, replicas: u32) -> String {
    format!(
        "{{apiVersion: apps/v1, kind: StatefulSet, metadata: {{name: {name}}}, \
         spec: {{serviceName: {name}, replicas: {replicas}, {}, volumeClaimTemplates: [{{metadata: {{name: data}}, \
         spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}}}]}}}}",
        selected(
            name,
            &format!(
                "{}containers: [{{name: db, image: db, volumeMounts: [{{name: data, mountPath: /data}}]}}]",
                spread(name)
            )
        )
    )
}

/// What of a pod spec puts the pods with the label `app: NAME` on different nodes.
pub fn spread(name: &str) -> String {
    format!(
        "topologySpreadConstraints: [{{maxSkew: 1, topologyKey: kubernetes.io/hostname, \
         whenUnsatisfiable: ScheduleAnyway, labelSelector: {{matchLabels: {{app: {name}}}}}}}], "
    )
}

/// `selector` and `template` with the label `app: NAME`.
pub fn selected(name: &str, pod: &str) -> String {
    format!("selector: {{matchLabels: {{app: {name}}}}}, {}", template(name, pod))
}

/// `template` with the label `app: NAME`.
pub fn template(name: &str, pod: &str) -> String {
    format!("template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{{pod}}}}}")
}

/// A pod spec that mounts a claim.
pub fn using(claim: &str) -> String {
    format!(
        "containers: [{{name: web, image: web, volumeMounts: [{{name: data, mountPath: /data}}]}}], \
         volumes: [{{name: data, persistentVolumeClaim: {{claimName: {claim}}}}}]"
    )
}

/// A StatefulSet that is asked for, and never stored, to see who answers.
pub fn probe(name: &str) -> StatefulSet {
    serde_json::from_value(json!({
        "metadata": {"name": name, "labels": {"tier": "state"}},
        "spec": {
            "serviceName": "probe",
            "selector": {"matchLabels": {"app": "probe"}},
            "template": {
                "metadata": {"labels": {"app": "probe"}},
                "spec": {"containers": [{"name": "probe", "image": "probe"}]},
            },
        },
    }))
    .expect("invariant: a StatefulSet")
}
