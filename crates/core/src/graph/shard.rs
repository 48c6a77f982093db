//! One namespace of the graph: its objects, the edges between them, and what is being written to it right now.

use std::collections::BTreeMap;
use std::ops::Bound;
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
use super::workload::Workload;

/// The objects of one namespace with their edges. Lives behind one lock (`store.rs`).
#[derive(Clone, Debug)]
pub struct Shard {
    pub namespace: Name,
    pub facts: Lookup<NamespaceFacts>,
    workloads: BTreeMap<ObjectRef, Arc<Workload>>,
    claims: BTreeMap<Name, Arc<Claim>>,
    services: BTreeMap<Name, Arc<Service>>,
    autoscalers: BTreeMap<Name, Arc<Autoscaler>>,
    /// Edges, each from the end that is looked up.
    claim_users: BTreeMap<Name, Vec<ObjectRef>>,
    governed: BTreeMap<Name, Vec<ObjectRef>>,
    scalers: BTreeMap<ObjectRef, Vec<Name>>,
    reservations: BTreeMap<ObjectRef, Reservation>,
    /// As `claim_users`, of the workloads that are reserved: a burst of writes must not be walked for each of them.
    reserved_users: BTreeMap<Name, Vec<ObjectRef>>,
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
            workloads: BTreeMap::new(),
            claims: BTreeMap::new(),
            services: BTreeMap::new(),
            autoscalers: BTreeMap::new(),
            claim_users: BTreeMap::new(),
            governed: BTreeMap::new(),
            scalers: BTreeMap::new(),
            reservations: BTreeMap::new(),
            reserved_users: BTreeMap::new(),
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
        self.workloads.values()
    }

    /// The workloads of one kind, by name.
    pub fn workloads_of(&self, kind: Kind) -> impl Iterator<Item = &Arc<Workload>> {
        let first = ObjectRef::new(kind, "");
        self.workloads
            .range(first..)
            .take_while(move |(id, _)| id.kind == kind)
            .map(|(_, workload)| workload)
    }

    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Arc<Claim>> {
        self.claims.get(name)
    }

    pub fn claims(&self) -> impl Iterator<Item = &Arc<Claim>> {
        self.claims.values()
    }

    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Arc<Service>> {
        self.services.get(name)
    }

    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.values()
    }

    #[must_use]
    pub fn autoscaler(&self, name: &str) -> Option<&Arc<Autoscaler>> {
        self.autoscalers.get(name)
    }

    pub fn autoscalers(&self) -> impl Iterator<Item = &Arc<Autoscaler>> {
        self.autoscalers.values()
    }

    /// The workloads that name this claim by hand.
    #[must_use]
    pub fn claim_users(&self, claim: &str) -> &[ObjectRef] {
        self.claim_users.get(claim).map_or(&[], Vec::as_slice)
    }

    /// The claims that workloads name by hand and whose names begin with `prefix`, by name.
    pub fn claims_named<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Name> {
        self.claim_users
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .map(|(claim, _)| claim)
            .take_while(move |claim| claim.starts_with(prefix))
    }

    /// The StatefulSets whose `serviceName` is this.
    #[must_use]
    pub fn governed(&self, service: &str) -> &[ObjectRef] {
        self.governed.get(service).map_or(&[], Vec::as_slice)
    }

    /// The autoscalers that target this workload.
    #[must_use]
    pub fn scalers(&self, target: &ObjectRef) -> &[Name] {
        self.scalers.get(target).map_or(&[], Vec::as_slice)
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
        let mut claims: Vec<&Name> = workload.claims().map(|(claim, _)| claim).collect();
        claims.sort_unstable();
        claims.dedup();
        for claim in claims {
            link(&mut self.claim_users, claim.clone(), id.clone());
        }
        if let Some(service) = &workload.service_name {
            link(&mut self.governed, service.clone(), id.clone());
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
        if let Some((name, _)) = self.claim_users.get_key_value(&own.name) {
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
            link(&mut self.scalers, target.clone(), autoscaler.name.clone());
        }
        self.autoscalers.insert(autoscaler.name.clone(), autoscaler);
    }

    pub fn remove_autoscaler(&mut self, name: &str) {
        if let Some(old) = self.autoscalers.remove(name)
            && let Some(target) = &old.target
        {
            cut(&mut self.scalers, target, &old.name);
        }
    }

    /// Lays an admitted write over the graph; one of the same workload replaces the former (a retry).
    pub fn reserve(&mut self, id: ObjectRef, reservation: Reservation) {
        self.release(&id);
        let workload = reservation.workload.iter();
        for (claim, _) in workload.flat_map(|workload| workload.claims()) {
            link(&mut self.reserved_users, claim.clone(), id.clone());
        }
        self.reservations.insert(id, reservation);
    }

    /// The admitted write of one workload, where it has not been seen yet.
    #[must_use]
    pub fn reservation(&self, id: &ObjectRef) -> Option<&Reservation> {
        self.reservations.get(id)
    }

    /// The writes that were admitted and have not been seen, by kind and name.
    pub fn reservations(&self) -> impl Iterator<Item = (&ObjectRef, &Reservation)> {
        self.reservations.iter()
    }

    /// The workloads whose admitted writes name this claim by hand.
    #[must_use]
    pub fn reserved_users(&self, claim: &str) -> &[ObjectRef] {
        self.reserved_users.get(claim).map_or(&[], Vec::as_slice)
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
                && let Some((name, _)) = self.claims.get_key_value(claim)
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
            cut(&mut self.reserved_users, claim, id);
        }
    }

    fn unlink(&mut self, id: &ObjectRef) {
        let Some(old) = self.workloads.get(id) else { return };
        for (claim, _) in old.claims() {
            cut(&mut self.claim_users, claim, id);
        }
        if let Some(service) = &old.service_name {
            cut(&mut self.governed, service, id);
        }
    }
}

/// Adds an edge; the ends stay sorted so that every walk over them has one order.
fn link<K: Ord, V: Ord>(edges: &mut BTreeMap<K, Vec<V>>, from: K, to: V) {
    let ends = edges.entry(from).or_default();
    if let Err(position) = ends.binary_search(&to) {
        ends.reserve_exact(1);
        ends.insert(position, to);
    }
}

fn cut<K: Ord, V: Ord>(edges: &mut BTreeMap<K, Vec<V>>, from: &K, to: &V) {
    if let Some(ends) = edges.get_mut(from) {
        ends.retain(|end| end != to);
        if ends.is_empty() {
            edges.remove(from);
        }
    }
}
