//! A real API server takes the definitions, explains them, and refuses what the parser refuses.

use serde_json::{Value, json};
use stateward::rules::RULES;

use super::agreement::{BAD, BAD_EXCEPTIONS, BEYOND_A_SCHEMA, GOOD, GOOD_EXCEPTIONS, exception, policy};
use crate::controlplane::{ControlPlane, eventually};

const DEFINITIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/crds.yaml");

/// Installs the definitions, and waits until the API server serves them.
pub async fn define(cluster: &ControlPlane) {
    let applied = cluster.kubectl(["apply", "--server-side", "-f", DEFINITIONS]).await;
    // A warning would be of a schema that the API server does not understand.
    assert_eq!(applied.succeeded().stderr, "");
    cluster.established().await;
}

/// Takes out of the definition of policies what depends on the rule, as if an older version had installed it.
pub async fn loosen(cluster: &ControlPlane) {
    let rules = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/rules/items";
    let patch = json!([{"op": "remove", "path": format!("{rules}/x-kubernetes-validations")}]).to_string();
    let name = "workloadpolicies.stateward.dev";
    let patch = ["patch", "crd", name, "--type=json", "-p", &patch];
    cluster.kubectl(patch).await.succeeded();
}

#[tokio::test]
async fn the_api_server_says_of_policies_what_the_parser_says() {
    let cluster = ControlPlane::start().await;
    define(&cluster).await;
    let dry_run = ["create", "--dry-run=server", "--validate=strict", "-f", "-"];
    let list = |prefix: &str, specs: &[&str], of: fn(&str, &str) -> Value| {
        let specs = specs.iter().enumerate();
        let documents = specs.map(|(number, spec)| of(&format!("{prefix}-{number}"), spec).to_string());
        documents.collect::<Vec<_>>().join("\n---\n")
    };
    let bad_policies = [BAD, BEYOND_A_SCHEMA].concat();
    for (good, bad, of) in [
        (GOOD, &*bad_policies, policy as fn(&str, &str) -> Value),
        (GOOD_EXCEPTIONS, BAD_EXCEPTIONS, |name, spec| {
            let mut exception = exception(name, spec);
            exception["metadata"]["namespace"] = "default".into();
            exception
        }),
    ] {
        let taken = cluster
            .kubectl_stdin(dry_run, &list("good", good, of))
            .await
            .succeeded();
        assert_eq!(taken.stdout.lines().count(), good.len(), "{}", taken.stdout);
        let refused = cluster.kubectl_stdin(dry_run, &list("bad", bad, of)).await.failed();
        assert_eq!(refused.stdout, "", "these are not valid");
        // Each was refused by the server, none left out.
        let refusals = refused.stderr.matches("Error from server").count();
        assert_eq!(refusals, bad.len(), "{}", refused.stderr);
    }
    kubectl_explains_and_shows(&cluster).await;
    kubectl_shows_exceptions(&cluster).await;
}

/// What people see of policies: words for every field, and the columns.
async fn kubectl_explains_and_shows(cluster: &ControlPlane) {
    // The API server publishes its schemas a moment after it serves a kind.
    let explained = eventually("the explanation", async || {
        let output = cluster.kubectl(["explain", "workloadpolicy.spec.rules"]).await;
        output.success.then_some(output.stdout)
    })
    .await;
    let words = explained.split_whitespace().collect::<Vec<_>>().join(" ");
    for saying in [
        "What the policy states of single rules, whatever its profile says of them.",
        "What follows from a finding: the strictest of the list",
        &format!("enum: {}, ", RULES[0].id),
    ] {
        assert!(words.contains(saying), "{explained}");
    }

    let object = policy("shown", "{profile: Strict, priority: 7}").to_string();
    cluster.kubectl_stdin(["create", "-f", "-"], &object).await.succeeded();
    let time = "2026-11-29T00:00:00Z";
    let status = json!({"status": {
        "conditions": [{"type": "Ready", "status": "True", "reason": "Served", "message": "", "lastTransitionTime": time}],
        "observedGeneration": 1,
        "workloads": 12,
        "findings": {"denied": 3, "warned": 5, "audited": 8},
        "lastFullAudit": time,
    }});
    set_status(cluster, "wpol", &status).await;
    let shown = cluster.kubectl(["get", "stateward"]).await.succeeded().stdout;
    let mut rows = shown.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    assert_eq!(
        rows.next().expect("a heading"),
        ["NAME", "PROFILE", "PRIORITY", "READY", "DENIED", "WARNED", "AGE"]
    );
    let row = rows.next().expect("the policy");
    assert_eq!(
        row[..6],
        ["workloadpolicy.stateward.dev/shown", "Strict", "7", "True", "3", "5"]
    );
    let stored = cluster.kubectl(["get", "wpol", "shown", "-o=jsonpath={.status}"]).await;
    let stored = stored.succeeded().stdout;
    for field in ["workloads", "audited", "lastFullAudit", "observedGeneration"] {
        assert!(stored.contains(field), "{field} was dropped: {stored}");
    }
}

/// Writes the status of the object "shown", as a controller would.
async fn set_status(cluster: &ControlPlane, kind: &str, status: &Value) {
    let (status, as_status) = (status.to_string(), "--subresource=status");
    let patch = ["patch", kind, "shown", as_status, "--type=merge", "-p", &status];
    let patched = cluster.kubectl(patch).await.succeeded();
    assert_eq!(patched.stderr, "", "the schema knows every field of the status");
}

async fn kubectl_shows_exceptions(cluster: &ControlPlane) {
    let spec = "{rules: [rwo-replicas], match: {}, reason: why, owner: team-a, expiresAt: '2030-01-01T00:00:00Z'}";
    let mut object = exception("shown", spec);
    object["metadata"]["namespace"] = "default".into();
    let create = ["create", "-f", "-"];
    cluster.kubectl_stdin(create, &object.to_string()).await.succeeded();
    let time = "2026-11-29T00:00:00Z";
    let status = json!({"status": {
        "conditions": [{"type": "Active", "status": "True", "reason": "Active", "message": "", "lastTransitionTime": time}],
        "observedGeneration": 1,
        "findings": 2,
        "lastUsed": time,
    }});
    set_status(cluster, "wpolex", &status).await;
    let shown = cluster.kubectl(["get", "wpolex"]).await.succeeded().stdout;
    let mut rows = shown.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    assert_eq!(
        rows.next().expect("a heading"),
        ["NAME", "RULES", "OWNER", "EXPIRES", "ACTIVE", "USED"]
    );
    assert_eq!(
        rows.next().expect("the exception"),
        [
            "shown",
            r#"["rwo-replicas"]"#,
            "team-a",
            "2030-01-01T00:00:00Z",
            "True",
            "2"
        ]
    );
}
