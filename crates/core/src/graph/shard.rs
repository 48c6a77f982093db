//! One namespace of the graph: its objects, the edges between them, and what is being written to it right now.

use std::sync::Arc;

use super::autoscaler::Autoscaler;
use super::claim::Claim;
use super::clean::Clean;
use super::edges::{Edges, Ordered, Table, cut, cut_ordered, ends, from_prefix};
use super::facts::Facts;
use super::hashed::Hashed;
use super::labelled::Labelled;
use super::labels::Labels;
use super::lookup::Lookup;
use super::names::{Name, ObjectRef, Timestamp};
use super::pods::VolumeSource;
use super::reservation::{Reservation, Reserved, Room};
use super::service::Service;
use super::shared::SharedNames;
use super::sorted::{Sorted, Spot};
use super::workload::Workload;

/// The objects of one namespace with their edges. Lives behind one lock (`store.rs`).
#[derive(Debug)]
pub struct Shard {
    pub namespace: Name,
    facts: Lookup<NamespaceFacts>,
    workloads: Table<ObjectRef, Arc<Workload>>,
    claims: Table<Name, Arc<Claim>>,
    services: Table<Name, Arc<Service>>,
    autoscalers: Table<ObjectRef, Arc<Autoscaler>>,
    /// Edges, each from the end that is looked up.
    claim_users: Edges<Name, ObjectRef>,
    /// The claims among these whose names end in a number, by name: a StatefulSet may make such.
    numbered: Ordered<ObjectRef>,
    governed: Edges<Name, ObjectRef>,
    scalers: Edges<ObjectRef, ObjectRef>,
    /// From the built-in workload that one names as its owner. Watches keep none of these, files may.
    made: Edges<ObjectRef, ObjectRef>,
    /// From the workload whose template another one borrows.
    borrowers: Edges<ObjectRef, ObjectRef>,
    labelled: Labelled,
    reserved: Reserved,
    names: SharedNames,
    clean: Clean,
}

