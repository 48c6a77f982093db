//! The graph of one namespace with a change laid over it: all that a rule can see.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::autoscaler::Autoscaler;
use super::claim::{Claim, ClassName};
use super::facts::{Class, ClusterNode, Driver, Facts, Knowledge};
use super::kind::{Field, Kind, Role, Runs};
use super::lookup::Lookup;
use super::names::{Name, ObjectRef, Timestamp};
use super::node::Node;
use super::overlay::Overlay;
use super::service::Service;
use super::shard::{NamespaceFacts, Shard};
use super::sorted::Spot;
use super::version::Version;
use super::workload::Workload;

/// A frozen look at one namespace: the shard, reservations over it, and an overlay over both.
#[derive(Debug)]
pub struct View<'a> {
    shard: &'a Shard,
    facts: &'a Facts,
    overlay: &'a Overlay,
    reservations: Reservations,
    unknown: RefCell<Vec<Kind>>,
    /// Where the claim stands that was asked for last: most workloads have one, for which rule after rule asks.
    claim: Cell<Option<Spot>>,
}

/// Whether admitted writes that no watch has delivered yet count as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservations {
    Counted(Timestamp),
    Ignored,
}

impl<'a> View<'a> {
    /// Looks at `shard` through `overlay`.
    #[must_use]
    pub fn new(shard: &'a Shard, facts: &'a Facts, overlay: &'a Overlay, reservations: Reservations) -> Self {
        Self {
            shard,
            facts,
            overlay,
            reservations,
            unknown: RefCell::default(),
            claim: Cell::default(),
        }
    }

