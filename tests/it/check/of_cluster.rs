//! What is said of the cluster that the files are for: its version, and its autoscalers.

use super::{Repository, places};

const SHARED: &str = r#"
{apiVersion: storage.k8s.io/v1, kind: CSIDriver, metadata: {name: files.example.com}, spec: {seLinuxMount: true}}
---
{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: shared}, provisioner: files.example.com}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: media},
 spec: {accessModes: [ReadWriteMany], storageClassName: shared}}
"#;

fn deployment(name: &str, level: &str) -> String {
    format!(
        r#"---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      securityContext: {{seLinuxOptions: {{level: "{level}"}}}}
      containers: [{{name: main, image: example.com/{name}, volumeMounts: [{{name: media, mountPath: /media}}]}}]
      volumes: [{{name: media, persistentVolumeClaim: {{claimName: media}}}}]
"#
    )
}

#[test]
fn a_version_decides_what_is_true() {
    let files = format!(
        "{SHARED}{}{}",
        deployment("web", "s0:c1"),
        deployment("worker", "s0:c2")
    );
    let repository = Repository::new(&[("all.yaml", &files)]);
    let rules = |more: &[&str]| {
        let report = repository.report(&[&["."], more].concat());
        places(&report).len()
    };
    assert_eq!(rules(&["--kubernetes-version", "v1.36.3"]), 0);
    // Once for the two that share the claim.
    assert_eq!(rules(&["--kubernetes-version", "1.37"]), 1);
    let unsaid = repository.check(&["."]);
    assert!(unsaid.stdout.contains("from Kubernetes 1.37 on"), "{}", unsaid.stdout);
    let refused = repository.check(&[".", "--kubernetes-version", "new"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("such as 1.37"), "{}", refused.stderr);
}

#[test]
fn an_autoscaler_is_judged_where_it_stands() {
    let autoscaler = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec:\n  \
                      scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: web\n  maxReplicas: 3\n";
    let set = "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web}, spec: {serviceName: web, template: \
               {spec: {containers: [{name: web, image: example.com/web}]}}}}\n";
    let repository = Repository::new(&[("hpa.yaml", autoscaler), ("web.yaml", set)]);
    let report = repository.report(&["hpa.yaml", "web.yaml"]);
    assert!(
        places(&report).contains(&"autoscaler-target hpa.yaml:7:11".to_owned()),
        "{report:#}"
    );
    assert_eq!(report["summary"]["workloads"], 1);
}
