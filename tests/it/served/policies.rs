//! Policies in files: which objects they select, and what happens when the files change.

use std::fs;

use super::objects::{claim, deployment};
use super::{Policy, Served, Shop, workshop};
use crate::controlplane::eventually;
use crate::controlplane::process::Scratch;

#[tokio::test]
async fn a_policy_selects_by_labels_and_a_scale_by_those_of_its_workload() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::ForState).await;
    let plain = deployment("plain", "plain", 1);
    let labelled = deployment("state", "state", 1).replace("{name: state}", "{name: state, labels: {tier: state}}");
    let claims = [claim("plain", "ReadWriteOnce"), claim("state", "ReadWriteOnce")];
    shop.create(&namespace, &claims).await.succeeded();
    shop.create(&namespace, &[plain, labelled]).await.succeeded();
    let scale = |name: &str| format!("scale deployment/{name} --replicas=3");
    let unjudged = shop.kubectl(&namespace, &scale("plain")).await.succeeded();
    assert_eq!(unjudged.stderr, "");
    let refused = shop.kubectl(&namespace, &scale("state")).await.failed();
    assert!(refused.stderr.contains("rwo-replicas"), "{}", refused.stderr);
}

#[tokio::test]
async fn a_changed_file_is_taken_and_a_broken_one_keeps_the_last_good_policies() {
    let policy = |rules: &str| {
        format!(
            "apiVersion: stateward.dev/v1alpha1\nkind: WorkloadPolicy\nmetadata:\n  name: shop\n\
             spec:\n  profile: Baseline\n  rules: [{rules}]\n"
        )
    };
    let scratch = Scratch::new().expect("a directory can be made");
    let path = scratch
        .write("policy.yaml", policy("{id: rwo-replicas, actions: []}"))
        .expect("written");
    let cluster = workshop().await;
    let served = Served::start(&cluster, &["--policy", &path.display().to_string()]).await;
    let namespace = cluster.namespace("policies").await;
    let create = async |name: &str| {
        let objects = format!("{}\n---\n{}", claim(name, "ReadWriteOnce"), deployment(name, name, 3));
        cluster
            .kubectl_stdin(["create", "-n", &namespace, "-f", "-"], &objects)
            .await
    };
    create("before").await.succeeded();

    fs::write(&path, policy("")).expect("written");
    served.logged(|line| line["message"] == "Policies reloaded").await;
    let refused = create("after").await.failed();
    assert!(refused.stderr.contains("rwo-replicas"), "{}", refused.stderr);

    fs::write(&path, policy("{id: rwo-replica}")).expect("written");
    let failures = async || {
        let metrics = served.metrics().await;
        metrics.series("stateward_policy_reload_failures_total", &[])
    };
    eventually("a failed reload in the metrics", async || {
        (failures().await? > 0.0).then_some(())
    })
    .await;
    let line = served
        .logged(|line| line["message"] == "Policies not reloaded; the last good ones stay in force")
        .await;
    let error = line["error"].as_str().unwrap_or_default();
    assert!(
        error.contains("policy.yaml:7:16: there is no rule \"rwo-replica\", did you mean \"rwo-replicas\"?"),
        "{error}"
    );
    let refused = create("still").await.failed();
    assert!(refused.stderr.contains("rwo-replicas"), "{}", refused.stderr);
    // A typing error must not take every replica out of service at once, and must not stay unseen either.
    let (status, report) = served.admin("/readyz").await.expect("an answer");
    let remark = report.lines().find(|line| line.starts_with("[+]policies "));
    assert!(status == 200 && remark.is_some(), "{status}: {report}");
}

#[tokio::test]
async fn a_broken_file_at_the_start_is_an_error_with_its_place() {
    let served = Served::with(&["--no-cluster", "--policy", "strikt"]);
    let status = served.ended().await;
    assert_eq!(status.code(), Some(2));
    let text = served.text();
    assert!(text.contains("--policy strikt (did you mean strict?)"), "{text}");
}
