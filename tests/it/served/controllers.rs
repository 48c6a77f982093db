//! Kubernetes' own controllers work undisturbed with the webhook registered, at its strictest.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::task::AbortHandle;

use super::objects::{autoscaler, claim, deployment, headless, selected, stateful_set, template, using};
use super::{Policy, Served, Shop};
use crate::controlplane::{ControlPlane, Output, eventually};

/// A control plane with its controllers, and the webhook under the profile `Strict`.
struct Operated {
    cluster: ControlPlane,
    webhook: Served,
}

impl Operated {
    /// The one that the tests of this file share.
    async fn shared() -> &'static Self {
        static SHARED: OnceCell<Operated> = OnceCell::const_new();
        SHARED
            .get_or_init(async || {
                let cluster = ControlPlane::start().await;
                cluster.start_controller_manager().await;
                let webhook = Served::start(&cluster, &["--policy", "strict"]).await;
                Self { cluster, webhook }
            })
            .await
    }

    async fn kubectl(&self, namespace: &str, arguments: &str) -> Output {
        let arguments = arguments.split(' ').chain(["-n", namespace]);
        self.cluster.kubectl(arguments).await
    }

    async fn send(&self, namespace: &str, verb: &str, objects: &[String]) -> Output {
        self.cluster
            .kubectl_stdin([verb, "-n", namespace, "-f", "-"], &objects.join("\n---\n"))
            .await
    }

    /// Waits until a field of an object, by jsonpath, has a value.
    async fn until(&self, namespace: &str, object: &str, path: &str, wanted: &str) {
        let path = format!("-o=jsonpath={{{path}}}");
        eventually(&format!("{wanted} as {path} of {object}"), async || {
            let output = self.cluster.kubectl(["get", object, &path, "-n", namespace]).await;
            (output.success && output.stdout == wanted).then_some(())
        })
        .await;
    }

    /// Plays the kubelet for the pods of a namespace until it is dropped.
    async fn kubelet(&self, namespace: &str) -> Kubelet {
        let pods = Api::<Pod>::namespaced(self.cluster.client().await, namespace);
        let task = tokio::spawn(async move {
            loop {
                run_pods(&pods).await;
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        });
        Kubelet(task.abort_handle())
    }

    /// Fails where a request of a controller was refused by us, or passed only because we did not answer.
    fn assert_undisturbed(&self, namespace: &str) {
        let mut seen = 0;
        for event in self.cluster.audit_log() {
            let user = event["user"]["username"].as_str().unwrap_or_default();
            if event["objectRef"]["namespace"] != namespace || !user.starts_with("system:") {
                continue;
            }
            seen += 1;
            let message = event["responseStatus"]["message"].as_str().unwrap_or_default();
            assert!(!message.contains("stateward"), "{event}");
            assert!(!event["annotations"].to_string().contains("failed-open"), "{event}");
        }
        assert!(seen > 0, "no controller wrote anything in {namespace}");
        let denied = |line: &Value| line["namespace"] == namespace && line["verdict"] == "Denied";
        assert_eq!(self.webhook.log().into_iter().find(denied), None);
    }
}

