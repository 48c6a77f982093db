//! Kinds with several pod templates in a cluster that serves them: warned about, also through `scale`, and never refused.

use super::Served;
use super::objects::claim;
use crate::controlplane::{ControlPlane, eventually};

/// What the projects' own definitions say of the fields that are read.
fn definitions() -> String {
    let definitions = include_str!("../check/data/definitions.yaml").split("---\n");
    let wanted = definitions.filter(|text| text.contains("name: jobsets.") || text.contains("name: leaderworkersets."));
    wanted.collect::<Vec<_>>().join("---\n")
}

const PODS: &str = "{spec: {containers: [{name: main, image: example.com/work, volumeMounts: [{name: data, mountPath: /data}]}], volumes: \
                    [{name: data, persistentVolumeClaim: {claimName: data}}]}}";

fn job_set(name: &str, parallelism: u32) -> String {
    format!(
        "{{apiVersion: jobset.x-k8s.io/v1alpha2, kind: JobSet, metadata: {{name: {name}}}, spec: {{replicatedJobs: [{{template: \
         {{spec: {{parallelism: {parallelism}, template: {PODS}}}}}}}]}}}}"
    )
}

fn workers(replicas: u32) -> String {
    format!(
        "{{apiVersion: leaderworkerset.x-k8s.io/v1, kind: LeaderWorkerSet, metadata: {{name: infer}}, spec: {{replicas: {replicas}, \
         leaderWorkerTemplate: {{size: 1, workerTemplate: {PODS}}}}}}}"
    )
}

#[tokio::test]
async fn pods_of_several_templates_are_warned_about_and_never_refused() {
    let cluster = ControlPlane::start().await;
    let kinds = "jobsets.jobset.x-k8s.io,leaderworkersets.leaderworkerset.x-k8s.io";
    cluster.apply("default", &definitions()).await.succeeded();
    cluster.established().await;
    let served = Served::start(&cluster, &["--workload-kinds", kinds]).await;
    let namespace = cluster.namespace("several").await;
    cluster
        .apply(&namespace, &claim("data", "ReadWriteOnce"))
        .await
        .succeeded();

    let warned = eventually("the kind is judged", async || {
        let answer = cluster.apply(&namespace, &job_set("train", 3)).await.succeeded();
        cluster
            .kubectl(["delete", "jobset", "train", "-n", &namespace])
            .await
            .succeeded();
        answer.stderr.contains("rwo-job").then_some(answer.stderr)
    })
    .await;
    assert!(warned.contains("3 pods at once mount claim \"data\""), "{warned}");

    let quiet = cluster.apply(&namespace, &workers(1)).await.succeeded();
    assert!(!quiet.stderr.contains("rwo-replicas"), "{}", quiet.stderr);
    // Its parent is known once the watch has brought it.
    let scaled = eventually("scale is judged", async || {
        let scale = |replicas: &'static str| ["scale", "leaderworkerset", "infer", replicas, "-n", &*namespace];
        let up = cluster.kubectl(scale("--replicas=3")).await.succeeded();
        cluster.kubectl(scale("--replicas=1")).await.succeeded();
        up.stderr.contains("rwo-replicas").then_some(up.stderr)
    })
    .await;
    assert!(scaled.contains("3 replicas mount claim \"data\""), "{scaled}");

    // What others see of it.
    let other = cluster.apply(&namespace, &job_set("other", 1)).await.succeeded();
    assert!(
        other.stderr.contains("held by LeaderWorkerSet infer"),
        "{}",
        other.stderr
    );
    eventually("the watch finds both kinds", async || {
        let metrics = served.metrics().await;
        let known = |kind| metrics.series("stateward_graph_objects", &[("kind", kind)]);
        (known("JobSet") == Some(1.0) && known("LeaderWorkerSet") == Some(1.0)).then_some(())
    })
    .await;
}
