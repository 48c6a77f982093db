//! What is found in a real cluster arrives at a real OpenTelemetry Collector.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;

use super::Served;
use super::objects::{claim, deployment};
use crate::collector::{Collector, Record, assert_told, uid_of};
use crate::controlplane::{ControlPlane, eventually};

/// The namespace of the installation.
const OWN: &str = "default";

/// A process of an installation that sends to a collector; nothing is sent to it.
fn replica(cluster: &ControlPlane, url: &str, resend: &str) -> Served {
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let mut arguments = vec!["--kubeconfig", &kubeconfig, "--namespace", OWN, "--shutdown-delay", "0"];
    arguments.extend(["--otlp-logs", url, "--otlp-resend", resend, "--cluster-name", "north"]);
    Served::with(&arguments)
}

async fn create(cluster: &ControlPlane, namespace: &str, objects: &[String]) {
    let create = ["create", "-n", namespace, "-f", "-"];
    cluster
        .kubectl_stdin(create, &objects.join("\n---\n"))
        .await
        .succeeded();
}

/// The ids on a workload that were told in a state, by rule.
fn told(records: &[Record], name: &str, state: &str) -> BTreeMap<String, String> {
    let wanted = |record: &&Record| record["k8s.object.name"] == name && record["stateward.state"] == state;
    let found = records.iter().filter(wanted);
    found
        .map(|record| (record["stateward.rule"].clone(), record["stateward.finding.id"].clone()))
        .collect()
}

#[tokio::test]
async fn findings_open_stand_and_close_at_a_collector_and_keep_their_ids() {
    let cluster = ControlPlane::start().await;
    let mut collector = Collector::new();
    collector.start().await;
    let namespace = cluster.namespace("shop").await;
    create(
        &cluster,
        &namespace,
        &[claim("data", "ReadWriteOnce"), deployment("web", "data", 3)],
    )
    .await;
    let served = replica(&cluster, &collector.url(), "1h");

    // What a process finds when it begins is no news.
    let standing = collector
        .says("what stands", |records| {
            let found = told(&records, "web", "standing");
            found.contains_key("rwo-replicas").then_some(found)
        })
        .await;
    let first = collector.records().into_iter().next().expect("a record");
    let uid = uid_of(&cluster).await;
    let expected = [
        ("k8s.cluster.uid", &*uid),
        ("k8s.cluster.name", "north"),
        ("service.name", "stateward"),
        ("k8s.namespace.name", &namespace),
        ("k8s.object.kind", "Deployment"),
        ("eventName", "stateward.finding"),
        ("stateward.policy", "baseline"),
    ];
    assert_told(&first, &expected);
    assert!(first["body"].contains("web"), "{first:?}");

    create(&cluster, &namespace, &[deployment("late", "data", 2)]).await;
    let opened = collector
        .says("what opened", |records| {
            let found = told(&records, "late", "open");
            found.contains_key("rwo-replicas").then_some(found)
        })
        .await;
    let delete = ["delete", "deployment", "late", "-n", &namespace, "--wait=false"];
    cluster.kubectl(delete).await.succeeded();
    let closed = collector
        .says("what closed", |records| {
            let found = told(&records, "late", "closed");
            found.contains_key("rwo-replicas").then_some(found)
        })
        .await;
    assert_eq!(closed["rwo-replicas"], opened["rwo-replicas"]);
    assert!(!told(&collector.records(), "web", "closed").contains_key("rwo-replicas"));

    // What changes of it is told without it being new.
    let label = ["label", "namespace", &namespace, "team=front"];
    cluster.kubectl(label).await.succeeded();
    let owned = collector
        .says("whose it is", |mut records| {
            records.retain(|record| record.get("stateward.owner").is_some_and(|owner| owner == "front"));
            let found = told(&records, "web", "standing");
            (!found.is_empty()).then_some(found)
        })
        .await;
    assert_eq!(owned["rwo-replicas"], standing["rwo-replicas"]);
    assert!(!told(&collector.records(), "web", "open").contains_key("rwo-replicas"));

    let metrics = served.metrics().await;
    let count = |result| metrics.series("stateward_otlp_records_total", &[("result", result)]);
    assert!(count("sent") > Some(3.0), "{:?}", count("sent"));
    assert_eq!((count("dropped"), count("refused")), (Some(0.0), Some(0.0)));
    served.signal("TERM");
    assert_eq!(served.ended().await.code(), Some(0), "{}", served.text());

    // After a restart all of them again, and then every now and then.
    let before = collector.records().len();
    let served = replica(&cluster, &collector.url(), "1s");
    let again = collector
        .says("two rounds after the restart", |records| {
            let since = &records[before..];
            let of_web =
                |record: &&Record| record["k8s.object.name"] == "web" && record["stateward.rule"] == "rwo-replicas";
            (since.iter().filter(of_web).count() >= 3).then(|| told(since, "web", "standing"))
        })
        .await;
    assert_eq!(again["rwo-replicas"], standing["rwo-replicas"]);
    served.signal("TERM");
    assert_eq!(served.ended().await.code(), Some(0), "{}", served.text());

    // What a collector does not want is counted, and not sent again and again.
    let served = replica(&cluster, &format!("{}/elsewhere", collector.url()), "1h");
    let refused = served
        .logged(|line| line["level"] == "WARN" && line["error"].as_str().is_some_and(|error| error.contains("404")))
        .await;
    assert!(
        refused["message"]
            .as_str()
            .is_some_and(|text| text.starts_with("The collector")),
        "{refused}"
    );
    let metrics = served.metrics().await;
    let count = |result| metrics.series("stateward_otlp_records_total", &[("result", result)]);
    let stands = metrics.series("stateward_open_findings", &[]);
    assert!(
        count("refused") > Some(0.0) && count("refused") == stands,
        "{:?} of {stands:?}",
        count("refused")
    );
    assert_eq!(count("sent"), Some(0.0));
}

