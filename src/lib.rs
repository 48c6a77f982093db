//! stateward: do Kubernetes workloads own their state the way Kubernetes will really run it?

pub mod cli;
pub mod metrics;
