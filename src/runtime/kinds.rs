//! The kinds of workloads that a cluster declares, taken up as they come and go.
//!
//! A kind that may not be read is not taken up: what is unknown of it would make its neighbours unknown too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::Client;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{info, warn};

use super::objects::Cluster;
use super::parts::{End, Parts};
use crate::cluster::declared::{Access, access};
use crate::cluster::watch::Watched;
use crate::kinds::{InCluster, counting};
use crate::policy::WorkloadKind;
use crate::server::admin::Gate;
use crate::status::Situation;

/// How often it is looked whether the kinds that are declared can be read.
const LOOK: Duration = Duration::from_secs(10);

/// The kinds that are declared, on their way to whoever takes them up.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    kinds: Arc<watch::Sender<Option<Vec<WorkloadKind>>>>,
    situations: Arc<Mutex<Situations>>,
    taken_up: watch::Receiver<bool>,
}

/// What becomes of each, by the name of its declaration.
#[derive(Debug, Default)]
struct Situations {
    by_name: BTreeMap<String, Situation>,
    /// One more whenever one is another.
    version: u64,
}

/// Begins to take up what is declared in a cluster; readiness waits until those that are there at the start were.
pub(super) fn start(cluster: &Cluster, parts: &mut Parts) -> Declared {
    let (kinds, receiver) = watch::channel(None);
    let (first, taken_up) = watch::channel(false);
    let situations = Arc::<Mutex<Situations>>::default();
    let taking = Taking {
        client: cluster.client.clone(),
        watched: cluster.watched.clone(),
        kinds: InCluster::new(cluster.kinds),
        situations: situations.clone(),
        gate: parts.readiness.gate("kinds", "not listed yet"),
        first,
    };
    parts.start("kinds", End::Cut, taking.run(receiver));
    Declared {
        kinds: Arc::new(kinds),
        situations,
        taken_up,
    }
}

impl Declared {
    /// These are declared now.
    pub(super) fn are(&self, kinds: Vec<WorkloadKind>) {
        self.kinds.send_if_modified(|former| {
            let is_new = former.as_ref() != Some(&kinds);
            *former = Some(kinds);
            is_new
        });
    }

    /// Whether those that were declared at the start were taken up.
    pub(super) fn taken_up(&self) -> watch::Receiver<bool> {
        self.taken_up.clone()
    }

    /// What becomes of the declaration of this name.
    pub(super) fn situation(&self, name: &str) -> Situation {
        let situations = self.situations.lock().unwrap_or_else(PoisonError::into_inner);
        situations.by_name.get(name).cloned().unwrap_or_default()
    }

    /// Another number whenever something else becomes of one.
    pub(super) fn version(&self) -> u64 {
        self.situations.lock().unwrap_or_else(PoisonError::into_inner).version
    }
}

/// Whoever takes them up.
struct Taking {
    client: Client,
    watched: Watched,
    kinds: InCluster,
    situations: Arc<Mutex<Situations>>,
    gate: Gate,
    first: watch::Sender<bool>,
}

impl Taking {
    async fn run(mut self, mut declared: watch::Receiver<Option<Vec<WorkloadKind>>>) {
        loop {
            let now = declared.borrow_and_update().clone();
            let is_empty = now.as_ref().is_none_or(Vec::is_empty);
            if let Some(now) = now {
                self.take_up(now).await;
            }
            let changed = declared.changed();
            let ended = if is_empty {
                changed.await.is_err()
            } else {
                tokio::select! {
                    changed = changed => changed.is_err(),
                    () = sleep(LOOK) => false,
                }
            };
            if ended {
                return;
            }
        }
    }

    /// Looks which of them can be read, and has those watched.
    async fn take_up(&mut self, declared: Vec<WorkloadKind>) {
        let (counting, others) = counting(declared);
        let mut situations: BTreeMap<String, Situation> = others
            .into_iter()
            .map(|(kind, first)| (kind.name, Situation::DeclaredTwice(first)))
            .collect();
        let mut readable = BTreeMap::new();
        let mut arrived = Vec::new();
        for (key, kind) in counting {
            let former = self.former(&kind.name);
            let situation = match access(&kind, &self.client).await {
                Access::Forbidden => Situation::Forbidden,
                Access::Listed => Situation::Watched,
                Access::NoSuchKind => Situation::NotServed,
                // Nothing is known that was not known before.
                Access::Unanswered => former.clone(),
            };
            if situation == Situation::Watched && former == Situation::NotServed {
                arrived.push(kind.clone());
            }
            situations.insert(kind.name.clone(), situation.clone());
            if matches!(situation, Situation::Watched | Situation::NotServed) {
                readable.insert(key, kind);
            }
        }
        if let Some(kinds) = self.kinds.declare(readable) {
            self.watched.set_kinds(kinds).await;
        }
        // Their watches would look for them within a minute.
        arrived
            .iter()
            .filter_map(|kind| self.kinds.kind(kind))
            .for_each(|kind| self.watched.again(kind));
        // Whoever is not known to be there may be, so that nobody begins to answer without them.
        let all_known = situations.values().all(|situation| *situation != Situation::Unknown);
        self.tell(situations);
        if all_known {
            self.gate.open();
            self.first.send_replace(true);
        }
    }

    fn former(&self, name: &str) -> Situation {
        let situations = self.situations.lock().unwrap_or_else(PoisonError::into_inner);
        situations.by_name.get(name).cloned().unwrap_or_default()
    }

    fn tell(&self, now: BTreeMap<String, Situation>) {
        let mut situations = self.situations.lock().unwrap_or_else(PoisonError::into_inner);
        if situations.by_name == now {
            return;
        }
        for (name, situation) in &now {
            if situations.by_name.get(name) == Some(situation) {
                continue;
            }
            match situation {
                Situation::Watched => info!(name, "Declared kind is watched"),
                Situation::NotServed => info!(name, "Declared kind is not served yet; it is looked for"),
                Situation::Forbidden => warn!(
                    name,
                    "No permission to read a declared kind: it is not judged until the installation is told of it"
                ),
                Situation::DeclaredTwice(first) => warn!(name, first, "Kind is declared already; the first counts"),
                Situation::Unknown => {}
            }
        }
        situations.by_name = now;
        situations.version += 1;
    }
}
