//! What is one fault is one finding.

use super::{Repository, places};

/// A Deployment of one pod that mounts these claims.
fn deployment(name: &str, replicas: u32, claims: &[&str]) -> String {
    let volumes = claims
        .iter()
        .map(|claim| format!("{{name: {claim}, persistentVolumeClaim: {{claimName: {claim}}}}}"));
    let volumes: Vec<String> = volumes.collect();
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: {replicas}\n  \
         strategy: {{type: Recreate}}\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: \
         {{labels: {{app: {name}}}}}\n    spec:\n      containers: [{{name: main, image: example.com/web}}]\n      \
         volumes: [{}]\n---\n",
        volumes.join(", ")
    )
}

fn claim(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {name}}}\nspec: {{accessModes: [ReadWriteOnce], \
         resources: {{requests: {{storage: 1Gi}}}}}}\n---\n"
    )
}

#[test]
fn several_claims_with_one_fault_are_one_finding_that_lists_them() {
    let all = [claim("data"), claim("logs"), deployment("web", 3, &["data", "logs"])].concat();
    let repository = Repository::new(&[("all.yaml", &*all)]);
    let report = repository.report(&["."]);
    assert_eq!(places(&report).len(), 1, "{report:#}");
    let finding = &report["findings"][0];
    let message = finding["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("3 replicas mount claims \"data\" and \"logs\", which are ReadWriteOnce"),
        "{message}"
    );
    let related = finding["related"].as_array().map(Vec::len);
    assert_eq!(related, Some(2), "both claims: {finding:#}");
    assert_eq!(report["summary"]["errors"], 1, "{report:#}");

    // What is accepted is accepted of each claim.
    repository.check(&["--write-known", "known.json", "."]);
    let more = all.replace(
        "claimName: logs}}",
        "claimName: logs}}, {name: more, persistentVolumeClaim: {claimName: more}}",
    );
    repository.write("all.yaml", (claim("more") + &more).as_bytes());
    let report = repository.report(&["--known", "known.json", "."]);
    let message = report["findings"][0]["message"].as_str().unwrap_or_default();
    assert!(message.contains("mount claim \"more\", which is"), "{report:#}");
}

#[test]
fn a_claim_that_several_share_is_told_once_with_the_other_sides() {
    let one = ["api", "db", "web"].map(|name| deployment(name, 1, &["data"])).concat();
    let repository = Repository::new(&[("all.yaml", &*(claim("data") + &one))]);
    let report = repository.report(&["."]);
    assert_eq!(places(&report).len(), 1, "{report:#}");
    let finding = &report["findings"][0];
    assert_eq!(
        (&finding["rule"], &finding["object"]["name"]),
        (&"rwo-consumers".into(), &"api".into())
    );
    let related = finding["related"].as_array().expect("related places").iter();
    let names: Vec<&str> = related.filter_map(|one| one["object"]["name"].as_str()).collect();
    assert_eq!(names, ["db", "web"]);

    // Two claims that the same two share: one finding all the same.
    let two = ["api", "web"]
        .map(|name| deployment(name, 1, &["data", "logs"]))
        .concat();
    repository.write("all.yaml", (claim("data") + &claim("logs") + &two).as_bytes());
    let report = repository.report(&["."]);
    assert_eq!(places(&report).len(), 1, "{report:#}");
    let message = report["findings"][0]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("claims \"data\" and \"logs\", which are ReadWriteOnce"),
        "{message}"
    );
}
