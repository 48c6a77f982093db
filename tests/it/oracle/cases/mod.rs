//! The cases of the truth table.

mod actions;
mod consumers;
mod drivers;
mod placed;
mod replicas;
mod rollouts;

use super::case::Case;

/// A part of the table: what it is about, and the cases.
pub(super) type Part = (&'static str, Vec<Case>);

/// All cases.
pub(super) fn parts() -> [Part; 6] {
    [
        ("Kinds and access modes", replicas::cases()),
        ("One pod and its successor", rollouts::cases()),
        ("Where pods may run", placed::cases()),
        ("What the volume is", drivers::cases()),
        ("Two workloads, one claim", consumers::cases()),
        ("What is done to them", actions::cases()),
    ]
}
