//! What the audit costs an API server: objects, bytes and writes.
//!
//! A small cluster by default; `WORKLOADS=10000 cargo test --test it -- served::figures --nocapture` prints the figures
//! of `docs/audit.md`.

use std::env;
use std::fs;
use std::time::Instant;

use futures::{StreamExt as _, stream};
use kube::api::{Api, ApiResource, DynamicObject, PostParams};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use super::reports::{OPEN_REPORTS, OWN, define, leader};
use super::{Metrics, Served};
use crate::controlplane::process::Scratch;
use crate::controlplane::{ControlPlane, eventually};

const NAMESPACES: usize = 20;
/// Of so many workloads one has a finding.
const FOUND: usize = 20;
/// So many writes are under way at once, to fill the cluster.
const AT_ONCE: usize = 16;

/// What the API server and etcd say of the writes so far.
#[derive(Clone, Copy, Debug)]
struct Costs {
    /// Requests that write a report.
    report_writes: f64,
    /// Requests that write a Lease.
    lease_writes: f64,
    etcd_bytes: f64,
}

impl Costs {
    async fn now(cluster: &ControlPlane) -> Self {
        let metrics = cluster.kubectl(["get", "--raw", "/metrics"]).await.succeeded();
        let metrics = Metrics(metrics.stdout);
        let writes = |resource: &str| {
            let writes = ["APPLY", "POST", "PUT", "PATCH", "DELETE", "DELETECOLLECTION"].into_iter();
            let writes = writes.filter_map(|verb| {
                let labels = [("resource", resource), ("verb", verb)];
                metrics.series("apiserver_request_total", &labels)
            });
            writes.sum()
        };
        let etcd = Metrics(cluster.etcd_metrics().await);
        let etcd_bytes = etcd.series("etcd_mvcc_db_total_size_in_use_in_bytes", &[]);
        Self {
            report_writes: writes("reports"),
            lease_writes: writes("leases"),
            etcd_bytes: etcd_bytes.expect("etcd tells its size"),
        }
    }
}

/// A process of an installation with this policy.
fn replica(cluster: &ControlPlane, policy: &str) -> Served {
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let own = ["--kubeconfig", &kubeconfig, "--namespace", OWN, "--shutdown-delay", "0"];
    Served::with(&[&own[..], &["--policy", policy]].concat())
}

fn policy(rules: &str) -> String {
    format!(
        "apiVersion: stateward.dev/v1alpha1\nkind: WorkloadPolicy\nmetadata:\n  name: shop\n\
         spec:\n  profile: Baseline\n  rules: [{rules}]\n"
    )
}

/// A Deployment, and the claim that every `FOUND`th shares between its replicas.
fn objects(number: usize, namespace: &str) -> Vec<Value> {
    let found = number.is_multiple_of(FOUND);
    let name = format!("checkout-worker-{number}");
    let volume = if found {
        json!({"persistentVolumeClaim": {"claimName": name}})
    } else {
        json!({"emptyDir": {}})
    };
    let mut volume_of_pod = volume;
    volume_of_pod["name"] = json!("data");
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 3, "strategy": {"type": "Recreate"}, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "containers": [{"name": "main", "image": "registry.example.com/platform/service:4.18.2",
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
                    "volumes": [volume_of_pod],
                },
            },
        },
    });
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    if found {
        vec![claim, deployment]
    } else {
        vec![deployment]
    }
}

async fn create(client: &Client, object: Value) {
    let resource = match object["kind"].as_str() {
        Some("Deployment") => ApiResource::erase::<k8s_openapi::api::apps::v1::Deployment>(&()),
        _ => ApiResource::erase::<k8s_openapi::api::core::v1::PersistentVolumeClaim>(&()),
    };
    let object: DynamicObject = serde_json::from_value(object).expect("an object");
    let namespace = object.namespace().expect("a namespace");
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &namespace, &resource);
    api.create(&PostParams::default(), &object).await.expect("created");
}

