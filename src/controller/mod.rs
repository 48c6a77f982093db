//! Several replicas as one: who of them writes into the cluster, and what each of them says of itself.

mod election;
pub mod leader;
mod lease;
pub mod replica;

pub use leader::{Leader, Leadership};
pub use replica::{Announcement, Replicas, Signing};
