//! What is found in a real cluster becomes reports and events there, by one of several processes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::objects::{claim, deployment};
use super::{Metrics, Served};
use crate::controlplane::{ControlPlane, eventually};

pub(super) const OPEN_REPORTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/reports/openreports.yaml");
pub(super) const POLICY_REPORTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/reports/policyreport.yaml");

/// The namespace of the installation.
pub(super) const OWN: &str = "default";

/// Makes a kind of report known to the API server.
pub(super) async fn define(cluster: &ControlPlane, definition: &str, resource: &str) {
    cluster.kubectl(["apply", "-f", definition]).await.succeeded();
    eventually("the new kind", async || {
        cluster.kubectl(["get", resource, "-A"]).await.success.then_some(())
    })
    .await;
}

/// A process of an installation; nothing is sent to it.
fn replica(cluster: &ControlPlane) -> Served {
    let kubeconfig = cluster.kubeconfig().display().to_string();
    Served::with(&["--kubeconfig", &kubeconfig, "--namespace", OWN, "--shutdown-delay", "0"])
}

pub(super) async fn create(cluster: &ControlPlane, namespace: &str, objects: &[String]) {
    let create = ["create", "-n", namespace, "-f", "-"];
    cluster
        .kubectl_stdin(create, &objects.join("\n---\n"))
        .await
        .succeeded();
}

/// The reports of a namespace, or of all where it is empty.
async fn reports(cluster: &ControlPlane, resource: &str, namespace: &str) -> Vec<Value> {
    let place = format!("--namespace={namespace}");
    let place = if namespace.is_empty() { "-A" } else { &place };
    // An API server that is short of time says so instead of answering.
    let list = eventually("a list of reports", async || {
        let list = cluster.kubectl(["get", resource, place, "-o", "json"]).await;
        list.success.then_some(list)
    })
    .await;
    let mut list: Value = serde_json::from_str(&list.stdout).expect("JSON");
    match list["items"].take() {
        Value::Array(reports) => reports,
        _ => Vec::new(),
    }
}

/// Waits until there are reports on exactly these workloads, and returns them by the name of the workload.
async fn on(cluster: &ControlPlane, resource: &str, namespace: &str, names: &[&str]) -> BTreeMap<String, Value> {
    eventually("the reports", async || {
        let found = reports(cluster, resource, namespace).await;
        let count = found.len();
        let found: BTreeMap<String, Value> = found
            .into_iter()
            .map(|report| (report["scope"]["name"].as_str().unwrap_or_default().to_owned(), report))
            .collect();
        assert_eq!(found.len(), count, "two reports on one workload");
        found.keys().eq(names).then_some(found)
    })
    .await
}

fn leads(metrics: &Metrics) -> bool {
    metrics.series("stateward_leader", &[]) == Some(1.0)
}

/// Waits until one of them leads; returns which.
pub(super) async fn leader<'a>(replicas: &[&'a Served]) -> &'a Served {
    eventually("a leader", async || {
        for replica in replicas {
            if leads(&replica.metrics().await) {
                return Some(*replica);
            }
        }
        None
    })
    .await
}

