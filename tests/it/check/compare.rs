//! `--compare`: what a stricter set of policies would bring.

use serde_json::{Value, json};

use super::{Repository, replicas};

/// Two Deployments that surge into their volume, which Strict denies and Baseline warns about.
fn repository() -> Repository {
    let surging = |name: &str, labels: &str| {
        let one = super::CORRECT.replace("type: Recreate", "type: RollingUpdate");
        one.replace("name: db\n", &format!("name: {name}\n{labels}"))
            .replace("claimName: db", &format!("claimName: {name}"))
            .replace("app: db", &format!("app: {name}"))
    };
    let wrong = replicas(3);
    let labelled = surging("api", "  labels: {team: back}\n");
    Repository::new(&[
        ("a.yaml", &labelled),
        ("b.yaml", &surging("web", "")),
        ("c.yaml", &wrong),
    ])
}

#[test]
fn the_table_has_rules_namespaces_and_owners() {
    let repository = repository();
    let compare = ["--policy", "strict", "--compare", "baseline", "."];
    let answer = repository.check(&compare);
    assert_eq!(answer.code, 1, "{}{}", answer.stdout, answer.stderr);
    assert_eq!(
        answer.stdout,
        "rule       namespace  denied  warned  owners\n\
         rwo-surge  default         2       0  back, 1 without\n\
         \n\
         newly denied: 2, newly warned about: 0\n"
    );
    let same = repository.check(&["--policy", "strict", "--compare", "strict", "."]);
    assert_eq!(
        (same.code, &*same.stdout),
        (0, "newly denied: 0, newly warned about: 0\n")
    );
    let looser = repository.check(&["--compare", "strict", "."]);
    assert_eq!(
        (looser.code, &*looser.stdout),
        (0, "newly denied: 0, newly warned about: 0\n")
    );
}

#[test]
fn an_owner_is_named_by_any_label_or_by_the_namespace() {
    let repository = repository();
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {squad: night}}\n";
    repository.write("namespace.yaml", namespace.as_bytes());
    let compare = [
        "--policy",
        "strict",
        "--compare",
        "baseline",
        "--owner-label",
        "squad",
        ".",
    ];
    let answer = repository.check(&compare);
    assert!(
        answer.stdout.contains("  night\n"),
        "{}{}",
        answer.stdout,
        answer.stderr
    );
}

#[test]
fn programs_get_every_finding() {
    let repository = repository();
    let report = repository.report(&["--policy", "strict", "--compare", "baseline", "."]);
    let row = json!({
        "rule": "rwo-surge", "namespace": "default", "denied": 2, "warned": 0, "owners": ["back"], "unowned": 1,
    });
    assert_eq!(report["rows"], json!([row]));
    let findings: Vec<(&Value, &Value)> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|finding| (&finding["object"]["name"], &finding["owner"]))
        .collect();
    assert_eq!(
        findings,
        [(&json!("api"), &json!("back")), (&json!("web"), &Value::Null)]
    );
    let sarif = repository.check(&["--compare", "baseline", "--format", "sarif", "."]);
    assert_eq!(sarif.code, 2);
    assert!(sarif.stderr.contains("human and json only"), "{}", sarif.stderr);
}
