//! Judging a request for real: under the namespace's lock, reserving what is admitted.

use std::borrow::Cow;
use std::sync::Arc;

use super::basis::Basis;
use super::decision::Decision;
use super::defaults::{Defaults, Services, defaults};
use super::evaluate::{judge, judges_changes};
use crate::graph::store::locked;
use crate::graph::{
    Change, Facts, Graph, Node, ObjectRef, Operation, Overlay, Reservation, Shard, States, Timestamp, Workload,
};
use crate::policy::Policies;
use crate::rules::kit::{Phase, Rule};
use crate::time::Time;

/// What requests are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Admission<'a> {
    pub graph: &'a Graph,
    pub policies: &'a Policies,
    pub rules: &'a [&'static Rule],
    /// Objects asked for by name because the graph did not have them, or may have them no longer.
    pub fetched: &'a Overlay,
    pub now: Timestamp,
    /// What the date is, for policies and exceptions that name one.
    pub time: Time,
    /// When they were asked for; `now` where none was.
    pub asked: Timestamp,
    /// The size of the request, for the room that a reservation takes.
    pub bytes: usize,
}

/// When an admitted change is kept as a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserve {
    Always,
    /// A dry run is never stored.
    Never,
    /// A decision that rests on something absent will be taken again, once that was asked for.
    UnlessAbsent,
}

/// Judges a change and reserves it, in one step: two requests of one replica are never both admitted, or both
/// refused, where only one of them may be.
#[must_use]
pub fn admit(change: &Change<'_>, admission: &Admission<'_>, reserving: Reserve) -> Decision {
    let facts = admission.graph.facts();
    let shard = admission.graph.shard_of_request(&change.namespace);
    let mut shard = locked(&shard);
    shard.expire(admission.now);
    let policies = changes_nothing(change, admission, &shard).then(|| admission.policies.fingerprint());
    if policies.is_some_and(|policies| shard.is_clean(&change.target, &facts, policies)) {
        return Decision::default();
    }
    let fetched = newest(admission, &mut shard);
    let decision = judge(change, &basis(admission, &shard, &facts, &fetched), admission.now);
    if let Some(policies) = policies.filter(|_| decision.is_clean()) {
        shard.found_clean(change.target.clone(), &facts, policies);
    }
    let reserving = match reserving {
        Reserve::Always => true,
        Reserve::Never => false,
        Reserve::UnlessAbsent => decision.absent.is_empty(),
    };
    // What changes nothing is no news, and nothing is reserved.
    if decision.is_allowed() && reserving && policies.is_none() {
        reserve(change, &mut shard, admission, &fetched);
    }
    decision
}

/// The defaults for a change. Reserves nothing: the validating phase sees the object that results.
#[must_use]
pub fn admit_defaults(change: &Change<'_>, admission: &Admission<'_>, services: Services) -> Defaults {
    let facts = admission.graph.facts();
    let shard = admission.graph.shard_of_request(&change.namespace);
    let shard = locked(&shard);
    defaults(change, &basis(admission, &shard, &facts, admission.fetched), services)
}

/// Returns true where the change leaves all as it is by which its target is judged, and nobody judges the change itself:
/// what was found before is found, and nothing else.
fn changes_nothing(change: &Change<'_>, admission: &Admission<'_>, shard: &Shard) -> bool {
    let features = change.target.kind.features();
    change.operation == Operation::Update
        && change.workload().is_some_and(|(_, after, _)| !is_news(after, shard))
        && shard.reservations().next().is_none()
        && admission.fetched.is_empty()
        && !judges_changes(admission.rules, Phase::Validating, features)
}

/// What was fetched, as far as nothing newer is known; it fulfils reservations, and gives up those that came to nothing.
///
/// An answer may be older than a write that was admitted since, or is still on its way to be stored.
fn newest<'a>(admission: &Admission<'a>, shard: &mut Shard) -> Cow<'a, Overlay> {
    let mut fetched = Cow::Borrowed(admission.fetched);
    for (id, node) in admission.fetched.entries() {
        match node.map(Node::workload) {
            Some(Some(workload)) => shard.fulfil(workload),
            Some(None) => {}
            None => shard.give_up(id, admission.asked, admission.now),
        }
        if shard.reservation(id).is_some() {
            fetched.to_mut().lift(id);
        }
    }
    fetched
}

fn basis<'a>(admission: &Admission<'a>, shard: &'a Shard, facts: &'a Facts, fetched: &'a Overlay) -> Basis<'a> {
    Basis {
        shard,
        facts,
        fetched,
        policies: admission.policies,
        rules: admission.rules,
        time: admission.time,
    }
}

/// Keeps an admitted write. Not a deletion: of workloads none is sent to us, so that whoever sends one wants to free a
/// claim that is in use; what is gone is told by the watch.
fn reserve(change: &Change<'_>, shard: &mut Shard, admission: &Admission<'_>, fetched: &Overlay) {
    let id = &change.target;
    let workload = match &change.states {
        States::Object { after, .. } => after.as_ref().and_then(Node::workload).cloned(),
        States::Scale { after, .. } => scaled(id, *after, shard, fetched),
    };
    let Some(workload) = workload else {
        return;
    };
    // Without a name there is no key; the validating phase sees the generated one.
    let matters = !workload.unnamed && workload.is_kept() && uses_claims(&workload);
    if matters && (shard.reservation(id).is_some() || is_news(&workload, shard)) {
        let reservation = Reservation {
            workload,
            created: change.operation == Operation::Create,
            since: admission.now,
            bytes: admission.bytes,
        };
        shard.reserve(reservation, admission.graph.room());
    }
}

/// The parent as it will be; the write raises its generation, by which the watch's event is told from an older one.
fn scaled(id: &ObjectRef, replicas: u32, shard: &Shard, fetched: &Overlay) -> Option<Arc<Workload>> {
    let parent = match (fetched.workload(id), shard.reservation(id)) {
        (Some(fetched), _) => fetched?,
        // Created, or changed, so lately that no watch has told yet.
        (None, Some(reservation)) => &reservation.workload,
        (None, None) => shard.workload(id)?,
    };
    let mut scaled = parent.scaled(replicas);
    scaled.generation += 1;
    Some(Arc::new(scaled))
}

/// Returns true where the graph does not say the same already. A new image changes nothing that a rule reads, only the
/// generation: where that is the next one, no version in between can be on its way that said something else.
fn is_news(workload: &Workload, shard: &Shard) -> bool {
    shard.workload(&workload.id).is_none_or(|known| {
        !(known.generation..=known.generation + 1).contains(&workload.generation)
            || !workload.is_same_but_for_generation(known)
    })
}

fn uses_claims(workload: &Workload) -> bool {
    workload.claims().next().is_some() || !workload.claim_templates.is_empty()
}
