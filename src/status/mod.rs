//! What the cluster says of its policies and exceptions (`.status`): whether each is in force, and what it amounts to.

mod counts;
mod document;
mod standing;
mod writer;

pub use standing::{Situation, Source, Standing, Standings};
pub use writer::{News, Statuses};
