//! One namespace of the graph: its objects, the edges between them, and what is being written to it right now.

use std::borrow::Borrow;
use std::sync::Arc;

use super::autoscaler::Autoscaler;
use super::claim::{Claim, ClassName, VolumeKind, VolumeTraits};
use super::kind::Kind;
use super::labels::Labels;
use super::lookup::Lookup;
use super::names::{Name, ObjectRef, Timestamp};
use super::pods::VolumeSource;
use super::service::Service;
use super::shared::SharedNames;
use super::sorted::Sorted;
use super::workload::Workload;

/// Edges between two kinds of ends, sorted, so that every walk over them has one order.
type Edges<A, B> = Sorted<(A, B), ()>;

/// The objects of one namespace with their edges. Lives behind one lock (`store.rs`).
#[derive(Debug)]
pub struct Shard {
    pub namespace: Name,
    pub facts: Lookup<NamespaceFacts>,
    workloads: Sorted<ObjectRef, Arc<Workload>>,
    claims: Sorted<Name, Arc<Claim>>,
    services: Sorted<Name, Arc<Service>>,
    autoscalers: Sorted<Name, Arc<Autoscaler>>,
    /// Edges, each from the end that is looked up.
    claim_users: Edges<Name, ObjectRef>,
    governed: Edges<Name, ObjectRef>,
    scalers: Edges<ObjectRef, Name>,
    reservations: Sorted<ObjectRef, Reservation>,
    /// As `claim_users`, of the workloads that are reserved: a burst of writes must not be walked for each of them.
    reserved_users: Edges<Name, ObjectRef>,
    names: SharedNames,
}

/// What the Namespace object says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceFacts {
    pub labels: Labels,
    pub terminating: bool,
}

/// An admitted write that no watch has delivered yet (`ARCHITECTURE.md`, "Reservations").
#[derive(Clone, Debug)]
pub struct Reservation {
    /// The workload as admitted, or `None` for one that is leaving.
    pub workload: Option<Arc<Workload>>,
    pub created: bool,
    pub until: Timestamp,
}

impl Shard {
    /// An empty namespace.
    #[must_use]
    pub fn new(namespace: Name) -> Self {
        Self {
            namespace,
            facts: Lookup::Unknown,
            workloads: Sorted::default(),
            claims: Sorted::default(),
            services: Sorted::default(),
            autoscalers: Sorted::default(),
            claim_users: Sorted::default(),
            governed: Sorted::default(),
            scalers: Sorted::default(),
            reservations: Sorted::default(),
            reserved_users: Sorted::default(),
            names: SharedNames::default(),
        }
    }

