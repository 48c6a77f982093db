//! A kind that is not built in, in a cluster: waited for, judged like any other, and gone with its definition.

use super::Served;
use super::objects::{claim, deployment, selected, using};
use crate::controlplane::{ControlPlane, eventually};

/// What the project's own definition of Rollouts says of the fields that are read.
fn definition() -> String {
    let definitions = include_str!("../check/data/definitions.yaml").split("---\n");
    let of_rollouts = definitions.filter(|text| text.contains("name: rollouts.argoproj.io"));
    of_rollouts.collect()
}

fn rollout(replicas: u32, strategy: &str) -> String {
    format!(
        "{{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {{name: web}}, spec: {{replicas: {replicas}, \
         strategy: {strategy}, {}}}}}",
        selected("web", &using("data"))
    )
}

const APART: &str = "{canary: {maxSurge: 0, maxUnavailable: 1}}";

/// How many Rollouts the graph holds.
async fn known(served: &Served) -> Option<f64> {
    let metrics = served.metrics().await;
    metrics.series("stateward_graph_objects", &[("kind", "Rollout")])
}

#[tokio::test]
async fn a_rollout_is_judged_from_the_day_its_definition_comes() {
    let cluster = ControlPlane::start().await;
    let kinds = "rollouts.argoproj.io,scaledobjects.keda.sh";
    let served = Served::start(&cluster, &["--workload-kinds", kinds]).await;
    let namespace = cluster.namespace("rollouts").await;
    cluster
        .apply(&namespace, &claim("data", "ReadWriteOnce"))
        .await
        .succeeded();
    cluster.apply("default", &definition()).await.succeeded();
    cluster.established().await;

    // A request is judged at once, whether or not the watch has found the kind.
    let denied = eventually("the kind is served", async || {
        let answer = cluster.apply(&namespace, &rollout(3, APART)).await;
        (!answer.success && answer.stderr.contains("denied the request")).then_some(answer.stderr)
    })
    .await;
    assert!(
        denied.contains("rwo-replicas: Rollout ") && denied.contains("replicas: 1"),
        "{denied}"
    );
    cluster.apply(&namespace, &rollout(1, APART)).await.succeeded();
    eventually("the watch finds the kind", async || {
        (known(&served).await == Some(1.0)).then_some(())
    })
    .await;

    // By the subresource, too.
    let scaled = ["scale", "rollouts.argoproj.io/web", "--replicas=3", "-n", &namespace];
    let refused = cluster.kubectl(scaled).await.failed();
    assert!(
        refused.stderr.contains("from 1 to 3: 3 replicas mount claim \"data\""),
        "{}",
        refused.stderr
    );
    let autoscaler = "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web}, spec: {maxReplicas: 5, \
                      scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web}}}";
    let warned = cluster.apply(&namespace, autoscaler).await.succeeded();
    assert!(
        warned
            .stderr
            .contains("an autoscaler may make 5 replicas on claim \"data\""),
        "{}",
        warned.stderr
    );
    let blue_green = cluster
        .apply(&namespace, &rollout(1, "{blueGreen: {activeService: web}}"))
        .await
        .succeeded();
    assert!(
        blue_green.stderr.contains("an update may never end on claim \"data\""),
        "{}",
        blue_green.stderr
    );
    let beside = deployment("other", "data", 1);
    let refused = cluster.apply(&namespace, &beside).await.failed();
    assert!(refused.stderr.contains("Rollout"), "{}", refused.stderr);

    // With the definition all objects go, and whoever used the claim with them.
    cluster
        .kubectl(["delete", "crd", "rollouts.argoproj.io"])
        .await
        .succeeded();
    eventually("the objects are gone", async || {
        (known(&served).await == Some(0.0)).then_some(())
    })
    .await;
    cluster.apply(&namespace, &beside).await.succeeded();
}
