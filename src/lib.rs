//! stateward: do Kubernetes workloads own their state the way Kubernetes will really run it?
//!
//! A request is a change to a graph; rules judge a workload in its surroundings; only what the change introduces is
//! enforced.
//!
//! ```text
//!  AdmissionReview --> admission --+                        +--> Decision --> review, log, metrics
//!  watches ----------> cluster ----+--> graph --> judge ----+
//!  files ------------> manifests --+      ^         ^       +--> findings --> output
//!                                         |         |
//!                                       rules <-- policy
//! ```
//!
//! The right half is the crate `stateward_core`, which is pure: no IO, clock, async or environment.

pub mod admission;
pub mod audit;
pub mod causes;
pub mod certificates;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod controller;
pub mod convert;
pub mod dashboard;
pub mod digest;
pub mod events;
pub mod explain;
pub mod findings;
pub mod kinds;
pub mod manifests;
pub mod markup;
pub mod metrics;
pub mod otlp;
pub mod output;
pub mod parallel;
pub mod picture;
pub mod reports;
pub mod runtime;
pub mod server;
pub mod status;
pub mod yaml;

pub use stateward_core::{cursor, fnv, graph, json, judge, policy, rules, time};
