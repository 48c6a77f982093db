//! Which policies count, and what cannot be told of them without the cluster.

use serde_json::json;

use super::Repository;

const WEB: &str = "\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: main, image: web, volumeMounts: [{name: data, mountPath: /data}]}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
";

const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: pay}}\n";

fn policy(name: &str, spec: &str) -> String {
    format!("apiVersion: stateward.dev/v1alpha1\nkind: WorkloadPolicy\nmetadata: {{name: {name}}}\nspec: {spec}\n")
}

/// The levels of what is found of the replicas, and the notes.
fn found(repository: &Repository, arguments: &[&str]) -> (Vec<String>, String) {
    let report = repository.report(arguments);
    let findings = report["findings"].as_array().expect("findings").iter();
    let about = findings.filter(|finding| finding["rule"] == "rwo-replicas");
    let levels = about.map(|finding| finding["level"].as_str().expect("a level").to_owned());
    let notes = report["notes"].as_array().into_iter().flatten();
    let notes: Vec<&str> = notes.filter_map(|note| note.as_str()).collect();
    (levels.collect(), notes.join("\n"))
}

#[test]
fn a_report_names_the_policies_and_where_they_are_from() {
    let repository = Repository::new(&[("web.yaml", WEB), ("own/shop.yaml", &policy("shop", "{}"))]);
    let told = |arguments: &[&str]| repository.report(arguments)["policies"].clone();
    assert_eq!(
        told(&["web.yaml"]),
        json!({"names": ["baseline"], "from": ["built in"]})
    );
    let both = ["--policy", "own", "--policy", "strict", "web.yaml"];
    assert_eq!(
        told(&both),
        json!({"names": ["shop", "strict"], "from": ["own", "built in"]})
    );
    let human = repository.check(&["--policy", "own", "web.yaml"]).stdout;
    assert!(human.contains("\npolicies: shop (own)\n"), "{human}");
}

#[test]
fn a_policy_is_not_passed_over_because_labels_are_not_known() {
    let team = "{match: {namespaceSelector: {matchLabels: {team: shop}}}, ";
    let files = [
        ("web.yaml", WEB),
        ("team.yaml", &policy("team", &format!("{team} profile: Strict}}"))),
        (
            "loose.yaml",
            &policy("loose", &format!("{team} priority: 9, profile: Audit}}")),
        ),
        ("ns/web.yaml", WEB),
        ("ns/namespace.yaml", NAMESPACE),
    ];
    let repository = Repository::new(&files);
    let errors = ["error".to_owned()];
    let in_doubt = "whether policy \"team\" applies to 1 workload rests on labels of the namespace that are not known";

    // Alone it would apply, or not: it is judged as if it did.
    let (levels, notes) = found(&repository, &["--policy", "team.yaml", "web.yaml"]);
    assert_eq!(levels, errors);
    assert!(notes.contains(in_doubt), "{notes}");
    // One that would loosen does not, while nobody knows.
    let (levels, notes) = found(
        &repository,
        &["--policy", "baseline", "--policy", "loose.yaml", "web.yaml"],
    );
    assert_eq!(levels, errors);
    assert!(notes.contains("whether policy \"loose\" applies"), "{notes}");

    let known = [
        "--policy",
        "baseline",
        "--policy",
        "loose.yaml",
        "--namespace-labels",
        "team=shop,a=b",
        "web.yaml",
    ];
    assert_eq!(found(&repository, &known), (vec!["note".to_owned()], String::new()));
    let other = ["--policy", "team.yaml", "--namespace-labels", "team=pay", "web.yaml"];
    let unmatched = "no policy applies to one workload: it is not judged".to_owned();
    assert_eq!(found(&repository, &other), (Vec::new(), unmatched.clone()));
    // A Namespace in the files knows better.
    let named = ["--policy", "team.yaml", "--namespace-labels", "team=shop", "ns"];
    assert_eq!(found(&repository, &named), (Vec::new(), unmatched));

    let wrong = repository.check(&["--namespace-labels", "team", "web.yaml"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("write KEY=VALUE"), "{}", wrong.stderr);
}
