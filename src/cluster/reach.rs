//! Whether the API server reaches this process: nobody would notice otherwise, for what it cannot reach is let pass.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::{Container, PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube::api::{Api, PostParams};
use kube::{Client, Error};

/// The name of an object that is never stored.
const NAME: &str = "stateward-asks-whether-it-is-reached";

/// Asks the API server for a write that it must ask us about, and that is only tried: it stores nothing.
///
/// # Errors
/// The API server refuses it, or does not answer.
pub async fn ask(client: &Client) -> Result<(), Error> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "default");
    let dry_run = PostParams {
        dry_run: true,
        field_manager: None,
    };
    deployments.create(&dry_run, &deployment()).await.map(|_| ())
}

/// Nothing is found in it.
fn deployment() -> Deployment {
    let labels = Some([("app".to_owned(), NAME.to_owned())].into());
    let container = Container {
        name: "none".to_owned(),
        image: Some("none".to_owned()),
        ..Container::default()
    };
    Deployment {
        metadata: ObjectMeta {
            name: Some(NAME.to_owned()),
            ..ObjectMeta::default()
        },
        spec: DeploymentSpec {
            replicas: Some(0),
            selector: LabelSelector {
                match_labels: labels.clone(),
                ..LabelSelector::default()
            },
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels,
                    ..ObjectMeta::default()
                }),
                spec: Some(PodSpec {
                    containers: vec![container],
                    ..PodSpec::default()
                }),
            },
            ..DeploymentSpec::default()
        },
        ..Deployment::default()
    }
}
