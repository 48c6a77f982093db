//! The policies in force and the exceptions from them, where a cluster holds them: listed at the start, and watched from
//! then on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use futures::FutureExt as _;
use futures::future::join3;
use kube::Client;
use tokio::sync::watch;
use tracing::{info, warn};

use super::held::{Held, Remark};
use super::own::Own;
use super::{names, with_default};
use crate::cluster::follow::Intake;
use crate::cluster::policies;
use crate::metrics::{Metrics, Reloaded, Reloads};
use crate::policy::{Exception, Policies, Policy, WorkloadKind};
use crate::rules::RULES;
use crate::runtime::error::StartError;
use crate::runtime::kinds::{self, Declared};
use crate::runtime::objects::Objects;
use crate::runtime::parts::{End, Parts};
use crate::server::admin::Gate;
use crate::status::{Source, Standing, Standings};

/// Policies that come once there is a cluster to ask; none until then, and the process is not ready.
pub(in crate::runtime) struct Awaited {
    policies: Arc<ArcSwap<Policies>>,
    default: Option<Policy>,
    gate: Gate,
}

/// Makes room for the policies of a cluster; readiness waits until they were listed. `default` stands beside them.
pub(in crate::runtime) fn prepare(default: Option<Policy>, parts: &Parts) -> Awaited {
    Awaited {
        default,
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
    /// Returns who tells what becomes of each of them.
    pub(in crate::runtime) fn start(
        self,
        objects: &mut Objects,
        parts: &mut Parts,
    ) -> Result<Arc<dyn Source>, StartError> {
        let cluster = objects.cluster.as_mut().ok_or(StartError::NoClusterForPolicies)?;
        let (client, synced) = (cluster.client.clone(), cluster.synced.clone());
        let (listed, mut first_list) = watch::channel(false);
        let declared = kinds::start(cluster, parts);
        let mut taken_up = declared.taken_up();
        let all = async move {
            synced.await;
            // Where nobody lists any more, the part has ended and readiness tells of it.
            let _ = first_list.wait_for(|listed| *listed).await;
            let _ = taken_up.wait_for(|taken_up| *taken_up).await;
        };
        cluster.synced = all.boxed().shared();
        let set = Arc::new(Mutex::new(Set {
            policies: Held::default(),
            exceptions: Held::default(),
            kinds: Held::default(),
            declared,
            default: self.default,
            in_force: None,
            told: Vec::new(),
            version: 0,
            swapped: self.policies,
            reloads: parts.metrics.reloads(Reloaded::Policies),
            gate: self.gate,
            listed,
        }));
        let policies = Watched::new(|set| &mut set.policies, &set, &client, &parts.metrics);
        let exceptions = Watched::new(|set| &mut set.exceptions, &set, &client, &parts.metrics);
        let kinds = Watched::new(|set| &mut set.kinds, &set, &client, &parts.metrics);
        let watching = join3(
            policies::watch(Policy::RESOURCE, client.clone(), policies),
            policies::watch(Exception::RESOURCE, client.clone(), exceptions),
            policies::watch(WorkloadKind::RESOURCE, client, kinds),
        );
        parts.start("policies", End::Cut, watching.map(|_| ()));
        Ok(Arc::new(Told(set)))
    }
}

/// All that is seen of policies and exceptions, and those who are told of it.
struct Set {
    policies: Held<Policy>,
    exceptions: Held<Exception>,
    kinds: Held<WorkloadKind>,
    /// Who takes up the kinds that are declared.
    declared: Declared,
    /// The installation's own policy, unless the cluster holds one of its name.
    default: Option<Policy>,
    /// What was put in force last.
    in_force: Option<(Vec<Policy>, Vec<Exception>)>,
    /// What was remarked last.
    told: Vec<Remark>,
    /// One more whenever any of it may have changed.
    version: u64,
    swapped: Arc<ArcSwap<Policies>>,
    reloads: Reloads,
    gate: Gate,
    listed: watch::Sender<bool>,
}

/// Tells what becomes of each object of the set.
struct Told(Arc<Mutex<Set>>);

impl Source for Told {
    fn version(&self) -> u64 {
        let set = set(&self.0);
        set.version + set.declared.version()
    }

    fn standings(&self) -> Standings {
        let set = set(&self.0);
        let situated = |standing: Standing<WorkloadKind>| {
            let situation = set.declared.situation(&standing.name);
            (standing, situation)
        };
        Standings {
            policies: set.policies.standings(),
            exceptions: set.exceptions.standings(),
            kinds: set.kinds.standings().into_iter().map(situated).collect(),
        }
    }
}

fn set(set: &Mutex<Set>) -> MutexGuard<'_, Set> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the objects of one kind into the set.
struct Watched<T> {
    held: fn(&mut Set) -> &mut Held<T>,
    set: Arc<Mutex<Set>>,
    client: Client,
    metrics: Arc<Metrics>,
}

impl<T: Own> Watched<T> {
    fn new(held: fn(&mut Set) -> &mut Held<T>, set: &Arc<Mutex<Set>>, client: &Client, metrics: &Arc<Metrics>) -> Self {
        Self {
            held,
            set: set.clone(),
            client: client.clone(),
            metrics: metrics.clone(),
        }
    }

    fn held<R>(&self, act: impl FnOnce(&mut Held<T>) -> R) -> R {
        act((self.held)(&mut self.set()))
    }

    fn set(&self) -> MutexGuard<'_, Set> {
        set(&self.set)
    }
}

