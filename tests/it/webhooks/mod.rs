//! Our webhook configurations before a real API server: which requests reach us, and that no condition ever errors.

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use kube::Api;
use kube::api::PostParams;
use stateward::cluster::register::{Registration, WebhookUrl};
use stateward::cluster::scope::{FailurePolicy, Scope};
use stateward::cluster::webhooks::{Configurations, DEVELOPMENT_NAME, Endpoint, NAMESPACE};
use stateward::graph::Kinds;

use crate::controlplane::{ControlPlane, eventually};

/// What passes while nobody answers, and that no request comes through two entries.
mod outage;

/// The requests that there are.
mod cases;

const TEMPLATE: &str = "selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: x}], volumes: [{name: d, persistentVolumeClaim: {claimName: d}}]}}";

/// Which entry a request must reach; `None`: the request passes without us.
type Reached = Option<&'static str>;
const DEFAULTS: Reached = Some("defaults.stateward.dev");
const WORKLOADS: Reached = Some("workloads.stateward.dev");
const ADVICE: Reached = Some("advice.stateward.dev");
const DEPENDENCIES: Reached = Some("dependencies.stateward.dev");
const CONTROLLER: &str = "--as=system:serviceaccount:kube-system:deployment-controller";
const SCALE: Reached = Some("scale.stateward.dev");
const PODS: Reached = Some("pods.stateward.dev");

/// Where nobody listens.
fn nobody() -> WebhookClientConfig {
    WebhookClientConfig {
        url: Some("https://127.0.0.1:1/".to_owned()),
        ..WebhookClientConfig::default()
    }
}

/// Registers all entries as `Fail` with nobody behind them, so that a request that reaches one says so by failing.
async fn register_unreachable(cluster: &ControlPlane) {
    let Configurations {
        mut mutating,
        mut validating,
    } = Configurations::new(
        Kinds::builtin(),
        Endpoint::Service {
            namespace: NAMESPACE,
            ca: None,
            fail: FailurePolicy::Ignore,
        },
        &Scope::default(),
    );
    for webhook in mutating.webhooks.iter_mut().flatten() {
        webhook.client_config = nobody();
        webhook.failure_policy = Some("Fail".to_owned());
    }
    for webhook in validating.webhooks.iter_mut().flatten() {
        webhook.client_config = nobody();
        webhook.failure_policy = Some("Fail".to_owned());
    }
    let client = cluster.client().await;
    let parameters = PostParams::default();
    Api::all(client.clone())
        .create(&parameters, &mutating)
        .await
        .expect("accepted by the API server");
    Api::all(client)
        .create(&parameters, &validating)
        .await
        .expect("accepted by the API server");
}

/// Objects that are older than the webhooks.
fn existing() -> String {
    let owner = |version: &str, kind: &str| {
        format!("ownerReferences: [{{apiVersion: {version}, kind: {kind}, name: x, uid: u, controller: true}}]")
    };
    let apps = owner("apps/v1", "Deployment");
    let batch = owner("batch/v1", "CronJob");
    let set = owner("apps/v1", "StatefulSet");
    let job = "template: {spec: {restartPolicy: Never, containers: [{name: a, image: x}]}}";
    [
        format!("{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web}}, spec: {{{TEMPLATE}}}}}"),
        format!("{{apiVersion: apps/v1, kind: StatefulSet, metadata: {{name: db}}, spec: {{{TEMPLATE}}}}}"),
        format!("{{apiVersion: apps/v1, kind: DaemonSet, metadata: {{name: agent}}, spec: {{{TEMPLATE}}}}}"),
        format!("{{apiVersion: apps/v1, kind: ReplicaSet, metadata: {{name: free}}, spec: {{{TEMPLATE}}}}}"),
        format!("{{apiVersion: apps/v1, kind: ReplicaSet, metadata: {{name: owned, {apps}}}, spec: {{{TEMPLATE}}}}}"),
        format!("{{apiVersion: batch/v1, kind: Job, metadata: {{name: owned, {batch}}}, spec: {{{job}}}}}"),
        format!("{{apiVersion: batch/v1, kind: Job, metadata: {{name: free}}, spec: {{{job}}}}}"),
        format!("{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: nightly}}, spec: {{schedule: '0 0 * * *', jobTemplate: {{spec: {{{job}}}}}}}}}"),
        "{apiVersion: v1, kind: ReplicationController, metadata: {name: old}, spec: {selector: {a: b}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: x}]}}}}".to_owned(),
        "{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {ports: [{port: 80}]}}".to_owned(),
        "{apiVersion: v1, kind: Service, metadata: {name: peers}, spec: {clusterIP: None, selector: {a: b}}}".to_owned(),
        "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: d}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}".to_owned(),
        "{apiVersion: v1, kind: Pod, metadata: {name: one}, spec: {containers: [{name: a, image: x}], volumes: [{name: d, persistentVolumeClaim: {claimName: d}}]}}".to_owned(),
        format!("{{apiVersion: v1, kind: Pod, metadata: {{name: db-0, {set}}}, spec: {{nodeName: gone, containers: [{{name: a, image: x}}]}}}}"),
        format!("{{apiVersion: v1, kind: Pod, metadata: {{name: free, {apps}}}, spec: {{containers: [{{name: a, image: x}}]}}}}"),
        "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web}, spec: {maxReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}}".to_owned(),
    ]
    .join("\n---\n")
}

