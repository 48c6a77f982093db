//! Facts of the API server that the code rests on.
//!
//! A ValidatingAdmissionPolicy stands where a validating webhook does, sees what it sees, and writes it to the audit log.

use serde_json::Value;

use crate::controlplane::{ControlPlane, eventually};

/// What a validating webhook would see of a namespace with the label `oracle: facts`.
const WITNESS: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: witness}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], resources: [deployments, statefulsets, deployments/scale, statefulsets/scale], operations: ['*']}
    - {apiGroups: [''], apiVersions: [v1], resources: [services, persistentvolumeclaims], operations: [CREATE, UPDATE, DELETE]}
  auditAnnotations:
  - {key: name, valueExpression: "'=' + (has(request.name) ? request.name : '')"}
  - {key: old, valueExpression: "'=' + (oldObject == null ? '' : oldObject.metadata.name)"}
  - {key: generation, valueExpression: "'=' + (object != null && has(object.metadata.generation) ? string(object.metadata.generation) : '')"}
  - {key: replicas, valueExpression: "'=' + (object != null && has(object.spec.replicas) ? string(object.spec.replicas) : '')"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: witness}
spec:
  policyName: witness
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {oracle: facts}}}
"#;

const OBJECTS: &str = "
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: db}]}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {selector: {app: db}, ports: [{port: 80}]}
";

/// A namespace of the shared control plane with the two objects in it.
async fn shop() -> (&'static ControlPlane, String) {
    let cluster = ControlPlane::shared().await;
    let namespace = cluster.namespace("facts").await;
    cluster
        .kubectl_stdin(["create", "-n", &namespace, "-f", "-"], OBJECTS)
        .await
        .succeeded();
    (cluster, namespace)
}

async fn generation(cluster: &ControlPlane, namespace: &str) -> u32 {
    let path = "jsonpath={.metadata.generation}";
    let output = cluster.kubectl(["get", "sts", "db", "-n", namespace, "-o", path]).await;
    output.succeeded().stdout.parse().expect("a number")
}

/// What the witness saw of the first request with this verb, resource and subresource, and this in its URI.
async fn seen(cluster: &ControlPlane, namespace: &str, what: (&str, &str, Option<&str>), request: &str) -> Value {
    let (verb, resource, subresource) = what;
    cluster
        .audit_event(|event| {
            let object = &event["objectRef"];
            event["verb"] == verb
                && object["namespace"] == namespace
                && object["resource"] == resource
                && object["subresource"].as_str() == subresource
                && event["requestURI"].as_str().is_some_and(|uri| uri.contains(request))
                && event["annotations"]["witness/name"].is_string()
        })
        .await["annotations"]
        .take()
}

#[tokio::test]
async fn validating_admission_sees_the_generation_that_is_stored() {
    let (cluster, namespace) = shop().await;
    witnessed(cluster, &namespace).await;
    let before = generation(cluster, &namespace).await;
    let spec = r#"{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":7}}}}"#;
    let patch = [
        "patch",
        "sts",
        "db",
        "-n",
        &namespace,
        "--field-manager=spec",
        "-p",
        spec,
    ];
    cluster.kubectl(patch).await.succeeded();
    let annotations = seen(cluster, &namespace, ("patch", "statefulsets", None), "Manager=spec").await;
    assert_eq!(annotations["witness/generation"], format!("={}", before + 1));
    assert_eq!(generation(cluster, &namespace).await, before + 1);

    // What changes no spec keeps it, and so does what changes nothing.
    let annotate = ["annotate", "sts", "db", "a=b", "-n", &namespace, "--field-manager=note"];
    cluster.kubectl(annotate).await.succeeded();
    let annotations = seen(cluster, &namespace, ("patch", "statefulsets", None), "Manager=note").await;
    assert_eq!(annotations["witness/generation"], format!("={}", before + 1));
    cluster.kubectl(patch).await.succeeded();
    assert_eq!(generation(cluster, &namespace).await, before + 1);

    let scale = |replicas: &'static str| ["scale", "sts", "db", replicas, "-n", &namespace].map(str::to_owned);
    cluster.kubectl(scale("--replicas=3")).await.succeeded();
    assert_eq!(
        generation(cluster, &namespace).await,
        before + 2,
        "scaling is one generation"
    );
    let annotations = seen(cluster, &namespace, ("patch", "statefulsets", Some("scale")), "scale").await;
    assert_eq!(annotations["witness/replicas"], "=3");
    assert_eq!(annotations["witness/generation"], "=", "a Scale carries none");
    assert_eq!(annotations["witness/name"], "=db");
}

#[tokio::test]
async fn a_scale_to_nothing_names_no_replicas() {
    let (cluster, namespace) = shop().await;
    witnessed(cluster, &namespace).await;
    let scale = ["scale", "sts", "db", "--replicas=0", "-n", &namespace];
    cluster.kubectl(scale).await.succeeded();
    let annotations = seen(cluster, &namespace, ("patch", "statefulsets", Some("scale")), "scale").await;
    assert_eq!(annotations["witness/replicas"], "=");
    let scale = format!("/apis/apps/v1/namespaces/{namespace}/statefulsets/db/scale");
    let raw = cluster.kubectl(["get", "--raw", &scale]).await.succeeded().stdout;
    let scale: Value = serde_json::from_str(&raw).expect("JSON");
    assert_eq!(scale["spec"], serde_json::json!({}));
}

