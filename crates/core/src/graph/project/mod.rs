//! Kubernetes JSON to nodes: one projection for watches, files and admission reviews.
//!
//! Only the fields that a rule reads are named; the rest is skipped while parsing. A field of a wrong type makes
//! the object unreadable, an unknown field or enum value never does: Kubernetes grows both with every version.

mod containers;
mod digest;
mod fields;
mod meta;
mod pods;
mod seed;
mod several;
mod storage;
mod traffic;
mod workload;

use thin_vec::ThinVec;

use super::names::Name;
use crate::cursor::{Cursor, list};

pub use meta::ObjectMeta;
pub use seed::NodeSeed;
pub use traffic::scale_replicas;
pub use workload::{ProjectedWorkload, WorkloadSeed};

/// Reads a list of names.
pub(super) fn names<'a, C: Cursor<'a>>(cursor: &mut C) -> ThinVec<Name> {
    let names = list(cursor, |cursor| (&*cursor.text().unwrap_or_default()).into());
    names.unwrap_or_default().into()
}

/// A number of pods as it is written, or the default.
fn count(value: Option<i64>, default: u32) -> u32 {
    value.map_or(default, |value| u32::try_from(value.max(0)).unwrap_or(u32::MAX))
}

/// The namespace of an object: its own, else the one it was sent to. Shares the latter's allocation.
fn namespace_of(meta: &ObjectMeta<'_>, sent_to: &Name) -> Name {
    match meta.namespace.as_deref() {
        Some(own) if !own.is_empty() && *own != **sent_to => own.into(),
        _ => sent_to.clone(),
    }
}
