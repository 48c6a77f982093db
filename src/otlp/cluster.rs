//! Which cluster this is, for whoever hears of many.

use std::fmt;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, ListParams};
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::envelope::Envelope;
use super::signal::Signal;

/// The namespace that every cluster has, and never loses: by its uid OpenTelemetry tells clusters apart.
const NAMESPACE: &str = "kube-system";

/// An API server that takes longer has lost the request.
const ANSWER: Duration = Duration::from_secs(10);
/// How long to wait after it failed.
const PAUSE: Duration = Duration::from_secs(5);

/// The cluster that items are of.
#[derive(Clone)]
pub(super) struct Cluster {
    /// `None` where there is none to ask.
    pub(super) client: Option<Client>,
    /// Empty where nobody says.
    pub(super) name: String,
}

impl Cluster {
    /// What says so of every batch. Waits until it is known, since what was sent without it would be of another cluster.
    pub(super) async fn envelope(&self, signal: Signal) -> Envelope {
        loop {
            let error = match timeout(ANSWER, self.uid()).await {
                Ok(Ok(uid)) => return Envelope::new(signal, &self.name, &uid.unwrap_or_default()),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer".to_owned(),
            };
            warn!(
                error,
                "Cannot read the uid of the namespace kube-system, by which clusters are told apart"
            );
            sleep(PAUSE).await;
        }
    }

    /// `None` where this process cannot know it, or may not.
    ///
    /// By a list of one: who follows the namespaces may list them, and need not `get` any.
    async fn uid(&self) -> Result<Option<String>, kube::Error> {
        let Some(client) = &self.client else {
            return Ok(None);
        };
        let named = ListParams::default().fields(&format!("metadata.name={NAMESPACE}"));
        match Api::<Namespace>::all(client.clone()).list_metadata(&named).await {
            Ok(list) => Ok(list.items.into_iter().find_map(|namespace| namespace.metadata.uid)),
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
