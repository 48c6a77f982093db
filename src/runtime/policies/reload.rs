//! The policies in force: read at the start, and again whenever the contents of a file change.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tracing::{error, info};

use super::{PolicyError, PolicySource, Texts, names, parse, texts};
use crate::metrics::Metrics;
use crate::policy::Policies;
use crate::runtime::causes::chain;
use crate::runtime::parts::{End, Parts};
use crate::server::admin::Gate;

/// How often files are compared with what was read: kubelet itself takes up to a minute to swap a ConfigMap.
const POLL: Duration = Duration::from_secs(5);

/// Reads the policies, and begins to look for changes of their files.
pub(in crate::runtime) fn start(
    sources: Vec<PolicySource>,
    parts: &mut Parts,
) -> Result<Arc<ArcSwap<Policies>>, PolicyError> {
    let gate = parts.readiness.gate("policies", "not loaded");
    let texts = texts(&sources)?;
    let loaded = parse(&texts)?;
    info!(policies = names(&loaded), "Policies loaded");
    gate.open();
    let policies = Arc::new(ArcSwap::from_pointee(loaded));
    let reload = Reload {
        sources,
        seen: Ok(texts),
        policies: policies.clone(),
        metrics: parts.metrics.clone(),
        gate,
    };
    parts.start("policies", End::Cut, reload.run());
    Ok(policies)
}

/// Reads the policies again whenever a file's contents change. The last good set stays in force.
struct Reload {
    sources: Vec<PolicySource>,
    /// What was read last, or why nothing could be.
    seen: Result<Texts, String>,
    policies: Arc<ArcSwap<Policies>>,
    metrics: Arc<Metrics>,
    gate: Gate,
}

impl Reload {
    async fn run(mut self) {
        loop {
            tokio::time::sleep(POLL).await;
            // A mounted file can hang, and must not hold up a thread that answers requests.
            let sources = self.sources.clone();
            let read = tokio::task::spawn_blocking(move || texts(&sources).map_err(|error| chain(&error)));
            let Ok(texts) = read.await else { return };
            if texts != self.seen {
                self.apply(&texts);
                self.seen = texts;
            }
        }
    }

    fn apply(&self, texts: &Result<Texts, String>) {
        let texts = texts.as_ref().map_err(Clone::clone);
        match texts.and_then(|texts| parse(texts).map_err(|error| chain(&error))) {
            Ok(loaded) => {
                info!(policies = names(&loaded), "Policies reloaded");
                self.policies.store(Arc::new(loaded));
                self.gate.open();
            }
            Err(error) => {
                self.metrics.policy_reload_failures.inc();
                // A replica with old policies guards better than none: it stays ready.
                self.gate
                    .remark(&format!("not reloaded, the last good ones stay: {error}"));
                error!(error, "Policies not reloaded; the last good ones stay in force");
            }
        }
    }
}
