//! A real API server takes the structural schema, and refuses what the parser refuses.

use serde_json::json;
use stateward::policy::description::document;
use stateward::policy::openapi::{Form, schema};
use stateward::rules::RULES;

use super::agreement::{BAD, GOOD, policy};
use crate::controlplane::ControlPlane;

const NAME: &str = "workloadpolicies.stateward.dev";

#[tokio::test]
async fn the_api_server_says_of_policies_what_the_parser_says() {
    let cluster = ControlPlane::start().await;
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME},
        "spec": {
            "group": "stateward.dev",
            "scope": "Cluster",
            "names": {"kind": "WorkloadPolicy", "plural": "workloadpolicies", "singular": "workloadpolicy"},
            "versions": [{
                "name": "v1alpha1",
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": schema(&document(RULES), Form::Cluster)},
            }],
        },
    });
    let created = cluster
        .kubectl_stdin(["create", "-f", "-"], &definition.to_string())
        .await;
    created.succeeded();
    let established = format!("crd/{NAME}");
    let wait = ["wait", "--for=condition=Established", "--timeout=60s", &established];
    cluster.kubectl(wait).await.succeeded();

    let dry_run = ["create", "--dry-run=server", "--validate=strict", "-f", "-"];
    let list = |prefix: &str, specs: &[&str]| {
        let specs = specs.iter().enumerate();
        let documents = specs.map(|(number, spec)| policy(&format!("{prefix}-{number}"), spec).to_string());
        documents.collect::<Vec<_>>().join("\n---\n")
    };
    let taken = cluster.kubectl_stdin(dry_run, &list("good", GOOD)).await.succeeded();
    assert_eq!(taken.stdout.lines().count(), GOOD.len(), "{}", taken.stdout);
    let refused = cluster.kubectl_stdin(dry_run, &list("bad", BAD)).await.failed();
    assert_eq!(refused.stdout, "", "these are not valid");
    // Each was refused by the server, none left out.
    let refusals = refused.stderr.matches("Error from server").count();
    assert_eq!(refusals, BAD.len(), "{}", refused.stderr);
}