#[tokio::test]
async fn while_a_collector_is_away_requests_are_answered_and_later_it_hears_of_all_that_stand() {
    // Some 600 findings: more than are sent at once.
    const WORKLOADS: u32 = 300;
    let cluster = ControlPlane::start().await;
    let mut collector = Collector::new();
    let namespace = cluster.namespace("shop").await;
    let mut objects = vec![claim("data", "ReadWriteOnce")];
    objects.extend((0..WORKLOADS).map(|number| deployment(&format!("web-{number}"), "data", 2)));
    create(&cluster, &namespace, &objects).await;
    let url = collector.url();
    let served = Served::start(
        &cluster,
        &["--namespace", OWN, "--otlp-logs", &url, "--otlp-resend", "1h"],
    )
    .await;
    served
        .logged(|line| {
            let message = line["message"].as_str().unwrap_or_default();
            line["level"] == "WARN" && message.starts_with("The collector does not take what it is sent")
        })
        .await;

    // Every finding says whose it is, so that all of them change at once, until more wait than may.
    let mut round = 0;
    eventually("the first record that is dropped", async || {
        round += 1;
        let label = [
            "label",
            "namespace",
            &namespace,
            "--overwrite",
            &format!("team=team-{round}"),
        ];
        cluster.kubectl(label).await.succeeded();
        let metrics = served.metrics().await;
        let dropped = metrics.series("stateward_otlp_records_total", &[("result", "dropped")]);
        dropped.filter(|count| *count > 0.0)
    })
    .await;
    let scale = ["scale", "deployment", "web-0", "--replicas=3", "-n", &namespace];
    let denied = cluster.kubectl(scale).await.failed();
    assert!(denied.stderr.contains("rwo-replicas"), "{}", denied.stderr);
    let delete = ["delete", "deployment", "web-1", "-n", &namespace, "--wait=false"];
    cluster.kubectl(delete).await.succeeded();

    collector.start().await;
    let again = served
        .logged(|line| line["message"] == "The collector takes what it is sent again")
        .await;
    let again: Timestamp = again["timestamp"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("a time");
    // Of which the last word is that they stand, and was said anew, since some of it was lost.
    let open = |records: Vec<Record>| {
        let mut last: BTreeMap<String, (i128, bool)> = BTreeMap::new();
        for record in records {
            let time: i128 = record["time"].parse().expect("a number");
            let told = (time, record["stateward.state"] != "closed");
            let known = last.entry(record["stateward.finding.id"].clone()).or_insert(told);
            *known = told.max(*known);
        }
        let open = last
            .values()
            .filter(|(time, open)| *open && *time >= again.as_nanosecond());
        u32::try_from(open.count()).expect("hundreds")
    };
    eventually("all that stand", async || {
        let metrics = served.metrics().await;
        let stands = metrics.series("stateward_open_findings", &[])?;
        let heard = open(collector.records());
        (heard >= WORKLOADS && (f64::from(heard) - stands).abs() < 0.5).then_some(())
    })
    .await;
}