    /// The namespace that is looked at.
    #[must_use]
    pub fn namespace(&self) -> &'a Name {
        &self.shard.namespace
    }

    /// What the Namespace object says.
    #[must_use]
    pub fn namespace_facts(&self) -> Lookup<&'a NamespaceFacts> {
        let found = match self.shard.facts() {
            Lookup::Known(facts) => Some(facts),
            Lookup::Absent | Lookup::Unknown => None,
        };
        self.answer(Kind::NAMESPACE, found)
    }

    /// The kinds of which something was asked and not known, so far; sorted.
    #[must_use]
    pub fn unknown_kinds(&self) -> Vec<Kind> {
        let mut kinds = self.unknown.borrow().clone();
        kinds.sort_unstable();
        kinds
    }

    #[must_use]
    pub fn claim(&self, name: &str) -> Lookup<&'a Claim> {
        match self.overlay.claim(name) {
            Some(Some(claim)) => Lookup::Known(claim),
            Some(None) => Lookup::Absent,
            None => self.named(Kind::CLAIM, name, self.claim_of_shard(name)),
        }
    }

    fn claim_of_shard(&self, name: &str) -> Option<&'a Claim> {
        let again = self.claim.get().and_then(|spot| self.shard.claim_at(spot));
        if let Some(claim) = again.filter(|claim| claim.name.as_str() == name) {
            return Some(claim);
        }
        let spot = self.shard.spot_of_claim(name);
        self.claim.set(spot);
        self.shard.claim_at(spot?).map(AsRef::as_ref)
    }

    /// Every claim of the namespace that is here, by name.
    #[must_use]
    pub fn claims(&self) -> Vec<&'a Claim> {
        let kept = self
            .shard
            .claims()
            .filter(|claim| self.overlay.claim(&claim.name).is_none());
        let mut claims: Vec<&'a Claim> = kept.chain(self.overlay.claims()).map(AsRef::as_ref).collect();
        claims.sort_by(|left, right| left.name.cmp(&right.name));
        claims
    }

    #[must_use]
    pub fn service(&self, name: &str) -> Lookup<&'a Service> {
        match self.overlay.service(name) {
            Some(Some(service)) => Lookup::Known(service),
            Some(None) => Lookup::Absent,
            None => self.named(Kind::SERVICE, name, self.shard.service(name).map(AsRef::as_ref)),
        }
    }

    /// Every Service of the namespace that is here, by name; all of them where [`View::knows_all`] says so.
    #[must_use]
    pub fn services(&self) -> Vec<&'a Service> {
        let mut services: Vec<&'a Service> = self
            .shard
            .services()
            .filter(|service| self.overlay.service(&service.name).is_none())
            .map(AsRef::as_ref)
            .collect();
        services.extend(self.overlay.services().map(AsRef::as_ref));
        services.sort_by(|left, right| left.name.cmp(&right.name));
        services
    }

    /// Returns true where what is not found of `kind` is absent. A "no" is recorded as an unknown look-up.
    #[must_use]
    pub fn knows_all(&self, kind: Kind) -> bool {
        let complete = self.facts.knowledge(kind) == Knowledge::Complete;
        if !complete {
            self.note_unknown(kind);
        }
        complete
    }

    #[must_use]
    pub fn workload(&self, id: &ObjectRef) -> Lookup<&'a Workload> {
        match self.laid_over(id) {
            Some(Some(workload)) => Lookup::Known(workload),
            Some(None) => Lookup::Absent,
            None => self.named(id.kind, &id.name, self.shard.workload(id).map(AsRef::as_ref)),
        }
    }

    /// Every workload of the namespace that is here, by kind and name.
    #[must_use]
    pub fn workloads(&self) -> Vec<&'a Workload> {
        self.merged(
            self.shard
                .workloads()
                .filter(|workload| self.laid_over(&workload.id).is_none()),
            self.shard.reservations().map(|one| &one.workload.id),
            |_| true,
        )
    }

    /// The workloads whose pods name this claim by hand, by kind and name.
    #[must_use]
    pub fn claim_users(&self, claim: &str) -> Vec<&'a Workload> {
        let reserved = self.shard.reserved_users(claim);
        self.merged(self.linked(self.shard.claim_users(claim)), reserved, |workload| {
            workload.claims().any(|(name, _)| &**name == claim)
        })
    }

    /// The StatefulSet that this claim is one disk of, by name `<template>-<statefulset>-<ordinal>`, whether or not
    /// the ordinal is within its replicas now; and that ordinal.
    ///
    /// Computed from the name, by every possible split at `-`, so that no edge has to be kept for each ordinal.
    #[must_use]
    pub fn template_user(&self, claim: &str) -> Option<(&'a Workload, u64)> {
        let (rest, ordinal) = claim.rsplit_once('-')?;
        let ordinal = parse_ordinal(ordinal)?;
        let kinds = self.facts.kinds.iter().filter(|kind| kind.has(Field::ClaimTemplates));
        let mut splits = kinds.flat_map(|kind| rest.match_indices('-').map(move |(split, _)| (kind, split)));
        splits.find_map(|(kind, split)| {
            let (template, set) = (&rest[..split], &rest[split + 1..]);
            let set = self.workload(&ObjectRef::new(kind, set)).known()?;
            let makes = set.claim_templates.iter().any(|one| &*one.name == template);
            makes.then_some((set, ordinal))
        })
    }

    /// The claims of a StatefulSet's templates, within its ordinals, that pods name by hand; each with the index of
    /// its template. Found by prefix, so that the number of ordinals costs nothing.
    #[must_use]
    pub fn borrowed_claims(&self, set: &Workload) -> Vec<(usize, Name)> {
        let mut borrowed = Vec::new();
        for (index, template) in set.claim_templates.iter().enumerate() {
            let prefix = format!("{}-{}-", template.name, set.id.name);
            let laid_over = self.overlay.workloads();
            let reserved = self.shard.reservations().map(|one| &one.workload);
            let named = laid_over
                .chain(reserved)
                .flat_map(|workload| workload.claims().map(|(claim, _)| claim));
            let within = |claim: &&Name| {
                claim
                    .strip_prefix(&prefix)
                    .and_then(parse_ordinal)
                    .is_some_and(|ordinal| set.ordinals().contains(ordinal))
            };
            let claims = self.shard.claims_named(&prefix).chain(named).filter(within);
            borrowed.extend(claims.map(|claim| (index, claim.clone())));
        }
        borrowed.sort_unstable();
        borrowed.dedup();
        borrowed
    }

    /// The StatefulSets whose governing Service is this, by name.
    #[must_use]
    pub fn governed(&self, service: &str) -> Vec<&'a Workload> {
        let reserved = self.shard.reservations().map(|one| &one.workload.id);
        self.merged(self.linked(self.shard.governed(service)), reserved, |workload| {
            workload.service_name.as_deref() == Some(service)
        })
    }

    /// The other workloads whose pods the selector of this one selects, or whose selectors select its pods, by kind and
    /// name.
    #[must_use]
    pub fn overlapping(&self, workload: &Workload) -> Vec<&'a Workload> {
        let meets = |other: &Workload| {
            other.id != workload.id && (workload.selects_pods_of(other) || other.selects_pods_of(workload))
        };
        let met = |other: &&'a Arc<Workload>| meets(other);
        let reserved = self.shard.reservations().map(|one| &one.workload.id);
        let mut found = match self.shard.near(workload) {
            // Of a workload that meets nobody its own entry is there, and nothing is looked up.
            Some(near) => {
                let others = self.linked(near.filter(|id| **id != workload.id));
                self.merged(others.filter(met), reserved, meets)
            }
            None => {
                let plain = self.shard.workloads().filter(|one| self.laid_over(&one.id).is_none());
                self.merged(plain.filter(met), reserved, meets)
            }
        };
        found.dedup_by(|left, right| left.id == right.id);
        found
    }

    /// The autoscalers that target this workload and are not being deleted, by name.
    #[must_use]
    pub fn autoscalers(&self, target: &ObjectRef) -> Vec<&'a Autoscaler> {
        let available = self.facts.knowledge(Kind::AUTOSCALER) != Knowledge::Unavailable;
        if !available {
            self.note_unknown(Kind::AUTOSCALER);
        }
        let linked = self
            .shard
            .scalers(target)
            .filter(|id| (available || id.kind != Kind::AUTOSCALER) && self.overlay.autoscaler(id).is_none());
        let mut found: Vec<&'a Autoscaler> = linked
            .filter_map(|id| self.shard.autoscaler(id))
            .map(AsRef::as_ref)
            .collect();
        // What a request brings along is known, whatever else is.
        let laid_over = self.overlay.autoscalers().map(AsRef::as_ref);
        found.extend(laid_over.filter(|autoscaler| autoscaler.target.as_ref() == Some(target)));
        found.retain(|autoscaler| !autoscaler.deleting);
        // What KEDA made says what its ScaledObject says, which is what people edit.
        if found.iter().any(|one| one.keda && !one.is_made()) {
            found.retain(|one| !one.is_made());
        }
        found.sort_by(|left, right| left.id.name.cmp(&right.id.name));
        found
    }

    /// This autoscaler.
    #[must_use]
    pub fn autoscaler(&self, id: &ObjectRef) -> Lookup<&'a Autoscaler> {
        match self.overlay.autoscaler(id) {
            Some(Some(autoscaler)) => Lookup::Known(autoscaler),
            Some(None) => Lookup::Absent,
            None => self.named(id.kind, &id.name, self.shard.autoscaler(id).map(AsRef::as_ref)),
        }
    }

    /// Every autoscaler of the namespace that is here, by name.
    #[must_use]
    pub fn all_autoscalers(&self) -> Vec<&'a Autoscaler> {
        let kept = self
            .shard
            .autoscalers()
            .filter(|one| self.overlay.autoscaler(&one.id).is_none());
        let mut found: Vec<&'a Autoscaler> = kept.chain(self.overlay.autoscalers()).map(AsRef::as_ref).collect();
        found.sort_by(|left, right| left.id.name.cmp(&right.id.name));
        found
    }

    /// The autoscalers of the graph whose target has this name, whatever its kind.
    pub(super) fn autoscalers_of(&self, target: &str) -> impl Iterator<Item = ObjectRef> {
        let named = move |one: &&Arc<Autoscaler>| one.target.as_ref().is_some_and(|own| own.name == *target);
        let autoscalers = self.shard.autoscalers().filter(named);
        autoscalers.map(|one| one.id.clone())
    }

    /// The workloads of the graph that this one adopts.
    pub(super) fn orphans_of(&self, controller: &Workload) -> impl Iterator<Item = ObjectRef> {
        let orphans = self.shard.workloads().filter(|orphan| controller.adopts(orphan));
        orphans.map(|orphan| orphan.id.clone())
    }

    /// The workloads of this name that an autoscaler could scale, whatever their kinds, which come in the order of the
    /// table.
    pub fn scalable(&self, name: &str) -> impl Iterator<Item = &'a Workload> {
        let kinds = self.facts.kinds.iter().filter(|kind| kind.runs(Runs::Replicas));
        kinds.filter_map(move |kind| self.workload(&ObjectRef::new(kind, name)).known())
    }

    /// The workloads of the graph whose pods are made of the template of this one.
    pub fn borrowers(&self, lender: &ObjectRef) -> impl Iterator<Item = &'a ObjectRef> {
        self.shard.borrowers(lender)
    }

    /// The workloads of the graph that name this one as their owner.
    pub(super) fn made_by(&self, owner: &ObjectRef) -> impl Iterator<Item = &'a ObjectRef> {
        self.shard.made(owner)
    }

    /// The workloads whose judgement may differ where `object` becomes `node`, by kind and name. This is the graph with
    /// that change.
    #[must_use]
    pub fn affected_by(&self, object: &ObjectRef, node: Option<&Node>) -> Vec<ObjectRef> {
        let ids = |workloads: Vec<&Workload>| workloads.into_iter().map(|one| one.id.clone()).collect();
        let mut affected: Vec<ObjectRef> = match object.kind.role() {
            Role::Workload(_) => {
                let own = node.iter().map(|_| object);
                own.chain(self.borrowers(object)).cloned().collect()
            }
            Role::Claim => {
                let mut users = self.claim_users(&object.name);
                users.extend(self.template_user(&object.name).map(|(set, _)| set));
                ids(users)
            }
            Role::Service => ids(self.governed(&object.name)),
            // A former target is never worse off.
            Role::Autoscaler(_) => {
                let target = node.and_then(Node::autoscaler).and_then(|one| one.target.clone());
                target.into_iter().collect()
            }
            Role::Class | Role::Driver | Role::Namespace | Role::Node | Role::Volume => Vec::new(),
        };
        affected.sort_unstable();
        affected.dedup();
        affected
    }

    /// Returns true where any class is known.
    #[must_use]
    pub fn has_classes(&self) -> bool {
        !self.facts.classes.is_empty()
    }

    /// The class that a claim asks for. `Absent` also where it asks for none.
    #[must_use]
    pub fn class(&self, name: &ClassName) -> Lookup<&'a Class> {
        match name {
            ClassName::None => Lookup::Absent,
            ClassName::Named(name) => self.answer(Kind::CLASS, self.facts.classes.get(name)),
            ClassName::Default => self.answer(Kind::CLASS, self.facts.default_class()),
        }
    }

    /// Whether a CSIDriver object of this name exists and asks for attaching.
    #[must_use]
    pub fn driver_attaches(&self, driver: &str) -> Lookup<bool> {
        self.driver(driver).map(|driver| driver.attach_required)
    }

    /// The CSIDriver object of this name.
    #[must_use]
    pub fn driver(&self, name: &str) -> Lookup<&'a Driver> {
        self.answer(Kind::DRIVER, self.facts.drivers.get(name))
    }

    /// The version of the API server, where it is known.
    #[must_use]
    pub const fn version(&self) -> Option<Version> {
        self.facts.version
    }

    /// The nodes, where all of them are known.
    #[must_use]
    pub fn nodes(&self) -> Lookup<&'a [ClusterNode]> {
        self.answer(
            Kind::NODE,
            (!self.facts.nodes.is_empty()).then_some(&self.facts.nodes[..]),
        )
    }

    /// What is known of an object by its name.
    fn named<T>(&self, kind: Kind, name: &str, found: Option<T>) -> Lookup<T> {
        if found.is_none() && self.overlay.is_doubted(kind, name) {
            self.note_unknown(kind);
            return Lookup::Unknown;
        }
        self.answer(kind, found)
    }

    fn answer<T>(&self, kind: Kind, found: Option<T>) -> Lookup<T> {
        let answer = self.facts.answer(kind, found);
        if answer.is_unknown() {
            self.note_unknown(kind);
        }
        answer
    }

    fn note_unknown(&self, kind: Kind) {
        let mut unknown = self.unknown.borrow_mut();
        if !unknown.contains(&kind) {
            unknown.push(kind);
        }
    }

    /// What an overlay or a reservation says of a workload, if one does.
    fn laid_over(&self, id: &ObjectRef) -> Option<Option<&'a Arc<Workload>>> {
        if let Some(found) = self.overlay.workload(id) {
            return Some(found);
        }
        let Reservations::Counted(now) = self.reservations else {
            return None;
        };
        let reservation = self.shard.reservation(id).filter(|one| !one.is_over(now));
        reservation.map(|one| Some(&one.workload))
    }

    fn linked(&self, ids: impl Iterator<Item = &'a ObjectRef>) -> impl Iterator<Item = &'a Arc<Workload>> {
        let plain = ids.filter(|id| self.laid_over(id).is_none());
        plain.filter_map(|id| self.shard.workload(id))
    }

    /// Adds what is laid over to what the graph has, leaves out kinds that nobody may conclude from, and sorts.
    fn merged(
        &self,
        kept: impl Iterator<Item = &'a Arc<Workload>>,
        reserved: impl Iterator<Item = &'a ObjectRef>,
        wanted: impl Fn(&Workload) -> bool,
    ) -> Vec<&'a Workload> {
        let available = |workload: &&'a Workload| {
            let kind = workload.id.kind;
            let available = self.facts.knowledge(kind) != Knowledge::Unavailable;
            if !available {
                self.note_unknown(kind);
            }
            available
        };
        let mut found: Vec<&'a Workload> = kept.map(AsRef::as_ref).filter(available).collect();
        let mut add = |id: &ObjectRef, workload: &'a Arc<Workload>| {
            if wanted(workload) && !found.iter().any(|other| other.id == *id) {
                found.push(workload);
            }
        };
        for workload in self.overlay.workloads() {
            add(&workload.id, workload);
        }
        for id in reserved.filter(|id| self.overlay.workload(id).is_none()) {
            if let Some(Some(workload)) = self.laid_over(id) {
                add(id, workload);
            }
        }
        found.sort_by(|left, right| left.id.cmp(&right.id));
        found
    }
}

/// An ordinal as the StatefulSet controller writes it: without leading zeros.
fn parse_ordinal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|_| canonical)
}
