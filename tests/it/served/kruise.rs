//! OpenKruise's StatefulSet in a cluster that serves it: its pods and claims are those of the ordinals that nobody reserved.

use super::Served;
use super::objects::{claim, deployment, headless, stateful_set};
use crate::controlplane::{ControlPlane, eventually};

/// What the project's own definition says of the fields that are read.
fn definition() -> String {
    let definitions = include_str!("../check/data/definitions.yaml").split("---\n");
    definitions
        .filter(|text| text.contains("name: statefulsets.apps.kruise.io"))
        .collect()
}

fn advanced(replicas: u32, reserved: &str) -> String {
    let set = stateful_set("db", replicas).replacen("apps/v1", "apps.kruise.io/v1beta1", 1);
    set.replacen("spec: {", &format!("spec: {{reserveOrdinals: {reserved}, "), 1)
}

#[tokio::test]
async fn claims_are_those_of_ordinals_that_are_not_reserved() {
    let cluster = ControlPlane::start().await;
    cluster.apply("default", &definition()).await.succeeded();
    cluster.established().await;
    let served = Served::start(&cluster, &["--workload-kinds", "statefulsets.apps.kruise.io"]).await;
    let namespace = cluster.namespace("kruise").await;
    let there = ["data-db-1", "data-db-3", "data-db-5"].map(|name| claim(name, "ReadWriteOnce"));
    for object in there.iter().chain([&headless("db")]) {
        cluster.apply(&namespace, object).await.succeeded();
    }

    let created = cluster.apply(&namespace, &advanced(3, "[1, '4-5']")).await.succeeded();
    let taken = "claim \"data-db-3\" exists already";
    assert!(created.stderr.contains(taken), "{}", created.stderr);
    eventually("the watch finds the kind", async || {
        let metrics = served.metrics().await;
        (metrics.series("stateward_graph_objects", &[("kind", "statefulsets.apps.kruise.io")]) == Some(1.0))
            .then_some(())
    })
    .await;

    // What a pod uses, and what none does.
    cluster
        .apply(&namespace, &claim("data-db-2", "ReadWriteOnce"))
        .await
        .succeeded();
    let refused = cluster
        .apply(&namespace, &deployment("web", "data-db-3", 1))
        .await
        .failed();
    assert!(
        refused.stderr.contains("denied the request: rwo-consumers"),
        "{}",
        refused.stderr
    );
    let quiet = cluster
        .apply(&namespace, &deployment("web", "data-db-5", 1))
        .await
        .succeeded();
    assert!(!quiet.stderr.contains("rwo-consumers"), "{}", quiet.stderr);
    let delete = async |claim: &str| {
        let dry_run = ["delete", "pvc", claim, "--dry-run=server", "-n", &namespace];
        cluster.kubectl(dry_run).await.succeeded().stderr
    };
    let used = eventually("the claim is known", async || {
        let said = delete("data-db-2").await;
        said.contains("claim-in-use").then_some(said)
    })
    .await;
    assert!(used.contains("the next pod \"db-2\" starts on an empty disk"), "{used}");
    assert_eq!(delete("data-db-1").await, "");

    // To reserve one more takes its pod away and makes another, as fewer replicas take the last.
    let reserved = cluster
        .apply(&namespace, &advanced(3, "[1, 2, '4-5']"))
        .await
        .succeeded();
    assert!(
        reserved.stderr.contains("scale-down-data: ") && reserved.stderr.contains("claim \"data-db-2\" stays"),
        "{}",
        reserved.stderr
    );
    let scaled = cluster
        .kubectl([
            "scale",
            "statefulsets.apps.kruise.io/db",
            "--replicas=1",
            "-n",
            &namespace,
        ])
        .await
        .succeeded();
    assert!(scaled.stderr.contains("claim \"data-db-3\" stays"), "{}", scaled.stderr);
}
