//! Small pieces of wording that every message shares.

use crate::graph::{Modes, Workload};

/// `3 replicas`, `1 replica`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// `Deployment shop/web`.
#[must_use]
pub fn object(workload: &Workload) -> String {
    format!("{} {}/{}", workload.id.kind, workload.namespace, workload.id.name)
}

/// `ReadWriteOnce (read-write on one node only)`: users take the mode's name for "one pod"; only one mode is.
#[must_use]
pub fn modes_explained(modes: Modes) -> String {
    if modes.is_single_pod() {
        format!("{modes} (one pod only)")
    } else {
        format!("{modes} (read-write on one node only)")
    }
}
