//! What happens to the rest: the API server goes away and comes back, a permission is missing, kube-system is at work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

#[tokio::test]
async fn an_api_server_that_goes_away_and_comes_back_finds_us_ready_and_right() {
    let cluster = workshop().await;
    let namespace = cluster.namespace("restart").await;
    let served = Arc::new(Served::start(&cluster, &[]).await);
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
                tokio::task::yield_now().await;
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
        let told = served.log().into_iter().filter(|line| line["kind"] == kind).count();
        assert!(told <= 2, "{kind}: {told} lines");
    }
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
    let grant = async |role: &str, verbs: &str, resources: &str| {
        let (verbs, resources) = (format!("--verb={verbs}"), format!("--resource={resources}"));
        cluster
            .kubectl(["create", "clusterrole", role, &verbs, &resources])
            .await
            .succeeded();
        let to = format!("--clusterrole={role}");
        cluster
            .kubectl(["create", "clusterrolebinding", role, &to, "--user=limited"])
            .await
            .succeeded();
    };
    grant(
        "limited-read",
        "get,list,watch",
        "namespaces,nodes,persistentvolumeclaims,persistentvolumes,pods,replicationcontrollers,services,\
         daemonsets.apps,deployments.apps,replicasets.apps,statefulsets.apps,cronjobs.batch,jobs.batch,\
         csidrivers.storage.k8s.io,storageclasses.storage.k8s.io",
    )
    .await;
    grant(
        "limited-register",
        "*",
        "validatingwebhookconfigurations.admissionregistration.k8s.io,\
         mutatingwebhookconfigurations.admissionregistration.k8s.io",
    )
    .await;
    // RBAC is applied from a cache of its own.
    eventually("the permissions", async || {
        let may = ["auth", "can-i", "--as=limited", "create"];
        let may = may
            .iter()
            .chain(&["mutatingwebhookconfigurations.admissionregistration.k8s.io"]);
        cluster.kubectl(may).await.success.then_some(())
    })
    .await;
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
