//! Dates of policies and exceptions before an API server.

use std::fs;

use serde_json::Value;

use super::objects::{claim, deployment};
use super::{Served, workshop};
use crate::controlplane::process::Scratch;

fn policy(namespace: &str, expires: &str) -> String {
    format!(
        "apiVersion: stateward.dev/v1alpha1\nkind: WorkloadPolicy\nmetadata: {{name: house}}\n\
         spec: {{profile: Strict, exceptions: {{allowed: true}}}}\n---\n\
         apiVersion: stateward.dev/v1alpha1\nkind: WorkloadPolicyException\n\
         metadata: {{name: legacy, namespace: {namespace}}}\n\
         spec: {{rules: [rwo-replicas], match: {{names: ['old-*']}}, reason: it moves, owner: shop, \
         expiresAt: {expires}}}\n"
    )
}

#[tokio::test]
async fn an_exception_lets_pass_is_recorded_and_ends() {
    let cluster = workshop().await;
    let namespace = cluster.namespace("exceptions").await;
    let scratch = Scratch::new().expect("a directory can be made");
    let path = scratch
        .write("policy.yaml", policy(&namespace, "2999-01-01T00:00:00Z"))
        .expect("written");
    let served = Served::start(&cluster, &["--policy", &path.display().to_string()]).await;
    let create = async |name: &str| {
        let objects = format!("{}\n---\n{}", claim(name, "ReadWriteOnce"), deployment(name, name, 3));
        let create = ["create", "-n", &namespace, "-f", "-"];
        cluster.kubectl_stdin(create, &objects).await
    };
    let passed = create("old-web").await.succeeded();
    assert!(!passed.stderr.contains("rwo-replicas"), "{}", passed.stderr);
    let event = cluster
        .audit_event(|event| event["objectRef"]["name"] == "old-web" && event["objectRef"]["resource"] == "deployments")
        .await;
    let recorded = "rwo-replicas: ".to_owned() + &namespace + "/legacy until 2999-01-01T00:00:00Z";
    assert_eq!(event["annotations"]["workloads.stateward.dev/exceptions"], recorded);
    let title = format!("{namespace}/legacy");
    let logged = |line: &Value| line["message"] == "Decided" && line["name"] == "old-web";
    let line = served.logged(logged).await;
    assert_eq!(line["exceptions"], format!("rwo-replicas={title}"));

    let refused = create("new-web").await.failed();
    assert!(refused.stderr.contains("rwo-replicas"), "{}", refused.stderr);
    let (status, decisions) = served.admin("/decisions").await.expect("an answer");
    let decisions: Value = serde_json::from_str(&decisions).expect("JSON");
    assert_eq!((status, &decisions["version"]), (200, &Value::from("v1")));
    let of = |name: &str| {
        let decisions = decisions["decisions"].as_array().expect("a list").iter();
        let mut decisions = decisions.filter(|decision| decision["kind"] == "Deployment");
        decisions.find(|decision| decision["name"] == name).expect(name).clone()
    };
    let (old, new) = (of("old-web"), of("new-web"));
    assert_eq!((&old["allowed"], &new["allowed"]), (&true.into(), &false.into()));
    let finding = |decision: &Value| {
        let findings = decision["findings"].as_array().expect("a list").iter();
        let mut replicas = findings.filter(|finding| finding["rule"] == "rwo-replicas");
        replicas.next().expect("three replicas").clone()
    };
    assert_eq!(
        (&finding(&old)["action"], &finding(&old)["exception"]),
        (&"Audit".into(), &title.into())
    );
    assert_eq!(
        (&finding(&new)["action"], &finding(&new)["exception"]),
        (&"Deny".into(), &Value::Null)
    );

    fs::write(&path, policy(&namespace, "2020-01-01T00:00:00Z")).expect("written");
    served.logged(|line| line["message"] == "Policies reloaded").await;
    let ended = create("old-api").await.failed();
    let why = format!("exception {namespace}/legacy expired on 2020-01-01");
    assert!(ended.stderr.contains(&why), "{}", ended.stderr);
}