#[tokio::test]
async fn every_operation_meets_an_unreachable_webhook_without_a_condition_that_errors() {
    let cluster = ControlPlane::start().await;
    let namespace = cluster.namespace("webhooks").await;
    let old = cluster.namespace("older").await;
    let objects = existing();
    cluster
        .kubectl_stdin(["create", "-n", &namespace, "-f", "-"], &objects)
        .await
        .succeeded();
    cluster
        .kubectl_stdin(["create", "-n", &old, "-f", "-"], &objects)
        .await
        .succeeded();
    register_unreachable(&cluster).await;
    eventually("the API server's use of the webhooks", async || {
        let annotate = ["annotate", "hpa", "web", "probe=1", "-n", &old, "--dry-run=server"];
        (!cluster.kubectl(annotate).await.success).then_some(())
    })
    .await;

    let finalizer = r#"{"metadata":{"finalizers":["stateward.dev/test"]}}"#;
    let ready = r#"{"spec":{"minReadySeconds":3}}"#;
    let cases: &[(&str, &[&str], Reached)] = &[
        ("scale", &["scale", "deployment/web", "--replicas=2"], SCALE),
        ("scale", &["scale", "statefulset/db", "--replicas=2"], SCALE),
        ("scale", &["scale", "replicaset/free", "--replicas=2"], SCALE),
        (
            "scale of an owned object by hand",
            &["scale", "replicaset/owned", "--replicas=2"],
            SCALE,
        ),
        ("scale", &["scale", "rc/old", "--replicas=2"], SCALE),
        ("spec", &["patch", "deployment", "web", "-p", ready], DEFAULTS),
        ("spec", &["patch", "statefulset", "db", "-p", ready], DEFAULTS),
        ("spec", &["patch", "daemonset", "agent", "-p", ready], DEFAULTS),
        ("spec", &["patch", "rc", "old", "-p", ready], ADVICE),
        ("spec", &["patch", "replicaset", "free", "-p", ready], WORKLOADS),
        (
            "spec",
            &["patch", "job", "free", "-p", r#"{"spec":{"parallelism":2}}"#],
            ADVICE,
        ),
        (
            "spec",
            &["patch", "cronjob", "nightly", "-p", r#"{"spec":{"suspend":true}}"#],
            ADVICE,
        ),
        (
            "spec",
            &["patch", "hpa", "web", "-p", r#"{"spec":{"maxReplicas":3}}"#],
            ADVICE,
        ),
        ("annotation", &["annotate", "daemonset", "agent", "x=y"], DEFAULTS),
        ("annotation", &["annotate", "pvc", "d", "x=y"], DEPENDENCIES),
        ("label", &["label", "service", "db", "x=y"], DEPENDENCIES),
        (
            "spec",
            &["patch", "service", "db", "-p", r#"{"spec":{"selector":{"a":"b"}}}"#],
            DEPENDENCIES,
        ),
        ("label", &["label", "service", "peers", "x=y"], DEFAULTS),
        ("delete", &["delete", "service", "db"], DEPENDENCIES),
        ("delete", &["delete", "pvc", "d"], DEPENDENCIES),
        ("delete of a collection", &["delete", "services", "--all"], DEPENDENCIES),
        (
            "an owned object by hand",
            &["patch", "replicaset", "owned", "-p", ready],
            ADVICE,
        ),
        (
            "what a controller writes",
            &[
                "patch",
                "replicaset",
                "owned",
                "-p",
                ready,
                CONTROLLER,
                "--as-group=system:masters",
            ],
            None,
        ),
        (
            "status",
            &[
                "patch",
                "deployment",
                "web",
                "--subresource=status",
                "-p",
                r#"{"status":{"replicas":0}}"#,
            ],
            None,
        ),
        ("an update of a pod", &["annotate", "pod", "one", "x=y"], None),
        ("a finalizer", &["patch", "pvc", "d", "-p", finalizer], None),
        ("a finalizer", &["patch", "deployment", "web", "-p", finalizer], None),
        ("delete", &["delete", "deployment", "web", "--wait=false"], None),
        (
            "an object being deleted",
            &["patch", "deployment", "web", "-p", ready],
            None,
        ),
        (
            "the last finalizer",
            &[
                "patch",
                "deployment",
                "web",
                "-p",
                r#"{"metadata":{"finalizers":null}}"#,
            ],
            None,
        ),
        ("delete", &["delete", "pod", "one", "--wait=false"], None),
        (
            "delete",
            &["delete", "pod", "db-0", "--wait=false", "--dry-run=server"],
            None,
        ),
        (
            "force of another pod",
            &["delete", "pod", "free", "--force", "--wait=false"],
            None,
        ),
        (
            "force by a kubelet",
            &[
                "delete",
                "pod",
                "db-0",
                "--force",
                "--dry-run=server",
                "--as=system:node:a",
                "--as-group=system:nodes",
                "--as-group=system:masters",
            ],
            None,
        ),
        (
            "force by a controller",
            &[
                "delete",
                "pod",
                "db-0",
                "--force",
                "--dry-run=server",
                "--as=system:serviceaccount:kube-system:pod-garbage-collector",
                "--as-group=system:masters",
            ],
            None,
        ),
        ("force", &["delete", "pod", "db-0", "--force", "--wait=false"], PODS),
        (
            "delete of a collection",
            &["delete", "statefulset,daemonset,rs,rc,job,cronjob,hpa", "--all"],
            None,
        ),
    ];
    for (what, arguments, reached) in cases {
        let output = cluster
            .kubectl(arguments.iter().chain(&["-n", namespace.as_str()]))
            .await;
        assert_reached(
            &format!("{what}: {arguments:?}"),
            *reached,
            output.success,
            &output.stderr,
        );
    }

    let fresh = cluster.namespace("fresh").await;
    let entries = [
        ("Deployment", DEFAULTS),
        ("StatefulSet", DEFAULTS),
        ("DaemonSet", DEFAULTS),
        ("ReplicaSet", WORKLOADS),
        ("ReplicaSet", ADVICE),
        ("Job", ADVICE),
        ("Job", ADVICE),
        ("CronJob", ADVICE),
        ("ReplicationController", ADVICE),
        ("Service", DEPENDENCIES),
        ("Service", DEFAULTS),
        ("PersistentVolumeClaim", DEPENDENCIES),
        ("Pod", PODS),
        ("Pod", None),
        ("Pod", None),
        ("HorizontalPodAutoscaler", ADVICE),
    ];
    for (object, (kind, reached)) in objects.split("\n---\n").zip(entries) {
        assert!(object.contains(&format!("kind: {kind},")), "{object}");
        let output = cluster.kubectl_stdin(["create", "-n", &fresh, "-f", "-"], object).await;
        assert_reached(&format!("create: {object}"), reached, output.success, &output.stderr);
    }
    cluster
        .kubectl_stdin(["create", "-n", "kube-system", "-f", "-"], &objects)
        .await
        .succeeded();
}

fn assert_reached(what: &str, reached: Reached, success: bool, stderr: &str) {
    match reached {
        None => assert!(success, "{what}: should pass without us: {stderr}"),
        // A condition that errors refuses as well, but in other words than a call in vain.
        Some(entry) => assert!(
            !success
                && stderr.contains(&format!("failed calling webhook \"{entry}\""))
                && stderr.contains("connection refused"),
            "{what}: should reach {entry}: {stderr}"
        ),
    }
}

/// Every subresource and every verb that `kubectl` has no word for.
#[tokio::test]
async fn no_subresource_but_scale_reaches_us_and_collections_are_deleted() {
    let cluster = ControlPlane::start().await;
    let namespace = cluster.namespace("subresources").await;
    cluster
        .kubectl_stdin(["create", "-n", &namespace, "-f", "-"], &existing())
        .await
        .succeeded();
    register_unreachable(&cluster).await;
    eventually("the API server's use of the webhooks", async || {
        let annotate = [
            "annotate",
            "hpa",
            "web",
            "probe=1",
            "-n",
            &namespace,
            "--dry-run=server",
        ];
        (!cluster.kubectl(annotate).await.success).then_some(())
    })
    .await;

    for object in [
        "deployment/web",
        "statefulset/db",
        "daemonset/agent",
        "replicaset/free",
        "rc/old",
        "job/free",
        "cronjob/nightly",
        "hpa/web",
        "service/db",
        "pvc/d",
        "pod/one",
    ] {
        let patch = ["patch", object, "--subresource=status", "--type=merge", "-p"];
        let status = [
            r#"{"status":{},"metadata":{"annotations":{"a":"b"}}}"#,
            "-n",
            &namespace,
        ];
        let output = cluster.kubectl(patch.iter().chain(&status)).await;
        assert_reached(&format!("status of {object}"), None, output.success, &output.stderr);
    }

    let core = format!("/api/v1/namespaces/{namespace}");
    let stored = |path: String| {
        let cluster = &cluster;
        async move { cluster.kubectl(["get", "--raw", &path]).await.succeeded().stdout }
    };
    let pod = stored(format!("{core}/pods/one")).await;
    let debugged = pod.replacen(
        "\"containers\":",
        "\"ephemeralContainers\":[{\"name\":\"debug\",\"image\":\"x\",\"terminationMessagePolicy\":\"File\",\
         \"imagePullPolicy\":\"Always\"}],\"containers\":",
        1,
    );
    let eviction =
        r#"{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"one"},"deleteOptions":{"dryRun":["All"]}}"#;
    let binding =
        r#"{"apiVersion":"v1","kind":"Binding","metadata":{"name":"one"},"target":{"kind":"Node","name":"n"}}"#;
    let space = stored(core.clone()).await;
    let service = stored(format!("{core}/services/db")).await;
    for (verb, path, body, works) in [
        ("replace", "/pods/one/resize", &*pod, true),
        ("replace", "/pods/one/ephemeralcontainers", &*debugged, true),
        ("replace", "/services/db/status", &*service, true),
        ("replace", "/finalize", &*space, true),
        ("replace", "/status", &*space, true),
        ("create", "/pods/one/eviction", eviction, true),
        ("create", "/pods/one/binding", binding, true),
        // There is no node that could answer, so these get as far as they can.
        ("create", "/pods/one/exec?command=ls&stdout=true", "{}", false),
        ("create", "/pods/one/attach?stdout=true", "{}", false),
        ("create", "/pods/one/portforward", "{}", false),
        ("create", "/pods/one/proxy/", "{}", false),
        ("create", "/services/db/proxy/", "{}", false),
    ] {
        let path = format!("{core}{path}");
        let output = cluster.kubectl_stdin([verb, "--raw", &path, "-f", "-"], body).await;
        assert_eq!(output.success, works, "{path}: {}", output.stderr);
        assert!(!output.stderr.contains("stateward"), "{path}: {}", output.stderr);
    }

    let apps = format!("/apis/apps/v1/namespaces/{namespace}");
    for (collection, reached) in [
        (format!("{core}/services"), DEPENDENCIES),
        (format!("{core}/persistentvolumeclaims"), DEPENDENCIES),
        (format!("{core}/pods"), None),
        (format!("{core}/replicationcontrollers"), None),
        (format!("{apps}/daemonsets"), None),
        (format!("{apps}/deployments"), None),
        (format!("{apps}/replicasets"), None),
        (format!("{apps}/statefulsets"), None),
        (format!("/apis/batch/v1/namespaces/{namespace}/cronjobs"), None),
        (format!("/apis/batch/v1/namespaces/{namespace}/jobs"), None),
        (
            format!("/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers"),
            None,
        ),
    ] {
        let output = cluster.kubectl(["delete", "--raw", &collection]).await;
        assert_reached(&format!("DELETE {collection}"), reached, output.success, &output.stderr);
    }
    cluster
        .kubectl(["delete", "namespace", &namespace, "--wait=false"])
        .await
        .succeeded();
}

#[tokio::test]
async fn a_registration_replaces_leftovers_and_leaves_nothing() {
    let cluster = ControlPlane::start().await;
    let client = cluster.client().await;
    let mutating: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let validating: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    let url = |text: &str| text.parse::<WebhookUrl>().expect("a URL");
    let ca = rcgen::generate_simple_self_signed(["localhost".to_owned()])
        .expect("a certificate")
        .cert
        .pem();

    // The first process is killed: its configurations stay behind.
    let first = Registration::create(
        client.clone(),
        Kinds::builtin(),
        url("https://localhost:1"),
        ca.as_bytes(),
    )
    .await
    .expect("first");
    let second = Registration::create(
        client.clone(),
        Kinds::builtin(),
        url("https://localhost:2"),
        ca.as_bytes(),
    )
    .await
    .expect("second");
    let found = validating.get(DEVELOPMENT_NAME).await.expect("registered");
    let webhooks = found.webhooks.expect("webhooks");
    assert_eq!(webhooks.len(), 5);
    for webhook in webhooks {
        assert_eq!(
            webhook.client_config.url.as_deref(),
            Some("https://localhost:2/validate")
        );
        assert_eq!(webhook.failure_policy.as_deref(), Some("Ignore"));
    }

    // One that only was slow to end takes nothing away from its successor.
    first.remove().await.expect("nothing to do");
    assert!(mutating.get_opt(DEVELOPMENT_NAME).await.expect("read").is_some());
    second.remove().await.expect("removed");
    assert!(mutating.get_opt(DEVELOPMENT_NAME).await.expect("read").is_none());
    assert!(validating.get_opt(DEVELOPMENT_NAME).await.expect("read").is_none());
}
