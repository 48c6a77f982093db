//! Files over a live cluster.

use serde_json::Value;

use super::Repository;
use crate::audit::{findings, namespace_with, user};
use crate::controlplane::ControlPlane;

const CLAIM: &str = "\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
";

fn deployment(name: &str, replicas: u32, claim: &str) -> String {
    format!(
        "\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  strategy: {{type: Recreate}}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers: [{{name: main, image: main, volumeMounts: [{{name: data, mountPath: /data}}]}}]
      volumes: [{{name: data, persistentVolumeClaim: {{claimName: {claim}}}}}]
"
    )
}

/// The report of a check of everything in a repository against a namespace of the cluster.
fn against(kubeconfig: &std::path::Path, repository: &Repository, namespace: &str) -> Value {
    let kubeconfig = kubeconfig.to_str().expect("UTF-8");
    repository.report(&["--with-cluster", "--kubeconfig", kubeconfig, "-n", namespace, "."])
}

fn assert_cannot_tell(report: &Value) {
    let found = findings(report);
    let unknown = |finding: &String| finding.starts_with("note ") && finding.ends_with(" unknown Deployment web");
    assert!(!found.is_empty() && found.iter().all(unknown), "{found:?}");
}

#[tokio::test]
async fn what_is_not_in_the_files_is_looked_up_in_the_cluster() {
    let cluster = ControlPlane::shared().await;
    let namespace = namespace_with(cluster, "with-cluster", CLAIM).await;
    let repository = Repository::new(&[("web.yaml", &deployment("web", 3, "data"))]);
    let alone = repository.report(&["-n", &namespace, "."]);
    assert_cannot_tell(&alone);

    let report = against(cluster.kubeconfig(), &repository, &namespace);
    assert_eq!(findings(&report), ["error rwo-replicas violation Deployment web"]);
    let related = &report["findings"][0]["related"][0];
    assert_eq!(related["object"]["name"], "data");
    assert_eq!(related.get("location"), None, "it stands in no file");
    assert_eq!(report["summary"]["objects"], 1, "only the files are counted");

    repository.write("web.yaml", deployment("web", 1, "nowhere").as_bytes());
    let report = against(cluster.kubeconfig(), &repository, &namespace);
    assert!(
        findings(&report)
            .iter()
            .any(|finding| finding.contains("claim-missing violation")),
        "{report:#}"
    );
}

#[tokio::test]
async fn live_consumers_count_but_only_files_are_reported() {
    let cluster = ControlPlane::shared().await;
    let live = format!("{CLAIM}---\n{}", deployment("old", 3, "data"));
    let namespace = namespace_with(cluster, "consumers", &live).await;
    let repository = Repository::new(&[("new.yaml", &deployment("new", 1, "data"))]);
    let report = against(cluster.kubeconfig(), &repository, &namespace);
    let found = findings(&report);
    assert!(
        found.iter().all(|finding| finding.ends_with(" Deployment new"))
            && found
                .iter()
                .any(|finding| finding.contains(" rwo-consumers violation ")),
        "{found:?}"
    );

    // What is in the files takes the place of its live self, and never meets it.
    repository.write("new.yaml", deployment("old", 1, "data").as_bytes());
    let report = against(cluster.kubeconfig(), &repository, &namespace);
    assert_eq!(findings(&report), Vec::<String>::new(), "{report:#}");
}

#[tokio::test]
async fn every_world_is_laid_over_the_same_cluster() {
    let cluster = ControlPlane::shared().await;
    let namespace = namespace_with(cluster, "worlds", CLAIM).await;
    let repository = Repository::new(&[
        ("one/web.yaml", &deployment("web", 3, "data")),
        ("two/web.yaml", &deployment("web", 2, "data")),
    ]);
    let report = against(cluster.kubeconfig(), &repository, &namespace);
    let error = "error rwo-replicas violation Deployment web";
    assert_eq!(findings(&report), [error, error]);
}

#[tokio::test]
async fn repairs_rest_on_the_cluster_too() {
    let cluster = ControlPlane::shared().await;
    let service = "\
apiVersion: v1
kind: Service
metadata: {name: peers}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 80}]}
";
    let namespace = namespace_with(cluster, "repairs", service).await;
    let stateful_set = "\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: db}]
";
    let repository = Repository::new(&[("db.yaml", stateful_set)]);
    let alone = repository.check(&["--diff", "."]);
    assert_eq!((alone.code, alone.stdout.as_str()), (0, ""), "no Service is known");

    let kubeconfig = cluster.kubeconfig().to_str().expect("UTF-8");
    let with_cluster = ["--with-cluster", "--kubeconfig", kubeconfig, "-n", &namespace, "."];
    let diff = repository.check(&[&["--diff"], &with_cluster[..]].concat());
    assert!(
        diff.stdout.contains("\n+  serviceName: peers\n"),
        "{}{}",
        diff.stdout,
        diff.stderr
    );
    let fixed = repository.check(&[&["--fix"], &with_cluster[..]].concat());
    assert_eq!(fixed.code, 0, "{}{}", fixed.stdout, fixed.stderr);
    let expected = stateful_set.replace("  template:", "  serviceName: peers\n  template:");
    assert_eq!(repository.read("db.yaml"), expected);
}

#[tokio::test]
async fn a_namespace_that_the_files_would_make_is_empty() {
    let cluster = ControlPlane::shared().await;
    let repository = Repository::new(&[("web.yaml", &deployment("web", 1, "data")), ("claim.yaml", CLAIM)]);
    let report = against(cluster.kubeconfig(), &repository, "not-there-yet");
    assert_eq!(findings(&report), Vec::<String>::new(), "{report:#}");
}

#[tokio::test]
async fn what_may_not_be_listed_stays_unknown_but_the_files_count() {
    let cluster = ControlPlane::shared().await;
    let namespace = namespace_with(cluster, "with-gaps", CLAIM).await;
    let kinds = "deployments.apps,services,namespaces";
    let limited = user(cluster, &format!("{namespace}-limited"), kinds).await;
    let repository = Repository::new(&[("web.yaml", &deployment("web", 3, "data"))]);
    let report = against(&limited, &repository, &namespace);
    assert_cannot_tell(&report);
    let notes = report["notes"].to_string();
    assert!(
        notes.contains("no permission to list persistentvolumeclaims"),
        "{notes}"
    );

    repository.write("claim.yaml", CLAIM.as_bytes());
    let report = against(&limited, &repository, &namespace);
    assert_eq!(findings(&report), ["error rwo-replicas violation Deployment web"]);
}

#[test]
fn a_cluster_is_asked_for_and_answers() {
    let repository = Repository::new(&[("web.yaml", &deployment("web", 1, "data"))]);
    for (arguments, message) in [
        (&["--kubeconfig", "config", "."][..], "--with-cluster"),
        (&["--context", "here", "."], "--with-cluster"),
        (&["--with-cluster", "--assume-complete", "."], "cannot be used with"),
        (
            &["--with-cluster", "--kubeconfig", "none", "."],
            "error: cannot read kubeconfig none: No such file or directory (os error 2)\n",
        ),
    ] {
        let answer = repository.check(arguments);
        assert_eq!((answer.code, &*answer.stdout), (2, ""), "{}", answer.stderr);
        assert!(answer.stderr.contains(message), "{}", answer.stderr);
    }
}
