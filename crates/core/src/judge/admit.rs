//! Judging a request for real: under the namespace's lock, reserving what is admitted.

use std::sync::Arc;

use super::basis::Basis;
use super::decision::Decision;
use super::defaults::{Defaults, Services, defaults};
use super::evaluate::judge;
use crate::graph::store::locked;
use crate::graph::{
    Change, Facts, Graph, Node, ObjectRef, Operation, Overlay, Reservation, Shard, States, Timestamp, Workload,
};
use crate::policy::Policies;
use crate::rules::kit::Rule;

/// How long an admitted write counts as done before the watch has delivered it: long enough for a slow API server,
/// short enough that a write which was refused after us blocks nobody for long.
const RESERVED_MILLIS: u64 = 3_000;

/// What requests are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Admission<'a> {
    pub graph: &'a Graph,
    pub policies: &'a Policies,
    pub rules: &'a [&'static Rule],
    /// Objects asked for by name because the graph did not have them.
    pub fetched: &'a Overlay,
    pub now: Timestamp,
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
    let shard = admission.graph.shard(&change.namespace);
    let mut shard = locked(&shard);
    shard.expire(admission.now);
    let decision = judge(change, &basis(admission, &shard, &facts), admission.now);
    let reserving = match reserving {
        Reserve::Always => true,
        Reserve::Never => false,
        Reserve::UnlessAbsent => decision.absent.is_empty(),
    };
    if decision.is_allowed() && reserving {
        reserve(change, &mut shard, admission);
    }
    decision
}

/// The defaults for a change. Reserves nothing: the validating phase sees the object that results.
#[must_use]
pub fn admit_defaults(change: &Change<'_>, admission: &Admission<'_>, services: Services) -> Defaults {
    let facts = admission.graph.facts();
    let shard = admission.graph.shard(&change.namespace);
    let shard = locked(&shard);
    defaults(change, &basis(admission, &shard, &facts), services)
}

fn basis<'a>(admission: &Admission<'a>, shard: &'a Shard, facts: &'a Facts) -> Basis<'a> {
    Basis {
        shard,
        facts,
        fetched: admission.fetched,
        policies: admission.policies,
        rules: admission.rules,
    }
}

fn reserve(change: &Change<'_>, shard: &mut Shard, admission: &Admission<'_>) {
    let until = admission.now.plus_millis(RESERVED_MILLIS);
    let id = &change.target;
    if !id.kind.is_workload() {
        return;
    }
    let workload = match &change.states {
        States::Object { after, .. } => after.as_ref().and_then(Node::workload).cloned(),
        States::Scale { after, .. } => scaled(id, *after, shard, admission.fetched),
    };
    // Without a name there is no key; the validating phase sees the generated one.
    if workload.as_ref().is_some_and(|workload| workload.unnamed) {
        return;
    }
    let deleted = change.operation == Operation::Delete;
    let matters = match &workload {
        // Going to nothing matters where something is: it no longer counts as a consumer.
        None => deleted && shard.workload(id).is_some_and(|known| uses_claims(known)),
        Some(workload) => uses_claims(workload) && (shard.reservation(id).is_some() || is_news(workload, shard)),
    };
    if matters {
        let created = change.operation == Operation::Create;
        shard.reserve(
            id.clone(),
            Reservation {
                workload,
                created,
                until,
            },
        );
    }
}

/// The parent as it will be; the write raises its generation, by which the watch's event is told from an older one.
fn scaled(id: &ObjectRef, replicas: u32, shard: &Shard, fetched: &Overlay) -> Option<Arc<Workload>> {
    let parent = match (fetched.workload(id), shard.reservation(id)) {
        (Some(fetched), _) => fetched?,
        // Created, or changed, so lately that no watch has told yet.
        (None, Some(reservation)) => reservation.workload.as_ref()?,
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
