//! `--register-url`: a cluster calls this process for as long as it runs, once it knows what is in the cluster.

use std::time::{Duration, Instant};

use futures::future::{BoxFuture, Shared};
use kube::Client;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::error::StartError;
use super::objects::Objects;
use super::parts::{End, Parts};
use crate::causes::chain;
use crate::cluster::reach;
use crate::cluster::register::{RegisterError, Registration, WebhookUrl};
use crate::graph::Kinds;
use crate::server::admin::Gate;
use crate::server::shutdown::Shutdown;

/// A registration that waits for the first sync: until then most of what is asked for would be unknown, and a live read.
pub(super) struct Registering {
    url: WebhookUrl,
    client: Client,
    kinds: &'static Kinds,
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
        kinds: objects.graph.facts().kinds,
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
        let answered = parts.metrics.answered();
        let registration = tokio::select! {
            created = Registration::create(self.client.clone(), self.kinds, self.url.clone(), self.ca_pem.as_bytes()) => created?,
            () = parts.shutdown.forced() => return Ok(()),
        };
        self.gate.open();
        let (shutdown, metrics) = (parts.shutdown.clone(), parts.metrics.clone());
        let Self { url, client, gate, .. } = self;
        parts.start("registration", End::Awaited, async move {
            let called = || metrics.answered() > answered;
            tokio::select! {
                () = until_called(&client, &url, &gate, called) => {}
                () = shutdown.requested() => {}
            }
            remove_when_stopping(registration, shutdown).await;
        });
        Ok(())
    }
}

/// How long the API server may take to know of the configurations, and to call: more than it ever needs.
const CALLS_WITHIN: Duration = Duration::from_secs(5);
/// How often it is asked for something that it must call us for.
const ASK: Duration = Duration::from_millis(500);
/// And how often once that was of no use.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// Waits until the API server calls this process, and says what to try where it does not: what it cannot reach it lets
/// pass without a word.
async fn until_called(client: &Client, url: &WebhookUrl, gate: &Gate, called: impl Fn() -> bool) {
    let began = Instant::now();
    let mut told = false;
    while !called() {
        if !told && began.elapsed() >= CALLS_WITHIN {
            told = true;
            gate.remark(&format!("the API server does not reach {url}: nothing is checked"));
            warn!(%url, "The API server does not reach this process: nothing is checked. {REMEDY}");
        }
        let pause = if told { ASK_AGAIN } else { ASK };
        // A call that gets no answer keeps the request for five seconds.
        let asked = timeout(pause, reach::ask(client)).await;
        if let Ok(Err(error)) = asked {
            debug!(%error, "The API server was asked whether it reaches this process");
        }
        sleep(pause).await;
    }
    gate.open();
    info!(%url, "The API server calls this process");
}

/// What to try, by the kind of cluster.
const REMEDY: &str = "The URL is called from where the API server runs, so --listen must not be on loopback alone \
    unless that is this machine. kind: the gateway of its network (docker network inspect kind), https://GATEWAY:8443; \
    minikube: https://host.minikube.internal:8443; Docker Desktop: https://host.docker.internal:8443; a cluster \
    elsewhere: a tunnel to this machine, or stateward installed in the cluster";

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
