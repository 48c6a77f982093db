//! What is wrong in the cluster now: kept by workload, judged again whenever something that matters changes.
//!
//! Every replica keeps it, so that another leader knows all of it at once; who tells the cluster of it is for others to
//! decide, which hear of every change.

mod auditor;
mod found;
mod grace;
mod steadiness;
mod store;
mod tally;

pub use auditor::Auditor;
pub use found::{Found, Workload};
pub use store::{Change, Listener, Opened, Store};
pub use tally::{Counted, Tally};

#[cfg(test)]
mod auditor_tests;
#[cfg(test)]
mod tests;
