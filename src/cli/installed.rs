//! `stateward verify` and `stateward unregister`: an installation, from its first minute to its last.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use kube::Client;
use tokio::time::{Instant, sleep};

use super::live::Cluster;
use crate::cluster::installed;

/// Whom to trust is written within seconds after the first replica has started.
const CALLED_WITHIN: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(1);

const NOT_CALLED: &str = "the API server does not call stateward, so that nothing is judged. In this order:
  kubectl get crd workloadpolicies.stateward.dev
      (not there: stateward is not installed in this cluster, or without its kinds)
  kubectl get mutatingwebhookconfiguration,validatingwebhookconfiguration stateward
      (both there? without them nothing is sent)
  kubectl get endpointslices -A -l kubernetes.io/service-name=stateward
      (no endpoint: no replica is ready; kubectl logs tells why)
  kubectl get mutatingwebhookconfiguration stateward -o jsonpath='{.webhooks[*].clientConfig.caBundle}'
      (empty: whoever signs the certificate has not written whom to trust)
If all of it is there, the API server may not reach pods at port 8443 (a firewall, a network policy).";

/// See whether the API server calls the installation.
///
/// The API server is asked whether it would take a policy with a mistake that only stateward words as it does. Nothing
/// is stored. Exits with 1 where it is not called within half a minute. It needs the permission to create policies.
#[derive(Debug, clap::Args)]
pub struct Verify {
    #[command(flatten)]
    cluster: Cluster,
}

/// Remove the webhook configurations of the installation: nothing is judged any more.
///
/// What to do before everything else is deleted; the Helm chart does it by itself. What else belongs to leaving:
/// docs/leaving.md.
#[derive(Debug, clap::Args)]
pub struct Unregister {
    #[command(flatten)]
    cluster: Cluster,
}

impl Verify {
    /// Asks until it is called, or half a minute has passed.
    ///
    /// # Errors
    /// There is no cluster, or it refuses the question.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let called = with(&self.cluster, async |client| {
            let deadline = Instant::now() + CALLED_WITHIN;
            loop {
                let called = installed::is_called(&client)
                    .await
                    .context("the API server cannot be asked whether it calls stateward")?;
                if called || Instant::now() > deadline {
                    return Ok(called);
                }
                sleep(PAUSE).await;
            }
        })?;
        if called {
            super::print(b"the API server calls stateward\n")?;
            return Ok(ExitCode::SUCCESS);
        }
        super::print(format!("{NOT_CALLED}\n").as_bytes())?;
        Ok(ExitCode::from(1))
    }
}

impl Unregister {
    /// Removes them.
    ///
    /// # Errors
    /// There is no cluster, or it does not let us.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let removed = with(&self.cluster, async |client| {
            installed::unregister(&client)
                .await
                .context("cannot remove a webhook configuration")
        })?;
        let mut text = String::new();
        for kind in &removed {
            text.push_str(&format!("removed the {kind} stateward\n"));
        }
        if removed.is_empty() {
            text.push_str("no webhook configuration is called stateward: nothing to remove\n");
        }
        super::print(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn with<T>(cluster: &Cluster, work: impl AsyncFnOnce(Client) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async { work(cluster.client().await?).await })
}
