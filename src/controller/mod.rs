//! Several replicas as one: who of them writes into the cluster, and what each of them says of itself.

mod election;
pub mod leader;
mod lease;
pub mod replica;

/// Under which name the API server remembers what an installation writes; whom to trust it writes under another.
pub const FIELD_MANAGER: &str = "stateward";

pub use leader::{Leader, Leadership};
pub use replica::{Announcement, Replicas, Signing};
