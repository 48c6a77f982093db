//! `--register-url`: a cluster calls this process for as long as it runs.

use kube::Client;
use tracing::{info, warn};

use super::causes::chain;
use super::error::StartError;
use super::parts::{End, Parts};
use crate::cluster::register::{Registration, WebhookUrl};
use crate::server::shutdown::Shutdown;

/// Registers this process, and removes its configurations when it is asked to stop.
pub(super) async fn start(
    url: WebhookUrl,
    client: Option<Client>,
    ca_pem: Option<String>,
    parts: &mut Parts,
) -> Result<(), StartError> {
    let client = client.ok_or(StartError::NothingToRegisterWith)?;
    let ca_pem = ca_pem.ok_or(StartError::OwnCertificate)?;
    let registration = Registration::create(client, url, ca_pem.as_bytes()).await?;
    parts.start(
        "registration",
        End::Awaited,
        remove_when_stopping(registration, parts.shutdown.clone()),
    );
    Ok(())
}

/// Removes the configurations while requests are still answered: afterwards, those in between would fail open.
async fn remove_when_stopping(registration: Registration, shutdown: Shutdown) {
    shutdown.requested().await;
    match registration.remove().await {
        Ok(()) => info!("Webhook configurations removed"),
        Err(error) => warn!(error = chain(&error), "Webhook configurations stay behind"),
    }
}
