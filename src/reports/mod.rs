//! Reports in the cluster: one a workload with findings, in the form that the cluster has a definition for.

mod api;
mod document;
mod known;
mod writer;

pub use api::Wanted;
pub use writer::{Dirty, Reports};