async fn series(served: &Served, name: &str, labels: &[(&str, &str)]) -> f64 {
    served.metrics().await.series(name, labels).unwrap_or_default()
}

async fn written(served: &Served) -> f64 {
    series(served, "stateward_reports_due_total", &[("result", "written")]).await
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "figures are there to be read")]
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
async fn many_findings_at_once_are_a_write_each_and_a_rolling_restart_is_none() {
    let workloads: usize = env::var("WORKLOADS").map_or(400, |count| count.parse().expect("WORKLOADS is a number"));
    let findings = workloads.div_ceil(FOUND) as f64;
    let cluster = ControlPlane::start().await;
    define(&cluster, OPEN_REPORTS, "reports.openreports.io").await;
    let mut namespaces = Vec::new();
    for _ in 0..NAMESPACES {
        namespaces.push(cluster.namespace("figures").await);
    }
    let client = cluster.client().await;
    let all = (0..workloads).flat_map(|number| objects(number, &namespaces[number % NAMESPACES]));
    stream::iter(all)
        .for_each_concurrent(AT_ONCE, |object| create(&client, object))
        .await;

    let scratch = Scratch::new().expect("a directory can be made");
    let off = policy("{id: rwo-replicas, actions: []}");
    let path = scratch.write("policy.yaml", off).expect("written");
    let path = path.display().to_string();
    let one = replica(&cluster, &path);
    one.logged(|line| line["message"] == "Everything was judged").await;
    leader(&[&one]).await;
    one.logged(|line| line["message"] == "Reports are written").await;
    let before = Costs::now(&cluster).await;
    assert_eq!(before.report_writes, 0.0, "nothing is found, so nothing is written");

    // All at once.
    fs::write(&path, policy("")).expect("written");
    one.logged(|line| line["message"] == "Policies reloaded").await;
    let began = Instant::now();
    eventually("the reports", async || {
        (series(&one, "stateward_reports", &[]).await == findings).then_some(())
    })
    .await;
    let took = began.elapsed();
    let after = Costs::now(&cluster).await;
    assert_eq!(written(&one).await, findings);
    assert_eq!(after.report_writes - before.report_writes, findings, "a write a report");

    let list = cluster
        .kubectl(["get", "--raw", "/apis/openreports.io/v1alpha1/reports"])
        .await
        .succeeded();
    let list: Value = serde_json::from_str(&list.stdout).expect("JSON");
    let reports = list["items"].as_array().expect("reports");
    assert_eq!(reports.len() as f64, findings);
    let bytes: Vec<usize> = reports.iter().map(|report| report.to_string().len()).collect();
    let largest = bytes.iter().max().copied().unwrap_or_default();
    assert!(largest < 3 * 1024, "a report has {largest} bytes");

    // A rolling restart: the next one is there before the former goes.
    let next = replica(&cluster, &path);
    next.ready().await;
    one.signal("TERM");
    assert_eq!(one.ended().await.code(), Some(0), "{}", one.text());
    leader(&[&next]).await;
    eventually("a look at every report", async || {
        let unchanged = series(&next, "stateward_reports_due_total", &[("result", "unchanged")]).await;
        (unchanged >= findings).then_some(())
    })
    .await;
    let restarted = Costs::now(&cluster).await;
    assert_eq!(restarted.report_writes, after.report_writes, "a restart writes nothing");
    assert_eq!(written(&next).await, 0.0);

    println!(
        "{workloads} workloads, {findings} findings at once: {} reports in {took:.1?}",
        reports.len()
    );
    println!(
        "bytes of a report as JSON: {} on average, {largest} at most; etcd grew by {:.0} a report",
        bytes.iter().sum::<usize>() / bytes.len(),
        (after.etcd_bytes - before.etcd_bytes) / findings,
    );
    println!(
        "writes: {} of reports, {} of Leases meanwhile; a rolling restart: {} of reports, {} of Leases",
        after.report_writes - before.report_writes,
        after.lease_writes - before.lease_writes,
        restarted.report_writes - after.report_writes,
        restarted.lease_writes - after.lease_writes,
    );
}
