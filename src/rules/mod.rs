//! The rules. Each judges one workload in its surroundings; which requests trigger it follows from the graph.
//!
//! A rule is two files, `<id>.rs` (with `_` for `-`) and `<id>.md`, and two lines here.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod kit;

mod claim_missing;
mod rwo_autoscaler;
mod rwo_consumers;
mod rwo_daemonset;
mod rwo_job;
mod rwo_replicas;
mod rwo_surge;
mod rwop_overlap;

use kit::AnyRule;

/// Every rule, sorted by id: findings come in this order.
pub static RULES: &[AnyRule] = &[
    AnyRule::Workload(&claim_missing::ClaimMissing),
    AnyRule::Workload(&rwo_autoscaler::RwoAutoscaler),
    AnyRule::Workload(&rwo_consumers::RwoConsumers),
    AnyRule::Workload(&rwo_daemonset::RwoDaemonset),
    AnyRule::Workload(&rwo_job::RwoJob),
    AnyRule::Workload(&rwo_replicas::RwoReplicas),
    AnyRule::Workload(&rwo_surge::RwoSurge),
    AnyRule::Workload(&rwop_overlap::RwopOverlap),
];
