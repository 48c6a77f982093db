//! What happens to the rest: the API server goes away and comes back, a permission is missing, kube-system is at work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::objects::{autoscaler, claim, deployment, selected, using};
use super::{Served, workshop};
use crate::controlplane::{ControlPlane, Output, eventually};

/// A ReplicaSet of its own whose one pod uses a claim. No mutating webhook is asked about it.
fn replica_set(name: &str, claim: &str) -> String {
    format!(
        "{{apiVersion: apps/v1, kind: ReplicaSet, metadata: {{name: {name}}}, spec: {{replicas: 1, {}}}}}",
        selected(name, &using(claim))
    )
}

async fn create(cluster: &ControlPlane, namespace: &str, object: &str) -> Output {
    cluster
        .kubectl_stdin(["create", "-n", namespace, "-f", "-"], object)
        .await
}

/// How many objects of a kind the graph holds.
async fn known(served: &Served, kind: &str) -> f64 {
    let metrics = served.metrics().await;
    metrics
        .series("stateward_graph_objects", &[("kind", kind)])
        .unwrap_or_default()
}

/// Waits until the graph holds so many objects of a kind.
async fn until_known(served: &Served, kind: &str, wanted: f64) {
    eventually("the objects in the graph", async || {
        (known(served, kind).await == wanted).then_some(())
    })
    .await;
}

/// All reviews that were answered.
async fn reviews(served: &Served) -> f64 {
    let metrics = served.metrics().await;
    metrics
        .series("stateward_requests_total", &[])
        .expect("requests are counted")
}

/// All that is watched, but for autoscalers.
const READ: [&str; 15] = [
    "cronjobs.batch",
    "csidrivers.storage.k8s.io",
    "daemonsets.apps",
    "deployments.apps",
    "jobs.batch",
    "namespaces",
    "nodes",
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "replicasets.apps",
    "replicationcontrollers",
    "services",
    "statefulsets.apps",
    "storageclasses.storage.k8s.io",
];

