//! CREATE, UPDATE and DELETE of the eight kinds of workload, and the ways to write them: dry run, server-side apply,
//! generated names.

use super::objects::{claim, deployment, selected, template, using};
use super::{Policy, Shop};

/// A kind with one object as it should be and one that breaks a rule; both use a claim of their own name.
struct Case {
    name: &'static str,
    mode: &'static str,
    rule: &'static str,
    good: String,
    bad: String,
}

fn cases() -> Vec<Case> {
    let object = |version: &str, kind: &str, name: &str, spec: String| {
        format!("{{apiVersion: {version}, kind: {kind}, metadata: {{name: {name}}}, spec: {{{spec}}}}}")
    };
    let replicated = |kind: &str, name: &str, replicas: u32| {
        let spec = format!("replicas: {replicas}, {}", selected(name, &using(name)));
        object("apps/v1", kind, name, spec)
    };
    let controller = |replicas: u32| {
        let spec = format!(
            "replicas: {replicas}, selector: {{app: rc}}, {}",
            template("rc", &using("rc"))
        );
        object("v1", "ReplicationController", "rc", spec)
    };
    let daemon = |pod: &str| object("apps/v1", "DaemonSet", "ds", selected("ds", pod));
    let job_spec = |name: &str| {
        let pod = format!("restartPolicy: Never, {}", using(name));
        format!("template: {{spec: {{{pod}}}}}")
    };
    let job = |suspend: bool| {
        let spec = format!("suspend: {suspend}, {}", job_spec("job"));
        object("batch/v1", "Job", "job", spec)
    };
    let cron_job = |suspend: bool| {
        let job = job_spec("cj");
        let spec = format!("schedule: '0 3 * * *', suspend: {suspend}, jobTemplate: {{spec: {{{job}}}}}");
        object("batch/v1", "CronJob", "cj", spec)
    };
    let case = |name, mode, rule, good, bad| Case {
        name,
        mode,
        rule,
        good,
        bad,
    };
    let (rwo, rwop) = ("ReadWriteOnce", "ReadWriteOncePod");
    vec![
        case(
            "deploy",
            rwo,
            "rwo-replicas",
            deployment("deploy", "deploy", 1),
            deployment("deploy", "deploy", 3),
        ),
        case(
            "sts",
            rwo,
            "rwo-replicas",
            replicated("StatefulSet", "sts", 1),
            replicated("StatefulSet", "sts", 3),
        ),
        case(
            "rs",
            rwo,
            "rwo-replicas",
            replicated("ReplicaSet", "rs", 1),
            replicated("ReplicaSet", "rs", 3),
        ),
        case("rc", rwo, "rwo-replicas", controller(1), controller(3)),
        case(
            "ds",
            rwo,
            "rwo-daemonset",
            daemon("containers: [{name: a, image: a}]"),
            daemon(&using("ds")),
        ),
        case("job", rwop, "rwo-job", job(true), job(false)),
        case("cj", rwop, "rwo-job", cron_job(true), cron_job(false)),
    ]
}

#[tokio::test]
async fn every_kind_is_judged_when_created_and_updated_and_may_always_be_deleted() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let cases = cases();
    let claims: Vec<_> = cases.iter().map(|case| claim(case.name, case.mode)).collect();
    shop.create(&namespace, &claims).await.succeeded();
    // What a job can be denied for: somebody has its claim for as long as they run.
    let holder = |claim: &str| {
        let pod = using(claim);
        format!("{{apiVersion: v1, kind: Pod, metadata: {{name: holds-{claim}}}, spec: {{{pod}}}}}")
    };
    let holders = [holder("job"), holder("cj")];
    shop.create(&namespace, &holders).await.succeeded();
    let good: Vec<_> = cases.iter().map(|case| case.good.clone()).collect();
    let bad: Vec<_> = cases.iter().map(|case| case.bad.clone()).collect();

    let refused = shop.create(&namespace, &bad).await.failed();
    all_denied(&refused.stderr, &namespace, &cases, "created");
    shop.create(&namespace, &good).await.succeeded();
    let apply = ["apply", "--server-side", "--force-conflicts"];
    let refused = shop.send(&namespace, &apply, &bad).await.failed();
    all_denied(&refused.stderr, &namespace, &cases, "updated");
    let deleted = shop.send(&namespace, &["delete"], &good).await.succeeded();
    assert_eq!(deleted.stderr, "");

    // An ownerless Pod that stays beside a Deployment; with a controller it would be the controller's business.
    let web = deployment("deploy", "deploy", 1);
    shop.create(&namespace, &[web]).await.succeeded();
    let pod = |owner: &str| {
        let pod = using("deploy");
        format!("{{apiVersion: v1, kind: Pod, metadata: {{name: shell{owner}}}, spec: {{{pod}}}}}")
    };
    let refused = shop.create(&namespace, &[pod("")]).await.failed();
    assert!(
        refused.stderr.contains("denied the request: rwo-consumers: Pod "),
        "{}",
        refused.stderr
    );
    let owner = ", ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: x, uid: x, controller: true}]";
    let owned = shop.create(&namespace, &[pod(owner)]).await.succeeded();
    assert_eq!(owned.stderr, "");
}

