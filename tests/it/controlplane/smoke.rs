//! The control plane itself, tried before anything is built on it.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams, PostParams};

use super::{ControlPlane, eventually};

/// Nobody listens on port 1, so the API server calls it in vain.
const UNREACHABLE: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: unreachable}
webhooks:
- name: unreachable.stateward.dev
  clientConfig: {url: 'https://127.0.0.1:1/'}
  rules: [{apiGroups: [''], apiVersions: [v1], resources: [configmaps], operations: [CREATE]}]
  failurePolicy: Ignore
  sideEffects: None
  admissionReviewVersions: [v1]
";

#[tokio::test]
async fn kubectl_and_the_client_see_one_cluster() {
    let cluster = ControlPlane::shared().await;
    let namespace = cluster.namespace("smoke").await;
    let create = [
        "create",
        "deployment",
        "web",
        "--image=web",
        "--replicas=2",
        "--namespace",
        &namespace,
    ];
    cluster.kubectl(create).await.succeeded();
    cluster.kubectl(create).await.failed();
    let client = cluster.client().await;
    let web = Api::<Deployment>::namespaced(client.clone(), &namespace)
        .get("web")
        .await
        .unwrap();
    assert_eq!(web.spec.replicas, Some(2));
    let version = client.apiserver_version().await.unwrap();
    assert_eq!(version.git_version, cluster.version().to_string());
}

#[tokio::test]
async fn anybody_is_who_they_say_and_may_do_what_rbac_says() {
    let cluster = ControlPlane::shared().await;
    let namespace = cluster.namespace("smoke").await;
    let alice = cluster.client_as("alice", &["developers"]).await;
    let review = Api::all(alice.clone())
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await
        .unwrap();
    let user = review.status.unwrap().user_info.unwrap();
    assert_eq!(user.username.as_deref(), Some("alice"));
    assert_eq!(user.groups.unwrap(), ["developers", "system:authenticated"]);

    let deployments = Api::<Deployment>::namespaced(alice, &namespace);
    let refused = deployments.list(&ListParams::default()).await.unwrap_err();
    assert!(matches!(refused, kube::Error::Api(status) if status.is_forbidden()));
    let role = [
        "create",
        "role",
        "reader",
        "--verb=list",
        "--resource=deployments.apps",
        "--namespace",
        &namespace,
    ];
    cluster.kubectl(role).await.succeeded();
    let bind = [
        "create",
        "rolebinding",
        "reader",
        "--role=reader",
        "--group=developers",
        "--namespace",
        &namespace,
    ];
    cluster.kubectl(bind).await.succeeded();
    eventually("the right to list", async || {
        deployments.list(&ListParams::default()).await.ok()
    })
    .await;
}

#[tokio::test]
async fn what_is_stored_outlives_the_api_server_and_writes_are_audited() {
    let cluster = ControlPlane::start().await;
    let namespace = cluster.namespace("smoke").await;
    cluster
        .kubectl_stdin(["apply", "-f", "-"], UNREACHABLE)
        .await
        .succeeded();
    // The API server learns of a webhook a moment after it has stored it, so one write would not be enough.
    let mut names = 0..;
    let annotations = eventually("a call that failed open", async || {
        let name = format!("kept-{}", names.next()?);
        cluster
            .kubectl(["create", "configmap", &name, "--namespace", &namespace])
            .await
            .succeeded();
        let event = cluster
            .audit_event(|event| {
                event["verb"] == "create"
                    && event["objectRef"]["namespace"] == namespace.as_str()
                    && event["objectRef"]["name"] == name.as_str()
            })
            .await;
        event
            .get("annotations")
            .filter(|annotations| annotations.to_string().contains("failed-open"))
            .cloned()
    })
    .await;
    assert_eq!(
        annotations["failed-open.validating.webhook.admission.k8s.io/round_0_index_0"],
        "unreachable.stateward.dev"
    );

    let client = cluster.client().await;
    let configmaps = Api::<ConfigMap>::namespaced(client, &namespace);
    cluster.stop_api_server();
    cluster.kubectl(["get", "--raw=/readyz"]).await.failed();
    cluster.restart_api_server().await;
    assert!(configmaps.get("kept-0").await.is_ok());
}

#[tokio::test]
async fn controllers_give_a_deployment_its_replica_set() {
    let cluster = ControlPlane::start().await;
    cluster.start_controller_manager().await;
    let namespace = cluster.namespace("smoke").await;
    cluster
        .kubectl(["create", "deployment", "web", "--image=web", "--namespace", &namespace])
        .await
        .succeeded();
    let replica_sets = Api::<ReplicaSet>::namespaced(cluster.client().await, &namespace);
    let owners = eventually("a ReplicaSet", async || {
        replica_sets
            .list(&ListParams::default())
            .await
            .unwrap()
            .items
            .pop()?
            .metadata
            .owner_references
    })
    .await;
    assert_eq!(
        (owners[0].kind.as_str(), owners[0].name.as_str()),
        ("Deployment", "web")
    );
    // Its writer is the controller itself, which is what admission rules look at.
    cluster
        .audit_event(|event| {
            event["user"]["username"] == "system:serviceaccount:kube-system:deployment-controller"
                && event["objectRef"]["resource"] == "replicasets"
        })
        .await;
    cluster.kubectl(["delete", "namespace", &namespace]).await.succeeded();
}