    /// The namespace as it is now, to be read without its lock, or changed on its own. Nothing is copied: what changes
    /// in either is no longer shared.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        let Self {
            namespace,
            facts,
            workloads,
            claims,
            services,
            autoscalers,
            claim_users,
            governed,
            scalers,
            reservations,
            reserved_users,
            names: _,
        } = self;
        Self {
            namespace: namespace.clone(),
            facts: facts.clone(),
            workloads: workloads.clone(),
            claims: claims.clone(),
            services: services.clone(),
            autoscalers: autoscalers.clone(),
            claim_users: claim_users.clone(),
            governed: governed.clone(),
            scalers: scalers.clone(),
            reservations: reservations.clone(),
            reserved_users: reserved_users.clone(),
            names: SharedNames::default(),
        }
    }

    /// Returns true where nothing is left, so that the shard itself may go.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.workloads.is_empty()
            && self.claims.is_empty()
            && self.services.is_empty()
            && self.autoscalers.is_empty()
            && self.reservations.is_empty()
            && !matches!(self.facts, Lookup::Known(_))
    }

    #[must_use]
    pub fn workload(&self, id: &ObjectRef) -> Option<&Arc<Workload>> {
        self.workloads.get(id)
    }

    /// Every workload, by kind and name.
    pub fn workloads(&self) -> impl Iterator<Item = &Arc<Workload>> {
        values(&self.workloads)
    }

    /// The workloads of one kind, by name.
    pub fn workloads_of(&self, kind: Kind) -> impl Iterator<Item = &Arc<Workload>> {
        let from = self.workloads.starting(move |id| id.kind.cmp(&kind));
        from.take_while(move |(id, _)| id.kind == kind)
            .map(|(_, workload)| workload)
    }

    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Arc<Claim>> {
        self.claims.get(name)
    }

    pub fn claims(&self) -> impl Iterator<Item = &Arc<Claim>> {
        values(&self.claims)
    }

    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Arc<Service>> {
        self.services.get(name)
    }

    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        values(&self.services)
    }

    #[must_use]
    pub fn autoscaler(&self, name: &str) -> Option<&Arc<Autoscaler>> {
        self.autoscalers.get(name)
    }

    pub fn autoscalers(&self) -> impl Iterator<Item = &Arc<Autoscaler>> {
        values(&self.autoscalers)
    }

    /// The workloads that name this claim by hand.
    pub fn claim_users(&self, claim: &str) -> impl Iterator<Item = &ObjectRef> + use<'_> {
        ends(&self.claim_users, claim)
    }

    /// The claims that workloads name by hand and whose names begin with `prefix`, by name.
    pub fn claims_named<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Name> {
        let edges = self.claim_users.starting(move |(claim, _)| claim.as_str().cmp(prefix));
        edges
            .map(|((claim, _), ())| claim)
            .take_while(move |claim| claim.starts_with(prefix))
    }

    /// The StatefulSets whose `serviceName` is this.
    pub fn governed(&self, service: &str) -> impl Iterator<Item = &ObjectRef> + use<'_> {
        ends(&self.governed, service)
    }

    /// The autoscalers that target this workload.
    pub fn scalers(&self, target: &ObjectRef) -> impl Iterator<Item = &Name> + use<'_> {
        ends(&self.scalers, target)
    }

    /// Puts a workload in, and drops the reservation that it fulfils.
    pub fn insert_workload(&mut self, mut workload: Arc<Workload>) {
        let id = workload.id.clone();
        self.settle(&workload);
        if self.workloads.get(&id) == Some(&workload) {
            return;
        }
        // Who keeps it elsewhere has its names already.
        if let Some(own) = Arc::get_mut(&mut workload) {
            self.share(own);
        }
        self.unlink(&id);
        for (claim, _) in workload.claims() {
            self.claim_users.insert((claim.clone(), id.clone()), ());
        }
        if let Some(service) = &workload.service_name {
            self.governed.insert((service.clone(), id.clone()), ());
        }
        self.workloads.insert(id, workload);
    }

    /// Takes a workload out. A reservation to create it again stays.
    pub fn remove_workload(&mut self, id: &ObjectRef) {
        if self
            .reservations
            .get(id)
            .is_some_and(|reservation| reservation.workload.is_none())
        {
            self.release(id);
        }
        self.unlink(id);
        self.workloads.remove(id);
    }

    pub fn insert_claim(&mut self, mut claim: Arc<Claim>) {
        let own = Arc::make_mut(&mut claim);
        let named = self.claim_users.equal(|(claim, _)| claim.cmp(&own.name)).next();
        if let Some(((name, _), ())) = named {
            own.name = name.clone();
        }
        if let ClassName::Named(class) = &mut own.class {
            self.names.share(class);
        }
        if let Lookup::Known(VolumeTraits {
            kind: VolumeKind::Csi(driver),
            ..
        }) = &mut own.volume
        {
            self.names.share(driver);
        }
        self.claims.insert(claim.name.clone(), claim);
    }

    pub fn remove_claim(&mut self, name: &str) {
        self.claims.remove(name);
    }

    pub fn insert_service(&mut self, service: Arc<Service>) {
        self.services.insert(service.name.clone(), service);
    }

    pub fn remove_service(&mut self, name: &str) {
        self.services.remove(name);
    }

    pub fn insert_autoscaler(&mut self, autoscaler: Arc<Autoscaler>) {
        self.remove_autoscaler(&autoscaler.name);
        if let Some(target) = &autoscaler.target {
            self.scalers.insert((target.clone(), autoscaler.name.clone()), ());
        }
        self.autoscalers.insert(autoscaler.name.clone(), autoscaler);
    }

    pub fn remove_autoscaler(&mut self, name: &str) {
        if let Some(old) = self.autoscalers.remove(name)
            && let Some(target) = &old.target
        {
            self.scalers.remove(&(target.clone(), old.name.clone()));
        }
    }

    /// Lays an admitted write over the graph; one of the same workload replaces the former (a retry).
    pub fn reserve(&mut self, id: ObjectRef, reservation: Reservation) {
        self.release(&id);
        let workload = reservation.workload.iter();
        for (claim, _) in workload.flat_map(|workload| workload.claims()) {
            self.reserved_users.insert((claim.clone(), id.clone()), ());
        }
        self.reservations.insert(id, reservation);
    }

    /// The admitted write of one workload, where it has not been seen yet.
    #[must_use]
    pub fn reservation(&self, id: &ObjectRef) -> Option<&Reservation> {
        self.reservations.get(id)
    }

    /// The writes that were admitted and have not been seen, by kind and name.
    pub fn reservations(&self) -> impl Iterator<Item = &(ObjectRef, Reservation)> {
        self.reservations.iter()
    }

    /// The workloads whose admitted writes name this claim by hand.
    pub fn reserved_users(&self, claim: &str) -> impl Iterator<Item = &ObjectRef> + use<'_> {
        ends(&self.reserved_users, claim)
    }

    /// Drops the reservations that ran out: something after us may have refused the write.
    pub fn expire(&mut self, now: Timestamp) {
        if !self.reservations.is_empty() {
            let over = self
                .reservations
                .iter()
                .filter(|(_, reservation)| reservation.until <= now);
            let over: Vec<ObjectRef> = over.map(|(id, _)| id.clone()).collect();
            over.iter().for_each(|id| self.release(id));
        }
    }

    /// A created workload is fulfilled by any version of that name; an updated one by the same projection or a
    /// generation that has caught up. One that is leaving is fulfilled by its removal only.
    fn settle(&mut self, seen: &Arc<Workload>) {
        let Some(reservation) = self.reservations.get(&seen.id) else {
            return;
        };
        let fulfilled = reservation.workload.as_ref().is_some_and(|reserved| {
            reservation.created || reserved == seen || (seen.generation > 0 && seen.generation >= reserved.generation)
        });
        if fulfilled {
            self.release(&seen.id);
        }
    }

    /// Shares the names that a workload repeats.
    fn share(&mut self, workload: &mut Workload) {
        if workload.namespace == self.namespace {
            workload.namespace = self.namespace.clone();
        }
        for template in &mut workload.claim_templates {
            self.names.share(&mut template.name);
            if let ClassName::Named(class) = &mut template.class {
                self.names.share(class);
            }
        }
        let pods = Arc::make_mut(&mut workload.pods);
        for volume in &mut pods.volumes {
            self.names.share(&mut volume.name);
            if let VolumeSource::Claim { claim, .. } = &mut volume.source
                && let Some((name, _)) = self.claims.entry(claim)
            {
                *claim = name.clone();
            }
        }
        for mount in &mut pods.mounts {
            self.names.share(&mut mount.container);
            self.names.share(&mut mount.volume);
        }
    }

    fn release(&mut self, id: &ObjectRef) {
        let Some(Reservation {
            workload: Some(workload),
            ..
        }) = self.reservations.remove(id)
        else {
            return;
        };
        for (claim, _) in workload.claims() {
            self.reserved_users.remove(&(claim.clone(), id.clone()));
        }
    }

    fn unlink(&mut self, id: &ObjectRef) {
        let Some(old) = self.workloads.get(id) else { return };
        for (claim, _) in old.claims() {
            self.claim_users.remove(&(claim.clone(), id.clone()));
        }
        if let Some(service) = &old.service_name {
            self.governed.remove(&(service.clone(), id.clone()));
        }
    }
}

/// The ends of the edges that begin here.
fn ends<'a, A, B, Q>(edges: &'a Edges<A, B>, from: &Q) -> impl Iterator<Item = &'a B> + use<'a, A, B, Q>
where
    A: Borrow<Q> + Ord + Clone,
    B: Ord + Clone,
    Q: Ord + ?Sized,
{
    edges.equal(|(one, _)| one.borrow().cmp(from)).map(|((_, end), ())| end)
}

fn values<K: Ord + Clone, V: Clone>(map: &Sorted<K, V>) -> impl Iterator<Item = &V> {
    map.iter().map(|(_, value)| value)
}