#[tokio::test]
async fn reports_are_right_again_after_the_leader_was_killed_and_a_restart_writes_nothing() {
    let cluster = ControlPlane::start().await;
    define(&cluster, OPEN_REPORTS, "reports.openreports.io").await;
    let namespace = cluster.namespace("shop").await;
    let objects = [claim("data", "ReadWriteOnce"), deployment("web", "data", 3)];
    create(&cluster, &namespace, &objects).await;
    let (one, other) = (replica(&cluster), replica(&cluster));
    one.ready().await;
    other.ready().await;

    // Whose webhook is called, and who leads, are two questions.
    let resource = "reports.openreports.io";
    let web = on(&cluster, resource, &namespace, &["web"]).await["web"].clone();
    let uid = web["scope"]["uid"].as_str().expect("a uid");
    assert_eq!(web["metadata"]["name"], format!("stateward-{uid}"));
    assert_eq!(web["metadata"]["ownerReferences"][0]["uid"], uid);
    assert_eq!(web["source"], "stateward");
    let rules = |report: &Value| -> Vec<Value> {
        let results = report["results"].as_array().expect("results");
        results.iter().map(|result| result["rule"].clone()).collect()
    };
    assert!(rules(&web).contains(&"rwo-replicas".into()), "{web}");
    let led = leader(&[&one, &other]).await;
    let follows = if led.pid() == one.pid() { &other } else { &one };
    assert!(!leads(&follows.metrics().await));
    let open = led.metrics().await;
    let labels = [("rule", "rwo-replicas"), ("action", "deny"), ("namespace", &*namespace)];
    assert_eq!(open.series("stateward_open_findings", &labels), Some(1.0));
    assert_eq!(follows.metrics().await.series("stateward_open_findings", &[]), None);

    // It dies while things change.
    led.signal("KILL");
    create(&cluster, &namespace, &[deployment("late", "data", 2)]).await;
    let delete = ["delete", "deployment", "web", "-n", &namespace, "--wait=false"];
    cluster.kubectl(delete).await.succeeded();
    create(&cluster, &namespace, &[deployment("later", "data", 2)]).await;
    let before = on(&cluster, resource, &namespace, &["late", "later"]).await;
    assert!(leads(&follows.metrics().await));
    assert!(
        rules(&before["late"]).contains(&"rwo-consumers".into()),
        "{:?}",
        before["late"]
    );

    // A rolling restart: the next one is there before the former goes.
    let next = replica(&cluster);
    next.ready().await;
    // What the last change made of both is written.
    let versions = async || -> Vec<Value> {
        let reports = reports(&cluster, resource, "").await.into_iter();
        reports
            .map(|report| report["metadata"]["resourceVersion"].clone())
            .collect()
    };
    let mut last = versions().await;
    eventually("the end of the writes", async || {
        let settled = follows.metrics().await;
        let written = settled.series("stateward_reports_due_total", &[("result", "written")]);
        let now = versions().await;
        (written > Some(0.0) && std::mem::replace(&mut last, now.clone()) == now).then_some(())
    })
    .await;
    let before = versions().await;
    follows.signal("TERM");
    assert_eq!(follows.ended().await.code(), Some(0), "{}", follows.text());
    leader(&[&next]).await;
    eventually("a look at every report", async || {
        let metrics = next.metrics().await;
        let unchanged = metrics.series("stateward_reports_due_total", &[("result", "unchanged")]);
        (unchanged >= Some(2.0)).then_some(())
    })
    .await;
    assert_eq!(versions().await, before);
    let metrics = next.metrics().await;
    for result in ["written", "deleted", "failed"] {
        let count = metrics.series("stateward_reports_due_total", &[("result", result)]);
        assert_eq!(count, Some(0.0), "{result}");
    }

    // Leases of the dead run out; that of who ended well is gone.
    eventually("one replica's Lease", async || {
        let selector = "--selector=app.kubernetes.io/component=replica";
        let leases = cluster
            .kubectl(["get", "leases", "-n", OWN, selector, "-o", "name"])
            .await
            .succeeded();
        (leases.stdout.lines().count() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_newer_kind_of_report_takes_the_place_of_the_older_one() {
    let cluster = ControlPlane::start().await;
    define(&cluster, POLICY_REPORTS, "policyreports.wgpolicyk8s.io").await;
    let namespace = cluster.namespace("shop").await;
    let objects = [claim("data", "ReadWriteOnce"), deployment("web", "data", 3)];
    create(&cluster, &namespace, &objects).await;
    let old = replica(&cluster);
    let report = on(&cluster, "policyreports", &namespace, &["web"]).await["web"].clone();
    let results = report["results"].as_array().expect("results");
    assert!(results.iter().any(|result| result["result"] == "fail"), "{report}");
    // Nothing of it was dropped as unknown to the schema.
    for field in [
        "policy",
        "rule",
        "category",
        "severity",
        "message",
        "timestamp",
        "properties",
        "source",
    ] {
        assert!(!results[0][field].is_null(), "{field}: {report}");
    }
    assert_ne!(report["summary"]["fail"], 0);
    old.signal("TERM");
    assert_eq!(old.ended().await.code(), Some(0));

    define(&cluster, OPEN_REPORTS, "reports.openreports.io").await;
    let new = replica(&cluster);
    on(&cluster, "reports.openreports.io", &namespace, &["web"]).await;
    on(&cluster, "policyreports", &namespace, &[]).await;
    drop(new);

    // None are kept where none are wanted.
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let without = Served::with(&["--kubeconfig", &kubeconfig, "--namespace", OWN, "--reports", "off"]);
    on(&cluster, "reports.openreports.io", &namespace, &[]).await;
    drop(without);
}

#[tokio::test]
async fn a_namespace_goes_with_the_reports_in_it() {
    let cluster = ControlPlane::start().await;
    define(&cluster, OPEN_REPORTS, "reports.openreports.io").await;
    let namespace = cluster.namespace("going").await;
    let names: Vec<String> = (100..300).map(|number| format!("web-{number}")).collect();
    let mut objects = vec![claim("data", "ReadWriteOnce")];
    objects.extend(names.iter().map(|name| deployment(name, "data", 2)));
    create(&cluster, &namespace, &objects).await;
    let served = replica(&cluster);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    on(&cluster, "reports.openreports.io", &namespace, &names).await;
    cluster.start_controller_manager().await;
    let delete = ["delete", "namespace", &namespace, "--wait=false"];
    cluster.kubectl(delete).await.succeeded();
    eventually("the end of the namespace", async || {
        let get = ["get", "namespace", &namespace, "--ignore-not-found"];
        cluster.kubectl(get).await.succeeded().stdout.is_empty().then_some(())
    })
    .await;
    eventually("the end of the findings", async || {
        let metrics = served.metrics().await;
        let labels = [("namespace", &*namespace)];
        let open = metrics.series("stateward_open_findings", &labels);
        (open.is_none() && metrics.series("stateward_reports", &[]) == Some(0.0)).then_some(())
    })
    .await;
    let warned: Vec<Value> = served
        .log()
        .into_iter()
        .filter(|line| line["level"] == "WARN")
        .collect();
    assert_eq!(warned, [Value::Null; 0]);
}

#[tokio::test]
async fn a_refusal_and_a_new_finding_leave_events_on_the_workload() {
    let cluster = ControlPlane::start().await;
    let namespace = cluster.namespace("shop").await;
    let objects = [claim("data", "ReadWriteOnce"), deployment("web", "data", 1)];
    create(&cluster, &namespace, &objects).await;
    let served = Served::start(&cluster, &["--namespace", OWN]).await;
    served.logged(|line| line["message"] == "Everything was judged").await;
    leader(&[&served]).await;

    let event = async |namespace: &str, name: &str, reason: &str, action: &str| {
        eventually("an event", async || {
            let list = cluster
                .kubectl(["get", "events.events.k8s.io", "-n", namespace, "-o", "json"])
                .await;
            let list: Value = serde_json::from_str(&list.succeeded().stdout).expect("JSON");
            let events = list["items"].as_array().cloned().unwrap_or_default();
            let wanted = |event: &Value| {
                event["regarding"]["name"] == name && event["reason"] == reason && event["action"] == action
            };
            let found: Vec<Value> = events.into_iter().filter(wanted).collect();
            (!found.is_empty()).then_some(found)
        })
        .await
    };
    let scale = ["scale", "deployment", "web", "--replicas=3", "-n", &namespace];
    cluster.kubectl(scale).await.failed();
    cluster.kubectl(scale).await.failed();
    let denied = event(&namespace, "web", "RwoReplicas", "Denied").await;
    assert_eq!(denied.len(), 1, "{denied:?}");
    assert!(
        denied[0]["note"]
            .as_str()
            .is_some_and(|note| note.starts_with("Denied: ")),
        "{denied:?}"
    );
    let uid = &denied[0]["metadata"]["annotations"]["stateward.dev/request-uid"];
    served
        .logged(|line| line["message"] == "Decided" && line["uid"] == *uid)
        .await;
    eventually("the repetition", async || {
        let metrics = served.metrics().await;
        metrics.series("stateward_events_total", &[("result", "repeated")])
    })
    .await;

    // Nothing of kube-system is sent, and all of it is seen.
    let objects = [claim("data", "ReadWriteOnce"), deployment("dns", "data", 3)];
    create(&cluster, "kube-system", &objects).await;
    let found = event("kube-system", "dns", "RwoReplicas", "Found").await;
    assert_eq!(found.len(), 1, "{found:?}");
}
