//! The rules. Each judges one workload in its surroundings; which requests trigger it follows from the graph.
//!
//! A rule is two files, `<id>.rs` (with `_` for `-`) and `<id>.md`, and two lines here.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod kit;

mod rwo_replicas;

use kit::AnyRule;

/// Every rule, sorted by id: findings come in this order.
pub static RULES: &[AnyRule] = &[AnyRule::Workload(&rwo_replicas::RwoReplicas)];