impl<T: Own> Intake for Watched<T> {
    fn begin_list(&mut self) {
        self.held(Held::begin_list);
    }

    fn take<'a>(&mut self, objects: impl Iterator<Item = &'a str>) {
        for json in objects {
            if self.held(|held| held.take(json).is_some()) {
                self.metrics.policy_reload_failures.inc();
            }
        }
    }

    fn delete(&mut self, object: &str) {
        self.held(|held| held.delete(object));
    }

    fn end_list(&mut self) {
        self.held(Held::end_list);
    }

    fn alive(&mut self) {}

    fn refused(&mut self, code: u16) {
        self.held(|held| held.refused(code));
        let mut set = self.set();
        set.declare();
        set.put_in_force();
        set.tell();
    }

    async fn settle(&mut self) {
        if self.held(|held| held.asks_for_definition()) {
            let definition = policies::definition(T::RESOURCE, &self.client).await;
            self.held(|held| held.settle(definition));
        }
        let mut set = self.set();
        set.declare();
        set.put_in_force();
        set.tell();
    }
}

impl Set {
    /// Hands on the kinds that are declared; where none are to be had, there are none.
    fn declare(&self) {
        if self.kinds.is_listed() || self.kinds.is_refused() {
            self.declared.are(self.kinds.valid());
        }
    }

    /// Whether all is known that counts. Where exceptions are not to be had, there are none; policies are waited for.
    fn is_known(&self) -> bool {
        self.policies.is_listed() && (self.exceptions.is_listed() || self.exceptions.is_refused())
    }

    fn put_in_force(&mut self) {
        let now = (self.policies.valid(), self.exceptions.valid());
        if !self.is_known() || self.in_force.as_ref() == Some(&now) {
            return;
        }
        let (policies, exceptions) = now.clone();
        let count = exceptions.len();
        let policies = with_default(policies, self.default.as_ref());
        let policies = Policies::new(policies, RULES).with_exceptions(exceptions);
        info!(
            policies = names(&policies),
            exceptions = count,
            from = "cluster",
            "Policies loaded"
        );
        self.swapped.store(Arc::new(policies));
        self.in_force = Some(now);
        self.listed.send_replace(true);
    }

    /// Tells log, readiness and metrics of what somebody should look after.
    fn tell(&mut self) {
        self.version += 1;
        let mut remarks = self.policies.remarks();
        remarks.extend(self.exceptions.remarks());
        remarks.extend(self.kinds.remarks());
        if self.default.is_none() && self.policies.is_listed() && !self.policies.has_any() {
            remarks.push(Remark {
                text: "no policy in the cluster: nothing is judged".to_owned(),
                reason: None,
            });
        }
        for remark in remarks.iter().filter(|remark| !self.told.contains(remark)) {
            warn!(remark = remark.text, "Policies of the cluster want attention");
        }
        let text: Vec<&str> = remarks.iter().map(|remark| &*remark.text).collect();
        let text = text.join("; ");
        match (self.is_known(), remarks.is_empty()) {
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
