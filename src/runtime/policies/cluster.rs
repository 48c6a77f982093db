//! The policies in force, where a cluster holds them: listed at the start, and watched from then on.

use std::sync::Arc;

use arc_swap::ArcSwap;
use futures::FutureExt as _;
use kube::Client;
use tokio::sync::watch;
use tracing::{info, warn};

use super::held::{Held, Remark};
use super::names;
use crate::cluster::follow::Intake;
use crate::cluster::policies;
use crate::metrics::{Metrics, Reloaded, Reloads};
use crate::policy::{Policies, Policy};
use crate::rules::RULES;
use crate::runtime::error::StartError;
use crate::runtime::objects::Objects;
use crate::runtime::parts::{End, Parts};
use crate::server::admin::Gate;

/// Policies that come once there is a cluster to ask; none until then, and the process is not ready.
pub(in crate::runtime) struct Awaited {
    policies: Arc<ArcSwap<Policies>>,
    gate: Gate,
}

/// Makes room for the policies of a cluster; readiness waits until they were listed.
pub(in crate::runtime) fn prepare(parts: &Parts) -> Awaited {
    Awaited {
        policies: Arc::new(ArcSwap::from_pointee(Policies::new(Vec::new(), RULES))),
        gate: parts.readiness.gate("policies", "not listed yet"),
    }
}

impl Awaited {
    /// The policies, now and from now on.
    pub(in crate::runtime) fn policies(&self) -> Arc<ArcSwap<Policies>> {
        self.policies.clone()
    }

    /// Begins to watch the policies; the first sync of the objects' cluster waits for theirs.
    pub(in crate::runtime) fn start(self, objects: &mut Objects, parts: &mut Parts) -> Result<(), StartError> {
        let cluster = objects.cluster.as_mut().ok_or(StartError::NoClusterForPolicies)?;
        let (client, synced) = (cluster.client.clone(), cluster.synced.clone());
        let (listed, mut first_list) = watch::channel(false);
        let both = async move {
            synced.await;
            // Where nobody lists any more, the part has ended and readiness tells of it.
            let _ = first_list.wait_for(|listed| *listed).await;
        };
        cluster.synced = both.boxed().shared();
        let watched = Watched {
            held: Held::default(),
            in_force: None,
            told: Vec::new(),
            policies: self.policies,
            client: client.clone(),
            metrics: parts.metrics.clone(),
            reloads: parts.metrics.reloads(Reloaded::Policies),
            gate: self.gate,
            listed,
        };
        parts.start("policies", End::Cut, policies::watch(client, watched));
        Ok(())
    }
}

/// What is seen of the policies, and those who are told of it.
struct Watched {
    held: Held,
    /// What was put in force last.
    in_force: Option<Vec<Policy>>,
    /// What was remarked last.
    told: Vec<Remark>,
    policies: Arc<ArcSwap<Policies>>,
    client: Client,
    metrics: Arc<Metrics>,
    reloads: Reloads,
    gate: Gate,
    listed: watch::Sender<bool>,
}

impl Intake for Watched {
    fn begin_list(&mut self) {
        self.held.begin_list();
    }

    fn take<'a>(&mut self, objects: impl Iterator<Item = &'a str>) {
        for json in objects {
            if self.held.take(json).is_some() {
                self.metrics.policy_reload_failures.inc();
            }
        }
    }

    fn delete(&mut self, object: &str) {
        self.held.delete(object);
    }

    fn end_list(&mut self) {
        self.held.end_list();
    }

    fn alive(&mut self) {}

    fn refused(&mut self, code: u16) {
        self.held.refused(code);
        self.tell();
    }

    async fn settle(&mut self) {
        if self.held.asks_for_definition() {
            self.held.settle(policies::definition(&self.client).await);
        }
        self.put_in_force();
        self.tell();
    }
}

impl Watched {
    fn put_in_force(&mut self) {
        let now = self.held.policies();
        if !self.held.is_listed() || self.in_force.as_ref() == Some(&now) {
            return;
        }
        let policies = Policies::new(now.clone(), RULES);
        info!(policies = names(&policies), from = "cluster", "Policies loaded");
        self.policies.store(Arc::new(policies));
        self.in_force = Some(now);
        self.listed.send_replace(true);
    }

    /// Tells log, readiness and metrics of what somebody should look after.
    fn tell(&mut self) {
        let remarks = self.held.remarks();
        for remark in remarks.iter().filter(|remark| !self.told.contains(remark)) {
            warn!(remark = remark.text, "Policies of the cluster want attention");
        }
        let text: Vec<&str> = remarks.iter().map(|remark| &*remark.text).collect();
        let text = text.join("; ");
        match (self.held.is_listed(), remarks.is_empty()) {
            (false, true) => {}
            (false, false) => self.gate.close(&text),
            (true, true) => self.gate.open(),
            // A replica with old policies guards better than none: it stays ready.
            (true, false) => self.gate.remark(&text),
        }
        let reasons: Vec<_> = remarks.iter().filter_map(|remark| remark.reason).collect();
        self.reloads.tell(&reasons);
        self.told = remarks;
    }
}