/// Lets a user read these resources and register a webhook.
async fn grant(cluster: &ControlPlane, user: &str, read: &[&str]) {
    let register = "validatingwebhookconfigurations.admissionregistration.k8s.io,\
                    mutatingwebhookconfigurations.admissionregistration.k8s.io";
    for (role, verbs, resources) in [
        ("read", "get,list,watch", read.join(",")),
        ("register", "*", register.to_owned()),
    ] {
        let role = format!("{user}-{role}");
        let (verbs, resources) = (format!("--verb={verbs}"), format!("--resource={resources}"));
        let create = ["create", "clusterrole", &role, &verbs, &resources];
        cluster.kubectl(create).await.succeeded();
        let (to, user) = (format!("--clusterrole={role}"), format!("--user={user}"));
        let bind = ["create", "clusterrolebinding", &role, &to, &user];
        cluster.kubectl(bind).await.succeeded();
    }
    // RBAC is applied from a cache of its own.
    eventually("the permissions", async || {
        let what = "mutatingwebhookconfigurations.admissionregistration.k8s.io";
        let may = ["auth", "can-i", "--as", user, "create", what];
        cluster.kubectl(may).await.success.then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_api_server_that_goes_away_and_comes_back_finds_us_ready_and_right() {
    let cluster = workshop().await;
    let namespace = cluster.namespace("restart").await;
    // Not an administrator: what RBAC grants is known to an API server only a moment after its start.
    let autoscalers = "horizontalpodautoscalers.autoscaling";
    grant(&cluster, "restart", &[&READ[..], &[autoscalers]].concat()).await;
    let served = Served::launch_with(&cluster.kubeconfig_as("restart", &[]), &[]);
    served.ready().await;
    served.called(&cluster).await;
    let served = Arc::new(served);
    create(&cluster, &namespace, &claim("data", "ReadWriteOnce"))
        .await
        .succeeded();
    create(&cluster, &namespace, &deployment("first", "data", 1))
        .await
        .succeeded();

    let stop = Arc::new(AtomicBool::new(false));
    let watching = {
        let (served, stop) = (served.clone(), stop.clone());
        tokio::spawn(async move {
            let mut asked = 0;
            while !stop.load(Ordering::Relaxed) {
                let answer = served.admin("/readyz").await;
                assert_eq!(answer.map(|(status, _)| status), Some(200), "after {asked} answers");
                asked += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            asked
        })
    };
    cluster.stop_api_server();
    served
        .logged(|line| {
            line["message"]
                .as_str()
                .is_some_and(|text| text.starts_with("Watch failed"))
        })
        .await;
    cluster.restart_api_server().await;
    // Right from memory, before any watch is back.
    let refused = create(&cluster, &namespace, &deployment("second", "data", 1))
        .await
        .failed();
    assert!(refused.stderr.contains("rwo-consumers"), "{}", refused.stderr);
    served.logged(|line| line["message"] == "Watch works again").await;
    stop.store(true, Ordering::Relaxed);
    assert!(watching.await.expect("readiness stays") > 10);

    // Each kind is told once when it goes and once when it comes back, however often it was tried in between.
    for kind in ["Deployment", "PersistentVolumeClaim"] {
        let told: Vec<Value> = served
            .log()
            .into_iter()
            .filter(|line| line["target"] == "stateward::cluster::watch" && line["kind"] == kind)
            .collect();
        assert!(told.len() <= 2, "{told:?}");
    }
}

#[tokio::test]
async fn an_end_while_the_api_server_is_away_is_an_end() {
    let cluster = workshop().await;
    let served = Served::start(&cluster, &["--shutdown-delay", "0"]).await;
    cluster.stop_api_server();
    served.signal("TERM");
    assert_eq!(served.ended().await.code(), Some(0), "{}", served.text());
    let told = |line: &Value| line["message"] == "Webhook configurations stay behind";
    assert_eq!(served.log().into_iter().filter(told).count(), 1, "{}", served.text());
    cluster.restart_api_server().await;
    // They are in nobody's way, and the next process replaces them.
    let namespace = cluster.namespace("left").await;
    create(&cluster, &namespace, &deployment("web", "data", 3))
        .await
        .succeeded();
    drop(Served::start(&cluster, &[]).await);
}

#[tokio::test]
async fn what_happened_while_the_watches_were_down_is_known_afterwards() {
    let cluster = workshop().await;
    let namespace = cluster.namespace("missed").await;
    let served = Served::start(&cluster, &[]).await;
    for name in ["gone", "new"] {
        create(&cluster, &namespace, &claim(name, "ReadWriteOnce"))
            .await
            .succeeded();
    }
    let before = known(&served, "ReplicaSet").await;
    create(&cluster, &namespace, &replica_set("gone", "gone"))
        .await
        .succeeded();
    until_known(&served, "ReplicaSet", before + 1.0).await;

    cluster.stop_api_server();
    // It neither watches nor answers now, so that its requests fail open.
    served.signal("STOP");
    cluster.restart_api_server().await;
    let delete = ["delete", "replicaset", "gone", "-n", &namespace, "--wait=false"];
    cluster.kubectl(delete).await.succeeded();
    let (one, other) = futures::future::join(
        create(&cluster, &namespace, &replica_set("one", "new")),
        create(&cluster, &namespace, &replica_set("other", "new")),
    )
    .await;
    one.succeeded();
    other.succeeded();
    served.signal("CONT");
    until_known(&served, "ReplicaSet", before + 2.0).await;

    let refused = create(&cluster, &namespace, &deployment("late", "new", 1))
        .await
        .failed();
    assert!(refused.stderr.contains("is also used by"), "{}", refused.stderr);
    create(&cluster, &namespace, &deployment("late", "gone", 1))
        .await
        .succeeded();
}

#[tokio::test]
async fn a_kind_without_permission_is_unknown_and_everything_else_enforced() {
    let cluster = workshop().await;
    let namespace = cluster.namespace("limited").await;
    grant(&cluster, "limited", &READ).await;
    let kubeconfig = cluster.kubeconfig_as("limited", &[]);
    let served = Served::launch_with(&kubeconfig, &[]);
    served.ready().await;
    served.called(&cluster).await;

    let refusals = || {
        let log = served.log().into_iter();
        log.filter(|line| {
            line["message"]
                .as_str()
                .is_some_and(|text| text.starts_with("No permission"))
        })
        .collect::<Vec<_>>()
    };
    let told = refusals();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (&told[0]["kind"], &told[0]["resource"], &told[0]["group"]),
        (
            &"HorizontalPodAutoscaler".into(),
            &"horizontalpodautoscalers".into(),
            &"autoscaling".into()
        )
    );

    // What needs no autoscaler is enforced.
    create(&cluster, &namespace, &claim("data", "ReadWriteOnce"))
        .await
        .succeeded();
    let refused = create(&cluster, &namespace, &deployment("web", "data", 3))
        .await
        .failed();
    assert!(refused.stderr.contains("rwo-replicas"), "{}", refused.stderr);
    create(&cluster, &namespace, &deployment("web", "data", 1))
        .await
        .succeeded();
    // So is an autoscaler that is written now: nothing about others needs to be known.
    let warned = create(&cluster, &namespace, &autoscaler("v2", "web", 3))
        .await
        .succeeded();
    assert!(warned.stderr.contains("Warning: rwo-autoscaler: "), "{}", warned.stderr);
    // What autoscalers there are cannot be told, and the metrics say how often that mattered.
    let metrics = served.metrics().await;
    let unknown = metrics.series(
        "stateward_unknown_lookups_total",
        &[("kind", "HorizontalPodAutoscaler")],
    );
    assert!(unknown.is_some_and(|count| count > 0.0), "{unknown:?}");
    assert_eq!(refusals().len(), 1);
}

#[tokio::test]
async fn kube_system_is_none_of_our_business() {
    let cluster = workshop().await;
    let served = Served::start(&cluster, &[]).await;
    let before = reviews(&served).await;
    let objects = [
        claim("data", "ReadWriteOnce"),
        deployment("web", "data", 3),
        replica_set("web", "data"),
        autoscaler("v2", "web", 5),
        super::objects::headless("db"),
        super::objects::stateful_set("db", 1),
    ]
    .join("\n---\n");
    create(&cluster, "kube-system", &objects).await.succeeded();
    for arguments in [
        &["scale", "deployment/web", "--replicas=4"][..],
        &["annotate", "pvc", "data", "a=b"],
        &["delete", "service", "db"],
        &["delete", "deployment,statefulset,rs,hpa,pvc", "--all", "--wait=false"],
    ] {
        let output = cluster
            .kubectl(arguments.iter().chain(&["-n", "kube-system"]))
            .await
            .succeeded();
        assert_eq!(output.stderr, "", "{arguments:?}");
    }
    assert_eq!(reviews(&served).await, before);
    let log = served.text();
    assert!(!log.contains("kube-system"), "{log}");

    // The same writes elsewhere do reach us.
    let namespace = cluster.namespace("elsewhere").await;
    create(&cluster, &namespace, &objects).await.failed();
    assert!(reviews(&served).await > before);
}
