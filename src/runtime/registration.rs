//! `--register-url`: a cluster calls this process for as long as it runs, once it knows what is in the cluster.

use futures::future::{BoxFuture, Shared};
use kube::Client;
use tracing::{info, warn};

use super::causes::chain;
use super::error::StartError;
use super::objects::Objects;
use super::parts::{End, Parts};
use crate::cluster::register::{RegisterError, Registration, WebhookUrl};
use crate::server::admin::Gate;
use crate::server::shutdown::Shutdown;

/// A registration that waits for the first sync: until then most of what is asked for would be unknown, and a live read.
pub(super) struct Registering {
    url: WebhookUrl,
    client: Client,
    ca_pem: String,
    synced: Shared<BoxFuture<'static, ()>>,
    gate: Gate,
}

/// Makes sure that this process can be registered; readiness waits until it is.
pub(super) fn prepare(
    url: WebhookUrl,
    objects: &Objects,
    ca_pem: Option<String>,
    parts: &Parts,
) -> Result<Registering, StartError> {
    let cluster = objects.cluster.as_ref().ok_or(StartError::NothingToRegisterWith)?;
    Ok(Registering {
        url,
        client: cluster.client.clone(),
        ca_pem: ca_pem.ok_or(StartError::OwnCertificate)?,
        synced: cluster.synced.clone(),
        gate: parts.readiness.gate("registration", "waiting for the first sync"),
    })
}

impl Registering {
    /// Registers this process after the first sync, and removes its configurations when it is asked to stop.
    pub(super) async fn finish(self, parts: &mut Parts) -> Result<(), RegisterError> {
        tokio::select! {
            () = self.synced => {}
            () = parts.shutdown.requested() => return Ok(()),
        }
        let registration = tokio::select! {
            created = Registration::create(self.client, self.url, self.ca_pem.as_bytes()) => created?,
            () = parts.shutdown.forced() => return Ok(()),
        };
        self.gate.open();
        let shutdown = parts.shutdown.clone();
        parts.start(
            "registration",
            End::Awaited,
            remove_when_stopping(registration, shutdown),
        );
        Ok(())
    }
}

impl std::fmt::Debug for Registering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registering")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Removes the configurations while requests are still answered: afterwards, those in between would fail open.
async fn remove_when_stopping(registration: Registration, shutdown: Shutdown) {
    shutdown.requested().await;
    match registration.remove().await {
        Ok(()) => info!("Webhook configurations removed"),
        Err(error) => warn!(error = chain(&error), "Webhook configurations stay behind"),
    }
}