#[tokio::test]
async fn deletes_of_a_collection_name_the_object_only_in_the_old_one() {
    let (cluster, namespace) = shop().await;
    witnessed(cluster, &namespace).await;
    let services = format!("/api/v1/namespaces/{namespace}/services");
    cluster.kubectl(["delete", "--raw", &services]).await.succeeded();
    let annotations = seen(cluster, &namespace, ("deletecollection", "services", None), "services").await;
    assert_eq!(annotations["witness/name"], "=");
    assert_eq!(annotations["witness/old"], "=db");
}

#[tokio::test]
async fn what_a_statefulset_was_created_with_is_refused_before_validating_admission() {
    let (cluster, namespace) = shop().await;
    witnessed(cluster, &namespace).await;
    for spec in [
        r#"{"spec":{"serviceName":"other"}}"#,
        r#"{"spec":{"podManagementPolicy":"Parallel"}}"#,
        r#"{"spec":{"volumeClaimTemplates":[{"metadata":{"name":"data"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}]}}"#,
    ] {
        let patch = ["patch", "sts", "db", "--type=merge", "-n", &namespace, "-p", spec];
        let stderr = cluster.kubectl(patch).await.failed().stderr;
        assert!(
            stderr.contains("updates to statefulset spec for fields other than"),
            "{stderr}"
        );
    }
    let refused =
        |event: &Value| event["objectRef"]["namespace"] == *namespace && event["responseStatus"]["code"] == 422;
    cluster.audit_event(refused).await;
    let events = cluster.audit_log().into_iter().filter(refused);
    for event in events {
        assert!(event["annotations"]["witness/name"].is_null(), "{event}");
    }
}

#[tokio::test]
async fn a_service_becomes_headless_by_way_of_an_external_name_or_anew() {
    let (cluster, namespace) = shop().await;
    let patch = async |spec: &str| {
        let patch = ["patch", "service", "db", "--type=merge", "-n", &namespace, "-p", spec];
        cluster.kubectl(patch).await
    };
    let headless = r#"{"spec":{"clusterIP":"None","clusterIPs":["None"]}}"#;
    patch(headless).await.failed();
    let external = r#"{"spec":{"type":"ExternalName","externalName":"x.example","clusterIP":null,"clusterIPs":null}}"#;
    patch(external).await.succeeded();
    let back = r#"{"spec":{"type":"ClusterIP","externalName":null,"clusterIP":"None"}}"#;
    patch(back).await.succeeded();
    patch(r#"{"spec":{"clusterIP":"10.0.0.77","clusterIPs":["10.0.0.77"]}}"#)
        .await
        .failed();

    cluster
        .kubectl(["delete", "service", "db", "-n", &namespace])
        .await
        .succeeded();
    let create = [
        "create",
        "service",
        "clusterip",
        "db",
        "--clusterip=None",
        "-n",
        &namespace,
    ];
    cluster.kubectl(create).await.succeeded();
    assert_eq!(
        generation(cluster, &namespace).await,
        1,
        "the StatefulSet is not touched"
    );
}

/// The users are those of `CLEANERS` in `src/admission/change.rs`, which are never refused.
#[tokio::test]
async fn what_follows_from_a_delete_is_deleted_by_the_cleaners() {
    let cluster = super::plane().await;
    let namespace = cluster.namespace("facts").await;
    cluster
        .kubectl_stdin(["create", "-n", &namespace, "-f", "-"], OBJECTS)
        .await
        .succeeded();
    let uid = ["get", "sts", "db", "-n", &namespace, "-o", "jsonpath={.metadata.uid}"];
    let uid = cluster.kubectl(uid).await.succeeded().stdout;
    let owned = format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: owned, ownerReferences: [{{apiVersion: apps/v1, \
         kind: StatefulSet, name: db, uid: {uid}}}]}}, spec: {{clusterIP: None}}}}"
    );
    cluster
        .kubectl_stdin(["create", "-n", &namespace, "-f", "-"], &owned)
        .await
        .succeeded();
    let deleted_by = async |verb: &str, user: &str| {
        cluster
            .audit_event(|event| {
                let object = &event["objectRef"];
                event["verb"] == verb
                    && object["resource"] == "services"
                    && object["namespace"] == *namespace
                    && event["user"]["username"] == user
            })
            .await
    };
    cluster
        .kubectl(["delete", "sts", "db", "--wait=false", "-n", &namespace])
        .await
        .succeeded();
    let collector = "system:serviceaccount:kube-system:generic-garbage-collector";
    let event = deleted_by("delete", collector).await;
    assert_eq!(event["objectRef"]["name"], "owned");
    cluster
        .kubectl(["delete", "namespace", &namespace, "--wait=false"])
        .await
        .succeeded();
    deleted_by(
        "deletecollection",
        "system:serviceaccount:kube-system:namespace-controller",
    )
    .await;
}

/// Lets the witness look at a namespace, and waits until it does.
async fn witnessed(cluster: &ControlPlane, namespace: &str) {
    cluster.kubectl_stdin(["apply", "-f", "-"], WITNESS).await.succeeded();
    let label = ["label", "namespace", namespace, "oracle=facts"];
    cluster.kubectl(label).await.succeeded();
    let mut tries = 0..;
    eventually("the witness", async || {
        let probe = format!("probe-{}", tries.next()?);
        let create = [
            "create",
            "service",
            "clusterip",
            &probe,
            "--clusterip=None",
            "-n",
            namespace,
        ];
        cluster.kubectl(create).await.succeeded();
        cluster
            .kubectl(["delete", "service", &probe, "-n", namespace])
            .await
            .succeeded();
        let created = |event: &Value| {
            event["verb"] == "create"
                && event["objectRef"]["namespace"] == namespace
                && event["objectRef"]["name"] == *probe
        };
        let event = cluster.audit_event(created).await;
        event["annotations"]["witness/name"].is_string().then_some(())
    })
    .await;
}