/// Marks pods as running and ready, and those of Jobs as done, until it is dropped.
struct Kubelet(AbortHandle);

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn run_pods(pods: &Api<Pod>) {
    let found = pods.list(&ListParams::default()).await;
    for pod in found.into_iter().flatten() {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        if phase != Some("Pending") {
            continue;
        }
        let mut owners = pod.metadata.owner_references.iter().flatten();
        let status = if owners.any(|owner| owner.kind == "Job") {
            json!({"phase": "Succeeded"})
        } else {
            // Long ago, so that it counts as available.
            let ready = json!({"type": "Ready", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"});
            json!({"phase": "Running", "conditions": [ready]})
        };
        let name = pod.metadata.name.unwrap_or_default();
        let patch = Patch::Strategic(json!({"status": status}));
        // It may be gone by now.
        let _ = pods.patch_status(&name, &PatchParams::default(), &patch).await;
    }
}

#[tokio::test]
async fn rollouts_scaling_jobs_and_autoscalers_go_on() {
    let operated = Operated::shared().await;
    let namespace = &operated.cluster.namespace("rollouts").await;
    let _kubelet = operated.kubelet(namespace).await;
    let job = "restartPolicy: Never, containers: [{name: once, image: once}]";
    let nightly = format!(
        "{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: nightly}}, spec: {{schedule: '0 0 1 1 *', \
         jobTemplate: {{spec: {{{}}}}}}}}}",
        template("nightly", job)
    );
    let objects = [
        claim("shared", "ReadWriteMany"),
        claim("disk", "ReadWriteOnce"),
        deployment("web", "shared", 2).replace("type: Recreate", "type: RollingUpdate"),
        deployment("one", "disk", 1),
        headless("db"),
        stateful_set("db", 2),
        autoscaler("v2", "web", 5).replace("maxReplicas: 5", "minReplicas: 3, maxReplicas: 5"),
        format!(
            "{{apiVersion: batch/v1, kind: Job, metadata: {{name: once}}, spec: {{{}}}}}",
            template("once", job)
        ),
        nightly,
    ];
    let created = operated.send(namespace, "create", &objects).await.succeeded();
    assert_eq!(created.stderr, "");
    // A year was missed: it runs at once.
    let missed = r#"{"status":{"lastScheduleTime":"2025-06-01T00:00:00Z"}}"#;
    operated
        .kubectl(
            namespace,
            &format!("patch cronjob nightly --subresource=status --type=merge -p {missed}"),
        )
        .await
        .succeeded();

    for rollout in ["deployment/web", "deployment/one", "statefulset/db"] {
        let status = format!("rollout status {rollout} --timeout=100s");
        operated.kubectl(namespace, &status).await.succeeded();
        let container = if rollout == "statefulset/db" { "db" } else { "web" };
        let image = format!("set image {rollout} {container}=next");
        let changed = operated.kubectl(namespace, &image).await.succeeded();
        assert_eq!(changed.stderr, "");
        operated.kubectl(namespace, &status).await.succeeded();
        let undo = format!("rollout undo {rollout}");
        operated.kubectl(namespace, &undo).await.succeeded();
        operated.kubectl(namespace, &status).await.succeeded();
    }
    operated
        .kubectl(namespace, "scale statefulset/db --replicas=3")
        .await
        .succeeded();
    operated
        .until(namespace, "statefulset/db", ".status.readyReplicas", "3")
        .await;
    operated
        .kubectl(namespace, "scale statefulset/db --replicas=1")
        .await
        .succeeded();
    operated
        .until(namespace, "statefulset/db", ".status.replicas", "1")
        .await;
    operated
        .until(namespace, "deployment/web", ".status.readyReplicas", "3")
        .await;
    operated
        .until(
            namespace,
            "hpa/web",
            ".status.conditions[?(@.type==\"AbleToScale\")].status",
            "True",
        )
        .await;
    operated.until(namespace, "job/once", ".status.succeeded", "1").await;
    eventually("the run of the CronJob", async || {
        let path = "get cronjob nightly -o=jsonpath={.status.lastSuccessfulTime}";
        let output = operated.kubectl(namespace, path).await.succeeded();
        (!output.stdout.is_empty()).then_some(())
    })
    .await;
    operated.assert_undisturbed(namespace);
}

#[tokio::test]
async fn a_workload_recreated_over_its_orphans_adopts_them() {
    let operated = Operated::shared().await;
    let namespace = &operated.cluster.namespace("orphans").await;
    let _kubelet = operated.kubelet(namespace).await;
    let web = [deployment("web", "data", 1)];
    let db = [stateful_set("db", 2)];
    let others = [claim("data", "ReadWriteOnce"), headless("db")];
    operated.send(namespace, "create", &others).await.succeeded();
    for (object, orphans, objects) in [("deployment/web", "replicaset", &web), ("statefulset/db", "pod", &db)] {
        operated.send(namespace, "create", objects).await.succeeded();
        operated
            .kubectl(namespace, &format!("rollout status {object} --timeout=100s"))
            .await
            .succeeded();
        let delete = format!("delete {object} --cascade=orphan");
        operated.kubectl(namespace, &delete).await.succeeded();
        let (_, name) = object.split_once('/').expect("invariant: written above");
        let owners = format!("get {orphans} -l app={name} -o=jsonpath={{.items[*].metadata.ownerReferences}}");
        assert_eq!(operated.kubectl(namespace, &owners).await.succeeded().stdout, "");
        let again = operated.send(namespace, "create", objects).await.succeeded();
        only_warns(&again.stderr, &["claim-adoption"]);
        eventually("the adoption", async || {
            let output = operated.kubectl(namespace, &owners).await.succeeded();
            output.stdout.contains("\"controller\":true").then_some(())
        })
        .await;
    }
    operated.assert_undisturbed(namespace);
}

/// Nobody is told more than that by these rules.
fn only_warns(told: &str, rules: &[&str]) {
    for line in told.lines() {
        let known = |rule: &&str| line.starts_with(&format!("Warning: {rule}: "));
        assert!(rules.iter().any(known), "{line}");
    }
}

#[tokio::test]
async fn objects_restored_without_their_owners_are_not_refused() {
    let operated = Operated::shared().await;
    let namespace = &operated.cluster.namespace("backup").await;
    let kubelet = operated.kubelet(namespace).await;
    let objects = [
        claim("data", "ReadWriteOnce"),
        headless("db"),
        deployment("web", "data", 1),
        stateful_set("db", 2),
    ];
    operated.send(namespace, "create", &objects).await.succeeded();
    for object in ["deployment/web", "statefulset/db"] {
        operated
            .kubectl(namespace, &format!("rollout status {object} --timeout=100s"))
            .await
            .succeeded();
    }
    drop(kubelet);
    // The order of a backup tool that knows what depends on what only in part.
    let kinds = "persistentvolumeclaims,pods,replicasets,deployments,services,statefulsets";
    let list = operated
        .kubectl(namespace, &format!("get {kinds} -o json"))
        .await
        .succeeded();
    let list: Value = serde_json::from_str(&list.stdout).expect("JSON");
    let items = list["items"].as_array().expect("invariant: a list").iter();
    let stripped: Vec<String> = items.map(without_owners).collect();
    assert_eq!(stripped.len(), 10, "{stripped:?}");

    let restored = &operated.cluster.namespace("restore").await;
    let output = operated.send(restored, "create", &stripped).await.succeeded();
    only_warns(&output.stderr, &["claim-adoption", "naked-pod"]);
    let _kubelet = operated.kubelet(restored).await;
    for object in ["deployment/web", "statefulset/db"] {
        operated
            .kubectl(restored, &format!("rollout status {object} --timeout=100s"))
            .await
            .succeeded();
    }
    operated.assert_undisturbed(restored);

    // Where no controller adopts anything in between.
    let shop = Shop::shared().await;
    let alone = shop.namespace(Policy::Strict).await;
    let output = shop.create(&alone, &stripped).await.succeeded();
    only_warns(&output.stderr, &["claim-adoption", "naked-pod"]);
}

/// An object as a backup keeps it.
fn without_owners(object: &Value) -> String {
    let mut object = object.clone();
    object["metadata"] = json!({
        "name": object["metadata"]["name"],
        "labels": object["metadata"]["labels"],
        "annotations": object["metadata"]["annotations"],
    });
    object["status"] = Value::Null;
    object.to_string()
}

#[tokio::test]
async fn a_namespace_with_every_kind_in_it_goes_away() {
    let operated = Operated::shared().await;
    let namespace = &operated.cluster.namespace("leaving").await;
    let _kubelet = operated.kubelet(namespace).await;
    let job = "restartPolicy: Never, containers: [{name: once, image: once}]";
    let plain = "containers: [{name: web, image: web}]";
    let objects = [
        claim("one", "ReadWriteOnce"),
        claim("two", "ReadWriteOnce"),
        claim("three", "ReadWriteOnce"),
        headless("db"),
        deployment("web", "one", 1),
        autoscaler("v2", "web", 1),
        stateful_set("db", 2),
        format!(
            "{{apiVersion: apps/v1, kind: DaemonSet, metadata: {{name: agent}}, spec: {{{}}}}}",
            selected("agent", plain)
        ),
        format!(
            "{{apiVersion: apps/v1, kind: ReplicaSet, metadata: {{name: set}}, spec: {{{}}}}}",
            selected("set", &using("two"))
        ),
        format!(
            "{{apiVersion: v1, kind: ReplicationController, metadata: {{name: old}}, spec: {{selector: {{app: old}}, {}}}}}",
            template("old", plain)
        ),
        format!(
            "{{apiVersion: batch/v1, kind: Job, metadata: {{name: once}}, spec: {{{}}}}}",
            template("once", job)
        ),
        format!(
            "{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: nightly}}, spec: {{schedule: '0 0 * * *', jobTemplate: {{spec: {{{}}}}}}}}}",
            template("nightly", job)
        ),
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: alone}}, spec: {{{}}}}}",
            using("three")
        ),
    ];
    operated.send(namespace, "create", &objects).await.succeeded();
    for object in ["deployment/web", "statefulset/db"] {
        operated
            .kubectl(namespace, &format!("rollout status {object} --timeout=100s"))
            .await
            .succeeded();
    }
    // Somebody's finalizer keeps an object, and must come off while everything else is gone.
    let finalizer = r#"{"metadata":{"finalizers":["example.com/slow"]}}"#;
    for object in ["deployment/web", "pvc/one", "service/db"] {
        operated
            .kubectl(namespace, &format!("patch {object} --type=merge -p {finalizer}"))
            .await
            .succeeded();
    }
    operated
        .cluster
        .kubectl(["delete", "namespace", namespace, "--wait=false"])
        .await
        .succeeded();
    operated
        .until(
            namespace,
            "deployment/web",
            ".metadata.finalizers",
            "[\"example.com/slow\"]",
        )
        .await;
    for object in ["deployment/web", "pvc/one", "service/db"] {
        eventually("the deletion to begin", async || {
            let deleting = format!("get {object} -o=jsonpath={{.metadata.deletionTimestamp}}");
            let output = operated.kubectl(namespace, &deleting).await.succeeded();
            (!output.stdout.is_empty()).then_some(())
        })
        .await;
        let none = r#"{"metadata":{"finalizers":null}}"#;
        operated
            .kubectl(namespace, &format!("patch {object} --type=merge -p {none}"))
            .await
            .succeeded();
    }
    eventually("the end of the namespace", async || {
        let get = ["get", "namespace", namespace, "--ignore-not-found"];
        operated
            .cluster
            .kubectl(get)
            .await
            .succeeded()
            .stdout
            .is_empty()
            .then_some(())
    })
    .await;
    operated.assert_undisturbed(namespace);
}
