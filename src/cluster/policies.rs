//! The policies and exceptions that a cluster holds, as text, and the definitions of their kinds.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::follow::{Intake, Pace, Watch};
use super::wire::{self, Collection, Page};
use crate::policy::description::API_VERSION;
use crate::policy::resource::Resource;

/// An API server that takes longer for one answer has lost the request.
const ANSWER: Duration = Duration::from_secs(10);

/// What the API server says of the definition of a kind of ours (CRD).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    /// It is being deleted, or is not there: objects that go, go with it.
    Going,
    /// There is no permission to read it.
    Hidden,
    /// This very one is there: after it was deleted and created anew, it has another uid.
    Served { uid: String },
    /// No answer.
    Unanswered,
}

/// Why the policies or exceptions of a cluster cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error("no permission to list {}: name the policies with --policy", .0.name())]
    Forbidden(&'static Resource),
    #[error("cannot list {}", .0.name())]
    Failed(&'static Resource, #[source] Failure),
}

/// Lists and watches the objects of a kind of ours, for as long as the future is polled.
pub fn watch(resource: &Resource, client: Client, intake: impl Intake) -> impl Future<Output = ()> + Send {
    let pace = Pace {
        // They may be installed at any moment, and somebody waits.
        refused: Duration::from_secs(10),
        ..Pace::default()
    };
    Watch::new(collection(resource), client, intake, Arc::new(Semaphore::new(1)), pace).run()
}

/// Asks for the definition. Its uid comes from the store, not from a cache: an object is never deleted with its
/// definition before that says so (`apiextensions-apiserver/pkg/controller/finalizer`).
pub async fn definition(resource: &Resource, client: &Client) -> Definition {
    let path = format!(
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}",
        resource.name()
    );
    match get(client, &path).await {
        Ok(text) => {
            let definition: Value = serde_json::from_str(&text).unwrap_or_default();
            let metadata = &definition["metadata"];
            match metadata["uid"].as_str() {
                Some(uid) if metadata["deletionTimestamp"].is_null() => Definition::Served { uid: uid.to_owned() },
                Some(_) => Definition::Going,
                None => Definition::Unanswered,
            }
        }
        Err(error) => match code(&error) {
            Some(403) => Definition::Hidden,
            Some(404) => Definition::Going,
            _ => Definition::Unanswered,
        },
    }
}

/// All objects of a kind of ours as JSON texts, `None` where the cluster does not have it.
///
/// # Errors
/// The API server has the kind and does not list its objects.
pub async fn list(resource: &'static Resource, client: &Client) -> Result<Option<Vec<String>>, ListError> {
    let collection = collection(resource);
    let failed = |error: Failure| match code(&error) {
        Some(403) => ListError::Forbidden(resource),
        _ => ListError::Failed(resource, error),
    };
    // Without permission, a list of a kind that is not there is forbidden too; everybody may ask which kinds there are.
    match get(client, &collection.root()).await {
        Ok(served) if serves(&served, resource) => {}
        Ok(_) => return Ok(None),
        Err(error) if code(&error) == Some(404) => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    let mut found = Vec::new();
    let mut next = String::new();
    loop {
        let text = get(client, &wire::page(&collection.path(), &next))
            .await
            .map_err(failed)?;
        let page = Page::read(&text).map_err(|error| failed(error.to_string().into()))?;
        found.extend(page.items.into_iter().map(str::to_owned));
        if page.next.is_empty() {
            return Ok(Some(found));
        }
        next = page.next;
    }
}

fn collection(resource: &Resource) -> Collection {
    Collection {
        kind: resource.kind,
        api_version: API_VERSION,
        resource: resource.plural,
        only: None,
        awaited: false,
    }
}

/// Whether a list of kinds (`meta/v1 APIResourceList`) has this one.
fn serves(kinds: &str, wanted: &Resource) -> bool {
    let kinds: Value = serde_json::from_str(kinds).unwrap_or_default();
    let mut resources = kinds["resources"].as_array().into_iter().flatten();
    resources.any(|resource| resource["name"] == wanted.plural)
}

/// Why the API server gave no answer, or not this one.
pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(super) async fn get(client: &Client, path: &str) -> Result<String, Failure> {
    let request = http::Request::get(path).body(Vec::new())?;
    let answer = timeout(ANSWER, client.request_text(request));
    Ok(answer.await.map_err(|_| "no answer within ten seconds")??)
}

/// The status code of the API server's answer, if it gave one.
pub(super) fn code(error: &Failure) -> Option<u16> {
    match error.downcast_ref() {
        Some(kube::Error::Api(status)) => Some(status.code),
        _ => None,
    }
}