/// What the Namespace object says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceFacts {
    pub labels: Labels,
    pub terminating: bool,
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
            numbered: Sorted::default(),
            governed: Sorted::default(),
            scalers: Sorted::default(),
            made: Sorted::default(),
            borrowers: Sorted::default(),
            labelled: Labelled::default(),
            reserved: Reserved::default(),
            names: SharedNames::default(),
            clean: Clean::default(),
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
            numbered,
            governed,
            scalers,
            made,
            borrowers,
            labelled,
            reserved,
            names: _,
            clean: _,
        } = self;
        Self {
            namespace: namespace.clone(),
            facts: facts.clone(),
            workloads: workloads.clone(),
            claims: claims.clone(),
            services: services.clone(),
            autoscalers: autoscalers.clone(),
            claim_users: claim_users.clone(),
            numbered: numbered.clone(),
            governed: governed.clone(),
            scalers: scalers.clone(),
            made: made.clone(),
            borrowers: borrowers.clone(),
            labelled: labelled.clone(),
            reserved: reserved.clone(),
            names: SharedNames::default(),
            clean: Clean::default(),
        }
    }

    /// Returns true where nothing is left, so that the shard itself may go.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.workloads.is_empty()
            && self.claims.is_empty()
            && self.services.is_empty()
            && self.autoscalers.is_empty()
            && self.reserved.is_empty()
            && !matches!(self.facts, Lookup::Known(_))
    }

    /// What the Namespace object says.
    #[must_use]
    pub const fn facts(&self) -> &Lookup<NamespaceFacts> {
        &self.facts
    }

    pub fn set_facts(&mut self, facts: Lookup<NamespaceFacts>) {
        self.clean.forget();
        self.facts = facts;
    }

    /// Returns true where a workload was found clean by these facts and policies, and nothing in the namespace changed
    /// since by which it is judged.
    #[must_use]
    pub fn is_clean(&self, workload: &ObjectRef, facts: &Facts, policies: &str) -> bool {
        self.clean.has(workload, facts, policies)
    }

    /// Remembers that nothing was found in a workload as it is here, with no reservation beside it.
    pub fn found_clean(&mut self, workload: ObjectRef, facts: &Facts, policies: &str) {
        self.clean.add(workload, facts, policies);
    }

    /// The labels of the Namespace object.
    #[must_use]
    pub fn namespace_labels(&self) -> Lookup<&Labels> {
        match &self.facts {
            Lookup::Known(facts) => Lookup::Known(&facts.labels),
            Lookup::Absent => Lookup::Absent,
            Lookup::Unknown => Lookup::Unknown,
        }
    }

    #[must_use]
    pub fn workload(&self, id: &ObjectRef) -> Option<&Arc<Workload>> {
        self.workloads.get(Hashed::object_like(id))
    }

    /// What a label of a workload says, else the same label of the Namespace.
    #[must_use]
    pub fn label<'a>(&'a self, workload: Option<&'a Arc<Workload>>, key: &str) -> Option<&'a str> {
        let own = workload.and_then(|workload| workload.labels.get(key));
        own.or_else(|| match &self.facts {
            Lookup::Known(namespace) => namespace.labels.get(key),
            Lookup::Absent | Lookup::Unknown => None,
        })
    }

    /// Every workload, in no order.
    pub fn workloads(&self) -> impl Iterator<Item = &Arc<Workload>> {
        values(&self.workloads)
    }

    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Arc<Claim>> {
        self.claim_at(self.spot_of_claim(name)?)
    }

    /// Where a claim stands, for those who ask for it again.
    pub(super) fn spot_of_claim(&self, name: &str) -> Option<Spot> {
        self.claims.spot(Hashed::name_like(name))
    }

    pub(super) fn claim_at(&self, spot: Spot) -> Option<&Arc<Claim>> {
        self.claims.at(spot).map(|(_, claim)| claim)
    }

    pub fn claims(&self) -> impl Iterator<Item = &Arc<Claim>> {
        values(&self.claims)
    }

    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Arc<Service>> {
        self.services.get(Hashed::name_like(name))
    }

    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        values(&self.services)
    }

    #[must_use]
    pub fn autoscaler(&self, id: &ObjectRef) -> Option<&Arc<Autoscaler>> {
        self.autoscalers.get(Hashed::object_like(id))
    }

    pub fn autoscalers(&self) -> impl Iterator<Item = &Arc<Autoscaler>> {
        values(&self.autoscalers)
    }

    /// The workloads that name this claim by hand.
    pub fn claim_users(&self, claim: &str) -> impl Iterator<Item = &ObjectRef> + use<'_> {
        ends(&self.claim_users, Hashed::name_like(claim))
    }

    /// The claims that workloads name by hand and whose names begin with `prefix` and end in a number, by name.
    pub fn claims_named<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Name> {
        from_prefix(&self.numbered, prefix).map(|(claim, _)| claim)
    }

    /// The StatefulSets whose `serviceName` is this.
    pub fn governed(&self, service: &str) -> impl Iterator<Item = &ObjectRef> + use<'_> {
        ends(&self.governed, Hashed::name_like(service))
    }

    /// The autoscalers that target this workload.
    pub fn scalers(&self, target: &ObjectRef) -> impl Iterator<Item = &ObjectRef> + use<'_> {
        ends(&self.scalers, Hashed::object_like(target))
    }

    /// The workloads that name this one as their owner.
    pub fn made(&self, owner: &ObjectRef) -> impl Iterator<Item = &ObjectRef> + use<'_> {
        ends(&self.made, Hashed::object_like(owner))
    }

    /// The workloads whose pods are made of the template of this one.
    pub fn borrowers(&self, lender: &ObjectRef) -> impl Iterator<Item = &ObjectRef> + use<'_> {
        // Hardly any namespace has one.
        let any = (!self.borrowers.is_empty()).then(|| ends(&self.borrowers, Hashed::object_like(lender)));
        any.into_iter().flatten()
    }

    /// The workloads that may be selected by the selector of this one, or select its pods; maybe twice, and itself.
    /// `None` where all of them have to be looked at.
    pub fn near<'a>(&'a self, workload: &Workload) -> Option<impl Iterator<Item = &'a ObjectRef>> {
        self.labelled.near(workload)
    }

    /// Puts a workload in, and drops the reservation that it fulfils.
    pub fn insert_workload(&mut self, mut workload: Arc<Workload>) {
        self.reserved.seen(&workload);
        if let Some(lender) = workload.template_of() {
            let lender = self.workload(lender).map(AsRef::as_ref);
            workload = Arc::new(Workload::clone(&workload).borrowing(lender));
        }
        let known = self.workloads.entry(Hashed::object_like(&workload.id));
        if known.is_some_and(|(_, known)| *known == workload) {
            return;
        }
        if !known.is_some_and(|(_, known)| known.is_same_but_for_generation(&workload)) {
            self.clean.forget();
        }
        // The name as it is kept already, for the edges too.
        let id = known.map_or_else(|| workload.id.clone(), |(id, _)| id.key().clone());
        // Who keeps it elsewhere has its names already.
        if let Some(own) = Arc::get_mut(&mut workload) {
            own.id = id.clone();
            self.share(own);
        }
        self.relabel(&id, Some(&workload));
        self.unlink(&id);
        for (claim, _) in workload.claims() {
            self.claim_users.insert((Hashed::name(claim.clone()), id.clone()), ());
            if ends_in_number(claim) {
                self.numbered.insert((claim.clone(), id.clone()), ());
            }
        }
        if let Some(service) = &workload.service_name {
            self.governed.insert((Hashed::name(service.clone()), id.clone()), ());
        }
        if let Some(owner) = workload.known_owner() {
            self.made.insert((Hashed::object(owner), id.clone()), ());
        }
        if let Some(lender) = workload.template_of() {
            let edge = (Hashed::object(ObjectRef::clone(lender)), id.clone());
            self.borrowers.insert(edge, ());
        }
        self.workloads.insert(Hashed::object(id.clone()), workload);
        self.lend(&id);
    }

    /// Tells those that borrow the template of a workload what has become of it.
    fn lend(&mut self, lender: &ObjectRef) {
        let borrowers: Vec<ObjectRef> = self.borrowers(lender).cloned().collect();
        for borrower in borrowers {
            if let Some(workload) = self.workload(&borrower).cloned() {
                self.insert_workload(workload);
            }
        }
    }

    /// Takes a workload out. A reservation to create it again stays.
    pub fn remove_workload(&mut self, id: &ObjectRef) {
        self.clean.forget();
        self.reserved.gone(id);
        self.relabel(id, None);
        self.unlink(id);
        self.workloads.remove(Hashed::object_like(id));
        self.lend(id);
    }

    pub fn insert_claim(&mut self, mut claim: Arc<Claim>) {
        self.clean.forget();
        let own = Arc::make_mut(&mut claim);
        let named = {
            let like = Hashed::name_like(&own.name).as_part(|(claim, _): &(Hashed<Name>, ObjectRef)| claim);
            let user = self.claim_users.entry(like);
            user.map(|((claim, _), ())| claim.key().clone())
        };
        if let Some(name) = named {
            own.name = name;
        }
        self.names.share_in_claim(own);
        self.claims.insert(Hashed::name(claim.name.clone()), claim);
    }

    pub fn remove_claim(&mut self, name: &str) {
        self.clean.forget();
        self.claims.remove(Hashed::name_like(name));
    }

    pub fn insert_service(&mut self, mut service: Arc<Service>) {
        self.clean.forget();
        // Who keeps it elsewhere has its names already.
        if let Some(own) = Arc::get_mut(&mut service) {
            own.target_ports.iter_mut().for_each(|port| self.names.share(port));
        }
        self.services.insert(Hashed::name(service.name.clone()), service);
    }

    pub fn remove_service(&mut self, name: &str) {
        self.clean.forget();
        self.services.remove(Hashed::name_like(name));
    }

    pub fn insert_autoscaler(&mut self, mut autoscaler: Arc<Autoscaler>) {
        self.remove_autoscaler(&autoscaler.id);
        if let Some(own) = Arc::get_mut(&mut autoscaler)
            && let Some(target) = &mut own.target
            && let Some((known, _)) = self.workloads.entry(Hashed::object_like(target))
        {
            *target = known.key().clone();
            // Most are named after what they scale.
            if own.id.name == target.name {
                own.id.name = target.name.clone();
            }
        }
        if let Some(target) = &autoscaler.target {
            self.scalers
                .insert((Hashed::object(target.clone()), autoscaler.id.clone()), ());
        }
        self.autoscalers
            .insert(Hashed::object(autoscaler.id.clone()), autoscaler);
    }

    pub fn remove_autoscaler(&mut self, id: &ObjectRef) {
        self.clean.forget();
        if let Some(old) = self.autoscalers.remove(Hashed::object_like(id))
            && let Some(target) = &old.target
        {
            cut(&mut self.scalers, Hashed::object_like(target), &old.id);
        }
    }

    /// Lays an admitted write over the graph, as long as there is room.
    pub fn reserve(&mut self, reservation: Reservation, room: &Room) {
        self.reserved.keep(reservation, room);
    }

    /// Drops the reservation that this version of a workload fulfils.
    pub fn fulfil(&mut self, seen: &Arc<Workload>) {
        self.reserved.seen(seen);
    }

    /// Gives up the admitted write of a workload that is not there, as was asked then and is known now, unless it may be
    /// on its way to be stored.
    pub fn give_up(&mut self, id: &ObjectRef, asked: Timestamp, known: Timestamp) {
        self.reserved.absent(id, asked, known);
    }

    /// The admitted write of one workload, where it has not been seen yet.
    #[must_use]
    pub fn reservation(&self, id: &ObjectRef) -> Option<&Reservation> {
        self.reserved.get(id)
    }

    /// The writes that were admitted and have not been seen, in no order.
    pub fn reservations(&self) -> impl Iterator<Item = &Reservation> {
        self.reserved.iter()
    }

    /// The workloads whose admitted writes name this claim by hand.
    pub fn reserved_users(&self, claim: &str) -> impl Iterator<Item = &ObjectRef> + use<'_> {
        self.reserved.users(claim)
    }

    /// Drops the reservations that ran out: something after us may have refused the write.
    pub fn expire(&mut self, now: Timestamp) {
        self.reserved.expire(now);
    }

    /// Shares the names that a workload repeats.
    fn share(&mut self, workload: &mut Workload) {
        if workload.namespace == self.namespace {
            workload.namespace = self.namespace.clone();
        }
        let pods = Arc::make_mut(&mut workload.pods);
        for volume in &mut pods.volumes {
            if let VolumeSource::Claim { claim, .. } = &mut volume.source
                && let Some((name, _)) = self.claims.entry(Hashed::name_like(claim))
            {
                *claim = name.key().clone();
            }
        }
        self.names.share_in_pods(pods);
        self.names.share_in_templates(&mut workload.claim_templates);
    }

    /// Writes down by which labels a workload is found, where that is not the same as before.
    fn relabel(&mut self, id: &ObjectRef, now: Option<&Workload>) {
        let former = self.workloads.get(Hashed::object_like(id));
        let same = |one: &Workload, other: &Workload| {
            one.pods.labels == other.pods.labels && one.selector.match_labels == other.selector.match_labels
        };
        if former.zip(now).is_some_and(|(former, now)| same(former, now)) {
            return;
        }
        if let Some(former) = former {
            self.labelled.remove(former, values(&self.workloads));
        }
        if let Some(now) = now {
            self.labelled.insert(now, values(&self.workloads));
        }
    }

    fn unlink(&mut self, id: &ObjectRef) {
        let Some(old) = self.workloads.get(Hashed::object_like(id)) else {
            return;
        };
        for (claim, _) in old.claims() {
            cut(&mut self.claim_users, Hashed::name_like(claim), id);
            cut_ordered(&mut self.numbered, claim, id);
        }
        if let Some(service) = &old.service_name {
            cut(&mut self.governed, Hashed::name_like(service), id);
        }
        if let Some(owner) = old.known_owner() {
            cut(&mut self.made, Hashed::object_like(&owner), id);
        }
        if let Some(lender) = old.template_of() {
            cut(&mut self.borrowers, Hashed::object_like(lender), id);
        }
    }
}

/// Whether a claim may be one of those that a StatefulSet makes: `<template>-<set>-<ordinal>`.
fn ends_in_number(claim: &str) -> bool {
    claim.ends_with(|last: char| last.is_ascii_digit())
}

fn values<K: Ord + Clone, V: Clone>(map: &Table<K, V>) -> impl Iterator<Item = &V> {
    map.iter().map(|(_, value)| value)
}
