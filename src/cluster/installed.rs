//! An installation seen from outside: whether the API server calls it, and how it ceases to.

use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use kube::api::{DeleteParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client, Error, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::webhooks::{DEFAULT_POLICY, NAME};
use crate::policy::resource::{POLICIES, group, version};

/// The name of a policy that is never stored.
const QUESTION: &str = "stateward-asks-whether-it-is-called";

/// Removes both webhook configurations of an installation, so that nothing waits for it or is judged any more. Returns
/// the kinds of those that were there.
///
/// # Errors
/// The first refusal of the API server; the other configuration has been tried all the same.
pub async fn unregister(client: &Client) -> Result<Vec<String>, Error> {
    let validating = remove::<ValidatingWebhookConfiguration>(client).await;
    let mutating = remove::<MutatingWebhookConfiguration>(client).await;
    Ok(validating?.into_iter().chain(mutating?).collect())
}

/// The name of the installation's own policy, where there is one and it may be read.
pub async fn default_policy(client: &Client) -> Option<String> {
    let api: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    let found = api.get_opt(NAME).await.ok().flatten()?;
    found.annotations().get(DEFAULT_POLICY).cloned()
}

async fn remove<K>(client: &Client) -> Result<Option<String>, Error>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned,
{
    let api: Api<K> = Api::all(client.clone());
    match api.delete(NAME, &DeleteParams::default()).await {
        Ok(_) => Ok(Some(K::kind(&()).into_owned())),
        Err(Error::Api(status)) if status.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Asks the API server whether it would take a policy that names a rule which there is not, and whether it is the
/// webhook that says no: by the schema alone it would be refused in other words. Nothing is stored.
///
/// # Errors
/// The API server refuses it for another reason, or does not answer.
pub async fn is_called(client: &Client) -> Result<bool, Error> {
    let kind = GroupVersionKind::gvk(group(), version(), POLICIES.kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, POLICIES.plural);
    let policies: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let mut question = DynamicObject::new(QUESTION, &resource);
    question.data = json!({"spec": {"rules": [{"id": QUESTION}]}});
    let dry_run = PostParams {
        dry_run: true,
        field_manager: None,
    };
    match policies.create(&dry_run, &question).await {
        Ok(_) => Ok(false),
        Err(Error::Api(status)) if status.message.contains("\"policies.stateward.dev\" denied the request") => Ok(true),
        // Where the kind is missing nothing can call us either.
        Err(Error::Api(status)) if status.is_invalid() || status.code == 404 => Ok(false),
        Err(error) => Err(error),
    }
}
