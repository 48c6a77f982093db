//! The Lease by which one replica leads: taking it, renewing it, giving it back.

use std::time::Instant;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::api::{Api, PostParams};
use kube::{Client, ResourceExt as _};
use tokio::sync::watch;
use tokio::time::{sleep_until, timeout};
use tracing::{debug, info, warn};

use super::election::{Candidate, LEASE, Move, RETRY, Record};
use super::lease::{self, ANSWER};
use crate::metrics::Metrics;

/// The name of the Lease.
pub const LEADER: &str = "stateward-leader";

/// Until when this replica leads; `None` where it does not.
type Term = Option<Instant>;

/// Whether this replica leads: who writes into the cluster asks.
#[derive(Clone, Debug)]
pub struct Leadership(watch::Receiver<Term>);

impl Leadership {
    /// Whether this replica leads now.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.0.borrow().is_some_and(|until| Instant::now() < until)
    }

    /// Does some work whenever this replica leads, and cuts it off wherever it is when it no longer does. Ends with the
    /// process.
    pub async fn while_held<F: Future<Output = ()>>(mut self, mut work: impl FnMut() -> F) {
        loop {
            while !self.holds() {
                if self.0.changed().await.is_err() {
                    return;
                }
            }
            let lost = self.clone().lost();
            tokio::select! {
                biased;
                () = lost => {}
                () = work() => {}
            }
        }
    }

    async fn lost(mut self) {
        loop {
            let Some(until) = *self.0.borrow_and_update() else {
                return;
            };
            tokio::select! {
                changed = self.0.changed() => if changed.is_err() { return },
                // Whoever renews it may be stuck in a request.
                () = sleep_until(until.into()) => {
                    if !self.holds() {
                        return;
                    }
                }
            }
        }
    }
}

/// Runs for the Lease for as long as the process runs.
#[derive(Debug)]
pub struct Leader {
    leases: Api<Lease>,
    identity: String,
    candidate: Candidate,
    term: watch::Sender<Term>,
    /// The last refusal was told.
    told: bool,
}

impl Leader {
    /// A candidate with an identity that no other process has.
    #[must_use]
    pub fn new(client: &Client, namespace: &str, identity: &str) -> Self {
        Self {
            leases: Api::namespaced(client.clone(), namespace),
            identity: identity.to_owned(),
            candidate: Candidate::new(identity.to_owned()),
            term: watch::Sender::new(None),
            told: false,
        }
    }

    /// What others ask whether this replica leads.
    #[must_use]
    pub fn leadership(&self) -> Leadership {
        Leadership(self.term.subscribe())
    }

    /// Runs until it is asked to stop; then it gives the Lease back, so that nobody has to wait for it to run out.
    pub async fn run(mut self, metrics: &Metrics, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            let began = Instant::now();
            // A write that is cut off here fails or is found out by the version.
            tokio::select! {
                () = self.round(began) => {}
                () = &mut stop => break,
            }
            let until = self.candidate.leads_until().filter(|until| Instant::now() < *until);
            if self.term.send_replace(until).is_some() != until.is_some() {
                info!(leads = until.is_some(), identity = self.identity, "Leadership changed");
            }
            metrics.audit.leader.set(until.is_some().into());
            tokio::select! {
                () = sleep_until((began + RETRY).into()) => {}
                () = &mut stop => break,
            }
        }
        self.term.send_replace(None);
        metrics.audit.leader.set(0);
        // Asked for even where we did not lead: the answer that we do may just not have come.
        self.release().await;
    }

    /// Looks at the Lease once and does what follows.
    async fn round(&mut self, began: Instant) {
        let outcome = timeout(ANSWER, self.leases.get_opt(LEADER)).await;
        let lease = match outcome {
            Ok(Ok(lease)) => lease,
            Ok(Err(error)) => return self.failed(&error.to_string()),
            Err(_) => return self.failed("no answer"),
        };
        let record = lease.as_ref().map(record);
        let written = match (self.candidate.decide(record.as_ref(), Instant::now()), lease) {
            (Move::Wait, _) => return,
            (Move::Create, _) | (_, None) => {
                let lease = lease::named(LEADER, "leader", self.spec(None));
                timeout(ANSWER, self.leases.create(&PostParams::default(), &lease)).await
            }
            (Move::Renew | Move::Take, Some(mut lease)) => {
                lease.spec = Some(self.spec(lease.spec.take()));
                timeout(ANSWER, self.leases.replace(LEADER, &PostParams::default(), &lease)).await
            }
        };
        match written {
            Ok(Ok(_)) => {
                self.candidate.held(began);
                self.told = false;
            }
            // Somebody wrote in between: what follows is found out by looking again.
            Ok(Err(kube::Error::Api(status))) if status.code == 409 => {
                debug!("Somebody else wrote the Lease of the leader");
                self.candidate.lost();
            }
            Ok(Err(error)) => self.failed(&error.to_string()),
            Err(_) => self.failed("no answer"),
        }
    }

    /// The Lease with us as its holder.
    fn spec(&self, former: Option<LeaseSpec>) -> LeaseSpec {
        let former = former.unwrap_or_default();
        let held = lease::held(&self.identity, LEASE);
        if former.holder_identity.as_ref() == Some(&self.identity) {
            return LeaseSpec {
                renew_time: held.renew_time,
                ..former
            };
        }
        LeaseSpec {
            acquire_time: held.renew_time.clone(),
            lease_transitions: Some(former.lease_transitions.unwrap_or_default().saturating_add(1)),
            ..held
        }
    }

    async fn release(&self) {
        let released = timeout(ANSWER, async {
            let Some(mut lease) = self.leases.get_opt(LEADER).await? else {
                return Ok(());
            };
            if record(&lease).holder == self.identity {
                let spec = lease.spec.get_or_insert_default();
                spec.holder_identity = Some(String::new());
                spec.renew_time = Some(lease::now());
                self.leases.replace(LEADER, &PostParams::default(), &lease).await?;
            }
            Ok::<_, kube::Error>(())
        });
        match released.await {
            Ok(Ok(())) => debug!("Leadership given back"),
            Ok(Err(error)) => debug!(%error, "Leadership not given back; it runs out"),
            Err(_) => debug!("Leadership not given back in time; it runs out"),
        }
    }

    /// Tells of the first of several failures.
    fn failed(&mut self, error: &str) {
        if !std::mem::replace(&mut self.told, true) {
            warn!(
                error,
                "Cannot read or write the Lease of the leader; trying again, further failures are not told"
            );
        }
    }
}

fn record(lease: &Lease) -> Record {
    let spec = lease.spec.as_ref();
    let renewed = spec.and_then(|spec| spec.renew_time.as_ref());
    Record {
        holder: spec.and_then(|spec| spec.holder_identity.clone()).unwrap_or_default(),
        // A version stands in where somebody wrote no time.
        renewed: renewed.map_or_else(
            || lease.resource_version().unwrap_or_default(),
            |time| time.0.to_string(),
        ),
    }
}