fn all_denied(stderr: &str, namespace: &str, cases: &[Case], how: &str) {
    for case in cases {
        let words = format!("denied the request: {}: ", case.rule);
        let object = format!(" {namespace}/{}: ", case.name);
        let denied = stderr
            .lines()
            .any(|line| line.contains(&words) && line.contains(&object));
        assert!(denied, "{} {how}: {} should deny it: {stderr}", case.name, case.rule);
    }
    let denials = stderr.matches("denied the request: ").count();
    assert_eq!(denials, cases.len(), "{how}: {stderr}");
}

#[tokio::test]
async fn a_server_side_dry_run_is_judged_and_reserves_nothing() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    shop.create(&namespace, &[claim("data", "ReadWriteOnce")])
        .await
        .succeeded();
    let dry_run = ["create", "--dry-run=server"];
    let three = [deployment("three", "data", 3)];
    let refused = shop.send(&namespace, &dry_run, &three).await.failed();
    assert!(refused.stderr.contains("rwo-replicas"), "{}", refused.stderr);
    shop.send(&namespace, &dry_run, &[deployment("first", "data", 1)])
        .await
        .succeeded();
    // Had the dry run reserved the claim, this would be its second consumer.
    shop.create(&namespace, &[deployment("second", "data", 1)])
        .await
        .succeeded();
    let refused = shop
        .send(&namespace, &dry_run, &[deployment("third", "data", 1)])
        .await
        .failed();
    assert!(refused.stderr.contains("rwo-consumers"), "{}", refused.stderr);
    let stored = shop.kubectl(&namespace, "get deployments -o name").await.succeeded();
    assert_eq!(stored.stdout, "deployment.apps/second\n");
}

#[tokio::test]
async fn server_side_apply_is_judged_as_the_object_that_results() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Baseline).await;
    let apply = ["apply", "--server-side"];
    let good = [claim("data", "ReadWriteOnce"), deployment("web", "data", 1)];
    shop.send(&namespace, &apply, &good).await.succeeded();
    // Another manager owns the replicas alone: its object has neither a template nor a volume.
    let replicas = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 3}}".to_owned();
    let apply = ["apply", "--server-side", "--field-manager=scaler", "--force-conflicts"];
    let refused = shop.send(&namespace, &apply, &[replicas]).await.failed();
    assert!(
        refused.stderr.contains("rwo-replicas: Deployment "),
        "{}",
        refused.stderr
    );
    assert_eq!(shop.field(&namespace, "deployment/web", ".spec.replicas").await, "1");
}

#[tokio::test]
async fn objects_with_generated_names_are_judged_and_count_as_consumers_at_once() {
    let shop = Shop::shared().await;
    let namespace = shop.namespace(Policy::Defaults).await;
    let claims = [claim("data", "ReadWriteOnce"), claim("other", "ReadWriteOnce")];
    shop.create(&namespace, &claims).await.succeeded();
    let generated = |object: String| object.replace("metadata: {name: web-}", "metadata: {generateName: web-}");
    let web = |claim, replicas| generated(deployment("web-", claim, replicas).replace("app: web-", "app: web"));
    let refused = shop.create(&namespace, &[web("data", 3)]).await.failed();
    assert!(
        refused.stderr.contains("rwo-replicas: Deployment "),
        "{}",
        refused.stderr
    );
    shop.create(&namespace, &[web("data", 1)]).await.succeeded();
    let refused = shop.create(&namespace, &[web("data", 1)]).await.failed();
    assert!(
        refused.stderr.contains("rwo-consumers: Deployment "),
        "{}",
        refused.stderr
    );
    shop.create(&namespace, &[web("other", 1)]).await.succeeded();

    // The pods' Service would have to bear a name that nobody knows yet.
    let set = format!(
        "{{apiVersion: apps/v1, kind: StatefulSet, metadata: {{generateName: db-}}, spec: {{{}}}}}",
        selected(
            "db",
            "containers: [{name: db, image: db, volumeMounts: [{name: data, mountPath: /data}]}]"
        )
    );
    let created = shop
        .send(
            &namespace,
            &["create", "-o", "jsonpath={.metadata.name} {.spec.serviceName}"],
            &[set],
        )
        .await
        .succeeded();
    assert!(
        created.stderr.contains("Warning: service-name-missing: StatefulSet "),
        "{}",
        created.stderr
    );
    let (name, service) = created.stdout.split_once(' ').expect("a name and a Service");
    assert_eq!(service, "");
    // What needs no name is injected all the same.
    let path = ".spec.volumeClaimTemplates[*].metadata.name";
    assert_eq!(
        shop.field(&namespace, &format!("statefulset/{name}"), path).await,
        "data"
    );
}
